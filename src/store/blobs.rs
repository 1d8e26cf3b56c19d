//! Report files by blob id, for readers and for whoever edits one: a bounded
//! cache in front of git's object store. A blob id names its bytes, so nothing
//! here can be out of date.
//!
//! Files are kept compressed, as they are in the packs: unpacking 8 KB takes 10 µs,
//! and three times as many fit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use git2::{Oid, Repository};
use quick_cache::sync::Cache;

use super::deflated;
use super::object::{self, Object};
use super::packs::{Found, Packs};
use super::repository::Location;

/// The files kept in memory take at most this many bytes: some 8,000 reports.
const CACHE_BYTES: u64 = 24 * 1024 * 1024;
/// A file up to this size is unpacked on the thread that asks for it.
const AT_ONCE_BYTES_MAX: usize = 64 * 1024;

/// So many reads by libgit2, and packs are let go: it maps them, and the kernel counts
/// the 64 KiB and more around what is read as the process's memory.
const MAPPED_READS_MAX: usize = 512;
/// So many are those of a walk through a report's commits, with their trees.
const READS_OF_WALK: usize = 32;

/// More than this many readers of the disk at once are rare; theirs are opened anew.
const HANDLES_MAX: usize = 8;

#[derive(Clone)]
struct Weight;

/// A file as a zlib stream.
#[derive(Clone)]
struct Packed {
    size: usize,
    deflated: Arc<[u8]>,
}

impl Packed {
    fn file(&self) -> Option<Arc<[u8]>> {
        // What was packed here can be unpacked; if not, git has it.
        deflated::inflate(&self.deflated, self.size).ok().map(Arc::from)
    }
}

impl quick_cache::Weighter<Oid, Packed> for Weight {
    fn weight(&self, _: &Oid, packed: &Packed) -> u64 {
        packed.deflated.len() as u64 + 128
    }
}

pub(super) struct Blobs {
    location: Location,
    packs: Packs,
    cache: Cache<Oid, Packed, Weight>,
    /// Handles at rest; libgit2's are not shared between threads, and opening
    /// one costs more than a read. A std mutex: held for a push or a pop.
    handles: Mutex<Vec<Repository>>,
    /// Held by each read: only when there is none, the last handle can be closed.
    reading: RwLock<()>,
    /// What was read by them since.
    n_reads: AtomicUsize,
    n_forgotten: AtomicUsize,
}

impl Blobs {
    pub(super) fn new(location: Location) -> Self {
        let cache = Cache::with_weighter(8_000, CACHE_BYTES, Weight);
        let (n_reads, n_forgotten) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let packs = Packs::new(location.pack_dir());
        Self { location, packs, cache, handles: Mutex::default(), reading: RwLock::default(), n_reads, n_forgotten }
    }

    /// Keeps a file for its first readers, so that they need not look for a
    /// pack that was written a moment ago.
    pub(super) fn put(&self, object: &Object) {
        self.cache.insert(object.id, Packed { size: object.size, deflated: object.deflated.as_slice().into() });
    }

    /// Returns the stream of a file that is in memory.
    pub(super) fn deflated(&self, id: Oid) -> Option<Arc<[u8]>> {
        self.cache.peek(&id).map(|packed| packed.deflated)
    }

    /// Returns the file if it is in memory, here or the kernel's, and takes no time to unpack.
    pub(super) fn cached(&self, id: Oid) -> Option<Arc<[u8]>> {
        match self.cache.get(&id) {
            Some(packed) => Some(packed).filter(|packed| packed.size <= AT_ONCE_BYTES_MAX)?.file(),
            None => self.packs.read_at_once(id).map(|found| self.keep(id, found)),
        }
    }

    fn keep(&self, id: Oid, found: Found) -> Arc<[u8]> {
        self.cache.insert(id, Packed { size: found.size, deflated: found.deflated.into() });
        found.file.into()
    }

    /// Returns the file, from memory or from git. Blocks.
    ///
    /// # Errors
    /// libgit2's, if the blob is missing or broken.
    pub(super) fn read(&self, id: Oid) -> Result<Arc<[u8]>, git2::Error> {
        if let Some(file) = self.cache.get(&id).and_then(|packed| packed.file()) {
            return Ok(file);
        }
        let found = match self.packs.read(id) {
            Some(found) => found,
            None => {
                let file = self.read_from_git(id)?;
                Found { size: file.len(), deflated: deflated::deflate(&file), file }
            }
        };
        Ok(self.keep(id, found))
    }

    /// Returns the file without keeping it: for who reads each file once. Blocks.
    ///
    /// # Errors
    /// libgit2's, if the blob is missing or broken.
    pub(super) fn peek(&self, id: Oid) -> Result<Arc<[u8]>, git2::Error> {
        match self.cache.peek(&id).and_then(|packed| packed.file()) {
            Some(file) => Ok(file),
            None => match self.packs.read(id) {
                Some(found) => Ok(found.file.into()),
                None => Ok(self.read_from_git(id)?.into()),
            },
        }
    }

    /// Runs `work`, which reads some commits and their trees, with a handle at rest. Blocks.
    ///
    /// # Errors
    /// Those of `work`, after a second attempt.
    pub(super) fn walk<T>(&self, work: impl Fn(&Repository) -> Result<T, git2::Error>) -> Result<T, git2::Error> {
        let done = {
            let _reading = self.reading.read().expect("no panic under this lock");
            self.with_git(work)
        };
        self.count_reads(READS_OF_WALK);
        done
    }

    /// Runs `work`, which reads references alone, with a handle at rest. Blocks.
    ///
    /// # Errors
    /// Those of `work`, after a second attempt.
    pub(super) fn with_git<T>(&self, work: impl Fn(&Repository) -> Result<T, git2::Error>) -> Result<T, git2::Error> {
        let n_forgotten = self.n_forgotten();
        let pooled = self.handles.lock().expect("no panic under this lock").pop();
        let git = match pooled {
            Some(git) => git,
            None => self.location.open()?,
        };
        let done = match work(&git) {
            Ok(done) => done,
            Err(_) => {
                // Upkeep may have replaced the pack under an open handle; one
                // look at the folder as it is now settles it.
                git.odb()?.refresh()?;
                work(&git)?
            }
        };
        let mut handles = self.handles.lock().expect("no panic under this lock");
        if handles.len() < HANDLES_MAX && self.n_forgotten() == n_forgotten {
            handles.push(git);
        }
        Ok(done)
    }

    /// Closes the handles at rest, and asks whoever keeps one to renew it: libgit2 keeps each
    /// pack that it ever opened mapped, with all that was read of it, until the last is closed.
    fn forget_handles(&self) {
        let mut handles = self.handles.lock().expect("no panic under this lock");
        self.n_reads.store(0, Ordering::Relaxed);
        self.n_forgotten.fetch_add(1, Ordering::AcqRel);
        handles.clear();
    }

    /// Lets packs go that were removed, and reads those that came in their place.
    pub(super) fn renew_packs(&self) {
        self.forget_handles();
        self.packs.renew();
    }

    /// Closes packs that were removed behind the service's back.
    pub(super) fn forget_removed(&self) {
        self.packs.renew_if_removed();
    }

    /// Returns how often handles were to be renewed.
    pub(super) fn n_forgotten(&self) -> usize {
        self.n_forgotten.load(Ordering::Acquire)
    }

    fn read_from_git(&self, id: Oid) -> Result<Vec<u8>, git2::Error> {
        let file = {
            let _reading = self.reading.read().expect("no panic under this lock");
            self.with_git(|git| Ok(git.find_blob(id)?.content().to_vec()))?
        };
        // Libgit2 takes four times as long for it.
        if object::blob_id(&file) != id {
            return Err(git2::Error::from_str(&format!("the object `{id}` is damaged; `git fsck` says more")));
        }
        self.count_reads(1);
        Ok(file)
    }

    fn count_reads(&self, n: usize) {
        let before = self.n_reads.fetch_add(n, Ordering::Relaxed);
        // Of those who come to it beside each other, one.
        if before <= MAPPED_READS_MAX && before + n > MAPPED_READS_MAX {
            let _none = self.reading.write().expect("no panic under this lock");
            self.forget_handles();
        }
    }
}
