//! The snapshot of a tip, read from git alone: every report file of its tree,
//! and the commits that changed each from the history.
//!
//! A file that the service wrote last says its report's whole state. Where a
//! person's commit was the last, the commits since the service's are followed.

use std::sync::Arc;
use std::thread;

use chrono::{DateTime, Utc};
use git2::{ObjectType, Oid, Repository, Tree};

use super::absorb;
use super::outside::Follower;
use super::problem::{FoundIn, Problem};
use super::repository::Location;
use super::snapshot::{Entry, Snapshot};
use super::trail::Trail;
use super::trails::{self, Touch};
use super::walk::{is_markdown, is_regular};
use crate::report::fault::{Fault, Rule};
use crate::report::{Report, change, front_matter};

/// One file below `reports`, read.
struct Found {
    path: String,
    blob: Oid,
    /// What it says; for a stray, that it is one.
    read: Result<Report, Problem>,
    is_stray: bool,
}

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
    let mut files = Vec::new();
    if let Some(reports) = subtree(&git, &root, "reports")? {
        list_files(&git, &reports, "reports", &mut files)?;
    }
    let mut found = read_all(location, commit, &files, known)?;
    let ids = found.iter().filter_map(|found| Some((found.path.as_str(), found.read.as_ref().ok()?.id)));
    let mut history = trails::read(&git, commit, ids)?;
    for (commit, committed_at) in history.met.drain(..).rev() {
        snapshot.line.push(commit, committed_at);
    }
    // Of two files with one id, the older is the report.
    found.sort_by_cached_key(|found| history.touches.get(&found.path).and_then(|all| all.last().map(|touch| touch.at)));
    let follower = Follower { git: &git, body_limit_bytes };
    for Found { path, blob, read, is_stray } in found {
        let touches = history.touches.remove(&path).unwrap_or_default();
        match (touches.first(), read) {
            (Some(last), Ok(report)) if last.is_own && !is_stray => {
                let updated_at = time(last.at);
                let entry = Entry { report, file_says: None, path, blob, updated_at, commits: trail(&touches) };
                let path = entry.path.clone();
                if let Err(problem) = put(&mut snapshot, entry) {
                    snapshot.put_problem(path, Some(blob), *problem);
                }
            }
            (_, Err(problem)) if is_stray => snapshot.put_problem(path, Some(blob), problem),
            _ => follow(&follower, &mut snapshot, &path, &touches)?,
        }
    }
    // What is left has no file any more.
    for (path, touches) in history.touches {
        follow(&follower, &mut snapshot, &path, &touches)?;
    }
    absorb::look_at_mark(&git, &mut snapshot)?;
    Ok(snapshot)
}

/// Finds the state of the report at `path` from its commits, newest first.
fn follow(follower: &Follower<'_>, snapshot: &mut Snapshot, path: &str, touches: &[Touch]) -> Result<(), git2::Error> {
    let track = trails::track(follower, path, touches)?;
    absorb::put(snapshot, path, track, trail(touches));
    Ok(())
}

fn trail(touches: &[Touch]) -> Trail {
    touches.iter().rev().fold(Trail::default(), |trail, touch| trail.with(touch.commit))
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

fn subtree<'a>(git: &'a Repository, tree: &Tree<'_>, name: &str) -> Result<Option<Tree<'a>>, git2::Error> {
    match tree.get_name(name).filter(|entry| entry.kind() == Some(ObjectType::Tree)) {
        Some(entry) => git.find_tree(entry.id()).map(Some),
        None => Ok(None),
    }
}

fn list_files(
    git: &Repository,
    tree: &Tree<'_>,
    folder: &str,
    files: &mut Vec<(String, Oid)>,
) -> Result<(), git2::Error> {
    for entry in tree {
        let Ok(name) = entry.name() else { continue };
        let path = format!("{folder}/{name}");
        match entry.kind() {
            Some(ObjectType::Tree) => list_files(git, &git.find_tree(entry.id())?, &path, files)?,
            Some(ObjectType::Blob) if is_regular(entry.filemode()) && (is_report_path(&path) || is_markdown(&path)) => {
                files.push((path, entry.id()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads and decodes `files`, on all cores; strays that are no reports are left out.
fn read_all(
    location: &Location,
    commit: Oid,
    files: &[(String, Oid)],
    known: &Reads<'_>,
) -> Result<Vec<Found>, git2::Error> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(n_threads).max(1);
    thread::scope(|scope| {
        let readers: Vec<_> = files
            .chunks(share)
            .map(|files| {
                scope.spawn(move || {
                    let git = location.open()?;
                    let read = files.iter().map(|(path, blob)| match known(path, *blob) {
                        Some(report) => {
                            Ok(Some(Found { path: path.clone(), blob: *blob, read: Ok(report), is_stray: false }))
                        }
                        None => Ok(found(path, *blob, git.find_blob(*blob)?.content(), commit)),
                    });
                    read.filter_map(Result::transpose).collect::<Result<Vec<_>, git2::Error>>()
                })
            })
            .collect();
        let mut all = Vec::with_capacity(files.len());
        for reader in readers {
            all.extend(reader.join().expect("reading does not panic")?);
        }
        Ok(all)
    })
}

fn found(path: &str, blob: Oid, file: &[u8], commit: Oid) -> Option<Found> {
    let is_stray = !is_report_path(path);
    let read = if is_stray { Err(stray_fault(file)?) } else { change::read(path, file).map(|decoded| decoded.report) };
    let problem = |fault| Problem::new(fault, file, FoundIn::Commit(commit), Utc::now());
    Some(Found { path: path.into(), blob, read: read.map_err(problem), is_stray })
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
