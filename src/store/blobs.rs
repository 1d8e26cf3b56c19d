//! Report files by blob id, for readers and for whoever edits one: a bounded
//! cache in front of git's object store. A blob id names its bytes, so nothing
//! here can be out of date.

use std::sync::{Arc, Mutex};

use git2::{Oid, Repository};
use quick_cache::sync::Cache;

use super::repository::Location;

/// The files kept in memory take at most this many bytes: some 2,000 reports,
/// the ones being worked on.
const CACHE_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Clone)]
struct Weight;

impl quick_cache::Weighter<Oid, Arc<[u8]>> for Weight {
    fn weight(&self, _: &Oid, file: &Arc<[u8]>) -> u64 {
        file.len() as u64 + 128
    }
}

pub(super) struct Blobs {
    location: Location,
    cache: Cache<Oid, Arc<[u8]>, Weight>,
    /// Handles at rest; libgit2's are not shared between threads, and opening
    /// one costs more than a read. A std mutex: held for a push or a pop.
    handles: Mutex<Vec<Repository>>,
}

impl Blobs {
    pub(super) fn new(location: Location) -> Self {
        let cache = Cache::with_weighter(2_000, CACHE_BYTES, Weight);
        Self { location, cache, handles: Mutex::default() }
    }

    /// Keeps `file` for its first readers, so that they need not look for a
    /// pack that was written a moment ago.
    pub(super) fn put(&self, id: Oid, file: Arc<[u8]>) {
        self.cache.insert(id, file);
    }

    /// Returns the file if it is in memory.
    pub(super) fn cached(&self, id: Oid) -> Option<Arc<[u8]>> {
        self.cache.get(&id)
    }

    /// Returns the file, from memory or from git. Blocks.
    ///
    /// # Errors
    /// libgit2's, if the blob is missing or broken.
    pub(super) fn read(&self, id: Oid) -> Result<Arc<[u8]>, git2::Error> {
        if let Some(file) = self.cached(id) {
            return Ok(file);
        }
        let pooled = self.handles.lock().expect("no panic under this lock").pop();
        let git = match pooled {
            Some(git) => git,
            None => self.location.open()?,
        };
        let file = match read_blob(&git, id) {
            Ok(file) => file,
            Err(_) => {
                // Upkeep may have replaced the pack under an open handle; one
                // look at the folder as it is now settles it.
                git.odb()?.refresh()?;
                read_blob(&git, id)?
            }
        };
        self.handles.lock().expect("no panic under this lock").push(git);
        self.put(id, file.clone());
        Ok(file)
    }
}

fn read_blob(git: &Repository, id: Oid) -> Result<Arc<[u8]>, git2::Error> {
    Ok(Arc::from(git.find_blob(id)?.content()))
}
