//! Saves the state of the tip, for a start after a crash.

use std::cell::Cell;
use std::sync::Arc;
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::store::Shared;

/// It is saved so often, and after so many commits,
/// or such a part of all, that what it costs is little beside them.
const SAVE_INTERVAL: Duration = Duration::from_secs(10);
const SAVE_MIN: usize = 500;
const SAVE_SHARE: usize = 20;
/// In the midst of writes it is waited for a second without one, until there are so many
/// times as many.
const SAVE_PATIENCE: usize = 3;
/// After a save that took so long, the next one rests this many times as long: of a million
/// reports it takes ten seconds, in which others write 30,000 more. A start after a crash
/// then reads git alone, if the last one is too long ago.
const SAVE_REST: u32 = 10;
/// While many wait for answers, a save rests, for so long in all.
const SAVE_WAIT_MAX: Duration = Duration::from_secs(5);
const SAVE_WAIT: Duration = Duration::from_millis(10);

/// The state is saved beside the rest, in which flushes leave hundreds of packs.
pub(super) struct Saving {
    /// Returns how long it took.
    thread: Option<JoinHandle<Duration>>,
    rest_until: Instant,
}

impl Default for Saving {
    fn default() -> Self {
        Self { thread: None, rest_until: Instant::now() + SAVE_INTERVAL }
    }
}

impl Saving {
    /// Begins, if there is enough to save, unless the last one is still under way, or not
    /// long ago. `is_calm`: nobody wrote within the last second.
    pub(super) fn begin_if_due(&mut self, shared: &Arc<Shared>, is_calm: bool) {
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        if let Some(took) = self.end() {
            self.rest_until = Instant::now() + (took * SAVE_REST).max(SAVE_INTERVAL);
        }
        let n_enough = SAVE_MIN.max(shared.snapshot.load().line.len() / SAVE_SHARE);
        let n_enough = if is_calm { n_enough } else { n_enough * SAVE_PATIENCE };
        if self.rest_until > Instant::now() || shared.n_unsaved() < n_enough {
            return;
        }
        let own = shared.clone();
        let save = move || {
            let (start, waited) = (Instant::now(), Cell::new(Duration::ZERO));
            let pause = || {
                while own.is_busy() && waited.get() < SAVE_WAIT_MAX {
                    thread::sleep(SAVE_WAIT);
                    waited.set(waited.get() + SAVE_WAIT);
                }
            };
            own.save_snapshot(&pause);
            start.elapsed().saturating_sub(waited.get())
        };
        // Without a thread it is saved another time, at the stop at the latest.
        self.thread = Builder::new().name("save".into()).spawn(save).ok();
    }

    /// Waits for the one that is under way, and returns how long it took.
    fn end(&mut self) -> Option<Duration> {
        let done = self.thread.take()?.join();
        done.inspect_err(|_| tracing::error!("The thread that saves the state panicked")).ok()
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use git2::Oid;

    use super::*;
    use crate::store::snapshot::Snapshot;
    use crate::store::{Store, repository};

    #[test]
    fn after_a_save_the_next_one_rests_and_longer_after_a_long_one() {
        let dir = tempfile::tempdir().expect("a folder");
        repository::create(dir.path()).expect("a repository");
        let store = Store::open(dir.path(), Arc::default(), 1024).expect("a store");
        for (took, rest) in [(Duration::from_secs(60), 600), (Duration::ZERO, 10)] {
            let thread = std::thread::spawn(move || took);
            while !thread.is_finished() {
                std::thread::yield_now();
            }
            let mut saving = Saving { thread: Some(thread), rest_until: Instant::now() };
            saving.begin_if_due(&store.shared, true);
            assert_eq!(saving.rest_until.duration_since(Instant::now()).as_secs_f64().round(), f64::from(rest));
        }
    }

    #[test]
    fn in_the_midst_of_writes_the_state_is_saved_when_there_is_much_more_to_save() {
        let dir = tempfile::tempdir().expect("a folder");
        repository::create(dir.path()).expect("a repository");
        let store = Store::open(dir.path(), Arc::default(), 1024).expect("a store");
        let begins = |n_commits: usize, is_calm| {
            let mut snapshot = Snapshot::clone(&store.shared.snapshot.load());
            for _ in 0..n_commits {
                let n = snapshot.line.len();
                let commit = Oid::from_bytes(&[&[1; 12][..], &n.to_be_bytes()].concat()).expect("an id");
                snapshot.advance(commit, snapshot.tree, 0);
            }
            store.shared.snapshot.store(Arc::new(snapshot));
            let mut saving = Saving { thread: None, rest_until: Instant::now() };
            saving.begin_if_due(&store.shared, is_calm);
            saving.end().is_some()
        };
        store.shared.save_snapshot(&|| {});
        assert!(!begins(SAVE_MIN - 1, true));
        assert!(begins(1, true));
        assert!(!begins(SAVE_MIN * 2, false), "somebody writes");
        assert!(begins(SAVE_MIN, false));
        assert!(!begins(0, true), "all is saved");
    }
}
