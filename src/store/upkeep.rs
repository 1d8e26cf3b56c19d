//! Keeps the number of packs small, in the background: each flush leaves a pack,
//! and git slows down with their number.
//!
//! The smallest ones are joined by copying ([`super::merge`]), so the work is
//! proportional to what is new. What cannot be joined so, packs that pushes left,
//! goes to `git repack` once it piles up; without git on the machine it stays, and
//! that is said once. Readers that lose a pack under their feet look again
//! ([`super::blobs`]).

use std::cell::Cell;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::repository::Location;
use super::{Shared, merge};
use crate::failpoint::failpoint;

/// Joined from so many packs on.
const PACKS_MAX: usize = 48;
/// What is joined has about the same size, so that no byte is copied more often than
/// there are sizes: the smallest of which there are so many, and what is smaller.
const ALIKE_MIN: usize = 16;
/// A larger one stays as it is, until git packs all anew, and counts for none of these
/// numbers: there is one for some 15,000 reports.
const SMALL_BYTES_MAX: u64 = JOINED_BYTES_MAX / 2;
/// From so many packs on, all small ones are joined, whatever their sizes.
const PACKS_MANY: usize = 80;
/// Larger ones are not read into memory to be joined.
const JOINED_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// `git repack` from so many packs on.
const REPACK_MIN: usize = 96;
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// The tip that is served is noted so often.
const NOTE_INTERVAL: Duration = Duration::from_secs(1);
/// What packs that are gone still take is let go so often.
const TIDY_INTERVAL: Duration = Duration::from_secs(10);
/// The state of the tip is saved, for a start after a crash: so often, and after so many commits,
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
/// A repack that takes longer is ended; it is tried again later.
const PATIENCE: Duration = Duration::from_secs(600);

/// Works until the sender of `stop` is gone.
pub(super) fn run(location: &Location, shared: &Arc<Shared>, stop: &Receiver<()>) {
    let mut trouble = None;
    let mut pause = LOOK_INTERVAL;
    let (mut noted, mut tidied, mut saving) = (Instant::now(), Instant::now(), Saving::default());
    let mut noted_tip = shared.snapshot.load().commit;
    while stop.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
        pause = LOOK_INTERVAL;
        if noted.elapsed() > NOTE_INTERVAL {
            shared.note_served();
            let tip = shared.snapshot.load().commit;
            let is_calm = std::mem::replace(&mut noted_tip, tip) == tip;
            saving.begin_if_due(shared, is_calm);
            if tidied.elapsed() > TIDY_INTERVAL {
                shared.blobs.forget_removed();
                tidied = Instant::now();
            }
            noted = Instant::now();
        }
        let packs = packs(location);
        if packs.len() < PACKS_MAX {
            continue;
        }
        let packs = small_ones(packs);
        if packs.len() < PACKS_MAX {
            continue;
        }
        let start = Instant::now();
        let outcome = join_smallest(location, &packs).and_then(|n_joined| {
            if n_joined == 0 && packs.len() >= REPACK_MIN {
                repack(location, stop).map(|()| packs.len())
            } else {
                Ok(n_joined)
            }
        });
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(0) => {}
            Ok(n_joined) => {
                trouble = None;
                // Flushes leave packs while others are joined: look again at once.
                pause = Duration::ZERO;
                shared.blobs.forget_handles();
                failpoint!("join.done");
                shared.metrics.upkeep_seconds.observe(seconds);
                tracing::info!(duration_ms = seconds * 1000.0, "Joined {n_joined} of {} packs", packs.len());
            }
            Err(detail) if trouble.as_ref() != Some(&detail) => {
                tracing::warn!("Packs pile up and cannot be joined: {detail}");
                trouble = Some(detail);
            }
            Err(_) => {}
        }
    }
}

/// The state is saved beside the rest, in which flushes leave hundreds of packs.
struct Saving {
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
    fn begin_if_due(&mut self, shared: &Arc<Shared>, is_calm: bool) {
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

/// Returns the packs. Their names are enough where they are few.
fn packs(location: &Location) -> Vec<PathBuf> {
    let entries = fs::read_dir(location.pack_dir()).into_iter().flatten().flatten();
    // One with an index is complete.
    let indexes = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "idx"));
    let is_own = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pack-"));
    indexes.filter(is_own).map(|path| path.with_extension("pack")).collect()
}

/// Returns the small ones that are there with their sizes in bytes, smallest first.
fn small_ones(packs: Vec<PathBuf>) -> Vec<(u64, PathBuf)> {
    let sized = packs.into_iter().filter_map(|path| Some((fs::metadata(&path).ok()?.len(), path)));
    let mut small: Vec<_> = sized.filter(|(size, _)| *size <= SMALL_BYTES_MAX).collect();
    small.sort_unstable();
    small
}

fn join_smallest(location: &Location, packs: &[(u64, PathBuf)]) -> Result<usize, String> {
    let mut n_bytes = 0;
    let fits = packs.iter().take(n_joined(packs)).take_while(|(size, _)| {
        n_bytes += size;
        n_bytes <= JOINED_BYTES_MAX
    });
    let paths: Vec<_> = fits.map(|(_, path)| path.clone()).collect();
    merge::merge(&location.pack_dir(), &paths).map_err(|error| error.to_string())
}

/// Returns how many of the small `packs`, smallest first, are to be joined.
fn n_joined(packs: &[(u64, PathBuf)]) -> usize {
    // Sizes in one of these differ by less than eight times.
    let magnitude = |size: u64| size.max(1).ilog2() / 3;
    let alike = packs.chunk_by(|(a, _), (b, _)| magnitude(*a) == magnitude(*b));
    let mut n_up_to = 0;
    for alike in alike {
        n_up_to += alike.len();
        if alike.len() >= ALIKE_MIN {
            return n_up_to;
        }
    }
    if packs.len() < PACKS_MANY { 0 } else { packs.len() }
}

fn repack(location: &Location, stop: &Receiver<()>) -> Result<(), String> {
    #[expect(clippy::disallowed_methods, reason = "joining packs is git's own business; libgit2 cannot")]
    let mut child = Command::new("git")
        .args([
            "-c",
            "core.fsync=all",
            "-c",
            "pack.window=0",
            "-c",
            "pack.threads=1",
            "-c",
            "repack.writeBitmaps=false",
        ])
        .args(["repack", "--geometric=2", "-d", "-q"])
        .current_dir(&location.work_dir)
        .env_remove("GIT_DIR")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("git cannot be run: {error}"))?;
    failpoint!("repack.begun");
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("it ended with {status}")),
            Ok(None) => {}
            Err(error) => return Err(error.to_string()),
        }
        let is_asked_to_stop = stop.recv_timeout(Duration::from_millis(20)) != Err(RecvTimeoutError::Timeout);
        if is_asked_to_stop || start.elapsed() > PATIENCE {
            // An unfinished repack leaves only temporary files.
            let _ = child.kill();
            let _ = child.wait();
            return Err("it was ended before it was done".into());
        }
    }
}

#[cfg(test)]
mod tests {
    use git2::Oid;

    use super::*;
    use crate::store::snapshot::Snapshot;
    use crate::store::{Store, repository};

    fn packs(sizes: &[(usize, u64)]) -> Vec<(u64, PathBuf)> {
        let sizes = sizes.iter().flat_map(|(n, size)| vec![(*size, PathBuf::new()); *n]);
        sizes.collect()
    }

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

    #[test]
    fn packs_of_one_size_are_joined_and_larger_ones_are_left() {
        const MB: u64 = 1 << 20;
        assert_eq!(n_joined(&packs(&[(40, 300_000), (9, 12 * MB)])), 40);
        assert_eq!(n_joined(&packs(&[(5, 100_000), (30, 300_000), (15, 12 * MB)])), 35);
        assert_eq!(n_joined(&packs(&[(9, 300_000), (16, 12 * MB), (30, 60 * MB)])), 25);
        assert_eq!(n_joined(&packs(&[(15, 9_000), (15, 300_000), (15, 12 * MB), (15, 60 * MB)])), 0);
        assert_eq!(n_joined(&packs(&[(15, 900), (15, 9_000), (15, 300_000), (15, 12 * MB), (20, 60 * MB)])), 80);
    }

    /// What a flush leaves is copied about once for each size that it comes to, and what has come
    /// to its last size is in nobody's way: here 3 million reports.
    #[test]
    fn packs_stay_few_and_bytes_are_copied_a_few_times_however_many_come() {
        let (mut small, mut n_large, mut n_written, mut n_copied, mut most) = (Vec::new(), 0, 0, 0, 0);
        for n in 0..60_000u64 {
            let size = 100_000 + n * 7919 % 400_000;
            n_written += size;
            small.push((size, PathBuf::new()));
            most = most.max(small.len());
            if small.len() >= PACKS_MAX {
                small.sort_unstable();
                let mut n_bytes = 0;
                let fits = small.iter().take(n_joined(&small)).take_while(|(size, _)| {
                    n_bytes += size;
                    n_bytes <= JOINED_BYTES_MAX
                });
                let joined: Vec<_> = fits.map(|(size, _)| *size).collect();
                let sum = joined.iter().sum::<u64>();
                small.drain(..joined.len());
                match sum {
                    0 => {}
                    1..=SMALL_BYTES_MAX => small.push((sum, PathBuf::new())),
                    _ => n_large += 1,
                }
                n_copied += sum;
            }
        }
        assert!(n_copied < 3 * n_written, "{n_copied} of {n_written}");
        assert!(most < PACKS_MANY, "{most} packs");
        assert!(n_large < n_written / (64 << 20), "{n_large} large packs");
    }

    #[test]
    fn pack_at_its_last_size_is_none_of_the_small_ones() {
        let dir = tempfile::tempdir().expect("a folder");
        let pack = |(name, len): (&str, u64)| {
            let path = dir.path().join(name);
            fs::File::create(&path).and_then(|file| file.set_len(len)).expect("a sparse file");
            path
        };
        let sizes = [("a", SMALL_BYTES_MAX + 1), ("b", SMALL_BYTES_MAX), ("c", 1), ("d", 10 * SMALL_BYTES_MAX)];
        let mut paths: Vec<_> = sizes.into_iter().map(pack).collect();
        paths.push(dir.path().join("removed"));
        let small: Vec<u64> = small_ones(paths).into_iter().map(|(size, _)| size).collect();
        assert_eq!(small, [1, SMALL_BYTES_MAX]);
    }
}
