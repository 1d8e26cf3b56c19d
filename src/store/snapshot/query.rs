//! What a list is asked for, and the part of it that answers.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use memchr::memmem::Finder;

use super::cursor::{Cursor, Order};
use super::fold::fold;
use super::{Entry, Snapshot};
use crate::policy::Policy;
use crate::report::Status;

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// `None` for all.
    pub status: Option<Status>,
    /// Only reports that a commit changed at this time or later.
    pub updated_since: Option<DateTime<Utc>>,
    /// Only reports in which all of these stand: in the server's name, the
    /// repository's URL, the developer's address or the review notes, each
    /// anywhere, in any case.
    pub words: Vec<String>,
    /// Only reports about repositories of this owner, in any case.
    pub owner: Option<String>,
    /// Only reports that were submitted at this time or before.
    pub submitted_before: Option<DateTime<Utc>>,
    /// Only approved reports whose approval ends before this time.
    pub expires_before: Option<DateTime<Utc>>,
    /// Only the report whose file is at this path.
    pub path: Option<String>,
    /// Only reports for which this holds; asked last.
    pub condition: Option<Condition>,
    pub order: Order,
    /// Only what stands after this place, which is one in `order`.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: usize,
}

/// What a report has to be that the snapshot does not know.
#[derive(Clone)]
pub struct Condition(Arc<Holds>);

type Holds = dyn Fn(&Arc<Entry>) -> bool + Send + Sync;

impl Condition {
    /// `holds` is asked for each report that passes all else.
    pub fn new(holds: impl Fn(&Arc<Entry>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(holds))
    }
}

impl std::fmt::Debug for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Condition")
    }
}

/// A part of a list.
pub struct Page {
    pub entries: Vec<Arc<Entry>>,
    /// How many reports match, on all pages.
    pub n_matching: usize,
    /// Where the next page starts, if there is one.
    pub next: Option<Cursor>,
}

/// How many reports are in each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub pending: usize,
    pub approved: usize,
    pub rejected: usize,
}

impl Counts {
    /// Returns the number of reports in `status`.
    pub const fn of(self, status: Status) -> usize {
        match status {
            Status::PendingReview => self.pending,
            Status::Approved => self.approved,
            Status::Rejected => self.rejected,
        }
    }

    /// Returns the number of reports in any status.
    pub const fn all(self) -> usize {
        self.pending + self.approved + self.rejected
    }
}

/// What a report has to be besides its status.
struct Filter<'a> {
    policy: &'a Policy,
    updated_since: Option<DateTime<Utc>>,
    submitted_before: Option<DateTime<Utc>>,
    expires_before: Option<DateTime<Utc>>,
    path: Option<&'a str>,
    owner: Option<String>,
    /// The longest first, as it is the rarest.
    words: Vec<Finder<'static>>,
    condition: Option<&'a Condition>,
}

impl<'a> Filter<'a> {
    /// Returns the filter of `query`, or `None` if every report passes.
    fn of(query: &'a ListQuery, policy: &'a Policy) -> Option<Self> {
        let ListQuery { updated_since, submitted_before, expires_before, .. } = *query;
        let mut words: Vec<_> = query.words.iter().map(|word| fold(word)).collect();
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        // Prepared once, as looking for a word in 10,000 reports is where the time goes.
        let words = words.iter().map(|word| Finder::new(word).into_owned()).collect();
        let (owner, path) = (query.owner.as_deref().map(fold), query.path.as_deref());
        let condition = query.condition.as_ref();
        let is_idle = updated_since.or(submitted_before).or(expires_before).is_none()
            && owner.is_none()
            && path.is_none()
            && query.words.is_empty()
            && condition.is_none();
        let filter = Self { policy, updated_since, submitted_before, expires_before, path, owner, words, condition };
        (!is_idle).then_some(filter)
    }

    fn passes(&self, entry: &Arc<Entry>) -> bool {
        self.updated_since.is_none_or(|since| entry.updated_at.timestamp() >= since.timestamp())
            && self.submitted_before.is_none_or(|before| entry.report.submitted_at <= before)
            && self.path.is_none_or(|path| &*entry.path == path)
            && self.expires_before.is_none_or(|before| {
                self.policy.approval_expires_at(&entry.report).is_some_and(|expires_at| expires_at < before)
            })
            && self.owner.as_deref().is_none_or(|owner| *entry.folded_owner == *owner)
            && self.words.iter().all(|word| entry.has(word))
            && self.condition.is_none_or(|condition| condition.0(entry))
    }
}

impl Snapshot {
    /// Returns the part of the list that `query` asks for. By submission or
    /// without a status, it costs the length of the page; with `path`, one look-up;
    /// with `updated_since`, the number of reports changed since then; else, that of
    /// all reports.
    pub fn page(&self, query: &ListQuery) -> Page {
        let (order, status, after) = (query.order, query.status, query.after.as_ref());
        let Some(filter) = Filter::of(query, &self.policy.policy) else {
            let entries = self.lists.in_order(order, status, after).take(query.limit + 1).cloned().collect();
            return Page::cut(entries, query, self.lists.len(status));
        };
        let mut n_matching = 0;
        let mut entries = Vec::new();
        // In order, so that those before the place come first.
        let mut take = |entry: &Arc<Entry>| {
            n_matching += 1;
            if entries.len() <= query.limit && (!entries.is_empty() || query.is_past(entry)) {
                entries.push(entry.clone());
            }
        };
        let has_status = |entry: &&Arc<Entry>| status.is_none_or(|status| entry.report.status == status);
        match (filter.path, filter.updated_since) {
            (Some(path), _) => {
                let found = self.at_path(path).into_iter().filter(has_status);
                found.filter(|entry| filter.passes(entry)).for_each(&mut take);
            }
            (None, Some(since)) => {
                let recent = self.lists.updated_since(since).filter(has_status);
                let mut found: Vec<_> = recent.filter(|entry| filter.passes(entry)).collect();
                found.sort_by_cached_key(|entry| Cursor::of(order, entry));
                found.into_iter().for_each(&mut take);
            }
            (None, None) => {
                self.lists.in_order(order, status, None).filter(|entry| filter.passes(entry)).for_each(&mut take);
            }
        }
        Page::cut(entries, query, n_matching)
    }

    /// Returns how many reports match `query` in each status, whatever status it
    /// asks for.
    pub fn counts(&self, query: &ListQuery) -> Counts {
        let len = |status| self.lists.len(Some(status));
        let Some(filter) = Filter::of(query, &self.policy.policy) else {
            let (approved, rejected) = (len(Status::Approved), len(Status::Rejected));
            return Counts { pending: len(Status::PendingReview), approved, rejected };
        };
        let mut counts = Counts::default();
        let mut count = |entry: &Arc<Entry>| match entry.report.status {
            _ if !filter.passes(entry) => {}
            Status::PendingReview => counts.pending += 1,
            Status::Approved => counts.approved += 1,
            Status::Rejected => counts.rejected += 1,
        };
        match (filter.path, filter.updated_since) {
            (Some(path), _) => self.at_path(path).into_iter().for_each(&mut count),
            (None, Some(since)) => self.lists.updated_since(since).for_each(&mut count),
            (None, None) => self.by_path.values().for_each(&mut count),
        }
        counts
    }
}

impl Snapshot {
    /// Returns the report that has waited longest, if one waits.
    pub fn oldest_pending(&self) -> Option<&Arc<Entry>> {
        self.lists.in_order(Order::Oldest, Some(Status::PendingReview), None).next()
    }
}

impl ListQuery {
    fn is_past(&self, entry: &Entry) -> bool {
        let after = self.after.as_ref().filter(|after| after.order() == self.order);
        after.is_none_or(|after| Cursor::of(self.order, entry) > *after)
    }
}

impl Page {
    /// `entries` holds one more than the limit if there is a next page.
    fn cut(mut entries: Vec<Arc<Entry>>, query: &ListQuery, n_matching: usize) -> Self {
        let more = entries.len() > query.limit;
        entries.truncate(query.limit);
        let next = entries.last().filter(|_| more).map(|entry| Cursor::of(query.order, entry));
        Self { entries, n_matching, next }
    }
}
