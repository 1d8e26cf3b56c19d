//! The shapes of the history's answers; like those in `api`, a promise.

use chrono::{DateTime, Utc};
use git2::Oid;
use serde::Serialize;
use utoipa::ToSchema;

use crate::report::{Event, Status};
use crate::store::history::{Difference, Hunk, Item, Side};

/// One commit of a report.
#[derive(Serialize, ToSchema)]
#[schema(as = HistoryItem)]
pub(super) struct HistoryDocument<'a> {
    commit: String,
    /// Committer time; UTC.
    committed_at: DateTime<Utc>,
    author: PersonDocument<'a>,
    /// `null` if the file does not tell.
    event: Option<Event>,
    /// `null` before the first submission.
    status_before: Option<Status>,
    /// `null` if the file was deleted or could not be read at this commit.
    status_after: Option<Status>,
    /// `null` like `status_after`.
    revision: Option<u32>,
    /// The reviewer's, of a decision or a reopening.
    notes: Option<&'a str>,
    /// The way in (`api`, `mcp`, …); `null` for commits of others.
    via: Option<&'a str>,
}

/// Who did it, as the commit says.
#[derive(Serialize, ToSchema)]
#[schema(as = Person)]
pub(super) struct PersonDocument<'a> {
    name: &'a str,
    email: &'a str,
}

impl<'a> PersonDocument<'a> {
    pub(super) const fn new(name: &'a str, email: &'a str) -> Self {
        Self { name, email }
    }
}

impl<'a> HistoryDocument<'a> {
    pub(super) fn new(item: &'a Item) -> Self {
        Self {
            commit: item.commit.to_string(),
            committed_at: item.committed_at,
            author: PersonDocument::new(&item.author_name, &item.author_email),
            event: item.event,
            status_before: item.status_before,
            status_after: item.status_after,
            revision: item.revision,
            notes: item.notes.as_deref(),
            via: item.via,
        }
    }
}

/// What differs between two versions of a report's file.
#[derive(Serialize, ToSchema)]
#[schema(as = Difference)]
pub(super) struct DifferenceDocument<'a> {
    /// The report file, relative to the root of the repository.
    path: &'a str,
    from: SideDocument,
    to: SideDocument,
    lines_added: usize,
    lines_removed: usize,
    hunks: Vec<HunkDocument<'a>>,
}

/// One of the two versions.
#[derive(Serialize, ToSchema)]
#[schema(as = Version)]
pub(super) struct SideDocument {
    /// `null` for the nothing before revision 1.
    commit: Option<String>,
    /// `null` if the file could not be read then.
    revision: Option<u32>,
}

/// A group of changed lines with what stands around them.
#[derive(Serialize, ToSchema)]
#[schema(as = Hunk)]
pub(super) struct HunkDocument<'a> {
    /// From 1; 0 if `old_lines` is 0.
    old_start: u32,
    old_lines: u32,
    new_start: u32,
    new_lines: u32,
    /// Each after ` `, `+`, `-`, or `\` for the remark that the last line has no end.
    lines: &'a [String],
}

impl<'a> DifferenceDocument<'a> {
    pub(super) fn new(difference: &'a Difference) -> Self {
        let side =
            |side: &Side| SideDocument { commit: side.commit.as_ref().map(Oid::to_string), revision: side.revision };
        let hunk = |hunk: &'a Hunk| HunkDocument {
            old_start: hunk.old_start,
            old_lines: hunk.n_old,
            new_start: hunk.new_start,
            new_lines: hunk.n_new,
            lines: &hunk.lines,
        };
        Self {
            path: &difference.path,
            from: side(&difference.from),
            to: side(&difference.to),
            lines_added: difference.n_added,
            lines_removed: difference.n_removed,
            hunks: difference.hunks.iter().map(hunk).collect(),
        }
    }
}
