//! The reports by the path of their file.

use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};
use imbl::OrdMap;

use super::Entry;
use crate::store::dense::dense;

/// Persistent: a copy shares what did not change. Dense as well; at 100,000 reports, a
/// node of imbl's hash map takes 640 bytes for three of them.
#[derive(Clone, Default)]
pub(super) struct ByPath {
    reports: OrdMap<Key, Arc<Entry>>,
    hasher: RandomState,
}

/// Ordered by hash first, which is in the node: paths are elsewhere, and begin alike.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    hash: u64,
    path: Arc<str>,
}

struct Sought<'a> {
    hash: u64,
    path: &'a str,
}

impl Equivalent<Key> for Sought<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.compare(key).is_eq()
    }
}

impl Comparable<Key> for Sought<'_> {
    fn compare(&self, key: &Key) -> Ordering {
        (self.hash, self.path).cmp(&(key.hash, &key.path))
    }
}

impl ByPath {
    pub(super) fn get(&self, path: &str) -> Option<&Arc<Entry>> {
        self.reports.get(&self.sought(path))
    }

    /// Adds the report, or replaces the one at its path.
    pub(super) fn put(&mut self, entry: Arc<Entry>) {
        let key = Key { hash: self.hasher.hash_one(&*entry.path), path: entry.path.clone() };
        self.reports.insert(key, entry);
    }

    pub(super) fn remove(&mut self, path: &str) -> Option<Arc<Entry>> {
        let sought = self.sought(path);
        self.reports.remove(&sought)
    }

    /// Returns every report, in no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.reports.values()
    }

    pub(super) fn make_dense(&mut self) {
        self.reports = dense(&self.reports);
    }

    fn sought<'a>(&self, path: &'a str) -> Sought<'a> {
        Sought { hash: self.hasher.hash_one(path), path }
    }
}
