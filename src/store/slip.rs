//! A version of the service that a person's commits took away and brought back
//! within seconds.
//!
//! A plain `git commit` takes git's index, which follows the service's commits a
//! moment later, and so can put back an older version; one more `git commit` by the
//! index that has followed brings the service's back. Nobody meant either, and what
//! was acknowledged stands. What a person takes away on purpose is rarely just an
//! older version, and is not brought back in the same moment.

use git2::{Oid, Repository};
use uuid::Uuid;

use super::outside::Known;
use super::trail::Trail;
use super::walk::Step;
use super::{load, trails};
use crate::report::change;

/// Between the commits; after a second the service has set the first right.
const SECONDS_MAX: u64 = 10;
/// Commits of persons in that time.
const BETWEEN_MAX: usize = 16;
/// Versions that git's index may still hold.
const OLDER_MAX: usize = 256;

/// Returns the state that the service wrote last for the report `id`, if its file is
/// the `blob` that a person's commit `step` puts at `path`, and only older versions
/// stood there since, for seconds. `commits` are those before `step` that changed the
/// file.
///
/// # Errors
/// libgit2's, if an object is missing.
pub(super) fn brought_back(
    git: &Repository,
    path: &str,
    id: Uuid,
    blob: Oid,
    step: &Step,
    commits: &Trail,
) -> Result<Option<Known>, git2::Error> {
    let odb = git.odb()?;
    let mut commits = commits.iter();
    let mut between = Vec::new();
    let own = loop {
        let Some(commit) = commits.next() else { return Ok(None) };
        let older = Step::read(&odb, commit)?;
        let file = trails::file_at(git, older.tree, path)?.blob;
        if older.own_report == Some(id) {
            if file != Some(blob) {
                return Ok(None);
            }
            break older;
        }
        let is_slip = step.committed_at.abs_diff(older.committed_at) <= SECONDS_MAX && between.len() < BETWEEN_MAX;
        let Some(file) = file.filter(|_| is_slip) else { return Ok(None) };
        between.push(file);
    };
    for commit in commits.take(OLDER_MAX) {
        if between.is_empty() {
            break;
        }
        let file = trails::file_at(git, Step::read(&odb, commit)?.tree, path)?.blob;
        between.retain(|other| Some(*other) != file);
    }
    let report = change::says(git.find_blob(blob)?.content()).ok().filter(|_| between.is_empty());
    let updated_at = load::time(own.committed_at);
    Ok(report.map(|report| Known { report, file_says: None, blob, commit: own.commit, updated_at }))
}
