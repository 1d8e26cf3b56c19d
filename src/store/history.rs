//! How it came to be: a report's commits, its revisions, what differs between
//! them, and the state of one report or of all at an earlier commit.
//!
//! A report's list of commits is in the snapshot, so nothing here costs the
//! length of the repository's history. What the commits say is read from git
//! when it is asked for.

mod difference;
pub(super) mod event;
mod file;
pub(super) mod items;
mod states;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::{ErrorCode, Oid, Repository};
use uuid::Uuid;

pub use super::line::CommitName;
pub use difference::{Difference, Hunk, Side};
pub(crate) use event::via;
pub use items::Item;
pub(super) use states::States;

use super::snapshot::{Entry, Snapshot};
use super::{Store, WriteError, load, off_async};
use crate::report::Report;

/// Why the history does not tell what was asked.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    #[error("there is no report `{0}`")]
    NotFound(Uuid),
    #[error("report `{id}` has no revision {revision}; it is at revision {current}")]
    NoRevision { id: Uuid, revision: u32, current: u32 },
    #[error("is not a commit in the history of the branch")]
    UnknownCommit,
    #[error("is the start of more than one id; give more digits")]
    Ambiguous,
    #[error("the reports repository has no commit that is as old as that")]
    TooEarly,
    #[error("report `{id}` does not exist at commit `{commit}`")]
    Absent { id: Uuid, commit: Oid },
    #[error(transparent)]
    Failed(#[from] WriteError),
}

impl From<git2::Error> for HistoryError {
    fn from(error: git2::Error) -> Self {
        Self::Failed(WriteError::Failed(Arc::new(std::io::Error::other(error))))
    }
}

/// A place in the history of the branch.
#[derive(Clone, Debug)]
pub enum At {
    Commit(CommitName),
    Time(DateTime<Utc>),
}

/// A version of one report.
#[derive(Clone, Copy, Debug)]
pub enum Version {
    /// As submitted; 0 is the nothing before the first.
    Revision(u32),
    /// As it was at this commit.
    Commit(Oid),
}

/// A report as it was at `commit`.
#[derive(Debug)]
pub struct State {
    pub commit: Oid,
    pub blob: Oid,
    pub report: Report,
    /// When its approval ends, by the rules at that commit.
    pub approval_expires_at: Option<DateTime<Utc>>,
    /// The report file.
    pub file: Vec<u8>,
}

impl Store {
    /// Returns the commit that `at` names. One that was merged in counts as
    /// well, if it is named by its id.
    ///
    /// # Errors
    /// [`HistoryError::UnknownCommit`], [`HistoryError::Ambiguous`],
    /// [`HistoryError::TooEarly`].
    pub async fn commit_at(&self, at: At) -> Result<Oid, HistoryError> {
        let snapshot = self.snapshot();
        let name = match at {
            At::Time(time) => return snapshot.line.at(time).ok_or(HistoryError::TooEarly),
            At::Commit(name) => name,
        };
        match snapshot.line.named(&name)[..] {
            [commit] => Ok(commit),
            [] => self.read(move |git| merged_commit(git, &name, snapshot.commit)).await?,
            _ => Err(HistoryError::Ambiguous),
        }
    }

    /// Returns the commits of a report, newest first, and the commit up to which.
    ///
    /// # Errors
    /// [`HistoryError::NotFound`].
    pub async fn history(&self, id: Uuid) -> Result<(Oid, Vec<Item>), HistoryError> {
        let (snapshot, entry) = self.entry(id)?;
        Ok((snapshot.commit, self.read(move |git| items::items(git, &entry)).await?))
    }

    /// Returns a report as it was served at `commit`.
    ///
    /// # Errors
    /// [`HistoryError::NotFound`], [`HistoryError::Absent`].
    pub async fn state(&self, id: Uuid, commit: Oid) -> Result<State, HistoryError> {
        let (_, entry) = self.entry(id)?;
        let state = self.read(move |git| file::state_at(git, &entry, commit)).await?;
        state.ok_or(HistoryError::Absent { id, commit })
    }

    /// Returns a report as it was submitted as its revision `revision`.
    ///
    /// # Errors
    /// [`HistoryError::NotFound`], [`HistoryError::NoRevision`].
    pub async fn revision(&self, id: Uuid, revision: u32) -> Result<State, HistoryError> {
        let (_, entry) = self.entry(id)?;
        let current = entry.report.revision;
        let found = self.read(move |git| file::first_of(git, &entry, revision)).await?;
        found.ok_or(HistoryError::NoRevision { id, revision, current })
    }

    /// Returns when `commit` was made.
    ///
    /// # Errors
    /// [`HistoryError::Failed`].
    pub async fn committed_at(&self, commit: Oid) -> Result<DateTime<Utc>, HistoryError> {
        self.read(move |git| Ok(load::time(git.find_commit(commit)?.time().seconds()))).await
    }

    /// Returns what differs between two versions of a report: from the revision
    /// before `to`, to the current one, unless said otherwise.
    ///
    /// # Errors
    /// [`HistoryError::NotFound`], [`HistoryError::NoRevision`], [`HistoryError::Absent`].
    pub async fn difference(
        &self,
        id: Uuid,
        from: Option<Version>,
        to: Option<Version>,
    ) -> Result<Difference, HistoryError> {
        let (_, entry) = self.entry(id)?;
        let to = self.side(&entry, to.unwrap_or(Version::Revision(entry.report.revision))).await?;
        let previous = to.revision.unwrap_or(entry.report.revision).saturating_sub(1);
        let from = self.side(&entry, from.unwrap_or(Version::Revision(previous))).await?;
        self.read(move |git| difference::compare(git, &entry.path, &from, &to)).await
    }

    /// Returns the state of all reports at `commit`.
    ///
    /// # Errors
    /// [`HistoryError::Failed`].
    pub async fn snapshot_at(&self, commit: Oid) -> Result<Arc<Snapshot>, HistoryError> {
        let snapshot = self.snapshot();
        if snapshot.commit == commit { Ok(snapshot) } else { self.shared.states.at(commit).await }
    }

    async fn side(&self, entry: &Arc<Entry>, version: Version) -> Result<Side, HistoryError> {
        let id = entry.report.id;
        match version {
            Version::Revision(0) => Ok(Side::default()),
            Version::Revision(revision) => {
                let state = self.revision(id, revision).await?;
                Ok(Side { commit: Some(state.commit), revision: Some(revision), blob: Some(state.blob) })
            }
            Version::Commit(commit) => {
                let entry = entry.clone();
                let found = self.read(move |git| file::side_at(git, &entry, commit)).await?;
                found.ok_or(HistoryError::Absent { id, commit })
            }
        }
    }

    fn entry(&self, id: Uuid) -> Result<(Arc<Snapshot>, Arc<Entry>), HistoryError> {
        let snapshot = self.snapshot();
        let entry = snapshot.get(id).cloned().ok_or(HistoryError::NotFound(id))?;
        Ok((snapshot, entry))
    }

    /// Runs `work` on a handle, off the async threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Repository) -> Result<T, git2::Error> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let shared = self.shared.clone();
        Ok(off_async(move || shared.blobs.walk(work)).await??)
    }
}

/// Looks for a commit that is not on the line of the branch but was merged into
/// it. The inner result is what the answer is.
fn merged_commit(git: &Repository, name: &CommitName, tip: Oid) -> Result<Result<Oid, HistoryError>, git2::Error> {
    match git.find_commit_by_prefix(name.as_str()) {
        Ok(commit) if git.graph_descendant_of(tip, commit.id())? => Ok(Ok(commit.id())),
        Ok(_) => Ok(Err(HistoryError::UnknownCommit)),
        Err(error) if error.code() == ErrorCode::Ambiguous => Ok(Err(HistoryError::Ambiguous)),
        Err(_) => Ok(Err(HistoryError::UnknownCommit)),
    }
}
