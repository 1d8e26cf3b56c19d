//! Brings git's index forward, path by path, so that `git status` is clean.
//!
//! The new index is made beside the old one, and git's own lock is held only to
//! put it in place, if the old one is still what it was made from: libgit2 alone
//! would drop a `git add` that came in between, and a lock held for long would
//! make a person's `git commit` fail.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{Index, IndexEntry, IndexTime, Oid};

use super::look::Signature;
use super::place;
use crate::failpoint::failpoint;
use crate::store::own_locks;
use crate::store::repository::Location;

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
    let written_at = fs::metadata(location.git_dir.join("index")).map_or(i64::MAX, |metadata| metadata.mtime());
    let exists = match fs::copy(location.git_dir.join("index"), draft) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    failpoint!("index.copied");
    if !exists && draft.exists() {
        fs::remove_file(draft)?;
    }
    // Nobody else's: libgit2 leaves it where a disk fails twice, and would wait for it.
    let _ = fs::remove_file(draft.with_extension("lock"));
    let mut index = Index::open(draft).map_err(io::Error::other)?;
    if !exists {
        let git = location.open().map_err(io::Error::other)?;
        let tree = git.find_commit(commit).and_then(|commit| commit.tree()).map_err(io::Error::other)?;
        index.read_tree(&tree).map_err(io::Error::other)?;
    }
    if exists {
        doubt_young(&mut index, written_at)?;
    }
    for (path, target) in targets {
        let staged = index.get_path(Path::new(path), 0).map(|entry| entry.id);
        if staged == target.blob && staged.is_none() || !(target.bases.contains(&staged) || staged == target.blob) {
            continue;
        }
        match target.blob {
            Some(blob) => index.add(&entry(location, path, blob, target.placed)).map_err(io::Error::other)?,
            None => index.remove(Path::new(path), 0).map_err(io::Error::other)?,
        }
    }
    index.write().map_err(io::Error::other)?;
    failpoint!("index.written", io);
    // A cut index, unlike a missing one, is an error to git.
    File::open(draft)?.sync_all()
}

/// Has git read anew what it noted in the second in which the old index was
/// written, as it does itself when it writes one: it compares seconds, so a file
/// of the same length that was saved in that second would look clean for ever.
fn doubt_young(index: &mut Index, written_at: i64) -> io::Result<()> {
    let is_young = |entry: &IndexEntry| i64::from(entry.mtime.seconds()) >= written_at && entry.file_size != 0;
    let young: Vec<IndexEntry> = index.iter().filter(is_young).collect();
    for entry in young {
        index.add(&IndexEntry { file_size: 0, ..entry }).map_err(io::Error::other)?;
    }
    Ok(())
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
