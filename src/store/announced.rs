//! What was committed and the work tree was not told of yet. The writer never waits for it.
//!
//! A work tree that is behind hears of more at once: batches that wait are joined, so that
//! few snapshots are kept for it, and what is many MB of files it reads again itself. Only if
//! far too much waits is all of it dropped, and it has to compare by itself, which costs
//! several times as much for each commit, just when there is no time.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::Published;

/// Changes that wait, at most: some ten seconds of what 64 clients write.
const CHANGES_MAX: usize = 50_000;
/// Their files are kept in memory up to so many bytes.
const BYTES_MAX: usize = 48 * 1024 * 1024;
/// So many changes, or this part of all that wait, are told of at once.
const JOINED_MIN: usize = 256;
const JOINED_SHARE: usize = 8;
/// Who waits for an answer goes first, for so long, and until so many changes wait.
const GIVE_WAY_MAX: Duration = Duration::from_secs(2);
const GIVE_WAY_CHANGES_MAX: usize = 12_000;
/// They are many if, within so long, so many were answered at once.
const CROWD_MIN: usize = 8;
const CROWD_TIME: Duration = Duration::from_millis(50);

/// The queue, with one who tells and one who hears.
#[derive(Default)]
pub struct Announced {
    waiting: Mutex<Waiting>,
    told: Condvar,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<Published>,
    n_changes: usize,
    n_bytes: usize,
    /// Most changes that were told at once of late.
    n_at_once: usize,
    /// Somebody hears.
    is_heard: bool,
    is_missed: bool,
    is_closed: bool,
}

impl Announced {
    /// Says that from now on somebody hears.
    pub(super) fn begin(&self) {
        self.lock().is_heard = true;
    }

    pub(super) fn tell(&self, published: Published) {
        self.lock().add(published);
        self.told.notify_one();
    }

    /// Something happened that cannot be told: whoever hears has to look, and sees what
    /// waits here as well.
    pub(super) fn miss(&self) {
        self.lock().drop_all();
    }

    /// Nothing more will be told.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.told.notify_one();
    }

    /// Returns whether something could not be told since the last call.
    pub(super) fn take_missed(&self) -> bool {
        std::mem::take(&mut self.lock().is_missed)
    }

    /// Waits until something was committed, and from then on while many wait for an answer, some
    /// seconds at most: whoever hears would take the processors from them. Does not wait if
    /// something is there: then they are behind already.
    pub fn give_way(&self) {
        let mut waiting = self.lock();
        if !waiting.is_idle() {
            return;
        }
        waiting.n_at_once = 0;
        let waited = self.told.wait_while(waiting, |waiting| waiting.is_idle());
        self.let_a_crowd_pass(waited.expect("no panic under this lock"));
    }

    fn let_a_crowd_pass(&self, mut waiting: MutexGuard<'_, Waiting>) {
        let start = Instant::now();
        while std::mem::take(&mut waiting.n_at_once) >= CROWD_MIN && start.elapsed() < GIVE_WAY_MAX {
            let waited = self.told.wait_timeout_while(waiting, CROWD_TIME, |waiting| !waiting.is_pressing());
            let is_pressing;
            (waiting, is_pressing) =
                waited.map(|(waiting, timeout)| (waiting, !timeout.timed_out())).expect("no panic under this lock");
            if is_pressing {
                return;
            }
        }
    }

    /// Waits for what was committed next; `None` if nothing more will be.
    pub fn next(&self) -> Option<Published> {
        let waited = self.told.wait_while(self.lock(), |waiting| waiting.is_idle());
        let mut waiting = waited.expect("no panic under this lock");
        let next = waiting.batches.pop_front()?;
        waiting.n_changes -= next.changes.len();
        waiting.n_bytes -=
            next.changes.iter().filter_map(|change| change.file.as_deref()).map(<[u8]>::len).sum::<usize>();
        Some(next)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no panic under this lock")
    }
}

impl Waiting {
    fn add(&mut self, mut published: Published) {
        if !self.is_heard {
            return;
        }
        self.n_at_once = self.n_at_once.max(published.changes.len());
        if self.n_changes + published.changes.len() > CHANGES_MAX {
            return self.drop_all();
        }
        self.n_changes += published.changes.len();
        for change in &mut published.changes {
            let n_bytes = self.n_bytes + change.file.as_ref().map_or(0, |file| file.len());
            if n_bytes <= BYTES_MAX {
                self.n_bytes = n_bytes;
            } else {
                change.file = None;
            }
        }
        let n_joined_max = JOINED_MIN.max(self.n_changes / JOINED_SHARE);
        match self.batches.back_mut() {
            Some(last) if last.changes.len() + published.changes.len() <= n_joined_max => {
                last.snapshot = published.snapshot;
                last.changes.append(&mut published.changes);
            }
            _ => self.batches.push_back(published),
        }
    }

    /// Nothing is there, and something can come.
    fn is_idle(&self) -> bool {
        self.batches.is_empty() && !self.is_closed
    }

    /// It is time to hear of it, whoever else waits.
    fn is_pressing(&self) -> bool {
        self.n_changes >= GIVE_WAY_CHANGES_MAX || self.is_closed
    }

    fn drop_all(&mut self) {
        self.batches.clear();
        (self.n_changes, self.n_bytes, self.is_missed) = (0, 0, self.is_heard);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use git2::Oid;

    use super::*;
    use crate::store::FileChange;
    use crate::store::snapshot::Snapshot;

    fn commit(n: usize) -> Oid {
        let mut id = [0; 20];
        id[..8].copy_from_slice(&n.to_be_bytes());
        Oid::from_bytes(&id).expect("an id")
    }

    /// A batch of `n` commits, each with a file of `n_bytes`.
    fn batch(first: usize, n: usize, n_bytes: usize) -> Published {
        let change = |at| FileChange {
            path: format!("{at}").into(),
            commit: commit(at),
            before: None,
            blob: commit(at),
            file: Some(vec![0; n_bytes].into()),
        };
        let snapshot = Arc::new(Snapshot::new(commit(first + n - 1), commit(0)));
        Published { snapshot, changes: (first..first + n).map(change).collect() }
    }

    fn heard() -> Announced {
        let announced = Announced::default();
        announced.begin();
        announced
    }

    #[test]
    fn what_waits_is_told_in_order_in_few_parts() {
        let announced = heard();
        for n in 0..1000 {
            announced.tell(batch(n * 40, 40, 1));
        }
        announced.close();
        let told: Vec<_> = std::iter::from_fn(|| announced.next()).collect();
        assert!(told.len() < 40, "{}", told.len());
        for part in &told {
            assert_eq!(part.changes.last().map(|change| change.commit), Some(part.snapshot.commit));
        }
        let commits = told.iter().flat_map(|part| &part.changes).map(|change| change.commit);
        assert!(commits.eq((0..40_000).map(commit)));
        let waiting = announced.lock();
        assert_eq!((waiting.n_changes, waiting.n_bytes, waiting.is_missed), (0, 0, false));
    }

    #[test]
    fn files_are_kept_up_to_a_bound() {
        let announced = heard();
        announced.tell(batch(0, 100, BYTES_MAX / 50));
        let kept = |part: &Published| part.changes.iter().filter(|change| change.file.is_some()).count();
        assert_eq!(announced.next().as_ref().map(kept), Some(50));
        announced.tell(batch(100, 10, BYTES_MAX / 50));
        assert_eq!(announced.next().as_ref().map(kept), Some(10), "there is room again");
    }

    #[test]
    fn who_waits_for_an_answer_among_many_goes_first() {
        let quickest = |n_at_once| {
            let waited = |_| {
                let announced = heard();
                announced.tell(batch(0, n_at_once, 1));
                let start = Instant::now();
                announced.let_a_crowd_pass(announced.lock());
                start.elapsed()
            };
            (0..10).map(waited).min()
        };
        assert!(quickest(CROWD_MIN) >= Some(CROWD_TIME));
        assert!(quickest(CROWD_MIN - 1) < Some(CROWD_TIME), "they are few");
        assert!(quickest(GIVE_WAY_CHANGES_MAX) < Some(CROWD_TIME), "they are far too many");
    }

    #[test]
    fn far_too_much_is_dropped_and_known_to_be_missed() {
        let announced = heard();
        announced.tell(batch(0, CHANGES_MAX, 1));
        assert!(!announced.take_missed());
        announced.tell(batch(CHANGES_MAX, 1, 1));
        assert!(announced.take_missed() && !announced.take_missed());
        announced.tell(batch(CHANGES_MAX + 1, 1, 1));
        announced.miss();
        announced.close();
        assert!(announced.next().is_none() && announced.take_missed());
    }

    #[test]
    fn where_nobody_hears_nothing_waits() {
        let announced = Announced::default();
        announced.tell(batch(0, 1, 1));
        announced.miss();
        announced.close();
        assert!(announced.next().is_none() && !announced.take_missed());
    }
}
