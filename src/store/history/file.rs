//! One report's file as it was at a commit.

use std::path::Path;

use git2::{ErrorCode, Oid, Repository};

use super::State;
use crate::report::Report;
use crate::store::load;
use crate::store::snapshot::Entry;

/// A report's file at a commit, and what it says if it can be read.
pub(super) struct FileCopy {
    pub(super) blob: Oid,
    pub(super) file: Vec<u8>,
    pub(super) read: Result<Report, String>,
}

/// Returns the file at `path` as it was at `commit`, or `None` if it was not there.
pub(super) fn copy(git: &Repository, commit: Oid, path: &str) -> Result<Option<FileCopy>, git2::Error> {
    let tree = git.find_commit(commit)?.tree()?;
    let blob = match tree.get_path(Path::new(path)) {
        Ok(found) => found.id(),
        Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let file = git.find_blob(blob)?.content().to_vec();
    let read = load::read_file(path, blob, &file).map(|entry| entry.report).map_err(|problem| problem.detail);
    Ok(Some(FileCopy { blob, file, read }))
}

/// Returns the state at the first commit whose file says `revision`.
pub(super) fn first_of(git: &Repository, entry: &Entry, revision: u32) -> Result<Option<State>, git2::Error> {
    for commit in oldest_first(entry) {
        let Some(FileCopy { blob, file, read: Ok(report) }) = copy(git, commit, &entry.path)? else { continue };
        if report.id == entry.report.id && report.revision == revision {
            return Ok(Some(State { commit, blob, report, file }));
        }
    }
    Ok(None)
}

/// Returns the commits of a report, oldest first.
pub(super) fn oldest_first(entry: &Entry) -> impl Iterator<Item = Oid> + use<> {
    entry.commits.iter().collect::<Vec<_>>().into_iter().rev()
}
