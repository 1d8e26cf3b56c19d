//! Keeps the number of packs small: each flush leaves one, and git slows down with their
//! number.
//!
//! They are joined by copying ([`crate::store::join`]), those of about one size together, so
//! that no byte is copied more often than there are sizes, and the sizes side by side: in the
//! time that it takes to join large ones, flushes leave hundreds of small ones. What cannot be
//! joined so, packs that pushes left, goes to `git repack` once it piles up; without git on the
//! machine it stays, and that is said once. Readers that lose a pack under their feet look
//! again ([`crate::store::blobs`]).

use std::fs;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use super::repack::repack;
use crate::failpoint::failpoint;
use crate::store::repository::Location;
use crate::store::{Shared, join};

/// Sizes in bytes from which on packs are joined with each other, and how many they are then.
/// What a flush leaves has some 10 to 500 KB. Of the last, so many that what they make is not joined again.
const SIZES: [(u64, usize); 3] = [(0, 20), (1 << 20, 8), (16 << 20, 16)];
/// Larger ones stay as they are, until git packs all anew: there is one for some 150,000 commits.
const LAST_SIZE: u64 = JOINED_SIZE_MAX / 2;
/// What is joined is no larger.
const JOINED_SIZE_MAX: u64 = 1 << 30;
/// Fewer are not looked at.
const FEW: usize = 8;
/// `git repack` from so many packs on that cannot be joined.
const REPACK_MIN: usize = 96;
/// What could not be done is tried again after so long, or when there are other packs.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);

/// Joins packs where there are too many. Dropped, it ends what it does.
pub(super) struct Joins {
    location: Location,
    sizes: [Size; SIZES.len()],
    is_ended: Arc<AtomicBool>,
    before: Vec<PathBuf>,
    repacked: Work,
    /// When git could not.
    repacked_in_vain: Option<Instant>,
}

impl Joins {
    pub(super) fn new(location: &Location, shared: &Arc<Shared>) -> Self {
        let is_ended = Arc::<AtomicBool>::default();
        let work = || Work {
            dir: location.pack_dir(),
            shared: shared.clone(),
            is_ended: is_ended.clone(),
            foreign: Vec::new(),
            in_vain: None,
            trouble: None,
        };
        Self {
            location: location.clone(),
            sizes: [(); SIZES.len()].map(|()| Size { work: Arc::new(Mutex::new(work())), thread: None }),
            is_ended: is_ended.clone(),
            before: Vec::new(),
            repacked: work(),
            repacked_in_vain: None,
        }
    }

    /// Has packs joined that are to be joined. Returns whether there may be more of them in a moment.
    pub(super) fn look(&mut self, stop: &Receiver<()>) -> bool {
        let packs = packs(&self.location);
        // Not by their number: that can be the same after twenty came and as many were joined.
        let is_changing = packs != self.before;
        self.before.clone_from(&packs);
        let packs = if packs.len() < FEW { Default::default() } else { by_size(packs) };
        let all = self.sizes.iter_mut().zip(packs).zip(SIZES);
        let n_foreign: Vec<_> = all.map(|((size, packs), (_, n_min))| size.look(packs, n_min)).collect();
        let n_foreign = n_foreign.into_iter().sum::<Option<usize>>();
        if n_foreign.is_some_and(|n| n >= REPACK_MIN) {
            self.repack(stop);
        }
        n_foreign.is_none() || is_changing
    }

    fn repack(&mut self, stop: &Receiver<()>) {
        if self.repacked_in_vain.is_some_and(|at| at.elapsed() < RETRY_INTERVAL) {
            return;
        }
        let start = Instant::now();
        let outcome = repack(&self.location, stop);
        self.repacked_in_vain = outcome.is_err().then(Instant::now);
        self.repacked.tell(outcome, start, "Had git join the packs");
    }
}

impl Drop for Joins {
    fn drop(&mut self) {
        self.is_ended.store(true, Ordering::Relaxed);
        for size in &mut self.sizes {
            // One that panicked has said so.
            size.thread.take().map(JoinHandle::join);
        }
    }
}

/// Packs of one size.
struct Size {
    work: Arc<Mutex<Work>>,
    /// Has the work until it is done.
    thread: Option<JoinHandle<()>>,
}

impl Size {
    /// Has `packs` joined if they are at least `n_min`. Returns how many of them cannot be, or
    /// `None` while it is being done.
    fn look(&mut self, mut packs: Vec<Pack>, n_min: usize) -> Option<usize> {
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return None;
        }
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        let mut work = self.work.lock().expect("one that panicked ends the service");
        work.foreign.retain(|path| packs.iter().any(|(_, other)| other == path));
        packs.retain(|(_, path)| !work.foreign.contains(path));
        packs.truncate(n_chosen(&packs, n_min));
        if packs.is_empty() || work.is_in_vain(&packs) {
            return Some(work.foreign.len());
        }
        let own = self.work.clone();
        let join = move || own.lock().expect("one that panicked ends the service").join(&packs);
        // Without a thread it is tried at the next look.
        self.thread = Builder::new().name("join".into()).spawn(join).ok();
        None
    }
}

/// A pack's size in bytes, and where it is.
type Pack = (u64, PathBuf);

/// Joins packs, and tells of it.
struct Work {
    dir: PathBuf,
    shared: Arc<Shared>,
    is_ended: Arc<AtomicBool>,
    /// What never can be joined.
    foreign: Vec<PathBuf>,
    /// What could not be joined, and when.
    in_vain: Option<(Vec<Pack>, Instant)>,
    /// What was told of last.
    trouble: Option<String>,
}

impl Work {
    fn is_in_vain(&self, packs: &[Pack]) -> bool {
        self.in_vain.as_ref().is_some_and(|(them, at)| them == packs && at.elapsed() < RETRY_INTERVAL)
    }

    fn join(&mut self, packs: &[Pack]) {
        let start = Instant::now();
        let paths: Vec<_> = packs.iter().map(|(_, path)| path.clone()).collect();
        let outcome = join::join(&self.dir, &paths, &self.is_ended);
        if self.is_ended.load(Ordering::Relaxed) {
            return;
        }
        let n_joined = outcome.as_ref().map_or(0, |joined| joined.n_joined);
        self.in_vain = (n_joined == 0).then(|| (packs.to_vec(), Instant::now()));
        let outcome = outcome.map(|joined| self.foreign.extend(joined.foreign));
        if n_joined > 0 || outcome.is_err() {
            let n_bytes: u64 = packs.iter().map(|(size, _)| size).sum();
            let done = format!("Joined {n_joined} packs of {} MB", n_bytes.div_ceil(1 << 20));
            self.tell(outcome.map_err(|error| error.to_string()), start, &done);
        }
    }

    fn tell(&mut self, outcome: Result<(), String>, start: Instant, done: &str) {
        match outcome {
            Ok(()) => {
                self.trouble = None;
                self.shared.blobs.renew_packs();
                failpoint!("join.done");
                let seconds = start.elapsed().as_secs_f64();
                self.shared.metrics.upkeep_seconds.observe(seconds);
                tracing::info!(duration_ms = seconds * 1000.0, "{done}");
            }
            Err(detail) if self.trouble.as_ref() != Some(&detail) => {
                tracing::warn!("Packs pile up and cannot be joined: {detail}");
                self.trouble = Some(detail);
            }
            Err(_) => {}
        }
    }
}

/// Returns the packs that are there.
fn packs(location: &Location) -> Vec<PathBuf> {
    let entries = fs::read_dir(location.pack_dir()).into_iter().flatten().flatten();
    // One with an index is complete.
    let indexes = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "idx"));
    let is_own = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("pack-"));
    let mut packs: Vec<_> = indexes.filter(is_own).map(|path| path.with_extension("pack")).collect();
    packs.sort_unstable();
    packs
}

/// Returns the packs of each of [`SIZES`], smallest first.
fn by_size(packs: Vec<PathBuf>) -> [Vec<Pack>; SIZES.len()] {
    let sized = packs.into_iter().filter_map(|path| Some((fs::metadata(&path).ok()?.len(), path)));
    let mut all: Vec<_> = sized.filter(|(size, _)| *size < LAST_SIZE).collect();
    all.sort_unstable();
    let mut larger = SIZES;
    larger.reverse();
    let mut by_size = larger.map(|(from, _)| all.split_off(all.partition_point(|(size, _)| *size < from)));
    by_size.reverse();
    by_size
}

/// Returns how many of the packs of one size, smallest first, are to be joined.
fn n_chosen(packs: &[Pack], n_min: usize) -> usize {
    let mut n_bytes = 0;
    let fits = packs.iter().take_while(|(size, _)| {
        n_bytes += size;
        n_bytes <= JOINED_SIZE_MAX
    });
    let n = fits.count();
    if n < packs.len() || n >= n_min { n } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    fn packs(sizes: &[(usize, u64)]) -> Vec<Pack> {
        sizes.iter().flat_map(|(n, size)| vec![(*size, PathBuf::new()); *n]).collect()
    }

    #[test]
    fn packs_that_are_others_are_looked_at_again_soon_though_they_are_as_many() {
        let dir = tempfile::tempdir().expect("a folder");
        crate::store::repository::create(dir.path()).expect("a repository");
        let store = crate::store::Store::open(dir.path(), Arc::default(), 1024).expect("a store");
        let (mut joins, (_sender, stop)) = (Joins::new(store.location(), &store.shared), std::sync::mpsc::channel());
        let index = |name: &str| store.location().pack_dir().join(format!("pack-{name}.idx"));
        assert!(joins.look(&stop), "the first look");
        assert!(!joins.look(&stop), "nothing came");
        fs::write(index("one"), "").expect("written");
        assert!(joins.look(&stop), "one came");
        fs::rename(index("one"), index("two")).expect("renamed");
        assert!(joins.look(&stop), "one came and one went");
        assert!(!joins.look(&stop), "nothing came");
    }

    #[test]
    fn packs_are_joined_when_they_are_many_or_fill_the_largest() {
        let n_of = |n, size| n_chosen(&packs(&[(n, size)]), 8);
        assert_eq!(n_of(7, 20 * MB), 0);
        assert_eq!(n_of(8, 20 * MB), 8);
        assert_eq!(n_of(2, 400 * MB), 0);
        assert_eq!(n_of(3, 400 * MB), 2);
        assert_eq!(n_of(12, 100 * MB), 10);
    }

    #[test]
    fn packs_of_one_size_are_together_and_the_largest_are_left() {
        let dir = tempfile::tempdir().expect("a folder");
        let pack = |(n, len): (usize, u64)| {
            let path = dir.path().join(n.to_string());
            fs::File::create(&path).and_then(|file| file.set_len(len)).expect("a sparse file");
            path
        };
        let sizes = [LAST_SIZE, 16 * MB, MB, 1, LAST_SIZE - 1, MB - 1, 10 * LAST_SIZE, 16 * MB - 1];
        let mut paths: Vec<_> = sizes.into_iter().enumerate().map(pack).collect();
        paths.push(dir.path().join("removed"));
        let sizes = by_size(paths).map(|packs| packs.into_iter().map(|(size, _)| size).collect::<Vec<_>>());
        assert_eq!(sizes, [vec![1, MB - 1], vec![MB, 16 * MB - 1], vec![16 * MB, LAST_SIZE - 1]]);
    }

    /// What flushes leave in ten minutes, 130 packs a second, 14 GB in all, where 120 to 400 MB are
    /// joined in a second, and what is under way stays until it is done.
    #[test]
    fn packs_stay_few_and_bytes_are_copied_a_few_times_however_many_come() {
        const FLUSHES_PER_SECOND: f64 = 130.0;
        for bytes_per_second in [120e6, 200e6, 400e6] {
            let (mut all, mut n_last, mut most, mut n_written, mut n_copied) = (Vec::<Pack>::new(), 0, 0, 0, 0);
            // What is joined, and the flush at which it is done.
            let mut under_way: [Option<(Vec<Pack>, f64)>; SIZES.len()] = Default::default();
            for n in 0..78_000u32 {
                let now = f64::from(n);
                let size = 40_000 + u64::from(n) * 7919 % 280_000;
                n_written += size;
                all.push((size, n.to_string().into()));
                for under_way in &mut under_way {
                    let Some((packs, _)) = under_way.take_if(|(_, done)| *done <= now) else { continue };
                    all.retain(|pack| !packs.contains(pack));
                    let joined = packs.iter().map(|(size, _)| size).sum::<u64>();
                    n_copied += joined;
                    if joined < LAST_SIZE {
                        all.push((joined, format!("joined {n}").into()));
                    } else {
                        n_last += 1;
                    }
                }
                most = most.max(all.len() + n_last);
                // A look each 50 ms or so.
                if n % 6 > 0 {
                    continue;
                }
                all.sort_unstable();
                let n_busy = under_way.iter().flatten().count();
                for (at, under_way) in under_way.iter_mut().enumerate().filter(|(_, under_way)| under_way.is_none()) {
                    let to = SIZES.get(at + 1).map_or(LAST_SIZE, |(to, _)| *to);
                    let range = [SIZES[at].0, to].map(|bound| all.partition_point(|(size, _)| *size < bound));
                    let packs = &all[range[0]..range[1]];
                    let chosen = &packs[..n_chosen(packs, SIZES[at].1)];
                    if !chosen.is_empty() {
                        let n_bytes = chosen.iter().map(|(size, _)| size).sum::<u64>();
                        let seconds = 0.03 + n_bytes as f64 / bytes_per_second * (n_busy + 1) as f64;
                        *under_way = Some((chosen.to_vec(), now + seconds * FLUSHES_PER_SECOND));
                    }
                }
            }
            assert!(n_copied < 7 * n_written / 2, "{n_copied} of {n_written}");
            assert!(most < 100, "{most} packs at {bytes_per_second} bytes a second");
        }
    }
}
