//! The files below `reports` of one commit, read on all cores.

use chrono::Utc;
use git2::{ObjectType, Oid, Repository, Tree};

use super::{Reads, is_report_path, stray_fault};
use crate::report::{Report, change};
use crate::store::cores;
use crate::store::packs::Packs;
use crate::store::problem::{FoundIn, Problem};
use crate::store::repository::Location;
use crate::store::size;
use crate::store::walk::{is_markdown, is_regular};

/// One file below `reports`, read.
pub(super) struct Found {
    pub(super) path: String,
    pub(super) blob: Oid,
    /// What it says; for a stray, that it is one.
    pub(super) read: Result<Report, Problem>,
    pub(super) is_stray: bool,
}

/// Reads the files of the tree `root` of `commit`, but for those that are `known`;
/// strays that are no reports are left out.
///
/// # Errors
/// libgit2's, if an object is missing.
pub(super) fn read(
    location: &Location,
    commit: Oid,
    root: &Tree<'_>,
    git: &Repository,
    known: &Reads<'_>,
) -> Result<Vec<Found>, git2::Error> {
    let mut files = Vec::new();
    if let Some(reports) = root.get_name("reports").filter(|entry| entry.kind() == Some(ObjectType::Tree)) {
        list(git, &git.find_tree(reports.id())?, "reports", &mut files)?;
    }
    let packs = Packs::new(location.pack_dir());
    let all = cores::map(location, &files, |git, (path, blob)| {
        if let Some(report) = known(path, *blob) {
            return Ok(Some(Found { path: path.clone(), blob: *blob, read: Ok(report), is_stray: false }));
        }
        // Libgit2 takes twice as long for it.
        if let Some(in_pack) = packs.read(*blob) {
            return Ok(found(path, *blob, &in_pack.file, commit));
        }
        if size::is_too_long(git, *blob)? {
            let problem = Problem::new(size::too_long(), b"", FoundIn::Commit(commit), Utc::now());
            let is_stray = !is_report_path(path);
            return Ok((!is_stray).then(|| Found { path: path.clone(), blob: *blob, read: Err(problem), is_stray }));
        }
        Ok(found(path, *blob, git.find_blob(*blob)?.content(), commit))
    })?;
    Ok(all.into_iter().flatten().collect())
}

fn list(git: &Repository, tree: &Tree<'_>, folder: &str, files: &mut Vec<(String, Oid)>) -> Result<(), git2::Error> {
    for entry in tree {
        let Ok(name) = entry.name() else { continue };
        let path = format!("{folder}/{name}");
        match entry.kind() {
            Some(ObjectType::Tree) => list(git, &git.find_tree(entry.id())?, &path, files)?,
            Some(ObjectType::Blob) if is_regular(entry.filemode()) && (is_report_path(&path) || is_markdown(&path)) => {
                files.push((path, entry.id()));
            }
            _ => {}
        }
    }
    Ok(())
}

fn found(path: &str, blob: Oid, file: &[u8], commit: Oid) -> Option<Found> {
    let is_stray = !is_report_path(path);
    let read = if is_stray { Err(stray_fault(file)?) } else { change::read(path, file).map(|decoded| decoded.report) };
    let problem = |fault| Problem::new(fault, file, FoundIn::Commit(commit), Utc::now());
    Some(Found { path: path.into(), blob, read: read.map_err(problem), is_stray })
}
