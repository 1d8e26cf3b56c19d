//! Brings git's index forward, path by path, so that `git status` is clean.
//!
//! Takes git's own lock for the whole of read, change and write: libgit2 alone
//! takes it only to write, and would drop a `git add` that came in between.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{Index, IndexEntry, IndexTime, Oid};

use super::place;
use crate::store::repository::Location;

/// What the index should hold for a path.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// What it may hold now; anything else was staged by a person and stays.
    pub(super) bases: Vec<Option<Oid>>,
    /// `None` if the tip has no such file.
    pub(super) blob: Option<Oid>,
}

/// Sets the index to `targets`. Returns `false`, having done nothing, while a
/// person's git holds the lock.
///
/// # Errors
/// The file system's or libgit2's; the index is as it was.
pub(super) fn update(location: &Location, targets: &BTreeMap<String, Target>) -> io::Result<bool> {
    let lock = location.git_dir.join("index.lock");
    match OpenOptions::new().write(true).create_new(true).open(&lock) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    }
    let result = update_locked(location, targets, &lock);
    if result.is_err() {
        let _ = fs::remove_file(&lock);
    }
    result.map(|()| true)
}

fn update_locked(location: &Location, targets: &BTreeMap<String, Target>, lock: &Path) -> io::Result<()> {
    let index_path = location.git_dir.join("index");
    let draft = location.own_dir().join("tmp/index");
    match fs::copy(&index_path, &draft) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let _ = fs::remove_file(&draft);
        }
        Err(error) => return Err(error),
    }
    let mut index = Index::open(&draft).map_err(io::Error::other)?;
    for (path, target) in targets {
        let staged = index.get_path(Path::new(path), 0).map(|entry| entry.id);
        if staged == target.blob && staged.is_none() || !(target.bases.contains(&staged) || staged == target.blob) {
            continue;
        }
        match target.blob {
            Some(blob) => index.add(&entry(location, path, blob)).map_err(io::Error::other)?,
            None => index.remove(Path::new(path), 0).map_err(io::Error::other)?,
        }
    }
    index.write().map_err(io::Error::other)?;
    File::open(&draft)?.sync_all()?;
    // Over the lock file, which stays taken until the second rename drops it.
    fs::rename(&draft, lock)?;
    fs::rename(lock, index_path)
}

/// With what `stat` says of the file, git need not read it to know that it is
/// clean. That is noted only of a file that holds just this blob: noted of a
/// person's edit, it would hide the edit from git.
fn entry(location: &Location, path: &str, blob: Oid) -> IndexEntry {
    let file = location.work_dir.join(path);
    let metadata = fs::symlink_metadata(&file).ok();
    let is_clean = place::content_id(&file).is_ok_and(|id| id == Some(blob));
    let of = metadata.as_ref().filter(|_| is_clean);
    let number = |n: u64| n as u32; // git keeps the low 32 bits of each
    let time = |seconds: i64, nanos: i64| IndexTime::new(seconds as i32, nanos as u32);
    let zero = || IndexTime::new(0, 0);
    IndexEntry {
        ctime: of.map_or_else(zero, |m| time(m.ctime(), m.ctime_nsec())),
        mtime: of.map_or_else(zero, |m| time(m.mtime(), m.mtime_nsec())),
        dev: of.map_or(0, |m| number(m.dev())),
        ino: of.map_or(0, |m| number(m.ino())),
        mode: 0o100_644,
        uid: of.map_or(0, MetadataExt::uid),
        gid: of.map_or(0, MetadataExt::gid),
        file_size: of.map_or(0, |m| number(m.size())),
        id: blob,
        flags: 0,
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
