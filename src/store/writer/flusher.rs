//! Puts planned batches on disk, on a thread of its own: while the disk syncs one,
//! the writer plans the next.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use git2::{Oid, Repository};

use crate::failpoint::failpoint;
use crate::store::branch::{self, SwapError};
use crate::store::cores;
use crate::store::nursery::Nursery;
use crate::store::object::Object;
use crate::store::pack;
use crate::store::repository::Location;

/// Small packs are soon joined and deleted.
const PACK_FILES_PER_FOLDER: usize = 256;

/// What is to be durable, and the move of the branch that makes it count.
pub(super) struct Flush {
    pub(super) objects: Vec<Object>,
    pub(super) old: Oid,
    pub(super) new: Oid,
}

/// What became of it.
pub(super) struct Flushed {
    pub(super) result: Result<(), SwapError>,
    pub(super) took: Duration,
}

/// The thread, which has one [`Flush`] at a time.
pub(super) struct Flusher {
    flushes: Option<Sender<Flush>>,
    flushed: Receiver<Flushed>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    /// # Errors
    /// libgit2's, if the repository cannot be opened.
    pub(super) fn start(location: &Location) -> Result<Self, git2::Error> {
        let (flushes, waiting) = bounded::<Flush>(1);
        let (done, flushed) = bounded(1);
        let home = location.nursery_dir().join("packs");
        let disk = Disk {
            git: location.open()?,
            nursery: Nursery::open(&home, &location.pack_dir(), PACK_FILES_PER_FOLDER),
            location: location.clone(),
        };
        let run = move || {
            for flush in waiting {
                let start = Instant::now();
                // One that panics has done nobody knows what; the next is to be done all the same.
                let flushed = catch_unwind(AssertUnwindSafe(|| disk.flush(&flush)));
                let result = flushed.unwrap_or_else(|_| Err(SwapError::Unsure(io::Error::other("a panic"))));
                if done.send(Flushed { result, took: start.elapsed() }).is_err() {
                    return;
                }
            }
        };
        let thread = Builder::new().name("flusher".into()).spawn(run).expect("a thread can be started at start");
        Ok(Self { flushes: Some(flushes), flushed, thread: Some(thread) })
    }

    /// Begins to put `flush` on disk; what became of it, [`Flusher::flushed`] tells.
    pub(super) fn begin(&self, flush: Flush) {
        // A thread that is gone is told of by the other channel.
        let _ = self.flushes.as_ref().map(|flushes| flushes.send(flush));
    }

    /// Returns where it is told that a flush is done; closed if the thread is gone.
    pub(super) fn flushed(&self) -> &Receiver<Flushed> {
        &self.flushed
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        drop(self.flushes.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("The thread that writes to disk panicked");
        }
    }
}

struct Disk {
    location: Location,
    git: Repository,
    nursery: Option<Nursery>,
}

impl Disk {
    /// Puts all objects on disk, then moves the branch. The new tip is synced
    /// beside the pack, where nobody looks; what refers to the pack comes after it.
    fn flush(&self, flush: &Flush) -> Result<(), SwapError> {
        failpoint!("write.begun");
        let (location, new) = (&self.location, flush.new);
        let write = || {
            let kept = pack::write_from(self.nursery.as_ref(), &location.pack_dir(), &flush.objects)?;
            failpoint!("pack.kept");
            Ok::<_, io::Error>(kept)
        };
        let (written, prepared) = cores::both(write, || branch::prepare(location, new));
        // Kept until the branch refers to it.
        let _kept = written?;
        let prepared = prepared?;
        failpoint!("write.prepared");
        prepared.swap(&self.git, flush.old)
    }
}
