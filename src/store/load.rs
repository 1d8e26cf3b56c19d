//! The snapshot of a tip, read from git alone: every report file of its tree,
//! and the commits that changed each from the history.
//!
//! A file that the service wrote last says its report's whole state. Where a
//! person's commit was the last, the commits since the service's are followed.

mod files;

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::Oid;

use super::outside::{Follower, Track};
use super::policy::Policies;
use super::problem::{FoundIn, Problem};
use super::repository::Location;
use super::snapshot::{Entry, Snapshot};
use super::trails::{self, Touch};
use super::{absorb, cores};
use crate::report::fault::{Fault, Rule};
use crate::report::{Report, change, front_matter};
use files::Found;

/// What [`change::read`] returned for the blob at a path, for those who read it before.
pub(super) type Reads<'a> = dyn Fn(&str, Oid) -> Option<Report> + Sync + 'a;

/// Reads the state at `commit`. Its problems are the caller's to log.
///
/// # Errors
/// libgit2's, if a commit or tree is missing. A report file that cannot be
/// accepted is a problem of that report, not an error.
pub(super) fn snapshot(location: &Location, commit: Oid, body_limit_bytes: usize) -> Result<Snapshot, git2::Error> {
    snapshot_with(location, commit, body_limit_bytes, &|_, _| None)
}

/// Reads the state at `commit`, as [`snapshot`] does; `known` has what was read of it before, by path and blob.
///
/// # Errors
/// Those of [`snapshot`].
pub(super) fn snapshot_with(
    location: &Location,
    commit: Oid,
    body_limit_bytes: usize,
    known: &Reads<'_>,
) -> Result<Snapshot, git2::Error> {
    let git = location.open()?;
    let root = git.find_commit(commit)?.tree()?;
    let mut snapshot = Snapshot::new(commit, root.id());
    let (found, line) =
        cores::both(|| files::read(location, commit, &root, &git, known), || trails::line(&location.open()?, commit));
    let (mut found, line) = (found?, line?);
    let ids = found.iter().filter_map(|found| Some((found.path.as_str(), found.read.as_ref().ok()?.id)));
    let mut history = trails::read(&git, line, ids)?;
    for (commit, committed_at) in history.met.drain(..).rev() {
        snapshot.line.push(commit, committed_at);
    }
    // Of two files with one id, the older is the report.
    found.sort_by_cached_key(|found| history.touches.get(&found.path).and_then(|all| all.last().map(|touch| touch.at)));
    let found: Vec<_> =
        found.into_iter().map(|found| (history.touches.remove(&found.path).unwrap_or_default(), found)).collect();
    let policies = Policies::default();
    let mut tracks = follow(location, &found, &history.touches, body_limit_bytes, &policies)?;
    for (touches, Found { path, blob, read, .. }) in found {
        match (tracks.remove(&path), read) {
            (Some(track), _) => absorb::put(&mut snapshot, &path, track),
            (None, Ok(report)) => {
                let updated_at = time(touches.first().map_or(0, |last| last.at));
                let entry = Entry::new(report, None, path, blob, updated_at, trails::trail(&touches));
                let path = entry.path.clone();
                if let Err(problem) = put(&mut snapshot, entry) {
                    snapshot.put_problem(path.to_string(), Some(blob), *problem);
                }
            }
            (None, Err(problem)) => snapshot.put_problem(path, Some(blob), problem),
        }
    }
    for path in history.touches.into_keys() {
        absorb::put(&mut snapshot, &path, tracks.remove(&path).unwrap_or_default());
    }
    policies.read_into(&git, &mut snapshot)?;
    Ok(snapshot)
}

/// Finds the state of the reports whose files do not say it from their commits,
/// newest first, by path; those in `gone` have no file any more.
fn follow(
    location: &Location,
    found: &[(Vec<Touch>, Found)],
    gone: &HashMap<String, Vec<Touch>>,
    body_limit_bytes: usize,
    policies: &Policies,
) -> Result<HashMap<String, Track>, git2::Error> {
    let says_all = |touches: &[Touch], found: &Found| {
        found.is_stray || (found.read.is_ok() && touches.first().is_some_and(|last| last.is_own))
    };
    let there = found.iter().filter(|(touches, found)| !says_all(touches, found));
    let there = there.map(|(touches, found)| (&found.path, touches));
    let paths: Vec<(&String, &Vec<Touch>)> = there.chain(gone).collect();
    let tracks = cores::map(location, &paths, |git, (path, touches)| {
        let track = trails::track(&Follower { git, body_limit_bytes, policies }, path, touches)?;
        Ok(((*path).clone(), track))
    })?;
    Ok(tracks.into_iter().collect())
}

/// Adds a report that was read.
///
/// # Errors
/// What is wrong, if its id is another one's.
pub(super) fn put(snapshot: &mut Snapshot, entry: Entry) -> Result<(), Box<Problem>> {
    match snapshot.get(entry.report.id).map(|other| other.path.clone()).filter(|other| *other != entry.path) {
        Some(other) => {
            let fault = duplicate_id(&other);
            let commit = entry.commits.iter().next().unwrap_or(snapshot.commit);
            Err(Box::new(Problem::new(fault, b"", FoundIn::Commit(commit), entry.updated_at)))
        }
        None => {
            snapshot.put(Arc::new(entry));
            Ok(())
        }
    }
}

/// What is wrong with a report that has the id of the one at `other`.
pub(super) fn duplicate_id(other: &str) -> Fault {
    Fault::new(Rule::DuplicateId, format!("`id` is that of `{other}`"), "give this report an id of its own")
}

/// Returns what is wrong with a file below `reports` that is at no report's
/// path: nothing, unless it is a report.
pub fn stray_fault(file: &[u8]) -> Option<Fault> {
    let report = change::says(file).ok()?;
    let (line, column) = front_matter::place(file, "repository_url");
    let expected = crate::report::key::RepositoryKey::parse(&report.repository_url).ok()?.path();
    let detail = format!("the report of this `repository_url` belongs at `{expected}`");
    Some(Fault::new(Rule::WrongPath, detail, "move it there, or remove it").at(line, column))
}

/// Returns whether `path` has the form of a report's path; other files below
/// `reports/` are nobody's.
pub fn is_report_path(path: &str) -> bool {
    let parts: Vec<_> = path.split('/').collect();
    let is_hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let ["reports", a, b, c, name] = parts[..] else { return false };
    let Some((_, hex)) = name.strip_suffix(".md").and_then(|stem| stem.rsplit_once('-')) else { return false };
    hex.len() == 16
        && is_hex(hex)
        && a.len() == 1
        && b.len() == 1
        && c.len() == 1
        && hex.starts_with(&[a, b, c].concat())
}

/// Returns a committer time, which can be anything, as a time.
pub(super) fn time(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_that_a_key_can_have_are_reports() {
        assert!(is_report_path("reports/8/5/8/intility-mcp-servicenow-858aa02d9d8c9425.md"));
        for path in [
            "README.md",
            "reports/8/5/8/notes.md",
            "reports/8/5/9/intility-mcp-servicenow-858aa02d9d8c9425.md",
            "reports/85/8/intility-mcp-servicenow-858aa02d9d8c9425.md",
            "reports/8/5/8/intility-mcp-servicenow-858aa02d9d8c9425.txt",
            "reports/8/5/8/x/intility-mcp-servicenow-858aa02d9d8c9425.md",
            "reports/8/5/8/intility-mcp-servicenow-858AA02d9d8c9425.md",
        ] {
            assert!(!is_report_path(path), "{path}");
        }
    }
}
