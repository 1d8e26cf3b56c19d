//! A pack that is written as its entries come, so that it can be larger than what one
//! keeps in memory.

use std::fs::File;
use std::io::{self, Write};
#[cfg(target_os = "linux")]
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use base16ct::lower::encode_string;
#[cfg(target_os = "linux")]
use rustix::fs::{Advice, fadvise};
use sha1::{Digest, Sha1};

use super::{Placed, TEMPORARY_PREFIX, Temporary, header, index, offset, place};
use crate::failpoint::failpoint;

/// So much is written at a time, and soon on its way to the disk.
const WRITE_LEN: usize = 1024 * 1024;
/// No more is on its way at once: what others sync waits behind it.
const SYNC_LEN: usize = 32 * WRITE_LEN;

/// A pack that is not there yet. Dropped, it leaves nothing.
pub(in crate::store) struct Stream {
    dir: PathBuf,
    name: String,
    file: Temporary,
    checksum: Sha1,
    /// So many the pack's head says.
    n_objects: usize,
    placed: Vec<Placed>,
    /// What comes next, and how much came before it.
    buffer: Vec<u8>,
    n_written: usize,
    n_unsynced: usize,
}

impl Stream {
    /// Begins a pack of `n_objects` in `dir` (`objects/pack`). `name` is what its files are
    /// called until it is done.
    ///
    /// # Errors
    /// The file system's.
    pub(in crate::store) fn begin(dir: &Path, name: &str, n_objects: usize) -> io::Result<Self> {
        Ok(Self {
            dir: dir.into(),
            name: name.into(),
            file: Temporary::create(dir, &format!("{TEMPORARY_PREFIX}pack_{name}"), None)?,
            checksum: Sha1::new(),
            n_objects,
            placed: Vec::with_capacity(n_objects),
            buffer: header(n_objects),
            n_written: 0,
            n_unsynced: 0,
        })
    }

    /// Adds the object `id` as an entry of another pack has it.
    ///
    /// # Errors
    /// The file system's.
    pub(in crate::store) fn push(&mut self, id: [u8; 20], crc32: u32, entry: &[u8]) -> io::Result<()> {
        self.placed.push(Placed { id, crc32, offset: offset(self.n_written + self.buffer.len()) });
        self.buffer.extend_from_slice(entry);
        if self.buffer.len() < WRITE_LEN { Ok(()) } else { self.write() }
    }

    /// Ends the pack and returns the part of its file names
    /// between `pack-` and the extension. It is on disk then, and git sees it.
    ///
    /// # Errors
    /// The file system's, or that not as many objects came as the pack's head says; no part
    /// of the pack is visible then.
    pub(in crate::store) fn end(mut self) -> io::Result<String> {
        if self.placed.len() != self.n_objects {
            let (came, said) = (self.placed.len(), self.n_objects);
            return Err(io::Error::other(format!("{came} objects came for a pack of {said}")));
        }
        self.write()?;
        let checksum = self.checksum.finalize();
        self.file.fill(&checksum)?;
        let index_file = Temporary::create(&self.dir, &format!("{TEMPORARY_PREFIX}idx_{}", self.name), None)?;
        index_file.fill(&index(self.placed, &checksum))?;
        failpoint!("join.synced");
        let name = encode_string(&checksum);
        place(&self.dir, &name, self.file, index_file)?;
        Ok(name)
    }

    fn write(&mut self) -> io::Result<()> {
        self.checksum.update(&self.buffer);
        (&self.file.file).write_all(&self.buffer)?;
        write_out(&self.file.file, self.n_written as u64, self.buffer.len());
        self.n_written += self.buffer.len();
        self.n_unsynced += self.buffer.len();
        self.buffer.clear();
        if self.n_unsynced >= SYNC_LEN {
            self.file.file.sync_data()?;
            self.n_unsynced = 0;
        }
        Ok(())
    }
}

/// Has the kernel begin to write out a part of `file`, and does not wait, so that there is little left for a sync to
/// wait for: what others sync meanwhile waits behind it. What is not on the disk yet stays in memory, for readers.
/// Only advice, so whatever fails is no harm.
#[cfg(target_os = "linux")]
fn write_out(file: &File, from: u64, len: usize) {
    let _ = fadvise(file, from, NonZeroU64::new(len as u64), Advice::DontNeed);
}

#[cfg(not(target_os = "linux"))]
fn write_out(_: &File, _: u64, _: usize) {}
