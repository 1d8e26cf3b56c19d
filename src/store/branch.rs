//! The branch: read its tip, move it by compare-and-swap, durably.
//!
//! Speaks git's own protocol for files (`refs/heads/main.lock`, then rename), so
//! that `git commit` and a push are on equal terms with the service. Written
//! here because libgit2 syncs neither the file nor its folder by default.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use git2::{Oid, Repository};
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::own_locks;
use super::repository::Location;
use crate::failpoint::failpoint;

/// A person's `git commit` holds the lock for milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// Why the branch was not moved.
#[derive(Debug, thiserror::Error)]
pub(super) enum SwapError {
    #[error("the branch moved to `{0}`")]
    Moved(Oid),
    #[error("`{}` is held by another process", .0.display())]
    Locked(PathBuf),
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The branch was moved, and it is not known whether that is on disk.
    #[error("the move of the branch could not be synced: {0}")]
    Unsure(io::Error),
}

/// Returns the tip of the branch, or `None` if there is no such branch.
///
/// # Errors
/// A reference that cannot be read or is no commit id.
pub(super) fn tip(location: &Location, git: &Repository) -> io::Result<Option<Oid>> {
    let path = location.branch_file();
    match fs::read_to_string(&path) {
        Ok(text) if !text.starts_with("ref:") => Oid::from_str(text.trim())
            .map(Some)
            .map_err(|_| io::Error::other(format!("`{}` holds no commit id", path.display()))),
        // Packed by `git pack-refs`, or symbolic: git's own rules.
        _ => match git.refname_to_id(&location.branch_ref()) {
            Ok(id) => Ok(Some(id)),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        },
    }
}

/// Files for tips to come, used in turn.
const SLOTS: usize = 64;
static NEXT_SLOT: AtomicUsize = AtomicUsize::new(0);

/// A new tip, on disk in a file of the service's own, ready to become the branch.
///
/// The file that it takes the place of is kept and used again later: each file
/// made and each deleted costs more than its sync (ext4 looks for an inode that
/// was not deleted a moment ago; measured at 0.5 ms). Not at once: a reader that
/// opened the branch just before must not find a tip in it that is none yet.
pub(super) struct Prepared<'a> {
    location: &'a Location,
    spare: PathBuf,
    new: Oid,
}

/// Writes `new` to disk, where nobody looks yet.
///
/// # Errors
/// The file system's.
pub(super) fn prepare(location: &Location, new: Oid) -> io::Result<Prepared<'_>> {
    let slot = NEXT_SLOT.fetch_add(1, Ordering::Relaxed) % SLOTS;
    prepare_in(location, &slot.to_string(), new)
}

/// The same in a process beside the one that serves, whose files are its own.
///
/// # Errors
/// The file system's.
pub(super) fn prepare_apart(location: &Location, new: Oid) -> io::Result<Prepared<'_>> {
    prepare_in(location, &format!("of-{}", std::process::id()), new)
}

fn prepare_in<'a>(location: &'a Location, name: &str, new: Oid) -> io::Result<Prepared<'a>> {
    let folder = location.own_dir().join("tips");
    fs::create_dir_all(&folder)?;
    let spare = folder.join(name);
    let text = format!("{new}\n");
    let (mut file, is_new) = open_spare(&spare, &location.branch_file())?;
    failpoint!("tip.made");
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)?;
    failpoint!("tip.written");
    if is_new { file.sync_all() } else { file.sync_data() }?;
    failpoint!("tip.synced");
    Ok(Prepared { location, spare, new })
}

/// Opens the file at `spare` to be written over, or makes one. Not one that has
/// another name, which would show what is written (a copy of the repository by
/// links), or that belongs to somebody else, who moved the branch.
fn open_spare(spare: &Path, branch: &Path) -> io::Result<(File, bool)> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let place = |metadata: &Metadata| (metadata.dev(), metadata.ino());
    match OpenOptions::new().write(true).custom_flags(flags).open(spare) {
        Ok(file) => {
            let found = file.metadata()?;
            if fs::metadata(branch).is_ok_and(|branch| place(&branch) == place(&found)) {
                // A power loss left one file with two names and no word of it: to
                // delete one of them would free the branch.
                let aside = spare.with_extension(format!("is-the-branch-{}", found.ino()));
                fs::rename(spare, aside)?;
            } else if found.is_file() && found.nlink() == 1 {
                return Ok((file, false));
            } else {
                fs::remove_file(spare)?;
            }
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(_) => fs::remove_file(spare)?,
    }
    Ok((OpenOptions::new().write(true).create_new(true).open(spare)?, true))
}

/// Syncs the folder of the branch.
///
/// # Errors
/// The file system's.
pub(super) fn sync(location: &Location) -> io::Result<()> {
    failpoint!("branch.unsynced", io);
    let path = location.branch_file();
    File::open(path.parent().expect("a branch file is in a folder"))?.sync_all()
}

impl Prepared<'_> {
    /// Moves the branch from `old` to the new tip. When it returns, the move is on disk.
    ///
    /// # Errors
    /// [`SwapError::Moved`] if the branch is not at `old`, [`SwapError::Locked`] if
    /// another process held its lock for half a second.
    pub(super) fn swap(self, git: &Repository, old: Oid) -> Result<(), SwapError> {
        let path = self.location.branch_file();
        let folder = path.parent().expect("a branch file is in a folder");
        // `git pack-refs` removes the folder of a branch with a slash in its name.
        fs::create_dir_all(folder)?;
        let name = path.file_name().expect("a branch has a name").to_string_lossy();
        let lock = path.with_file_name(format!("{name}.lock"));
        self.take_lock(&lock)?;
        failpoint!("branch.locked");
        let moved = match tip(self.location, git) {
            Ok(Some(current)) if current == old => put_in_place(&lock, &path).map_err(|error| {
                // A disk that fails can have done it all the same.
                let is_as_before = matches!(tip(self.location, git), Ok(Some(current)) if current == old);
                if is_as_before { SwapError::Io(error) } else { SwapError::Unsure(error) }
            }),
            Ok(current) => Err(SwapError::Moved(current.unwrap_or(Oid::ZERO_SHA1))),
            Err(error) => Err(error.into()),
        };
        failpoint!("branch.swapped");
        // Drops the lock: what is in it, the old tip or the new one, is written over next
        // time. What has become the branch itself left no lock; one there is another's.
        if !matches!(moved, Ok(Taken::Whole))
            && let Err(error) = fs::rename(&lock, &self.spare)
        {
            tracing::warn!("`{}` could not be put away: {error}", lock.display());
            let _ = own_locks::remove(&lock);
        }
        failpoint!("branch.unlocked");
        moved?;
        tracing::debug!(tip = %self.new, "The branch is at `{}`", self.new);
        sync(self.location).map_err(SwapError::Unsure)
    }

    /// Makes the prepared file the lock file, unless there is one.
    fn take_lock(&self, lock: &Path) -> Result<(), SwapError> {
        let start = Instant::now();
        own_locks::remove_if_left(lock);
        loop {
            match renameat_with(CWD, &self.spare, CWD, lock, RenameFlags::NOREPLACE) {
                Ok(()) => return Ok(()),
                Err(Errno::EXIST) if start.elapsed() > LOCK_PATIENCE => return Err(SwapError::Locked(lock.into())),
                // There is no event to wait for: git takes and drops locks by name.
                Err(Errno::EXIST) => std::thread::sleep(Duration::from_millis(5)),
                // A file system without the flag: a link is as atomic.
                Err(Errno::INVAL | Errno::NOSYS) => match fs::hard_link(&self.spare, lock) {
                    Ok(()) => return Ok(fs::remove_file(&self.spare)?),
                    Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
                    Err(_) if start.elapsed() > LOCK_PATIENCE => return Err(SwapError::Locked(lock.into())),
                    Err(_) => std::thread::sleep(Duration::from_millis(5)),
                },
                Err(error) => return Err(io::Error::from(error).into()),
            }
        }
    }
}

/// What became of the lock file when it was put in place.
enum Taken {
    /// The file that was there stands in its place, and holds the lock.
    Exchanged,
    /// It is the branch, and the lock is dropped with it.
    Whole,
}

/// Puts the file `lock` at `path`, and the file that was there, if any, at `lock`.
fn put_in_place(lock: &Path, path: &Path) -> io::Result<Taken> {
    match renameat_with(CWD, lock, CWD, path, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(Taken::Exchanged),
        // The branch was packed, or the file system has no such call.
        Err(Errno::NOENT | Errno::INVAL | Errno::NOSYS) => fs::rename(lock, path).map(|()| Taken::Whole),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_that_is_nothing_else_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let (spare, branch, copy) = (dir.path().join("0"), dir.path().join("main"), dir.path().join("copy"));
        fs::write(&branch, "tip").unwrap();
        fs::write(&spare, "old").unwrap();
        assert!(!open_spare(&spare, &branch).unwrap().1);

        fs::hard_link(&spare, &copy).unwrap();
        let (mut file, is_new) = open_spare(&spare, &branch).unwrap();
        assert!(is_new);
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&copy).unwrap(), b"old");

        // As a power loss can leave it.
        fs::remove_file(&spare).unwrap();
        fs::hard_link(&branch, &spare).unwrap();
        let (mut file, is_new) = open_spare(&spare, &branch).unwrap();
        assert!(is_new);
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&branch).unwrap(), b"tip");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 4, "no name of the branch's file is deleted");
    }
}
