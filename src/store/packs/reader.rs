//! One pack, open: where an object is in it, and a blob as it is there.

use std::fs::{File, Metadata};
use std::io::{self, IoSliceMut};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use git2::Oid;
use libdeflater::adler32;
use memchr::memmem;
use rustix::io::{ReadWriteFlags, preadv2};

use super::Found;
use super::filter::Filter;
use crate::store::deflated::inflate;
use crate::store::object::{self, Kind};

/// Larger files are rare.
const SIZE_MAX: usize = 64 * 1024;
/// A report of 8 KB, compressed, fits into this.
const READ_LEN: usize = 6 * 1024;

const MAGIC: &[u8] = b"\xfftOc\0\0\0\x02";
const IDS: u64 = 8 + 256 * 4;
const ID_LEN: usize = 20;
/// So many ids are read in one go.
pub(super) const WINDOW: u32 = 128;
/// So many when all are.
const IDS_AT_ONCE: usize = 8192;

/// A pack, and what of its index is in memory.
pub(super) struct Reader {
    pack: File,
    index: File,
    /// How many ids begin with at most this byte.
    fanout: [u32; 256],
    filter: Filter,
    files: Files,
}

/// By what the files of a pack are known, whatever their name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Files([(u64, u64); 2]);

impl Files {
    pub(super) fn of(pack: &Metadata, index: &Metadata) -> Self {
        Self([pack, index].map(|file| (file.dev(), file.ino())))
    }
}

impl Reader {
    /// Opens a pack by its index, and reads the ids there; `None` if that is of another version.
    pub(super) fn open(index: &Path) -> io::Result<Option<Self>> {
        let pack = File::open(index.with_extension("pack"))?;
        let index = File::open(index)?;
        let mut head = [0; IDS as usize];
        index.read_exact_at(&mut head, 0)?;
        let Some(counts) = head.strip_prefix(MAGIC) else { return Ok(None) };
        let mut fanout = [0; 256];
        for (n, bytes) in fanout.iter_mut().zip(counts.chunks_exact(4)) {
            *n = be32(bytes);
        }
        let (filter, files) = (filter(&index, fanout[255])?, Files::of(&pack.metadata()?, &index.metadata()?));
        Ok(Some(Self { pack, index, fanout, filter, files }))
    }

    /// Returns whether these are the files that are open.
    pub(super) fn is_of(&self, files: Files) -> bool {
        self.files == files
    }

    /// Returns whether a file has no name any more, and takes up space until it is closed.
    pub(super) fn is_removed(&self) -> bool {
        [&self.pack, &self.index].iter().any(|file| file.metadata().is_ok_and(|own| own.nlink() == 0))
    }

    /// Returns the blob `id`; `None` if it is not here, or is none that can be read here.
    pub(super) fn read(&self, id: Oid, wait: Wait) -> io::Result<Option<Found>> {
        if !self.filter.may_have(id.as_bytes()) {
            return Ok(None);
        }
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
        let mut file = inflate(&bytes[start..], size);
        if file.is_err() && bytes.len() == READ_LEN {
            // A stream that cannot be made shorter has a few bytes more than its content.
            bytes.resize(start + size + size / 64 + 64, 0);
            let n_read = wait.read_at(&self.pack, &mut bytes, offset)?;
            bytes.truncate(n_read);
            file = inflate(&bytes[start..], size);
        }
        let Some(file) = file.ok().filter(|file| object::blob_id(file) == id) else { return Ok(None) };
        // It ends with the checksum of its content, and what follows is another's.
        let checksum = adler32(&file).to_be_bytes();
        let Some(end) = memmem::find(&bytes[start..], &checksum) else { return Ok(None) };
        let deflated = bytes[start..start + end + 4].to_vec();
        Ok(Some(Found { size, deflated, file }))
    }
}

fn filter(index: &File, n_ids: u32) -> io::Result<Filter> {
    let (mut at, end) = (IDS, IDS + u64::from(n_ids) * ID_LEN as u64);
    if index.metadata()?.len() < end {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let (mut filter, mut ids) = (Filter::new(n_ids as usize), vec![0; IDS_AT_ONCE * ID_LEN]);
    while at < end {
        let n = (end - at).min(ids.len() as u64);
        let ids = &mut ids[..n as usize];
        index.read_exact_at(ids, at)?;
        ids.chunks_exact(ID_LEN).for_each(|id| filter.add(id));
        at += n;
    }
    Ok(filter)
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
pub(super) enum Wait {
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
