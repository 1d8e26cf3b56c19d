//! The commits of one report, each with what it did.

use chrono::{DateTime, Utc};
use git2::{Commit, Oid, Repository};

use super::event;
use super::file::{self, Stage};
use crate::report::{Event, Report, Status};
use crate::store::load;
use crate::store::snapshot::Entry;

/// One commit of a report.
#[derive(Debug)]
pub struct Item {
    pub commit: Oid,
    /// Committer time.
    pub committed_at: DateTime<Utc>,
    pub author_name: String,
    pub author_email: String,
    /// `None` if the file does not tell.
    pub event: Option<Event>,
    /// `None` before the first submission.
    pub status_before: Option<Status>,
    /// This and `revision`: `None` if the file was deleted or could not be accepted.
    pub status_after: Option<Status>,
    pub revision: Option<u32>,
    /// What the reviewer gave as reasons.
    pub notes: Option<String>,
    /// The way in, if the service made the commit.
    pub via: Option<&'static str>,
}

/// Returns the commits of a report, newest first.
///
/// # Errors
/// libgit2's.
pub(in crate::store) fn items(git: &Repository, entry: &Entry) -> Result<Vec<Item>, git2::Error> {
    let mut items = Vec::new();
    let mut before: Option<Report> = None;
    for stage in file::stages(git, entry)? {
        items.push(item(&git.find_commit(stage.commit)?, before.as_ref(), &stage));
        before = stage.track.known.map(|known| known.report);
    }
    items.reverse();
    Ok(items)
}

/// Returns what `commit` did to a report, or `None` if that is nothing.
///
/// # Errors
/// libgit2's.
pub(in crate::store) fn one(git: &Repository, entry: &Entry, commit: Oid) -> Result<Option<Item>, git2::Error> {
    let Some((before, stage)) = file::stage_at(git, entry, commit)? else { return Ok(None) };
    let before = before.and_then(|before| before.track.known).map(|known| known.report);
    Ok(Some(item(&git.find_commit(commit)?, before.as_ref(), &stage)))
}

fn item(commit: &Commit<'_>, before: Option<&Report>, stage: &Stage) -> Item {
    let message = String::from_utf8_lossy(commit.message_raw_bytes());
    let after = stage.fresh().map(|known| &known.report);
    let event = match after {
        Some(after) if stage.is_own => event::own(&message, before, after),
        Some(_) => stage.event,
        None => None,
    };
    let notes = match event {
        Some(Event::Approve | Event::Reject) => after.and_then(|report| report.review_notes.clone()),
        Some(Event::Reopen) => event::notes(&message),
        _ => None,
    };
    let author = commit.author();
    Item {
        commit: commit.id(),
        committed_at: load::time(commit.time().seconds()),
        author_name: String::from_utf8_lossy(author.name_bytes()).into_owned(),
        author_email: String::from_utf8_lossy(author.email_bytes()).into_owned(),
        event,
        status_before: before.map(|report| report.status),
        status_after: after.map(|report| report.status),
        revision: after.map(|report| report.revision),
        notes,
        via: event::via(&message).filter(|_| stage.is_own),
    }
}
