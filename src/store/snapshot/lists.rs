//! The reports in every order that a list can have.

use std::cmp::Reverse;
use std::ops::Bound;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use imbl::OrdMap;
use uuid::Uuid;

use super::Entry;
use super::cursor::{Cursor, Order};
use crate::report::Status;
use crate::store::dense::dense;

/// By submission, newest first.
type BySubmission = OrdMap<(Reverse<i64>, Reverse<Uuid>), Arc<Entry>>;

/// Persistent: a copy shares what did not change.
#[derive(Clone, Default)]
pub(super) struct Lists {
    all: BySubmission,
    by_status: [BySubmission; 3],
    by_update: OrdMap<(i64, Uuid), Arc<Entry>>,
    by_name: OrdMap<(Arc<str>, Reverse<Uuid>), Arc<Entry>>,
}

fn submission(entry: &Entry) -> (Reverse<i64>, Reverse<Uuid>) {
    (Reverse(entry.report.submitted_at.timestamp()), Reverse(entry.report.id))
}

fn update(entry: &Entry) -> (i64, Uuid) {
    (entry.updated_at.timestamp(), entry.report.id)
}

fn name(entry: &Entry) -> (Arc<str>, Reverse<Uuid>) {
    (entry.folded_name.clone(), Reverse(entry.report.id))
}

impl Lists {
    pub(super) fn put(&mut self, entry: &Arc<Entry>) {
        self.all.insert(submission(entry), entry.clone());
        self.by_status[entry.report.status as usize].insert(submission(entry), entry.clone());
        self.by_update.insert(update(entry), entry.clone());
        self.by_name.insert(name(entry), entry.clone());
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        self.all.remove(&submission(entry));
        self.by_status[entry.report.status as usize].remove(&submission(entry));
        self.by_update.remove(&update(entry));
        self.by_name.remove(&name(entry));
    }

    pub(super) fn make_dense(&mut self) {
        self.all = dense(&self.all);
        self.by_status = self.by_status.each_ref().map(dense);
        self.by_update = dense(&self.by_update);
        self.by_name = dense(&self.by_name);
    }

    /// Returns the number of reports in `status`, of all if it is `None`.
    pub(super) fn len(&self, status: Option<Status>) -> usize {
        self.by_submission(status).len()
    }

    /// Returns the reports in `status`, of all if it is `None`, after `after`. A
    /// place in another order is none.
    pub(super) fn in_order<'a>(
        &'a self,
        order: Order,
        status: Option<Status>,
        after: Option<&Cursor>,
    ) -> Box<dyn Iterator<Item = &'a Arc<Entry>> + 'a> {
        use Bound::{Excluded, Unbounded};
        let list = self.by_submission(status);
        let has_status = move |entry: &&Arc<Entry>| status.is_none_or(|status| entry.report.status == status);
        match order {
            Order::Newest => {
                let start = match after {
                    Some(Cursor::Newest(at, id)) => Excluded((*at, *id)),
                    _ => Unbounded,
                };
                Box::new(list.range((start, Unbounded)).map(|(_, entry)| entry))
            }
            Order::Oldest => {
                let start = match after {
                    Some(Cursor::Oldest(at, id)) => Excluded((Reverse(*at), Reverse(*id))),
                    _ => Unbounded,
                };
                Box::new(list.range((Unbounded, start)).rev().map(|(_, entry)| entry))
            }
            Order::Updated => {
                let start = match after {
                    Some(Cursor::Updated(Reverse(at), Reverse(id))) => Excluded((*at, *id)),
                    _ => Unbounded,
                };
                Box::new(self.by_update.range((Unbounded, start)).rev().map(|(_, entry)| entry).filter(has_status))
            }
            Order::Name => {
                let start = match after {
                    Some(Cursor::Name(name, id)) => Excluded((name.clone(), *id)),
                    _ => Unbounded,
                };
                Box::new(self.by_name.range((start, Unbounded)).map(|(_, entry)| entry).filter(has_status))
            }
        }
    }

    /// Returns the reports that a commit changed at `since` or later.
    pub(super) fn updated_since(&self, since: DateTime<Utc>) -> impl Iterator<Item = &Arc<Entry>> {
        self.by_update.range((since.timestamp(), Uuid::nil())..).map(|(_, entry)| entry)
    }

    fn by_submission(&self, status: Option<Status>) -> &BySubmission {
        status.map_or(&self.all, |status| &self.by_status[status as usize])
    }
}
