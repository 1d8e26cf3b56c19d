//! The commits of one report, as a list that grows at one end and is shared by
//! all snapshots: appending costs one link, however long the list is.

use std::sync::Arc;

use git2::Oid;

/// The commits on the branch's line that changed one file, a merge counted once.
#[derive(Clone, Debug, Default)]
pub struct Trail(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    commit: Oid,
    before: Trail,
}

impl Trail {
    /// Returns this list with `commit` as the newest.
    pub(super) fn with(&self, commit: Oid) -> Self {
        Self(Some(Arc::new(Link { commit, before: self.clone() })))
    }

    /// Returns those before `commit`, or none if it is not in the list.
    pub(super) fn before(&self, commit: Oid) -> Self {
        let mut links = std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref());
        links.find(|link| link.commit == commit).map_or_else(Self::default, |link| link.before.clone())
    }

    /// Returns the commits, newest first.
    pub fn iter(&self) -> impl Iterator<Item = Oid> {
        std::iter::successors(self.0.as_deref(), |link| link.before.0.as_deref()).map(|link| link.commit)
    }
}

impl Drop for Link {
    /// One link after the other: by recursion, a long list would exhaust the stack.
    fn drop(&mut self) {
        let mut next = self.before.0.take();
        while let Some(link) = next {
            next = Arc::into_inner(link).and_then(|mut link| link.before.0.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(n: u32) -> Oid {
        Oid::from_bytes(&[&[0; 16][..], &n.to_be_bytes()].concat()).unwrap()
    }

    #[test]
    fn shared_list_is_not_changed_by_what_is_added_to_it() {
        let shared = Trail::default().with(commit(1)).with(commit(2));
        let (left, right) = (shared.with(commit(3)), shared.with(commit(4)));
        assert_eq!(left.iter().collect::<Vec<_>>(), [3, 2, 1].map(commit));
        assert_eq!(right.iter().collect::<Vec<_>>(), [4, 2, 1].map(commit));
        assert_eq!(shared.iter().collect::<Vec<_>>(), [2, 1].map(commit));
        assert_eq!(left.before(commit(2)).iter().collect::<Vec<_>>(), [commit(1)]);
        assert_eq!(left.before(commit(4)).iter().count(), 0);
    }

    #[test]
    fn long_list_can_be_dropped() {
        let trail = (0..500_000).fold(Trail::default(), |trail, n| trail.with(commit(n)));
        assert_eq!(trail.iter().count(), 500_000);
        drop(trail);
    }
}
