//! Whose repositories the reports are about, for the choices of a filter.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{Entry, Snapshot};

/// A longer list of choices helps nobody.
const OWNERS_MAX: usize = 200;

/// An owner of source repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// As the latest report spells it; never empty.
    pub name: String,
    pub n_reports: usize,
}

/// How many reports each owner has, by the folded name.
#[derive(Clone, Default)]
pub(super) struct Owners(imbl::OrdMap<Arc<str>, (Arc<str>, usize)>);

impl Owners {
    pub(super) fn put(&mut self, entry: &Entry) {
        if !entry.owner.is_empty() {
            let n_before = self.0.get(&entry.folded_owner).map_or(0, |(_, n)| *n);
            self.0.insert(entry.folded_owner.clone(), (entry.owner.clone(), n_before + 1));
        }
    }

    pub(super) fn remove(&mut self, entry: &Entry) {
        match self.0.get_mut(&entry.folded_owner) {
            Some((_, n)) if *n > 1 => *n -= 1,
            Some(_) => drop(self.0.remove(&entry.folded_owner)),
            None => {}
        }
    }
}

impl Snapshot {
    /// Returns the owners by name; if there are more than 200, those with the
    /// most reports.
    pub fn owners(&self) -> Vec<Owner> {
        let mut owners: Vec<_> = self.owners.0.values().map(|(name, n)| (name, *n)).collect();
        if owners.len() > OWNERS_MAX {
            let mut by_number: Vec<_> = (0..owners.len()).collect();
            by_number.sort_by_key(|at| Reverse(owners[*at].1));
            by_number.truncate(OWNERS_MAX);
            by_number.sort_unstable();
            owners = by_number.into_iter().map(|at| owners[at]).collect();
        }
        owners.into_iter().map(|(name, n_reports)| Owner { name: name.to_string(), n_reports }).collect()
    }
}
