//! One look at a file of the work tree: what `stat` says of it, and its bytes.
//!
//! Never follows a link, never opens what is no regular file, never waits.

use std::fs::{File, Metadata, OpenOptions, symlink_metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use super::place::has_plain_parents;

/// By what a version of a file is known without reading it. Whoever writes to
/// the file or puts another in its place changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Signature {
    dev: u64,
    ino: u64,
    size: u64,
    // In seconds, and nanoseconds; so there is no gap between them, in memory.
    mtime: i64,
    ctime: i64,
    mtime_nsec: u32,
    ctime_nsec: u32,
}

impl Signature {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            mtime: metadata.mtime(),
            ctime: metadata.ctime(),
            mtime_nsec: metadata.mtime_nsec() as u32,
            ctime_nsec: metadata.ctime_nsec() as u32,
        }
    }

    /// The same, of the system call's own answer.
    #[expect(clippy::useless_conversion, clippy::unnecessary_cast, reason = "the types differ between platforms")]
    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        Self {
            dev: stat.st_dev as u64,
            ino: stat.st_ino.into(),
            size: stat.st_size as u64,
            mtime: stat.st_mtime.into(),
            ctime: stat.st_ctime.into(),
            mtime_nsec: stat.st_mtime_nsec as u32,
            ctime_nsec: stat.st_ctime_nsec as u32,
        }
    }

    /// In bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// When the file was written to last.
    pub(super) fn modified_at(&self) -> SystemTime {
        let since = Duration::new(self.mtime.try_into().unwrap_or(0), self.mtime_nsec);
        SystemTime::UNIX_EPOCH + since
    }
}

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Nothing,
    File(Signature),
    /// A link, a folder, a pipe.
    NotAFile(Signature),
    /// One of its folders is a link, or no folder: what is behind that is nobody's.
    Elsewhere,
}

/// Returns what is at `path` in the work tree.
///
/// # Errors
/// The file system's.
pub(super) fn stat(work_dir: &Path, path: &str) -> io::Result<Seen> {
    if !has_plain_parents(work_dir, path)? {
        return Ok(Seen::Elsewhere);
    }
    match symlink_metadata(work_dir.join(path)) {
        Ok(metadata) if metadata.is_file() => Ok(Seen::File(Signature::of(&metadata))),
        Ok(metadata) => Ok(Seen::NotAFile(Signature::of(&metadata))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Seen::Nothing),
        Err(error) => Err(error),
    }
}

/// Returns the bytes of a file that has `signature`; `None` if it is not that
/// any more, or was written to while it was read.
///
/// # Errors
/// The file system's.
pub(super) fn read(work_dir: &Path, path: &str, signature: Signature) -> io::Result<Option<Vec<u8>>> {
    let file = match open(work_dir, path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_same = |file: &File| Ok::<_, io::Error>(Signature::of(&file.metadata()?) == signature);
    if !is_same(&file)? {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(signature.size).unwrap_or(0) + 1);
    (&file).take(signature.size + 1).read_to_end(&mut bytes)?;
    Ok(is_same(&file)?.then_some(bytes))
}

/// Returns the beginning of a file.
///
/// # Errors
/// The file system's.
pub(super) fn read_head(work_dir: &Path, path: &str, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(work_dir, path)?.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn open(work_dir: &Path, path: &str) -> io::Result<File> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(work_dir.join(path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn every_write_changes_the_signature() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.md");
        fs::write(&file, "one").unwrap();
        let Seen::File(one) = stat(dir.path(), "a.md").unwrap() else { panic!() };
        assert_eq!(read(dir.path(), "a.md", one).unwrap().unwrap(), b"one");
        fs::write(dir.path().join("b"), "two").unwrap();
        fs::rename(dir.path().join("b"), &file).unwrap();
        let Seen::File(two) = stat(dir.path(), "a.md").unwrap() else { panic!() };
        assert_ne!(one, two);
        assert_eq!(read(dir.path(), "a.md", one).unwrap(), None);
        fs::remove_file(&file).unwrap();
        assert_eq!(stat(dir.path(), "a.md").unwrap(), Seen::Nothing);
        assert_eq!(read(dir.path(), "a.md", two).unwrap(), None);
    }

    #[test]
    fn nothing_behind_a_link_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("real")).unwrap();
        fs::write(dir.path().join("real/a.md"), "one").unwrap();
        std::os::unix::fs::symlink("real", dir.path().join("linked")).unwrap();
        std::os::unix::fs::symlink("real/a.md", dir.path().join("a.md")).unwrap();
        assert_eq!(stat(dir.path(), "linked/a.md").unwrap(), Seen::Elsewhere);
        assert!(matches!(stat(dir.path(), "a.md").unwrap(), Seen::NotAFile(_)));
        let Seen::File(real) = stat(dir.path(), "real/a.md").unwrap() else { panic!() };
        assert!(read(dir.path(), "a.md", real).is_err());
    }
}
