//! Files on their way into the work tree: written here, in the same file system,
//! and renamed to where they belong.
//!
//! What comes out where a file is exchanged for another is written over later:
//! to make a file and to delete one costs several times what it costs to write
//! it. Not at once, as whoever had the old file open may still be writing to it.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::store::nursery::Nursery;

/// For so long whoever had a file open is given time to close it.
const REST: Duration = Duration::from_secs(30);
/// More files than this are not kept: under a load that needs them, the one that
/// rested longest is taken.
const N_SLOTS: usize = 4096;

/// Of their names.
pub(super) const SLOT_PREFIX: &str = "file-";

pub(super) struct Slots {
    folder: PathBuf,
    /// Where they are made; `None` where that is another file system.
    nursery: Option<Arc<Nursery>>,
    /// When each was used last, oldest first.
    used: RefCell<VecDeque<(Instant, usize)>>,
    /// The mode of a file that is made here, once one was.
    mode: Cell<Option<u32>>,
}

impl Slots {
    pub(super) fn new(folder: PathBuf, nursery: Option<Arc<Nursery>>) -> Self {
        Self { folder, nursery, used: RefCell::default(), mode: Cell::default() }
    }

    /// Returns a file that holds `bytes`, to be renamed or exchanged before it is its
    /// turn again.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn fill(&self, bytes: &[u8]) -> io::Result<(PathBuf, File)> {
        let slot = self.next(Instant::now());
        let path = self.folder.join(format!("{SLOT_PREFIX}{slot}"));
        let mut file = match self.used(&path)? {
            Some(file) => file,
            None => self.make(&path)?,
        };
        file.write_all(bytes)?;
        // Not cut before: that would free its blocks, only to ask for others. And only if it
        // is longer, as that costs as much as to write it.
        if file.metadata()?.len() != bytes.len() as u64 {
            file.set_len(bytes.len() as u64)?;
        }
        Ok((path, file))
    }

    fn next(&self, now: Instant) -> usize {
        let mut used = self.used.borrow_mut();
        let is_rested = |(at, _): &(Instant, usize)| now.saturating_duration_since(*at) >= REST;
        let n_used = used.len();
        let rested = if n_used >= N_SLOTS || used.front().is_some_and(is_rested) { used.pop_front() } else { None };
        let slot = rested.map_or(n_used, |(_, slot)| slot);
        used.push_back((now, slot));
        slot
    }

    /// Opens the file that was left at `path`, if it can be written over: another
    /// name that a person gave it would show what is written, and another mode
    /// would go with it.
    fn used(&self, path: &PathBuf) -> io::Result<Option<File>> {
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
        let is_ours = |found: &Metadata| found.is_file() && found.nlink() == 1 && Some(found.mode()) == self.mode.get();
        match OpenOptions::new().write(true).custom_flags(flags.cast_signed()).open(path) {
            Ok(file) if is_ours(&file.metadata()?) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            _ => fs::remove_file(path).map(|()| None),
        }
    }

    fn make(&self, path: &PathBuf) -> io::Result<File> {
        let make = || match &self.nursery {
            None => OpenOptions::new().write(true).create_new(true).open(path),
            Some(nursery) => {
                let name = path.file_name().unwrap_or_default();
                let (made, file) = nursery.create(&name.to_string_lossy())?;
                let moved = fs::rename(&made, path).inspect_err(|_| drop(fs::remove_file(&made)));
                moved.map(|()| file)
            }
        };
        let file = match make() {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(&self.folder)?;
                make()?
            }
            made => made?,
        };
        if self.mode.get().is_none() {
            self.mode.set(Some(file.metadata()?.mode()));
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// Lets every file rest, and fills one again.
    fn round(slots: &Slots, bytes: &[u8]) -> PathBuf {
        slots.used.borrow_mut().iter_mut().for_each(|(at, _)| *at -= REST);
        slots.fill(bytes).unwrap().0
    }

    #[test]
    fn a_file_that_was_used_a_moment_ago_is_left_to_whoever_has_it_open() {
        let dir = tempfile::tempdir().unwrap();
        let slots = Slots::new(dir.path().join("tmp"), None);
        let first = slots.fill(b"one").unwrap().0;
        assert_ne!(slots.fill(b"two").unwrap().0, first);
        assert_eq!(fs::read(&first).unwrap(), b"one");
    }

    #[test]
    fn files_are_made_in_the_nursery_and_kept_where_a_start_looks_for_them() {
        let dir = tempfile::tempdir().unwrap();
        let nursery = Nursery::open(&dir.path().join("new"), dir.path(), 1).map(Arc::new);
        let slots = Slots::new(dir.path().join("tmp"), nursery);
        for text in ["one", "two"] {
            let (path, _) = slots.fill(text.as_bytes()).unwrap();
            assert_eq!(path.parent(), Some(&*dir.path().join("tmp")));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
        let left = walkdir::WalkDir::new(dir.path().join("new")).into_iter().flatten();
        assert_eq!(left.filter(|entry| entry.file_type().is_file()).count(), 0);
    }

    #[test]
    fn a_used_file_is_written_over_as_a_whole() {
        let dir = tempfile::tempdir().unwrap();
        let slots = Slots::new(dir.path().join("tmp"), None);
        let path = slots.fill(b"a long text").unwrap().0;
        let ino = fs::metadata(&path).unwrap().ino();
        assert_eq!(round(&slots, b"short"), path);
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert_eq!(fs::metadata(&path).unwrap().ino(), ino);
    }

    #[test]
    fn a_file_that_has_another_name_or_mode_is_not_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let slots = Slots::new(dir.path().join("tmp"), None);
        let (path, copy) = (slots.fill(b"old").unwrap().0, dir.path().join("a person's copy"));
        fs::hard_link(&path, &copy).unwrap();
        assert_eq!(round(&slots, b"new"), path);
        assert_eq!(fs::read(&copy).unwrap(), b"old");

        let mode = fs::metadata(&path).unwrap().mode();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert_eq!(round(&slots, b"newer"), path);
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::metadata(&path).unwrap().mode(), mode);
    }
}
