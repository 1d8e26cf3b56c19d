//! Report files by blob id, for readers and for whoever edits one: a bounded
//! cache in front of git's object store. A blob id names its bytes, so nothing
//! here can be out of date.
//!
//! Files are kept compressed, as they are in the packs: unpacking 8 KB takes 10 µs,
//! and three times as many fit.

use std::ffi::OsString;
use std::fs;
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

/// Where packs are replaced all the time, it is looked so often.
const LOOKS_MAX: usize = 8;

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
    /// Those of `work`, after a second attempt, or more while packs come and go.
    pub(super) fn with_git<T>(&self, work: impl Fn(&Repository) -> Result<T, git2::Error>) -> Result<T, git2::Error> {
        let n_forgotten = self.n_forgotten();
        let pooled = self.handles.lock().expect("no panic under this lock").pop();
        let git = match pooled {
            Some(git) => git,
            None => self.location.open()?,
        };
        let mut done = work(&git);
        // Upkeep, ours or a person's, may have replaced the pack under an open handle, and do so
        // again between a look at the folder and the read.
        for _ in 0..LOOKS_MAX {
            if done.is_ok() {
                break;
            }
            let packs = self.pack_names();
            git.odb()?.refresh()?;
            done = work(&git);
            if self.pack_names() == packs {
                break;
            }
        }
        let done = done?;
        let mut handles = self.handles.lock().expect("no panic under this lock");
        if handles.len() < HANDLES_MAX && self.n_forgotten() == n_forgotten {
            handles.push(git);
        }
        Ok(done)
    }

    fn pack_names(&self) -> Vec<OsString> {
        let entries = fs::read_dir(self.location.pack_dir()).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
        names.sort_unstable();
        names
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::store::{Store, repository};

    #[test]
    fn it_is_looked_again_while_packs_come_and_go_and_once_where_they_stay() {
        let dir = tempfile::tempdir().expect("a folder");
        repository::create(dir.path()).expect("a repository");
        let store = Store::open(dir.path(), Arc::default(), 1024).expect("a store");
        let location = store.location().clone();
        let (folder, blobs) = (location.pack_dir(), Blobs::new(location));
        let n_tries = Cell::new(0);
        let gone_until = |n: usize| {
            let n_tries = &n_tries;
            move |n_changed: usize| {
                n_tries.set(n_tries.get() + 1);
                if n_tries.get() <= n_changed {
                    fs::write(folder.join(format!("pack-{}.idx", n_tries.get())), "").expect("written");
                }
                if n_tries.get() < n { Err(git2::Error::from_str("it is gone")) } else { Ok(()) }
            }
        };
        let try_it = gone_until(5);
        assert!(blobs.with_git(|_| try_it(4)).is_ok());
        assert_eq!(n_tries.get(), 5);
        n_tries.set(0);
        assert!(blobs.with_git(|_| try_it(0)).is_err(), "nothing came or went");
        assert_eq!(n_tries.get(), 2);
    }
}
