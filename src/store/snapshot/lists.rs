//! The reports in every order that a list can have.

use std::cmp::Reverse;
use std::iter;
use std::ops::Bound;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use imbl::{OrdMap, OrdSet};
use uuid::Uuid;

use super::Entry;
use super::by_name::{ByName, Name};
use super::cursor::{Cursor, Order};
use crate::report::Status;
use crate::store::dense::{dense, dense_set};

/// The place of a report by its submission, newest first.
type Submission = (Reverse<i64>, Reverse<Uuid>);

/// Persistent: a copy shares what did not change.
#[derive(Clone, Default)]
pub(super) struct Lists {
    /// Those of all statuses are these three, merged.
    by_submission: [OrdMap<Submission, Arc<Entry>>; 3],
    by_update: OrdMap<(i64, Uuid), Arc<Entry>>,
    by_name: OrdSet<ByName>,
}

fn submission(entry: &Entry) -> Submission {
    (Reverse(entry.report.submitted_at.timestamp()), Reverse(entry.report.id))
}

fn update(entry: &Entry) -> (i64, Uuid) {
    (entry.updated_at.timestamp(), entry.report.id)
}

impl Lists {
    pub(super) fn put(&mut self, entry: &Arc<Entry>) {
        self.by_submission[entry.report.status as usize].insert(submission(entry), entry.clone());
        self.by_update.insert(update(entry), entry.clone());
        self.by_name.insert(ByName(entry.clone()));
    }

    /// Puts `entry` where `old` was, which may be the same places.
    pub(super) fn replace(&mut self, old: &Entry, entry: &Arc<Entry>) {
        if (old.report.status, submission(old)) != (entry.report.status, submission(entry)) {
            self.by_submission[old.report.status as usize].remove(&submission(old));
        }
        if update(old) != update(entry) {
            self.by_update.remove(&update(old));
        }
        if Name::of(old) != Name::of(entry) {
            self.by_name.remove(&Name::of(old));
        }
        self.put(entry);
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        self.by_submission[entry.report.status as usize].remove(&submission(entry));
        self.by_update.remove(&update(entry));
        self.by_name.remove(&Name::of(entry));
    }

    pub(super) fn make_dense(&mut self) {
        self.by_submission = self.by_submission.each_ref().map(dense);
        self.by_update = dense(&self.by_update);
        self.by_name = dense_set(&self.by_name);
    }

    /// Returns the number of reports in `status`, of all if it is `None`.
    pub(super) fn len(&self, status: Option<Status>) -> usize {
        self.of(status).iter().map(OrdMap::len).sum()
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
        let has_status = move |entry: &&Arc<Entry>| status.is_none_or(|status| entry.report.status == status);
        match order {
            Order::Newest => {
                let start = match after {
                    Some(Cursor::Newest(at, id)) => Excluded((*at, *id)),
                    _ => Unbounded,
                };
                merged(self.of(status).iter().map(|list| list.range((start, Unbounded))), |place| Reverse(*place))
            }
            Order::Oldest => {
                let start = match after {
                    Some(Cursor::Oldest(at, id)) => Excluded((Reverse(*at), Reverse(*id))),
                    _ => Unbounded,
                };
                merged(self.of(status).iter().map(|list| list.range((Unbounded, start)).rev()), |place| *place)
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
                    Some(Cursor::Name(folded, Reverse(id))) => Excluded(Name { folded, id: Reverse(*id) }),
                    _ => Unbounded,
                };
                Box::new(self.by_name.range((start, Unbounded)).map(|ByName(entry)| entry).filter(has_status))
            }
        }
    }

    /// Returns the reports that a commit changed at `since` or later.
    pub(super) fn updated_since(&self, since: DateTime<Utc>) -> impl Iterator<Item = &Arc<Entry>> {
        self.by_update.range((since.timestamp(), Uuid::nil())..).map(|(_, entry)| entry)
    }

    /// Returns the lists that hold the reports in `status`, each its own ones.
    fn of(&self, status: Option<Status>) -> &[OrdMap<Submission, Arc<Entry>>] {
        status.map_or(&self.by_submission, |status| std::slice::from_ref(&self.by_submission[status as usize]))
    }
}

/// Returns the reports of some lists by their places in them, that with the greatest `rank` first, as they
/// are in each.
fn merged<'a, R: Ord + 'a>(
    lists: impl Iterator<Item = impl Iterator<Item = (&'a Submission, &'a Arc<Entry>)> + 'a>,
    rank: fn(&Submission) -> R,
) -> Box<dyn Iterator<Item = &'a Arc<Entry>> + 'a> {
    let mut lists: Vec<_> = lists.map(Iterator::peekable).collect();
    if lists.len() == 1 {
        return Box::new(lists.remove(0).map(|(_, entry)| entry));
    }
    let next = move || {
        let heads = lists.iter_mut().filter_map(|list| Some((rank(list.peek()?.0), list)));
        let (_, list) = heads.max_by(|(one, _), (other, _)| one.cmp(other))?;
        list.next().map(|(_, entry)| entry)
    };
    Box::new(iter::from_fn(next))
}
