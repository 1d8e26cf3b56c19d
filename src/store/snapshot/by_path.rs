//! The reports by the path of their file.

use std::cmp::Ordering;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use equivalent::{Comparable, Equivalent};
use imbl::OrdSet;

use super::Entry;
use crate::store::dense::dense_set;

/// Persistent: a copy shares what did not change. Dense as well; at 100,000 reports, a
/// node of imbl's hash map takes 640 bytes for three of them.
#[derive(Clone, Default)]
pub(super) struct ByPath {
    reports: OrdSet<Hashed>,
    hasher: RandomState,
}

/// Ordered by the hash of its path first, which is in the node: paths are elsewhere, and begin alike.
#[derive(Clone)]
struct Hashed {
    hash: u64,
    entry: Arc<Entry>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Sought<'a> {
    hash: u64,
    path: &'a str,
}

impl<'a> Sought<'a> {
    fn of(hashed: &'a Hashed) -> Self {
        Self { hash: hashed.hash, path: &hashed.entry.path }
    }
}

impl Ord for Hashed {
    fn cmp(&self, other: &Self) -> Ordering {
        Sought::of(self).compare(other)
    }
}

impl PartialOrd for Hashed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Hashed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Hashed {}

impl Equivalent<Hashed> for Sought<'_> {
    fn equivalent(&self, other: &Hashed) -> bool {
        self.compare(other).is_eq()
    }
}

impl Comparable<Hashed> for Sought<'_> {
    fn compare(&self, other: &Hashed) -> Ordering {
        // The path is looked up only where it is likely to be the same.
        self.hash.cmp(&other.hash).then_with(|| self.path.cmp(&other.entry.path))
    }
}

impl ByPath {
    pub(super) fn get(&self, path: &str) -> Option<&Arc<Entry>> {
        self.reports.get(&self.sought(path)).map(|hashed| &hashed.entry)
    }

    /// Adds the report, or replaces and returns the one at its path.
    pub(super) fn put(&mut self, entry: Arc<Entry>) -> Option<Arc<Entry>> {
        let hash = self.hasher.hash_one(&*entry.path);
        self.reports.insert(Hashed { hash, entry }).map(|old| old.entry)
    }

    pub(super) fn remove(&mut self, path: &str) -> Option<Arc<Entry>> {
        let sought = self.sought(path);
        self.reports.remove(&sought).map(|hashed| hashed.entry)
    }

    pub(super) fn len(&self) -> usize {
        self.reports.len()
    }

    /// Returns every report, in no order.
    pub(super) fn values(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.reports.iter().map(|hashed| &hashed.entry)
    }

    pub(super) fn make_dense(&mut self) {
        self.reports = dense_set(&self.reports);
    }

    fn sought<'a>(&self, path: &'a str) -> Sought<'a> {
        Sought { hash: self.hasher.hash_one(path), path }
    }
}
