//! Files straight from packs, as the zlib streams that they are there: what is kept
//! compressed in memory is not unpacked and packed again, and nothing is mapped.
//!
//! This knows whole blobs in packs with an index of version 2 (`gitformat-pack`), which
//! is what the service writes. Anything else, and whatever fails, is libgit2's to read.

mod filter;
mod reader;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use git2::Oid;

use reader::{Files, Reader, Wait};

/// The largest are kept open, two files each. Upkeep leaves fewer.
const OPEN_MAX: usize = 96;
/// What is in no pack that is open may be in a new one: looked for so often.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The packs of a repository.
pub(super) struct Packs {
    folder: PathBuf,
    open: ArcSwap<Open>,
    /// Held by whoever looks which there are.
    looking: Mutex<()>,
}

#[derive(Default)]
struct Open {
    /// Largest first.
    packs: Vec<Arc<Reader>>,
    at: Option<Instant>,
}

/// A file as it is in its pack.
pub(super) struct Found {
    /// Length of the file in bytes.
    pub(super) size: usize,
    /// The file as a zlib stream.
    pub(super) deflated: Vec<u8>,
    pub(super) file: Vec<u8>,
}

impl Packs {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, open: ArcSwap::default(), looking: Mutex::default() }
    }

    /// Opens those that are new, if any pack was read here before, and closes those that were
    /// removed: they take up space until then.
    pub(super) fn renew(&self) {
        if self.open.load().at.is_some() {
            // What a panic left is no harm: it guards nothing.
            let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
            self.look();
        }
    }

    /// The same if one of them was removed.
    pub(super) fn renew_if_removed(&self) {
        if self.open.load().packs.iter().any(|pack| pack.is_removed()) {
            self.renew();
        }
    }

    /// Returns the file `id` if the kernel has all that it takes in memory. Does not block.
    pub(super) fn read_at_once(&self, id: Oid) -> Option<Found> {
        self.open.load().read(id, Wait::No)
    }

    /// Returns the file `id`; `None` leaves it to libgit2. Blocks.
    pub(super) fn read(&self, id: Oid) -> Option<Found> {
        let open = self.open.load_full();
        if let Some(found) = open.read(id, Wait::Yes) {
            return Some(found);
        }
        let newer = self.newer();
        if Arc::ptr_eq(&open, &newer) { None } else { newer.read(id, Wait::Yes) }
    }

    /// Returns those that are open, after a look if there was none for a while.
    fn newer(&self) -> Arc<Open> {
        let _looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        let open = self.open.load_full();
        let is_new = open.at.is_some_and(|at| at.elapsed() < LOOK_INTERVAL);
        if is_new { open } else { self.look() }
    }

    /// Opens what there is now, and keeps of it what is open.
    fn look(&self) -> Arc<Open> {
        let before = self.open.load();
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let indexes = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "idx"));
        // To open a pipe of that name would take for ever.
        let file = |path: &Path| fs::metadata(path).ok().filter(fs::Metadata::is_file);
        let mut indexes: Vec<_> = indexes.filter_map(|path| Some((file(&path)?, path))).collect();
        indexes.sort_unstable_by(|(a, path_a), (b, path_b)| (b.len(), path_b).cmp(&(a.len(), path_a)));
        let packs = indexes.iter().take(OPEN_MAX).filter_map(|(index, path)| {
            let files = Files::of(&file(&path.with_extension("pack"))?, index);
            let known = before.packs.iter().find(|pack| pack.is_of(files));
            known.cloned().or_else(|| Reader::open(path).ok().flatten().map(Arc::new))
        });
        let open = Arc::new(Open { packs: packs.collect(), at: Some(Instant::now()) });
        self.open.store(open.clone());
        open
    }
}

impl Open {
    /// What fails in one pack, another may have.
    fn read(&self, id: Oid, wait: Wait) -> Option<Found> {
        self.packs.iter().find_map(|pack| pack.read(id, wait).ok().flatten())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tempfile::TempDir;

    use super::reader::WINDOW;
    use super::*;
    use crate::store::object::{self, Kind, Object};
    use crate::store::pack;

    /// More than are read in one go share their first byte.
    const MANY: usize = 256 * (WINDOW as usize + 40);

    /// Some are longer, packed, than what is read at first.
    fn report(n: usize) -> Vec<u8> {
        let line = |at: usize| object::blob_id(&at.to_le_bytes()).to_string();
        let long = if n.is_multiple_of(100) { n % 1500 } else { 1 };
        (n..n + long).map(line).collect::<Vec<_>>().join("\n").into_bytes()
    }

    fn git(dir: &TempDir, arguments: &[&str]) {
        #[expect(clippy::disallowed_methods, reason = "git is asked for packs of its own kind")]
        let done = Command::new("git").args(arguments).current_dir(dir.path()).output().expect("git");
        assert!(done.status.success(), "{done:?}");
    }

    fn stored(n_files: usize) -> (TempDir, Packs, Vec<Object>) {
        let dir = tempfile::tempdir().expect("a folder");
        git2::Repository::init_bare(dir.path()).expect("a repository");
        let objects: Vec<_> = (0..n_files).map(|n| Object::new(Kind::Blob, &report(n))).collect();
        let folder = dir.path().join("objects/pack");
        pack::write(&folder, &objects).expect("written");
        (dir, Packs::new(folder), objects)
    }

    fn only(dir: &TempDir, extension: &str) -> PathBuf {
        let entries = fs::read_dir(dir.path().join("objects/pack")).expect("a folder");
        let mut paths = entries.map(|entry| entry.expect("an entry").path());
        paths.find(|path| path.extension().is_some_and(|it| it == extension)).expect("one")
    }

    #[test]
    fn every_file_of_a_large_pack_is_found_as_it_is_there() {
        let (_dir, packs, objects) = stored(MANY);
        for (n, object) in objects.iter().enumerate() {
            let found = packs.read(object.id).expect("found");
            assert_eq!((found.file, found.size), (report(n), object.size));
            assert_eq!(found.deflated, object.deflated);
            // Written a moment ago; where the file system cannot say, nothing comes at once.
            assert!(packs.read_at_once(object.id).is_none_or(|at_once| at_once.file == report(n)));
        }
        assert!(packs.read(Oid::from_bytes(&[7; 20]).expect("an id")).is_none());
    }

    #[test]
    fn what_git_packed_anew_is_found_or_left_to_git() {
        let (dir, packs, objects) = stored(2000);
        git(&dir, &["repack", "-a", "-d", "-q", "-k", "-f"]);
        packs.renew_if_removed();
        let found = objects.iter().enumerate().filter_map(|(n, object)| Some((n, packs.read(object.id)?)));
        let n_found = found.inspect(|(n, found)| assert_eq!(found.file, report(*n))).count();
        assert!((1..2000).contains(&n_found), "{n_found} are whole");
    }

    #[test]
    fn what_is_removed_is_closed_and_what_stays_is_not_opened_anew() {
        let (dir, packs, objects) = stored(20);
        packs.renew();
        assert!(packs.open.load().packs.is_empty(), "nobody has read anything");
        packs.read(objects[0].id).expect("found");
        let before = packs.open.load().packs.clone();
        let (new, folder) = (Object::new(Kind::Blob, b"new"), dir.path().join("objects/pack"));
        pack::write(&folder, std::slice::from_ref(&new)).expect("written");
        packs.renew();
        let after = packs.open.load().packs.clone();
        assert!(after.len() == 2 && Arc::ptr_eq(&after[0], &before[0]));
        assert!(packs.read(new.id).is_some());

        // The same objects under the same name, in files that somebody else wrote.
        for path in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            let copy = path.with_extension("copy");
            fs::copy(&path, &copy).and_then(|_| fs::rename(&copy, &path)).expect("copied");
        }
        packs.renew_if_removed();
        let copied = packs.open.load().packs.clone();
        let is_known = |pack: &Arc<Reader>| after.iter().any(|before| Arc::ptr_eq(pack, before));
        assert!(copied.len() == 2 && !copied.iter().any(is_known));
        assert!(packs.read(objects[0].id).is_some());

        for path in fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            fs::remove_file(path).expect("removed");
        }
        packs.renew_if_removed();
        assert!(packs.open.load().packs.is_empty());
    }

    #[test]
    fn pipe_with_the_name_of_a_pack_is_not_opened() {
        let (dir, packs, objects) = stored(20);
        for name in ["pack-a.idx", "pack-b.pack", "pack-b.idx"] {
            let path = dir.path().join("objects/pack").join(name);
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
        }
        assert!(objects.iter().all(|object| packs.read(object.id).is_some()));
    }

    #[test]
    fn index_of_another_version_is_left_to_git() {
        let (dir, packs, objects) = stored(20);
        fs::remove_file(only(&dir, "idx")).expect("removed");
        git(&dir, &["index-pack", "--index-version=1", only(&dir, "pack").to_str().expect("a name")]);
        assert!(objects.iter().all(|object| packs.read(object.id).is_none()));
    }

    #[test]
    fn damage_is_never_returned() {
        let (dir, _, objects) = stored(20);
        for extension in ["pack", "idx"] {
            let path = only(&dir, extension);
            let whole = fs::read(&path).expect("a file");
            for at in (0..whole.len()).step_by(7) {
                let mut broken = whole.clone();
                broken[at] ^= 0x55;
                fs::remove_file(&path).expect("removed");
                fs::write(&path, if at % 2 == 0 { &broken } else { &whole[..at] }).expect("written");
                let packs = Packs::new(dir.path().join("objects/pack"));
                for (n, object) in objects.iter().enumerate() {
                    assert!(packs.read(object.id).is_none_or(|found| found.file == report(n)), "{extension} {at}");
                }
            }
            fs::write(&path, whole).expect("written");
        }
    }
}
