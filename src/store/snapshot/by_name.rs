//! The place of a report by the name of its server.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};
use uuid::Uuid;

use super::Entry;

/// A report at that place. The name is looked up in the report each time: beside it, it
/// would take more than all else that a list keeps of it.
#[derive(Clone)]
pub(super) struct ByName(pub(super) Arc<Entry>);

/// The place itself: names in no case, and of one name the latest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name<'a> {
    pub(super) folded: &'a str,
    pub(super) id: Reverse<Uuid>,
}

impl<'a> Name<'a> {
    pub(super) fn of(entry: &'a Entry) -> Self {
        Self { folded: entry.folded_name(), id: Reverse(entry.report.id) }
    }
}

impl Ord for ByName {
    fn cmp(&self, other: &Self) -> Ordering {
        Name::of(&self.0).cmp(&Name::of(&other.0))
    }
}

impl PartialOrd for ByName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for ByName {}

impl Equivalent<ByName> for Name<'_> {
    fn equivalent(&self, other: &ByName) -> bool {
        *self == Name::of(&other.0)
    }
}

impl Comparable<ByName> for Name<'_> {
    fn compare(&self, other: &ByName) -> Ordering {
        self.cmp(&Name::of(&other.0))
    }
}
