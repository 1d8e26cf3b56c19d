//! What happened last: the commits of the branch, whatever they were about.
//!
//! A commit that the service made names its report; of others, the two trees
//! are compared. So a page costs what its commits changed, not the history.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::{Oid, Repository};
use uuid::Uuid;

use super::history::{HistoryError, Item, items};
use super::snapshot::{Entry, Snapshot};
use super::walk::{self, Step};
use super::{Store, load};
use crate::report::{Event, Status};

/// One commit of the branch.
#[derive(Clone, Debug)]
pub struct Activity {
    pub commit: Oid,
    /// Committer time.
    pub at: DateTime<Utc>,
    pub author_name: String,
    pub author_email: String,
    /// The first line of the message.
    pub subject: String,
    /// How many report files it changed.
    pub n_reports: usize,
    /// The report, if it is one alone and known. Its name is today's.
    pub report_id: Option<Uuid>,
    pub server_name: Option<String>,
    /// What it did to that report; this and what follows as in [`Item`].
    pub event: Option<Event>,
    pub status: Option<Status>,
    pub revision: Option<u32>,
    pub notes: Option<String>,
    /// The way in, if the service made the commit.
    pub via: Option<&'static str>,
}

/// Some commits of the branch.
#[derive(Clone, Debug)]
pub struct ActivityPage {
    /// The tip, as of which this is.
    pub commit: Oid,
    /// Newest first.
    pub items: Vec<Activity>,
    /// The commit to go on before, if there are older ones.
    pub next: Option<Oid>,
}

impl Store {
    /// Returns the latest commits of the branch, at most `limit`; those before
    /// `before`, if that is given.
    ///
    /// # Errors
    /// [`HistoryError::UnknownCommit`] if `before` is not on the branch's line.
    pub async fn activity(&self, before: Option<Oid>, limit: usize) -> Result<ActivityPage, HistoryError> {
        let snapshot = self.snapshot();
        let end = match before {
            Some(before) => snapshot.line.place(before).ok_or(HistoryError::UnknownCommit)?,
            None => snapshot.line.len(),
        };
        self.read(move |git| page(git, &snapshot, end, limit)).await
    }
}

fn page(git: &Repository, snapshot: &Snapshot, end: usize, limit: usize) -> Result<ActivityPage, git2::Error> {
    let start = end.saturating_sub(limit);
    let mut items = read(git, snapshot, start, end)?;
    items.reverse();
    let next = items.last().map(|item| item.commit).filter(|_| start > 0);
    Ok(ActivityPage { commit: snapshot.commit, items, next })
}

/// Returns what the commits at these places of the line did, oldest first.
///
/// # Errors
/// libgit2's.
pub(super) fn read(
    git: &Repository,
    snapshot: &Snapshot,
    start: usize,
    end: usize,
) -> Result<Vec<Activity>, git2::Error> {
    let odb = git.odb()?;
    let step = |place| snapshot.line.get(place).map(|commit| Step::read(&odb, commit)).transpose();
    let mut items = Vec::with_capacity(end - start);
    let mut before = start.checked_sub(1).map_or(Ok(None), step)?;
    for place in start..end {
        let Some(step) = step(place)? else { break };
        items.push(one(git, snapshot, before.as_ref(), &step)?);
        before = Some(step);
    }
    Ok(items)
}

fn one(git: &Repository, snapshot: &Snapshot, before: Option<&Step>, step: &Step) -> Result<Activity, git2::Error> {
    let commit = git.find_commit(step.commit)?;
    let author = commit.author();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (n_reports, entry) = changed(git, snapshot, before, step)?;
    let item = match &entry {
        Some(entry) => items::one(git, entry, step.commit)?,
        None => None,
    };
    let activity = Activity {
        commit: step.commit,
        at: load::time(step.committed_at),
        author_name: text(author.name_bytes()),
        author_email: text(author.email_bytes()),
        subject: commit.summary_bytes().map(text).unwrap_or_default(),
        n_reports,
        report_id: entry.as_ref().map(|entry| entry.report.id),
        server_name: entry.map(|entry| entry.report.server_name.clone()),
        event: None,
        status: None,
        revision: None,
        notes: None,
        via: None,
    };
    Ok(match item {
        Some(Item { event, status_after, revision, notes, via, .. }) => {
            Activity { event, status: status_after, revision, notes, via, ..activity }
        }
        None => activity,
    })
}

/// Returns how many report files a commit changed, and the report if it is one.
fn changed(
    git: &Repository,
    snapshot: &Snapshot,
    before: Option<&Step>,
    step: &Step,
) -> Result<(usize, Option<Arc<Entry>>), git2::Error> {
    if let Some(entry) = step.own_report.and_then(|id| snapshot.get(id)) {
        return Ok((1, Some(entry.clone())));
    }
    let mut files = walk::changed_reports(git, before.map(|before| before.tree), step.tree)?;
    files.retain(|file| !file.is_stray);
    Ok(match &files[..] {
        [file] => (1, snapshot.at_path(&file.path).cloned()),
        files => (files.len(), None),
    })
}
