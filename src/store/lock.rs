//! One service per repository: an advisory lock on a file of the service's own,
//! released by the operating system however the process ends.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use super::repository::{Location, OpenError};

/// Held as long as the service runs.
#[derive(Debug)]
pub(super) struct OwnerLock {
    _file: File,
}

impl OwnerLock {
    /// Takes the lock and notes in the file who has it.
    ///
    /// # Errors
    /// [`OpenError::InUse`] with what the owner noted.
    pub(super) fn take(location: &Location) -> Result<Self, OpenError> {
        let path = location.own_dir().join("owner");
        let io_error = |source| OpenError::Io { path: path.clone(), source };
        fs::create_dir_all(location.own_dir()).map_err(io_error)?;
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(io_error)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                file.read_to_string(&mut owner).map_err(io_error)?;
                return Err(OpenError::InUse { path: location.work_dir.clone(), owner: owner.trim().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(io_error(source)),
        }
        note_owner(&mut file).map_err(io_error)?;
        Ok(Self { _file: file })
    }
}

/// Returns whether a service runs: whether the lock in the folder `own_dir` is held.
pub(super) fn is_held(own_dir: &Path) -> bool {
    // The lock is taken for a moment to find out; released when the file is closed.
    File::open(own_dir.join("owner")).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

fn note_owner(file: &mut File) -> io::Result<()> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let now = crate::report::front_matter::timestamp(chrono::Utc::now());
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(format!("process {} on {}, since {now}\n", std::process::id(), host.trim()).as_bytes())
}
