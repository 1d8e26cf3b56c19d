//! The branch: read its tip, move it by compare-and-swap, durably.
//!
//! Speaks git's own protocol for files (`refs/heads/main.lock`, then rename), so
//! that `git commit` and a push are on equal terms with the service. Written
//! here because libgit2 syncs neither the file nor its folder by default.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use git2::{Oid, Repository};

use super::repository::Location;

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

/// Moves the branch from `old` to `new`. When it returns, the move is on disk.
///
/// # Errors
/// [`SwapError::Moved`] if the branch is not at `old`, [`SwapError::Locked`] if
/// another process held its lock for half a second.
pub(super) fn compare_and_swap(location: &Location, git: &Repository, old: Oid, new: Oid) -> Result<(), SwapError> {
    let path = location.branch_file();
    let folder = path.parent().expect("a branch file is in a folder");
    // `git pack-refs` removes the folder of a branch with a slash in its name.
    fs::create_dir_all(folder)?;
    let lock = Lock::take(
        path.with_file_name(format!("{}.lock", path.file_name().expect("a branch has a name").to_string_lossy())),
    )?;
    match tip(location, git)? {
        Some(current) if current == old => {}
        current => return Err(SwapError::Moved(current.unwrap_or(Oid::ZERO_SHA1))),
    }
    lock.file().write_all(format!("{new}\n").as_bytes())?;
    lock.file().sync_all()?;
    fs::rename(&lock.path, &path)?;
    lock.release();
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// A git lock file; removed when dropped, unless released.
struct Lock {
    path: PathBuf,
    file: Option<File>,
}

impl Lock {
    fn take(path: PathBuf) -> Result<Self, SwapError> {
        let start = Instant::now();
        loop {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { path, file: Some(file) }),
                Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
                Err(_) if start.elapsed() > LOCK_PATIENCE => return Err(SwapError::Locked(path)),
                // There is no event to wait for: git takes and drops locks by name.
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn file(&self) -> &File {
        self.file.as_ref().expect("held until released")
    }

    fn release(mut self) {
        self.file = None;
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.file.is_some() {
            let _ = fs::remove_file(&self.path);
        }
    }
}
