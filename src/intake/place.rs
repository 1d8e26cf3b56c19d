//! Puts one file into the work tree without ever losing what a person wrote there.

use std::cell::Cell;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::Oid;
use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
#[cfg(target_os = "linux")]
use rustix::fs::{Mode, ResolveFlags, openat2};
use rustix::io::Errno;

use super::look::Signature;
use super::slots::Slots;
use crate::failpoint::failpoint;
use crate::store::nursery::Nursery;
use crate::store::size::FILE_BYTES_MAX;
use crate::store::{blob_id, is_report_path};

const EXECUTABLE: u32 = 0o111;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It holds the new bytes, and that is its signature, if nobody wrote to it since.
    Forward(Option<Signature>),
    /// It held them already.
    Level,
    /// It holds something that the service did not put there; it was not touched.
    LeftAlone,
}

/// New report files stay; a folder of the nursery holds about half of what is near it.
const FILES_PER_FOLDER: usize = 4096;

/// Where files are placed.
pub(super) struct Places {
    work_dir: PathBuf,
    slots: Slots,
    /// For files that are new; `None` if that is another file system.
    nursery: Option<Arc<Nursery>>,
    n_made: Cell<usize>,
}

impl Places {
    pub(super) fn new(work_dir: &Path, own_dir: &Path) -> Self {
        let nursery = Nursery::open(&own_dir.join("new/files"), work_dir, FILES_PER_FOLDER).map(Arc::new);
        let slots = Slots::new(own_dir.join("tmp"), nursery.clone());
        Self { work_dir: work_dir.into(), slots, nursery, n_made: Cell::default() }
    }

    /// Makes the file at `path` hold `bytes`, which are `blob`, if what is there
    /// now is one of `bases`, all of which git has (or nothing). A file whose
    /// signature `is_known` is taken to be one, and looked at when it came out.
    ///
    /// # Errors
    /// The file system's; the file is as it was.
    pub(super) fn put(
        &self,
        path: &str,
        bytes: &[u8],
        blob: Oid,
        is_known: &dyn Fn(Signature) -> bool,
        is_base: &dyn Fn(Oid) -> bool,
    ) -> io::Result<Placed> {
        self.put_from(path, bytes, blob, is_known, is_base, &|_| {})
    }

    /// The same where the file holds `theirs`, which only the person has, and is done
    /// with. What is taken out is deleted, so that no start takes it for lost.
    ///
    /// # Errors
    /// The file system's; the file is as it was.
    pub(super) fn put_over(&self, path: &str, bytes: &[u8], blob: Oid, theirs: Option<Oid>) -> io::Result<Placed> {
        let drop = |taken_out: &Path| drop(fs::remove_file(taken_out));
        self.put_from(path, bytes, blob, &|_| false, &|found| Some(found) == theirs, &drop)
    }

    fn put_from(
        &self,
        path: &str,
        bytes: &[u8],
        blob: Oid,
        is_known: &dyn Fn(Signature) -> bool,
        is_base: &dyn Fn(Oid) -> bool,
        is_done_with: &dyn Fn(&Path),
    ) -> io::Result<Placed> {
        let target = self.work_dir.join(path);
        if !has_plain_parents(&self.work_dir, path)? {
            return Ok(Placed::LeftAlone);
        }
        let found = match fs::symlink_metadata(&target) {
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let Some(found) = found else { return self.put_new(bytes, &target) };
        if !is_known(Signature::of(&found)) {
            match content_id(&target)? {
                Some(id) if id == blob => {
                    make_plain(&self.work_dir, path);
                    return Ok(Placed::Level);
                }
                Some(id) if is_base(id) => {}
                _ => return Ok(Placed::LeftAlone),
            }
        }
        let draft = Draft::of(self.slots.fill(bytes)?)?;
        let replaced = replace(&draft.path, &target, blob, is_base)?;
        is_done_with(&draft.path);
        Ok(match replaced {
            Some(replaced) if replaced == blob => Placed::Level,
            Some(_) => Placed::Forward(draft.placed_at(&target)),
            None => Placed::LeftAlone,
        })
    }

    /// The same where there was no file.
    fn put_new(&self, bytes: &[u8], target: &Path) -> io::Result<Placed> {
        let draft = Draft::of(self.make(bytes)?)?;
        failpoint!("file.made");
        let is_placed = match place_new(&draft.path, target) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let made = fs::create_dir_all(target.parent().unwrap_or(&self.work_dir));
                failpoint!("folder.made");
                made.and_then(|()| place_new(&draft.path, target))
            }
            placed => placed,
        };
        failpoint!("file.placed");
        if !matches!(is_placed, Ok(true)) {
            let _ = fs::remove_file(&draft.path);
        }
        Ok(if is_placed? { Placed::Forward(draft.placed_at(target)) } else { Placed::LeftAlone })
    }

    /// Returns a new file that holds `bytes`.
    fn make(&self, bytes: &[u8]) -> io::Result<(PathBuf, File)> {
        let Some(nursery) = &self.nursery else { return self.slots.fill(bytes) };
        // A name of its own: what could not be placed is not written over.
        self.n_made.set(self.n_made.get() + 1);
        let (path, mut file) = nursery.create(&self.n_made.get().to_string())?;
        file.write_all(bytes).map(|()| (path, file))
    }

    /// Removes the file at `path` if it is one of `bases`.
    pub(super) fn remove(&self, path: &str, is_base: &dyn Fn(Oid) -> bool) -> io::Result<Placed> {
        let target = self.work_dir.join(path);
        if !has_plain_parents(&self.work_dir, path)? {
            return Ok(Placed::LeftAlone);
        }
        match content_id(&target)? {
            None => Ok(Placed::Forward(None)),
            Some(id) if is_base(id) => fs::remove_file(&target).map(|()| Placed::Forward(None)),
            Some(_) => Ok(Placed::LeftAlone),
        }
    }
}

/// Returns whether `path` stays inside, and all its folders are folders, or not there. A link in
/// place of one could lead anywhere; it is never followed.
pub(super) fn has_plain_parents(work_dir: &Path, path: &str) -> io::Result<bool> {
    if !is_inside(path) {
        return Ok(false);
    }
    match find_without_links(&work_dir.join(Path::new(path).parent().unwrap_or(Path::new("")))) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(_) => are_plain(work_dir, Path::new(path)),
    }
}

/// Looks for a folder, of whose whole path no part may be a link; the work tree's own path was
/// resolved at the start. To ask the kernel once costs a third of asking it of each part.
#[cfg(target_os = "linux")]
fn find_without_links(folder: &Path) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat2(CWD, folder, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS).map(drop)
}

#[cfg(not(target_os = "linux"))]
fn find_without_links(_: &Path) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// Looks at each folder of `path` by itself: where one is no folder, the work tree was moved
/// and linked meanwhile, or the kernel does not know the other way.
fn are_plain(work_dir: &Path, path: &Path) -> io::Result<bool> {
    let mut folder = work_dir.to_owned();
    for part in path.parent().into_iter().flat_map(Path::components) {
        folder.push(part);
        match fs::symlink_metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Returns whether `path`, as a tree has it, stays in the work tree and out of git's own
/// folder. A tree can hold any name; git checks out none of these either.
pub(super) fn is_inside(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git"))
}

/// Returns the blob id that the file at `path` would have; `None` if there is
/// none, and an id that no blob has for a link, a folder or a device, and for a file
/// that is longer than any the service puts there.
pub(super) fn content_id(path: &Path) -> io::Result<Option<Oid>> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= FILE_BYTES_MAX as u64 => {
            Ok(Some(blob_id(&fs::read(path)?)))
        }
        Ok(_) => Ok(Some(Oid::ZERO_SHA1)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes the executable bit off a report's file, as far as that is possible: it
/// stands for nothing there, and would look like a change to git for ever. Follows
/// no link; other files are the person's.
pub(super) fn make_plain(work_dir: &Path, path: &str) {
    if !is_executable(work_dir, path) {
        return;
    }
    match try_make_plain(&work_dir.join(path)) {
        Ok(false) => {}
        Ok(true) => tracing::info!(path, "`{path}` was executable and is a plain file again"),
        Err(error) => tracing::debug!(path, "`{path}` cannot be made a plain file: {error}"),
    }
}

/// Returns whether the file at `path` is a report's and has the executable bit.
pub(super) fn is_executable(work_dir: &Path, path: &str) -> bool {
    is_report_path(path)
        && fs::symlink_metadata(work_dir.join(path))
            .is_ok_and(|found| found.is_file() && found.permissions().mode() & EXECUTABLE != 0)
}

fn try_make_plain(path: &Path) -> io::Result<bool> {
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags.cast_signed()).open(path)?;
    let metadata = file.metadata()?;
    let mode = metadata.permissions().mode();
    if !metadata.is_file() || mode & EXECUTABLE == 0 {
        return Ok(false);
    }
    file.set_permissions(Permissions::from_mode(mode & !EXECUTABLE)).map(|()| true)
}

/// A file that holds its bytes, on its way to where it belongs.
struct Draft {
    path: PathBuf,
    filled: Metadata,
}

impl Draft {
    /// The file is closed before it is placed: closing it there would be told as a write.
    fn of((path, file): (PathBuf, File)) -> io::Result<Self> {
        Ok(Self { filled: file.metadata()?, path })
    }

    /// Returns the signature that the file has at `target`. To rename it changes a
    /// time, but not that of its bytes.
    fn placed_at(&self, target: &Path) -> Option<Signature> {
        let placed = fs::symlink_metadata(target).ok()?;
        let of_bytes = |of: &Metadata| (of.dev(), of.ino(), of.size(), of.mtime(), of.mtime_nsec());
        (of_bytes(&placed) == of_bytes(&self.filled)).then(|| Signature::of(&placed))
    }
}

/// Returns whether `draft` is at `target` now. Somebody may create the file between
/// the look and this; then theirs stays.
fn place_new(draft: &Path, target: &Path) -> io::Result<bool> {
    match renameat_with(CWD, draft, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(true),
        Err(Errno::EXIST) => Ok(false),
        Err(Errno::NOENT) => Err(ErrorKind::NotFound.into()),
        // Not every file system knows the flag.
        Err(_) => fs::rename(draft, target).map(|()| true),
    }
}

/// Somebody may save the file between the look and this, so the two are
/// exchanged, what came out is looked at again, and given back if it is theirs.
/// `ours` is what `draft` holds. Returns what came out; `None` if `draft` is not at
/// `target` now.
fn replace(draft: &Path, target: &Path, ours: Oid, is_base: &dyn Fn(Oid) -> bool) -> io::Result<Option<Oid>> {
    failpoint!("file.filled");
    match renameat_with(CWD, draft, CWD, target, RenameFlags::EXCHANGE) {
        Ok(()) => {}
        // Gone meanwhile: perhaps to be written anew.
        Err(Errno::NOENT) => return Ok(None),
        Err(_) => return fs::rename(draft, target).map(|()| Some(Oid::ZERO_SHA1)),
    }
    failpoint!("file.exchanged");
    let found = content_id(draft)?.filter(|found| *found == ours || is_base(*found));
    if found.is_some() {
        return Ok(found);
    }
    renameat_with(CWD, draft, CWD, target, RenameFlags::EXCHANGE)?;
    failpoint!("file.given-back");
    if content_id(draft)? != Some(ours) {
        // They saved once more in between: what came out now is their newest.
        fs::rename(draft, target)?;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_service_put_there_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(&dir.path().join("work"), &dir.path().join("own"));
        let file = dir.path().join("work/a/b.md");
        let is_old = |found: Oid| found == blob_id(b"old");

        let put = |text: &[u8], known: Option<Signature>| {
            places.put("a/b.md", text, blob_id(text), &|found| Some(found) == known, &is_old).unwrap()
        };
        let is_forward = |placed: Placed| {
            let signature = Signature::of(&fs::symlink_metadata(&file).unwrap());
            assert_eq!(placed, Placed::Forward(Some(signature)));
            Some(signature)
        };

        is_forward(put(b"old", None));
        let known = is_forward(put(b"new", None));
        assert_eq!(put(b"new", known), Placed::Level);
        let known = Some(Signature::of(&fs::symlink_metadata(&file).unwrap()));
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(put(b"newer", None), Placed::LeftAlone);
        assert_eq!(put(b"newer", known), Placed::LeftAlone, "what came out was looked at");
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(places.remove("a/b.md", &is_old).unwrap(), Placed::LeftAlone);
        assert_eq!(places.remove("a/b.md", &|found| found == blob_id(b"new")).unwrap(), Placed::Forward(None));
        assert!(!file.exists());
    }

    #[test]
    fn a_known_file_is_replaced_without_reading_it_first() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(&dir.path().join("work"), &dir.path().join("own"));
        let is_old = |found: Oid| found == blob_id(b"old");
        let put = |text: &[u8], known: Option<Signature>, is_base: &dyn Fn(Oid) -> bool| {
            places.put("a.md", text, blob_id(text), &|found| Some(found) == known, is_base).unwrap()
        };
        let Placed::Forward(known) = put(b"old", None, &|_| false) else { panic!() };
        assert!(known.is_some());
        let placed = put(b"new", known, &is_old);
        assert!(matches!(placed, Placed::Forward(Some(new)) if Some(new) != known), "{placed:?}");
        assert_eq!(fs::read(dir.path().join("work/a.md")).unwrap(), b"new");
    }

    #[test]
    fn links_are_never_followed() {
        let dir = tempfile::tempdir().unwrap();
        let places = Places::new(&dir.path().join("work"), &dir.path().join("own"));
        fs::create_dir_all(dir.path().join("work")).unwrap();
        fs::create_dir(dir.path().join("outside")).unwrap();
        fs::write(dir.path().join("outside/b.md"), "old").unwrap();
        std::os::unix::fs::symlink("../outside", dir.path().join("work/a")).unwrap();
        std::os::unix::fs::symlink("../outside/b.md", dir.path().join("work/c.md")).unwrap();
        for path in ["a/b.md", "c.md"] {
            assert_eq!(
                places.put(path, b"new", blob_id(b"new"), &|_| false, &|found| found == blob_id(b"old")).unwrap(),
                Placed::LeftAlone
            );
        }
        assert_eq!(fs::read(dir.path().join("outside/b.md")).unwrap(), b"old");
    }

    #[test]
    fn folders_are_plain_wherever_the_work_tree_was_moved() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::create_dir_all(path("work/a/b")).unwrap();
        fs::write(path("work/a/file"), "").unwrap();
        std::os::unix::fs::symlink("b", path("work/a/link")).unwrap();
        std::os::unix::fs::symlink("work", path("moved")).unwrap();
        for work_dir in [path("work"), path("moved")] {
            let is_plain = |path| has_plain_parents(&work_dir, path).unwrap();
            assert!(is_plain("a/b/c.md") && is_plain("a/not/there/c.md") && is_plain("c.md"));
            assert!(!is_plain("a/link/c.md") && !is_plain("a/link/not/c.md") && !is_plain("a/file/c.md"));
            assert!(!is_plain("a/../../c.md"));
        }
    }
}
