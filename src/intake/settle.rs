//! Files that may not be what they were, until they are at rest: an editor
//! saves in several steps, and half a file is nobody's edit.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::look::Signature;

/// A file that watching told of is at rest when it is the same after this long.
const QUIET: Duration = Duration::from_millis(300);
/// One that only comparing found: nothing tells whether it is being written.
const QUIET_UNWATCHED: Duration = Duration::from_secs(1);
/// An empty file, or the beginning of the old one, is likely to become more.
const QUIET_CUT: Duration = Duration::from_millis(1500);
/// So long a writer that has the file open is waited for.
const OPEN_MAX: Duration = Duration::from_secs(30);
/// Many small writes are not looked at one by one.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);

/// What is known of a change before the file was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hint {
    /// Somebody writes to the file, and has it open.
    Writing,
    /// A writer closed it, or it was taken away.
    Done,
    /// It was put there or taken away as a whole, by a new name.
    Moved,
    /// Its mode or the like is another.
    Touched,
    /// Found by comparing.
    Compared,
    /// Found by comparing, for the first time after the start.
    ComparedAtStart,
}

impl Hint {
    /// Returns whether the bytes of the file may be others, though its signature is the
    /// same: who writes twice within a tick of the clock leaves the same time.
    pub(super) fn is_of_bytes(self) -> bool {
        matches!(self, Self::Writing | Self::Done)
    }
}

/// A file to be looked at, and what the looks so far have shown.
#[derive(Debug)]
pub(super) struct Suspect {
    /// `None` inside: no file. With the time of the first look that saw it so.
    seen: Option<(Option<Signature>, Instant)>,
    open_since: Option<Instant>,
    is_watched: bool,
    pub(super) is_of_start: bool,
    due: Instant,
    looked_at: Option<Instant>,
}

impl Suspect {
    fn new(now: Instant) -> Self {
        Self { seen: None, open_since: None, is_watched: false, is_of_start: false, due: now, looked_at: None }
    }

    fn hint(&mut self, hint: Hint, now: Instant) {
        match hint {
            Hint::Writing if self.is_open(now) => {}
            Hint::Writing => self.open_since = Some(now),
            Hint::Done | Hint::Moved => self.open_since = None,
            Hint::Touched => {}
            Hint::Compared => return,
            Hint::ComparedAtStart => {
                self.is_of_start = true;
                return;
            }
        }
        self.is_watched = true;
        self.due = self.looked_at.map_or(now, |at| now.max(at + LOOK_INTERVAL));
    }

    /// Returns whether somebody is known to be writing.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.open_since.is_some_and(|since| now.saturating_duration_since(since) < OPEN_MAX)
    }

    /// Notes that the file has `signature` (`None`: is not there), and returns
    /// whether it is at rest; else it is due again later.
    pub(super) fn settle(&mut self, signature: Option<Signature>, is_cut: bool, now: Instant) -> bool {
        let since = match self.seen {
            Some((seen, since)) if seen == signature => since,
            _ => now,
        };
        self.seen = Some((signature, since));
        let quiet = match () {
            () if is_cut => QUIET_CUT,
            () if self.is_watched => QUIET,
            () => QUIET_UNWATCHED,
        };
        let is_open = self.is_open(now);
        if now >= since + quiet && !is_open {
            return true;
        }
        self.due = if is_open { now + QUIET } else { since + quiet };
        false
    }

    /// Nobody has it open after all.
    pub(super) fn forget_writer(&mut self) {
        self.open_since = None;
    }

    /// Has the file looked at again at `due`.
    pub(super) fn put_off(&mut self, due: Instant) {
        self.due = due;
    }
}

/// All of them, by their paths.
#[derive(Default)]
pub(super) struct Suspects(HashMap<String, Suspect>);

impl Suspects {
    pub(super) fn hint(&mut self, path: String, hint: Hint, now: Instant) {
        self.0.entry(path).or_insert_with(|| Suspect::new(now)).hint(hint, now);
    }

    /// Has the file at `path` looked at, `after` so long.
    pub(super) fn add(&mut self, path: String, now: Instant, after: Duration) {
        self.0.entry(path).or_insert_with(|| Suspect::new(now)).due = now + after;
    }

    /// Returns whether files still have to be looked at that were found at the start.
    pub(super) fn has_of_start(&self) -> bool {
        self.0.values().any(|suspect| suspect.is_of_start)
    }

    /// Events were lost: nobody knows any more who has a file open.
    pub(super) fn forget_writers(&mut self) {
        self.0.values_mut().for_each(Suspect::forget_writer);
    }

    /// Takes out at most `max` of those that are due: those that wait the longest, as the
    /// service's own files, put there all the time, may not hold up a person's.
    pub(super) fn take_due(&mut self, now: Instant, max: usize) -> Vec<(String, Suspect)> {
        let mut due: Vec<_> = self.0.iter().filter(|(_, suspect)| suspect.due <= now).collect();
        if due.len() > max {
            due.select_nth_unstable_by_key(max, |(_, suspect)| suspect.due);
            due.truncate(max);
        }
        let due: Vec<_> = due.into_iter().map(|(path, _)| path.clone()).collect();
        let taken = due.into_iter().filter_map(|path| {
            let mut suspect = self.0.remove(&path)?;
            suspect.looked_at = Some(now);
            Some((path, suspect))
        });
        taken.collect()
    }

    pub(super) fn put_back(&mut self, path: String, suspect: Suspect) {
        self.0.insert(path, suspect);
    }

    /// Returns when the next is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.0.values().map(|suspect| suspect.due).min()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(text: &str) -> Option<Signature> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, text).unwrap();
        Some(Signature::of(&std::fs::metadata(file).unwrap()))
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn file_is_at_rest_when_two_looks_agree() {
        let (start, one, two) = (Instant::now(), signature("one"), signature("other"));
        let mut suspect = Suspect::new(start);
        suspect.hint(Hint::Done, start);
        assert!(!suspect.settle(one, false, start));
        assert_eq!(suspect.due, start + ms(300));
        assert!(!suspect.settle(two, false, start + ms(300)));
        assert!(!suspect.settle(two, false, start + ms(599)));
        assert!(suspect.settle(two, false, start + ms(600)));
        assert!(!suspect.settle(None, false, start + ms(700)));
    }

    #[test]
    fn who_waits_the_longest_is_looked_at_first() {
        let start = Instant::now();
        let mut suspects = Suspects::default();
        for n in (0..100).rev() {
            suspects.hint(n.to_string(), Hint::Done, start + ms(n));
        }
        for n in 0..10 {
            let taken = suspects.take_due(start + ms(200), 10);
            let mut taken: Vec<u64> = taken.iter().map(|(path, _)| path.parse().unwrap()).collect();
            taken.sort_unstable();
            assert_eq!(taken, (10 * n..10 * n + 10).collect::<Vec<_>>());
        }
        assert!(suspects.next_due().is_none());
    }

    #[test]
    fn writer_that_has_the_file_open_is_waited_for() {
        let (start, one) = (Instant::now(), signature("one"));
        let mut suspect = Suspect::new(start);
        suspect.hint(Hint::Writing, start);
        assert!(!suspect.settle(one, false, start));
        assert!(!suspect.settle(one, false, start + ms(20_000)));
        assert!(suspect.settle(one, false, start + ms(30_000)));
        suspect.hint(Hint::Writing, start + ms(40_000));
        assert!(!suspect.settle(one, false, start + ms(40_500)));
        suspect.hint(Hint::Done, start + ms(41_000));
        assert!(suspect.settle(one, false, start + ms(41_000)));
    }

    #[test]
    fn cut_file_and_one_that_nothing_watches_wait_longer() {
        let (start, one) = (Instant::now(), signature("one"));
        let mut suspect = Suspect::new(start);
        suspect.hint(Hint::Compared, start);
        assert!(!suspect.settle(one, false, start));
        assert!(!suspect.settle(one, false, start + ms(999)));
        assert!(suspect.settle(one, false, start + ms(1000)));
        assert!(!suspect.settle(one, true, start + ms(1499)));
        assert!(suspect.settle(one, true, start + ms(1500)));
    }
}
