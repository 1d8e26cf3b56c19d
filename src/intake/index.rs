//! Brings git's index forward, path by path, so that `git status` is clean.
//!
//! The new index is made beside the old one, and git's own lock is held only to
//! put it in place, if the old one is still what it was made from: libgit2 alone
//! would drop a `git add` that came in between, and a lock held for long would
//! make a person's `git commit` fail.

mod by_libgit2;
mod cached_trees;
mod splice;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{IndexEntry, IndexTime, Oid};

use self::splice::Change;
use super::look::Signature;
use super::place;
use crate::failpoint::failpoint;
use crate::store::own_locks;
use crate::store::repository::Location;

/// So much of it is written at a time.
const WRITTEN_LEN: usize = 256 * 1024;

/// What the index should hold for a path.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// What it may hold now; anything else was staged by a person and stays.
    pub(super) bases: Vec<Option<Oid>>,
    /// `None` if the tip has no such file.
    pub(super) blob: Option<Oid>,
    /// The signature of the file when the service put just this blob there.
    pub(super) placed: Option<Signature>,
}

/// Sets the index to `targets`, and if there is none, builds it from the tree of
/// `commit` first. Returns `false`, having done nothing, if a person's git is at
/// work on it at the same time.
///
/// # Errors
/// The file system's or libgit2's; the index is as it was.
pub(super) fn update(location: &Location, commit: Oid, targets: &BTreeMap<String, Target>) -> io::Result<bool> {
    let index = location.git_dir.join("index");
    let lock = location.git_dir.join("index.lock");
    let draft = location.own_dir().join("tmp/index");
    own_locks::remove_if_left(&lock);
    if lock.exists() {
        return Ok(false);
    }
    let before = Version::of(&index)?;
    make(location, commit, targets, &draft)?;
    failpoint!("index.synced");
    match OpenOptions::new().write(true).create_new(true).open(&lock) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    }
    failpoint!("index.locked");
    let placed = match Version::of(&index) {
        Ok(now) if now == before => fs::rename(&draft, &index).map(|()| true),
        Ok(_) => Ok(false),
        Err(error) => Err(error),
    };
    failpoint!("index.placed");
    own_locks::remove(&lock)?;
    failpoint!("index.unlocked");
    placed
}

/// By what a file that was replaced or written to is known.
#[derive(PartialEq, Eq)]
struct Version(Option<(u64, u64, i64, i64)>);

impl Version {
    fn of(path: &Path) -> io::Result<Self> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Self(Some((metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec())))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self(None)),
            Err(error) => Err(error),
        }
    }
}

/// Writes the new index to `draft`.
fn make(location: &Location, commit: Oid, targets: &BTreeMap<String, Target>, draft: &Path) -> io::Result<()> {
    fs::create_dir_all(location.own_dir().join("tmp"))?;
    // A crash can have left one, with whatever mode the index had.
    match fs::remove_file(draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let spliced = match File::open(location.git_dir.join("index")) {
        Ok(old) => splice_into(old, location, targets, draft)?,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    if !spliced {
        by_libgit2::make(location, commit, targets, draft)?;
    }
    failpoint!("index.written", io);
    // A cut index, unlike a missing one, is an error to git.
    File::open(draft)?.sync_all()
}

/// Returns `false` if `old` is to be left to libgit2.
fn splice_into(
    mut old: File,
    location: &Location,
    targets: &BTreeMap<String, Target>,
    draft: &Path,
) -> io::Result<bool> {
    let metadata = old.metadata()?;
    let mut bytes = Vec::with_capacity(metadata.size() as usize);
    old.read_to_end(&mut bytes)?;
    let decide = |path: &str, staged| targets.get(path).map_or(Change::Stay, |it| it.change(location, path, staged));
    let paths = targets.keys().map(String::as_str);
    let Some(spliced) = splice::splice(bytes, metadata.mtime(), paths, decide) else { return Ok(false) };
    let mut new = BufWriter::with_capacity(WRITTEN_LEN, File::create(draft)?);
    spliced.write(&mut new)?;
    new.into_inner()?.set_permissions(metadata.permissions())?;
    Ok(true)
}

impl Target {
    /// Returns what becomes of the entry of `path`, which is `staged` now.
    fn change(&self, location: &Location, path: &str, staged: Option<Oid>) -> Change {
        let is_known = staged == self.blob || self.bases.contains(&staged);
        match self.blob {
            Some(blob) if is_known => Change::Put(entry(location, path, blob, self.placed)),
            None if is_known && staged.is_some() => Change::Remove,
            _ => Change::Stay,
        }
    }
}

/// With what `stat` says of the file, git need not read it to know that it is
/// clean. That is noted only of a file that holds just this blob: noted of a
/// person's edit, it would hide the edit from git.
fn entry(location: &Location, path: &str, blob: Oid, placed: Option<Signature>) -> IndexEntry {
    let file = location.work_dir.join(path);
    let metadata = fs::symlink_metadata(&file).ok();
    let is_as_placed = placed.is_some() && metadata.as_ref().map(Signature::of) == placed;
    let is_clean = is_as_placed || place::content_id(&file).is_ok_and(|id| id == Some(blob));
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
