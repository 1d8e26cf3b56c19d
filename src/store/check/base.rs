//! The commits that files which nobody pushed yet are compared with.

use std::collections::BTreeMap;

use git2::{ObjectType, Oid, Repository};

use super::commits::{self, Line};
use super::entries::{self, Item};
use super::{CheckError, elsewhere};

/// The commits that the files are compared with.
pub struct Base {
    /// What is in the record; the commits after it are judged one by one.
    pub(super) record: Option<Oid>,
    /// The commit that the files follow on.
    pub(super) commit: Option<Oid>,
    pub(super) files: BTreeMap<String, Item>,
}

impl Base {
    /// Returns what the repository's files are compared with: `HEAD`, or the
    /// commits since `against` and then `HEAD`.
    ///
    /// # Errors
    /// [`CheckError::NoCommit`], or libgit2's.
    pub fn of(git: &Repository, against: Option<&str>) -> Result<Self, CheckError> {
        let head = git.head().ok().and_then(|head| head.peel_to_commit().ok()).map(|commit| commit.id());
        let Some(name) = against else { return Self::at(git, None, head) };
        let named = git.revparse_single(name).and_then(|object| object.peel(ObjectType::Commit));
        let named = named.map_err(|source| CheckError::NoCommit { name: name.into(), source })?.id();
        let Some(head) = head else { return Self::at(git, None, Some(named)) };
        let record =
            git.merge_base(named, head).map_err(|source| CheckError::NoCommit { name: name.into(), source })?;
        match commits::line(git, record, head)? {
            Line::Commits(_) => Self::at(git, Some(record), Some(head)),
            // Its line goes another way; then all of it is one step.
            _ => Self::at(git, None, Some(record)),
        }
    }

    fn at(git: &Repository, record: Option<Oid>, commit: Option<Oid>) -> Result<Self, CheckError> {
        let mut files = BTreeMap::new();
        if let Some(commit) = commit {
            for (path, item) in entries::all(git, git.find_commit(commit)?.tree_id())? {
                files.insert(String::from_utf8_lossy(&path).into_owned(), item);
            }
        }
        Ok(Self { record, commit, files })
    }

    pub(super) fn item(&self, path: &str) -> Option<Item> {
        self.files.get(path).copied()
    }

    pub(super) fn is_golive(&self, git: &Repository) -> Result<bool, git2::Error> {
        self.commit.map_or(Ok(false), |commit| elsewhere::is_golive(git, commit))
    }
}
