//! Files straight from packs, as the zlib streams that they are there: what is kept
//! compressed in memory is not unpacked and packed again, and nothing is mapped.
//!
//! This knows whole blobs in packs with an index of version 2 (`gitformat-pack`), which
//! is what the service writes. Anything else, and whatever fails, is libgit2's to read.

use std::fs::{self, File};
use std::io::{self, IoSliceMut};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use git2::Oid;
use libdeflater::adler32;
use memchr::memmem;
use rustix::io::{ReadWriteFlags, preadv2};

use super::object::{self, Kind};

/// The largest are kept open, two files each.
const OPEN_MAX: usize = 32;
/// What is in no pack that is open may be in a new one: looked for so often.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Larger files are rare.
const SIZE_MAX: usize = 64 * 1024;
/// A report of 8 KB, compressed, fits into this.
const READ_LEN: usize = 6 * 1024;

const MAGIC: &[u8] = b"\xfftOc\0\0\0\x02";
const IDS: u64 = 8 + 256 * 4;
const ID_LEN: usize = 20;
/// So many ids are read in one go.
const WINDOW: u32 = 128;

/// The packs of a repository.
pub(super) struct Packs {
    folder: PathBuf,
    open: ArcSwap<Open>,
}

struct Open {
    packs: Vec<Pack>,
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
        Self { folder, open: ArcSwap::from_pointee(Open { packs: Vec::new(), at: None }) }
    }

    /// Closes all: what is removed takes up space until then.
    pub(super) fn forget(&self) {
        self.open.store(Arc::new(Open { packs: Vec::new(), at: None }));
    }

    /// Closes all if one of them was removed.
    pub(super) fn forget_removed(&self) {
        let is_removed = |pack: &Pack| pack.index.metadata().is_ok_and(|found| found.nlink() == 0);
        if self.open.load().packs.iter().any(is_removed) {
            self.forget();
        }
    }

    /// Returns the file `id` if the kernel has all that it takes in memory. Does not block.
    pub(super) fn read_at_once(&self, id: Oid) -> Option<Found> {
        self.open.load().read(id, Wait::No)
    }

    /// Returns the file `id`; `None` leaves it to libgit2. Blocks.
    pub(super) fn read(&self, id: Oid) -> Option<Found> {
        let open = self.open.load_full();
        match open.read(id, Wait::Yes) {
            Some(found) => Some(found),
            None if open.at.is_none_or(|at| at.elapsed() > LOOK_INTERVAL) => {
                let open = Arc::new(Open::of(&self.folder));
                self.open.store(open.clone());
                open.read(id, Wait::Yes)
            }
            None => None,
        }
    }
}

impl Open {
    fn of(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let indexes = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|it| it == "idx"));
        let mut packs: Vec<_> = indexes.filter_map(|path| Some((fs::metadata(&path).ok()?.len(), path))).collect();
        packs.sort_unstable_by(|a, b| b.cmp(a));
        let packs = packs.iter().take(OPEN_MAX).filter_map(|(_, index)| Pack::open(index).ok().flatten());
        Self { packs: packs.collect(), at: Some(Instant::now()) }
    }

    /// What fails in one pack, another may have.
    fn read(&self, id: Oid, wait: Wait) -> Option<Found> {
        self.packs.iter().find_map(|pack| pack.read(id, wait).ok().flatten())
    }
}

struct Pack {
    pack: File,
    index: File,
    /// How many ids begin with at most this byte.
    fanout: [u32; 256],
}

impl Pack {
    /// Opens a pack by its index; `None` if that is of another version.
    fn open(index: &Path) -> io::Result<Option<Self>> {
        let pack = File::open(index.with_extension("pack"))?;
        let index = File::open(index)?;
        let mut head = [0; IDS as usize];
        index.read_exact_at(&mut head, 0)?;
        let Some(counts) = head.strip_prefix(MAGIC) else { return Ok(None) };
        let mut fanout = [0; 256];
        for (n, bytes) in fanout.iter_mut().zip(counts.chunks_exact(4)) {
            *n = be32(bytes);
        }
        Ok(Some(Self { pack, index, fanout }))
    }

    fn read(&self, id: Oid, wait: Wait) -> io::Result<Option<Found>> {
        match self.offset(id, wait)? {
            Some(offset) => self.blob(id, offset, wait),
            None => Ok(None),
        }
    }

    /// Returns where in the pack the object `id` begins.
    fn offset(&self, id: Oid, wait: Wait) -> io::Result<Option<u64>> {
        let Some(place) = self.place(id, wait)? else { return Ok(None) };
        // After the ids of all come four bytes of checksum each, then four of place.
        let offsets = IDS + u64::from(self.fanout[255]) * (ID_LEN as u64 + 4);
        let mut offset = [0; 4];
        wait.read_exact_at(&self.index, &mut offset, offsets + u64::from(place) * 4)?;
        // Places beyond 2 GiB are in a table of their own.
        Ok(Some(be32(&offset)).filter(|offset| offset >> 31 == 0).map(u64::from))
    }

    /// Returns which of the ids is `id`. They are spread evenly, so that where one would be can
    /// be told to some dozens: mostly the first read has it, or shows that it is not there.
    fn place(&self, id: Oid, wait: Wait) -> io::Result<Option<u32>> {
        let first = usize::from(id.as_bytes()[0]);
        let (mut low, mut high) = (first.checked_sub(1).map_or(0, |before| self.fanout[before]), self.fanout[first]);
        // What stands before `low`, and at `high`.
        let (wanted, mut from, mut to) = (number(id.as_bytes()), 0, u64::MAX);
        let mut ids = [0; WINDOW as usize * ID_LEN];
        while low < high {
            let n = (high - low).min(WINDOW);
            let share =
                u128::from(wanted.saturating_sub(from)) * u128::from(high - low) / u128::from((to - from).max(1));
            let guess = low + u32::try_from(share).unwrap_or(u32::MAX).min(high - low);
            let start = guess.saturating_sub(WINDOW / 2).clamp(low, high - n);
            let ids = &mut ids[..n as usize * ID_LEN];
            wait.read_exact_at(&self.index, ids, IDS + u64::from(start) * ID_LEN as u64)?;
            let (least, greatest) = (&ids[..ID_LEN], &ids[ids.len() - ID_LEN..]);
            if id.as_bytes() < least {
                (high, to) = (start, number(least).max(from));
            } else if id.as_bytes() > greatest {
                (low, from) = (start + n, number(greatest).min(to));
            } else {
                let place = ids.chunks_exact(ID_LEN).position(|found| found == id.as_bytes());
                return Ok(place.map(|place| start + place as u32));
            }
        }
        Ok(None)
    }

    fn blob(&self, id: Oid, offset: u64, wait: Wait) -> io::Result<Option<Found>> {
        let mut bytes = vec![0; READ_LEN];
        let n_read = wait.read_at(&self.pack, &mut bytes, offset)?;
        bytes.truncate(n_read);
        let Some((start, size)) = header(&bytes).filter(|(_, size)| *size <= SIZE_MAX) else { return Ok(None) };
        let mut file = object::inflate(&bytes[start..], size);
        if file.is_err() && bytes.len() == READ_LEN {
            // A stream that cannot be made shorter has a few bytes more than its content.
            bytes.resize(start + size + size / 64 + 64, 0);
            let n_read = wait.read_at(&self.pack, &mut bytes, offset)?;
            bytes.truncate(n_read);
            file = object::inflate(&bytes[start..], size);
        }
        let Some(file) = file.ok().filter(|file| object::blob_id(file) == id) else { return Ok(None) };
        // It ends with the checksum of its content, and what follows is another's.
        let checksum = adler32(&file).to_be_bytes();
        let Some(end) = memmem::find(&bytes[start..], &checksum) else { return Ok(None) };
        let deflated = bytes[start..start + end + 4].to_vec();
        Ok(Some(Found { size, deflated, file }))
    }
}

/// Returns where the stream of a whole blob begins, and the blob's length.
fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.first()?;
    if (first >> 4) & 7 != Kind::Blob as u8 {
        return None;
    }
    let (mut at, mut size, mut byte) = (1, usize::from(first & 15), first);
    while byte & 0x80 != 0 {
        byte = *bytes.get(at).filter(|_| at < 6)?;
        size |= usize::from(byte & 0x7f) << (4 + 7 * (at - 1));
        at += 1;
    }
    Some((at, size))
}

/// Whether to wait for the disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    Yes,
    No,
}

impl Wait {
    /// Reads as much as there is; what would have to be waited for is an error.
    fn read_at(self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut n_read = 0;
        while n_read < bytes.len() {
            let (rest, at) = (&mut bytes[n_read..], offset + n_read as u64);
            let n = match self {
                Self::Yes => file.read_at(rest, at)?,
                Self::No => preadv2(file, &mut [IoSliceMut::new(rest)], at, ReadWriteFlags::NOWAIT)?,
            };
            if n == 0 {
                break;
            }
            n_read += n;
        }
        Ok(n_read)
    }

    fn read_exact_at(self, file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let n_read = self.read_at(file, bytes, offset)?;
        if n_read == bytes.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// What follows the first byte of an id, which all have in common, as a number.
fn number(id: &[u8]) -> u64 {
    id[1..9].iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn be32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;
    use crate::store::object::Object;
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
        packs.forget_removed();
        let found = objects.iter().enumerate().filter_map(|(n, object)| Some((n, packs.read(object.id)?)));
        let n_found = found.inspect(|(n, found)| assert_eq!(found.file, report(*n))).count();
        assert!((1..2000).contains(&n_found), "{n_found} are whole");
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
