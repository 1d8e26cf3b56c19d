//! The snapshot of a tip, read from git alone: every report file of its tree,
//! and the commits that changed each from the history.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use chrono::{DateTime, Utc};
use git2::{ObjectType, Oid, Repository, Tree};
use uuid::Uuid;

use super::repository::Location;
use super::snapshot::{Entry, Problem, Snapshot};
use super::trail::Trail;
use super::walk::{self, Step};
use crate::report::front_matter;
use crate::report::key::RepositoryKey;

/// What reading one report file gives.
pub(super) type Read = Result<Entry, Problem>;

/// Reads the state at `commit`. Its problems are the caller's to log.
///
/// # Errors
/// libgit2's, if a commit or tree is missing. A report file that cannot be read
/// is a problem of that report, not an error.
pub(super) fn snapshot(location: &Location, commit: Oid) -> Result<Snapshot, git2::Error> {
    let git = location.open()?;
    let root = git.find_commit(commit)?.tree()?;
    let mut snapshot = Snapshot::new(commit, root.id());
    let mut files = Vec::new();
    if let Some(reports) = subtree(&git, &root, "reports")? {
        list_files(&git, &reports, "reports", &mut files)?;
    }
    let mut entries = Vec::with_capacity(files.len());
    for (path, read) in read_all(location, &files)? {
        match read {
            Ok(entry) => entries.push(entry),
            Err(problem) => snapshot.put_problem(path, problem),
        }
    }
    for (commit, committed_at) in set_commits(&git, commit, &mut entries)?.into_iter().rev() {
        snapshot.line.push(commit, committed_at);
    }
    for entry in entries {
        if let Err((path, problem)) = put(&mut snapshot, entry) {
            snapshot.put_problem(path, problem);
        }
    }
    Ok(snapshot)
}

/// Adds a report that was read.
///
/// # Errors
/// Its path and what is wrong, if its id is another one's.
pub(super) fn put(snapshot: &mut Snapshot, entry: Entry) -> Result<(), (String, Problem)> {
    match snapshot.get(entry.report.id).map(|other| other.path.clone()).filter(|other| *other != entry.path) {
        Some(other) => {
            let detail = format!("`id` is that of `{other}`; give this report an id of its own");
            Err((entry.path, Problem { detail }))
        }
        None => {
            snapshot.put(Arc::new(entry));
            Ok(())
        }
    }
}

/// Reads one report file. `updated_at` and `commits` are for the caller to fill in.
pub(super) fn read_file(path: &str, blob: Oid, file: &[u8]) -> Read {
    let decoded = front_matter::decode(file).map_err(|fault| Problem { detail: fault.to_string() })?;
    let expected = RepositoryKey::parse(&decoded.report.repository_url).map(|key| key.path());
    match expected {
        Ok(expected) if expected == path => {}
        Ok(expected) => {
            let detail = format!("the report of this `repository_url` belongs at `{expected}`; move it there");
            return Err(Problem { detail });
        }
        Err(detail) => return Err(Problem { detail: format!("`repository_url` {detail}") }),
    }
    if std::str::from_utf8(decoded.body).is_err() {
        return Err(Problem { detail: "the report is not UTF-8 text; save the file in UTF-8".into() });
    }
    if decoded.body.is_empty() {
        return Err(Problem { detail: "the report has no text after its front matter".into() });
    }
    let updated_at = decoded.report.submitted_at;
    Ok(Entry { report: decoded.report, path: path.into(), blob, updated_at, commits: Trail::default() })
}

/// Returns whether `path` has the form of a report's path; other files below
/// `reports/` are nobody's.
pub(super) fn is_report_path(path: &str) -> bool {
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

/// Returns whether a tree entry of this mode is a file, executable or not; a
/// person's `chmod` does not make a report disappear. Links are not followed.
const fn is_regular(mode: i32) -> bool {
    mode & 0o170_000 == 0o100_000
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
            Some(ObjectType::Blob) if is_regular(entry.filemode()) && is_report_path(&path) => {
                files.push((path, entry.id()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Reads and decodes `files`, on all cores.
fn read_all(location: &Location, files: &[(String, Oid)]) -> Result<Vec<(String, Read)>, git2::Error> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let share = files.len().div_ceil(n_threads).max(1);
    thread::scope(|scope| {
        let readers: Vec<_> = files
            .chunks(share)
            .map(|files| {
                scope.spawn(move || {
                    let git = location.open()?;
                    files
                        .iter()
                        .map(|(path, blob)| Ok((path.clone(), read_file(path, *blob, git.find_blob(*blob)?.content()))))
                        .collect::<Result<Vec<_>, git2::Error>>()
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

/// Sets `updated_at` and `commits` of all `entries` by walking the history back
/// from `tip`, and returns the commits met with their committer times, newest
/// first. The service's own commits name their report; only commits of others
/// cost a comparison of trees.
fn set_commits(git: &Repository, tip: Oid, entries: &mut [Entry]) -> Result<Vec<(Oid, i64)>, git2::Error> {
    let odb = git.odb()?;
    let mut met = Vec::new();
    let mut commits: Vec<Vec<(Oid, i64)>> = vec![Vec::new(); entries.len()];
    let by_id: HashMap<Uuid, usize> = entries.iter().enumerate().map(|(n, entry)| (entry.report.id, n)).collect();
    let by_path: HashMap<&str, usize> = entries.iter().enumerate().map(|(n, entry)| (entry.path.as_str(), n)).collect();
    let mut next = Some(Step::read(&odb, tip)?);
    while let Some(step) = next {
        let at = (step.commit, step.committed_at);
        met.push(at);
        next = step.before(&odb)?;
        match step.own_report {
            Some(id) => by_id.get(&id).into_iter().for_each(|n| commits[*n].push(at)),
            None => {
                let changed = walk::changed_reports(git, next.as_ref().map(|before| before.tree), step.tree)?;
                let known = changed.iter().filter_map(|file| by_path.get(file.path.as_str()));
                known.for_each(|n| commits[*n].push(at));
            }
        }
    }
    for (entry, commits) in entries.iter_mut().zip(commits) {
        if let Some((_, at)) = commits.first() {
            entry.updated_at = time(*at);
        }
        entry.commits = commits.iter().rev().fold(Trail::default(), |trail, (commit, _)| trail.with(*commit));
    }
    Ok(met)
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
