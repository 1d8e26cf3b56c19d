//! The snapshot of a tip, read from git alone: every report file of its tree,
//! and the time of the last change to each from the history.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use chrono::DateTime;
use git2::{ObjectType, Oid, Repository, Tree};
use uuid::Uuid;

use super::message::SERVICE_EMAIL;
use super::repository::Location;
use super::snapshot::{Entry, Problem, Snapshot};
use crate::report::front_matter;
use crate::report::key::RepositoryKey;

/// What reading one report file gives.
pub(super) type Read = Result<Entry, Problem>;

/// Reads the state at `commit`.
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
            Err(problem) => put_problem(&mut snapshot, path, problem),
        }
    }
    set_last_changes(&git, commit, &mut entries)?;
    for entry in entries {
        put(&mut snapshot, entry);
    }
    Ok(snapshot)
}

/// Adds a report that was read, unless its id is another one's.
pub(super) fn put(snapshot: &mut Snapshot, entry: Entry) {
    match snapshot.get(entry.report.id).map(|other| other.path.clone()).filter(|other| *other != entry.path) {
        Some(other) => {
            let detail = format!("`id` is that of `{other}`; give this report an id of its own");
            put_problem(snapshot, entry.path, Problem { detail });
        }
        None => snapshot.put(Arc::new(entry)),
    }
}

/// Notes and logs that a file cannot be read.
pub(super) fn put_problem(snapshot: &mut Snapshot, path: String, problem: Problem) {
    tracing::warn!(path, "`{path}` cannot be read: {}", problem.detail);
    snapshot.put_problem(path, problem);
}

/// Reads one report file. `updated_at` is for the caller to fill in.
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
    Ok(Entry { report: decoded.report, path: path.into(), blob, updated_at })
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
            Some(ObjectType::Blob) if entry.filemode() == 0o100_644 && is_report_path(&path) => {
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

/// Sets `updated_at` of all `entries` by walking the history back from `tip`
/// until each was seen. The service's own commits name their report; only
/// commits of others cost a comparison of trees.
fn set_last_changes(git: &Repository, tip: Oid, entries: &mut [Entry]) -> Result<(), git2::Error> {
    let mut by_id: HashMap<Uuid, usize> = entries.iter().enumerate().map(|(n, entry)| (entry.report.id, n)).collect();
    let mut by_path: HashMap<String, usize> =
        entries.iter().enumerate().map(|(n, entry)| (entry.path.clone(), n)).collect();
    let mut next = Some(git.find_commit(tip)?);
    while let Some(commit) = next.filter(|_| !by_path.is_empty()) {
        let at = DateTime::from_timestamp(commit.time().seconds(), 0).unwrap_or_default();
        let parent = commit.parent(0).ok();
        match own_report_id(&commit) {
            Some(id) => {
                if let Some(n) = by_id.remove(&id).filter(|n| by_path.remove(&entries[*n].path).is_some()) {
                    entries[n].updated_at = at;
                }
            }
            None => {
                let before = parent.as_ref().map(git2::Commit::tree).transpose()?;
                let diff = git.diff_tree_to_tree(before.as_ref(), Some(&commit.tree()?), None)?;
                for delta in diff.deltas() {
                    let path = delta.new_file().path().and_then(|path| path.to_str());
                    if let Some(n) = path.and_then(|path| by_path.remove(path)) {
                        entries[n].updated_at = at;
                    }
                }
            }
        }
        next = parent;
    }
    Ok(())
}

/// Returns the `Report-Id` trailer of a commit that the service made.
fn own_report_id(commit: &git2::Commit<'_>) -> Option<Uuid> {
    if commit.committer().email_bytes() != SERVICE_EMAIL.as_bytes() {
        return None;
    }
    let message = commit.message().ok()?;
    let trailers = message.trim_end().rsplit("\n\n").next()?;
    trailers.lines().find_map(|line| line.strip_prefix("Report-Id: ")).and_then(|id| Uuid::try_parse(id).ok())
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
