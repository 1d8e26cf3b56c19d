//! Holds the service's own writes back for a moment, so that a push that is under
//! way finds the branch where it was told that it is.
//!
//! Writes are late then, never lost: they become the next batch. How late is
//! bounded, whoever asks: at most [`SAVED_MAX`] at once, and over time a tenth of
//! it. Only time in which a write did wait counts.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// What can be saved up, and so the longest that a write waits for pushes.
const SAVED_MAX: Duration = Duration::from_secs(2);
/// With less, a push would hardly be done in time, and writes had waited in vain.
const SAVED_MIN: Duration = Duration::from_millis(500);
/// One part of the time in so many.
const SHARE: u32 = 10;

pub(super) struct Hold {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Until when writes are held, unless the hold is ended before.
    until: Option<Instant>,
    /// Beyond this the hold that is in force cannot be made longer.
    limit: Instant,
    /// What may still be spent, as of `counted_at`.
    saved: Duration,
    counted_at: Instant,
    /// Since when the writer waits.
    waits_since: Option<Instant>,
    is_writing: bool,
}

impl Default for Hold {
    fn default() -> Self {
        let now = Instant::now();
        let (until, waits_since, is_writing) = (None, None, false);
        let state = State { until, limit: now, saved: SAVED_MAX, counted_at: now, waits_since, is_writing };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl Hold {
    /// Holds writes for `at_most`; a hold that is in force goes on for so long, as
    /// far as that may be. When it returns, no batch is under way. Blocks for the
    /// rest of one.
    ///
    /// # Errors
    /// The time after which it can be asked for again; nothing is held now.
    pub(super) fn begin(&self, at_most: Duration) -> Result<(), Duration> {
        let mut state = self.lock();
        let now = Instant::now();
        state.count(now);
        if !state.is_held(now) {
            // Who waited to the end of the last one goes first.
            if state.saved < SAVED_MIN || state.waits_since.is_some() {
                return Err(SAVED_MIN.saturating_sub(state.saved).max(Duration::from_millis(10)) * SHARE);
            }
            state.limit = now + state.saved;
        }
        state.until = state.until.max(Some(now + at_most)).min(Some(state.limit));
        while let Some(left) = state.left().filter(|_| state.is_writing) {
            state = self.changed.wait_timeout(state, left).expect("no panic under this lock").0;
        }
        if state.is_writing {
            return Err(Duration::from_millis(10) * SHARE);
        }
        Ok(())
    }

    /// Lets writes go on; returns whether they were held until now.
    pub(super) fn end(&self) -> bool {
        let mut state = self.lock();
        let was_held = state.is_held(Instant::now());
        state.until = None;
        self.changed.notify_all();
        was_held
    }

    /// Waits while writes are held, and says that the writer is at work; the
    /// writer's. Returns how long it waited.
    pub(super) fn pass(&self) -> Duration {
        let mut state = self.lock();
        let start = Instant::now();
        state.count(start);
        while let Some(left) = state.left() {
            state.waits_since.get_or_insert(start);
            state = self.changed.wait_timeout(state, left).expect("no panic under this lock").0;
        }
        state.count(Instant::now());
        (state.until, state.is_writing) = (None, true);
        if state.waits_since.take().is_some() { start.elapsed() } else { Duration::ZERO }
    }

    /// The batch that the writer passed with is done.
    pub(super) fn passed(&self) {
        self.lock().is_writing = false;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic under this lock")
    }
}

impl State {
    fn is_held(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until > now)
    }

    fn left(&self) -> Option<Duration> {
        self.until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }

    /// Adds what was saved up since the last time, or takes away what was spent.
    fn count(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.counted_at);
        self.saved = match self.waits_since {
            Some(_) => self.saved.saturating_sub(since),
            None => (self.saved + since / SHARE).min(SAVED_MAX),
        };
        self.counted_at = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_wait_until_the_hold_is_ended() {
        let hold = Hold::default();
        hold.begin(SAVED_MAX).unwrap();
        std::thread::scope(|scope| {
            let waited = scope.spawn(|| hold.pass());
            while hold.lock().waits_since.is_none() {
                std::thread::yield_now();
            }
            assert!(hold.end());
            assert!(waited.join().unwrap() > Duration::ZERO);
        });
        assert!(!hold.end(), "there is none any more");
        assert_eq!(hold.pass(), Duration::ZERO);
    }

    #[test]
    fn who_asks_again_and_again_holds_writes_no_longer() {
        let hold = Hold::default();
        let start = Instant::now();
        hold.begin(Duration::from_millis(100)).unwrap();
        std::thread::scope(|scope| {
            let waited = scope.spawn(|| hold.pass());
            while !waited.is_finished() {
                let _ = hold.begin(SAVED_MAX);
            }
            let waited = waited.join().unwrap();
            assert!(waited <= SAVED_MAX + Duration::from_millis(200), "{waited:?}");
        });
        assert!(start.elapsed() >= SAVED_MAX, "as long as is saved up, it goes on");
        let ready_in = hold.begin(SAVED_MAX).unwrap_err();
        assert!(ready_in > SAVED_MIN * (SHARE - 1), "then it takes ten times as long to save: {ready_in:?}");
        assert_eq!(hold.pass(), Duration::ZERO);
    }

    #[test]
    fn a_hold_begins_between_two_batches() {
        let hold = Hold::default();
        hold.pass();
        std::thread::scope(|scope| {
            let begun = scope.spawn(|| hold.begin(SAVED_MAX));
            while hold.lock().until.is_none() {
                std::thread::yield_now();
            }
            assert!(!begun.is_finished());
            hold.passed();
            begun.join().unwrap().unwrap();
        });
        assert!(hold.end());
    }

    #[test]
    fn time_in_which_nobody_wrote_is_not_spent() {
        let hold = Hold::default();
        for _ in 0..5 {
            hold.begin(Duration::from_millis(1)).unwrap();
            while hold.lock().left().is_some() {
                std::thread::yield_now();
            }
        }
        assert_eq!(hold.lock().saved, SAVED_MAX);
    }
}
