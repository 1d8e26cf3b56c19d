//! Files that are made here and renamed to where they belong.
//!
//! A file system gives a new file an inode near its folder's. ext4 without a
//! journal passes over each one there that was freed in the last minutes: near
//! packs that come and go, and reports that are exchanged, a file took a
//! millisecond to make and not 12 µs. So files are made in folders that lie
//! apart, a new one after so many files. Elsewhere it does no harm.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};

use crate::failpoint::failpoint;

/// Where files are made that will be elsewhere; emptied at each start.
pub(crate) struct Nursery {
    home: PathBuf,
    files_per_folder: usize,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    folder: Option<PathBuf>,
    n_folders: usize,
    n_files: usize,
}

impl Nursery {
    /// A nursery at `home` for files that are renamed into `target`; `None` if
    /// that is another file system. `files_per_folder`: few, if most are deleted soon.
    pub(crate) fn open(home: &Path, target: &Path, files_per_folder: usize) -> Option<Self> {
        fs::create_dir_all(home).ok()?;
        let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
        lie_apart(home);
        let nursery = Self { home: home.into(), files_per_folder, current: Mutex::default() };
        (device(home).is_some() && device(home) == device(target)).then_some(nursery)
    }

    /// Returns where a file can be put away that is wanted again.
    pub(crate) fn spare(&self, name: &str) -> PathBuf {
        self.home.join(name)
    }

    /// Makes the file `name`, for writing.
    ///
    /// # Errors
    /// The file system's.
    pub(crate) fn create(&self, name: &str) -> io::Result<(PathBuf, File)> {
        // What a panic left is only counters.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.n_files >= self.files_per_folder {
            // Still in use, it is removed at the next start.
            current.folder.take().map(fs::remove_dir);
            failpoint!("nursery.left");
        }
        let made = match &current.folder {
            Some(folder) => make(folder.join(name)),
            None => Err(ErrorKind::NotFound.into()),
        };
        let made = match made {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let folder = self.home.join(current.n_folders.to_string());
                fs::create_dir_all(&folder)?;
                failpoint!("nursery.opened");
                let made = make(folder.join(name))?;
                (current.folder, current.n_folders, current.n_files) = (Some(folder), current.n_folders + 1, 0);
                made
            }
            made => made?,
        };
        current.n_files += 1;
        Ok(made)
    }
}

fn make(path: PathBuf) -> io::Result<(PathBuf, File)> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
    Ok((path, file))
}

/// Has the file system put each folder of `home` somewhere else (`chattr +T`).
fn lie_apart(home: &Path) {
    // Not every file system knows the flag.
    let _ = File::open(home).and_then(|folder| {
        let flags = ioctl_getflags(&folder)?;
        Ok(ioctl_setflags(&folder, flags | IFlags::TOPDIR)?)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_made_in_ever_new_folders_and_the_old_ones_go() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("new");
        let nursery = Nursery::open(&home, dir.path(), 2).unwrap();
        let mut folders = Vec::new();
        for n in 0..5 {
            let (path, _) = nursery.create("file").unwrap();
            fs::rename(&path, dir.path().join(n.to_string())).unwrap();
            folders.push(path.parent().unwrap().to_owned());
        }
        folders.dedup();
        assert_eq!(folders.len(), 3);
        assert_eq!(fs::read_dir(&home).unwrap().count(), 1);

        fs::remove_dir_all(&home).unwrap();
        assert!(nursery.create("file").unwrap().0.exists(), "whoever emptied it did no harm");
    }
}
