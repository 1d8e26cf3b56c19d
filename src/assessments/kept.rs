//! The short forms that were read: some 30 bytes for each report, by the version
//! of its file, under the rules that are in force.

use std::collections::HashMap;
use std::io;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use git2::Oid;

use super::{Short, saved};
use crate::store::repository::Location;
use crate::store::snapshot::Snapshot;

/// Forms of versions that are no more are dropped once they are this many more
/// than the reports.
const STALE_MAX: usize = 1024;

pub(super) struct Kept(RwLock<Forms>);

#[derive(Clone)]
struct Forms {
    /// The version of the rules that they were read by.
    policy: Oid,
    by_blob: HashMap<Oid, Short>,
}

impl Default for Kept {
    fn default() -> Self {
        Self(RwLock::new(Forms { policy: Oid::ZERO_SHA1, by_blob: HashMap::new() }))
    }
}

impl Kept {
    pub(super) fn get(&self, blob: Oid, policy: Oid) -> Option<Short> {
        let forms = self.forms();
        if forms.policy == policy { forms.by_blob.get(&blob).copied() } else { None }
    }

    /// Keeps the form of `blob`, unless the rules that it was read by are of the past.
    pub(super) fn put(&self, blob: Oid, policy: Oid, short: Short) {
        let mut forms = self.forms_mut();
        if forms.policy == policy {
            forms.by_blob.insert(blob, short);
        }
    }

    /// Starts anew if `snapshot` has other rules; drops the forms of versions that
    /// are not in it if they are many.
    pub(super) fn follow(&self, snapshot: &Snapshot) {
        let (policy, n_max) = (snapshot.policy.blob, 2 * snapshot.len() + STALE_MAX);
        let forms = self.forms();
        if forms.policy == policy && forms.by_blob.len() <= n_max {
            return;
        }
        let mut by_blob = HashMap::new();
        if forms.policy == policy {
            let live = snapshot.entries().filter_map(|entry| Some((entry.blob, *forms.by_blob.get(&entry.blob)?)));
            by_blob.extend(live);
        }
        drop(forms);
        *self.forms_mut() = Forms { policy, by_blob };
    }

    /// Takes over what was saved, if the rules of `snapshot` made it; returns how many.
    pub(super) fn take_over(&self, location: &Location, snapshot: &Snapshot) -> usize {
        let saved = saved::read(location).filter(|(policy, _)| *policy == snapshot.policy.blob);
        let Some((policy, by_blob)) = saved else { return 0 };
        let n_forms = by_blob.len();
        *self.forms_mut() = Forms { policy, by_blob };
        n_forms
    }

    /// Saves all for the next start.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn save(&self, location: &Location) -> io::Result<()> {
        // A copy: whoever lists reports must not wait for the disk.
        let Forms { policy, by_blob } = self.forms().clone();
        saved::save(location, policy, &by_blob)
    }

    /// Whoever panicked left whole forms: each is put in one step.
    fn forms(&self) -> RwLockReadGuard<'_, Forms> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn forms_mut(&self) -> RwLockWriteGuard<'_, Forms> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_of_100_000_reports_takes_no_more_than_40_bytes_each() {
        let n = 100_000;
        let forms: HashMap<Oid, Short> = (0..n as u32)
            .map(|n| (Oid::hash_object(git2::ObjectType::Blob, &n.to_le_bytes()).unwrap(), Short::default()))
            .collect();
        // One byte of control for each of the places, which are a power of two, at most 7 of 8 filled.
        let n_places = (forms.capacity() * 8 / 7).next_power_of_two();
        let n_bytes = n_places * (size_of::<(Oid, Short)>() + 1);
        assert!(n_bytes <= 40 * n, "{} bytes each", n_bytes / n);
    }

    #[test]
    fn form_read_by_rules_of_the_past_is_not_kept() {
        let (kept, old, new) = (Kept::default(), Oid::ZERO_SHA1, Oid::from_bytes(&[1; 20]).unwrap());
        let blob = Oid::from_bytes(&[2; 20]).unwrap();
        kept.put(blob, new, Short::default());
        assert_eq!(kept.get(blob, new), None);
        kept.put(blob, old, Short::default());
        assert_eq!(kept.get(blob, old), Some(Short::default()));
        assert_eq!(kept.get(blob, new), None);
    }
}
