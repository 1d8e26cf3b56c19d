//! Git's lock files that this process made and could not remove, as the disk
//! failed: they would stand in everybody's way until the next start.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// By path, what each is known by: another file there is somebody else's lock.
static LEFT: Mutex<BTreeMap<PathBuf, (u64, u64)>> = Mutex::new(BTreeMap::new());

/// Removes `lock`, which is this process's; if it cannot be, it is known from now on.
///
/// # Errors
/// The file system's.
pub(crate) fn remove(lock: &Path) -> io::Result<()> {
    let found = place(lock);
    let removed = fs::remove_file(lock);
    if let (Err(_), Some(found)) = (&removed, found) {
        LEFT.lock().unwrap_or_else(PoisonError::into_inner).insert(lock.into(), found);
    }
    removed
}

/// Removes `lock` if it is one that was left behind. Called before it is wanted again.
pub(crate) fn remove_if_left(lock: &Path) {
    let mut left = LEFT.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(known) = left.get(lock) else { return };
    let is_gone = place(lock) != Some(*known)
        || fs::remove_file(lock).map_or_else(|error| error.kind() == ErrorKind::NotFound, |()| true);
    if is_gone {
        left.remove(lock);
    }
}

fn place(lock: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(lock).ok().map(|found| (found.dev(), found.ino()))
}
