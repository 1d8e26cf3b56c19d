//! Writes many new objects as one durable pack.
//!
//! Loose objects cost a file each, and libgit2's packer spends its time on
//! delta search; whole objects, compressed before, go in as they are. Format:
//! git's `gitformat-pack`, pack version 2 and index version 2.

mod stream;

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base16ct::lower::encode_string;
use sha1::{Digest, Sha1};

use super::cores;
use super::nursery::Nursery;
use super::object::Object;
use crate::failpoint::failpoint;

pub(super) use stream::Stream;

/// Unfinished files begin with this; `git prune` knows `tmp_` as garbage too.
/// Without an extension: git takes whatever ends in `.idx` for an index.
pub(super) const TEMPORARY_PREFIX: &str = "tmp_golive_";

/// The type of an entry that names its base by id: it means the same in any pack
/// that holds the base.
pub(super) const DELTA: u8 = 7;

/// Writes `objects` as a pack with its index into `dir` (`objects/pack`). When
/// it returns, both are on disk and git sees them.
///
/// # Errors
/// Any error of the file system; no part of the pack is visible then.
pub(super) fn write(dir: &Path, objects: &[Object]) -> io::Result<()> {
    store(dir, &assemble(objects), None)
}

/// Like [`write()`], with files from the nursery. Until the answer is dropped, nobody's
/// `git repack` or `git gc` removes the pack: nothing refers to its objects yet.
pub(super) fn write_from(nursery: Option<&Nursery>, dir: &Path, objects: &[Object]) -> io::Result<Kept> {
    let pack = assemble(objects);
    let kept = Kept::new(dir, &pack.name, nursery)?;
    store(dir, &pack, nursery)?;
    Ok(kept)
}

/// By this the files of a service that was killed are known.
pub(super) const KEPT_BY: &str = "golive\n";

/// Git's own sign, which a push has as well: the `.keep` beside a pack.
pub(super) struct Kept {
    path: PathBuf,
    /// Where the file goes until the next pack: to make one and to delete one costs
    /// several times what it costs to rename it.
    spare: Option<PathBuf>,
}

impl Kept {
    fn new(dir: &Path, name: &str, nursery: Option<&Nursery>) -> io::Result<Self> {
        let (path, spare) = (dir.join(format!("pack-{name}.keep")), nursery.map(|nursery| nursery.spare("keep")));
        if spare.as_ref().is_some_and(|spare| fs::rename(spare, &path).is_ok()) {
            return Ok(Self { path, spare });
        }
        let file = Temporary::create(dir, &format!("{TEMPORARY_PREFIX}keep_{name}"), nursery)?;
        // Not synced: after a power loss, no process is left that could remove the pack.
        (&file.file).write_all(KEPT_BY.as_bytes())?;
        file.publish(&path)?;
        Ok(Self { path, spare })
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let is_spared = self.spare.as_ref().is_some_and(|spare| fs::rename(&self.path, spare).is_ok());
        // If it stays, it is removed at the next start; until then the pack is not joined.
        if !is_spared && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("`{}` could not be removed: {error}", self.path.display());
        }
    }
}

fn store(dir: &Path, pack: &Pack, nursery: Option<&Nursery>) -> io::Result<()> {
    let name = &pack.name;
    let pack_file = Temporary::create(dir, &format!("{TEMPORARY_PREFIX}pack_{name}"), nursery)?;
    let index_file = Temporary::create(dir, &format!("{TEMPORARY_PREFIX}idx_{name}"), nursery)?;
    failpoint!("pack.made");
    // The two syncs do not depend on each other; side by side they cost one.
    let (filled, index_filled) = cores::both(|| pack_file.fill(&pack.bytes), || index_file.fill(&pack.index));
    filled.and(index_filled)?;
    failpoint!("pack.synced");
    place(dir, name, pack_file, index_file)
}

/// Gives a pack that is on disk the names by which git knows it.
fn place(dir: &Path, name: &str, pack_file: Temporary, index_file: Temporary) -> io::Result<()> {
    // Git finds a pack by its index, so the index comes last.
    pack_file.publish(&dir.join(format!("pack-{name}.pack")))?;
    failpoint!("pack.placed");
    index_file.publish(&dir.join(format!("pack-{name}.idx")))?;
    failpoint!("pack.indexed", io);
    File::open(dir)?.sync_all()
}

/// A pack and its index, not yet stored.
struct Pack {
    bytes: Vec<u8>,
    index: Vec<u8>,
    /// The part of its file names between `pack-` and the extension.
    name: String,
}

/// Where an object stands in a pack.
pub(super) struct Placed {
    pub(super) id: [u8; 20],
    pub(super) crc32: u32,
    pub(super) offset: u32,
}

/// Returns by what ids are sorted. They are hashes, so that their first bytes, as a number,
/// decide nearly always: half of the time of comparing them as they are.
pub(super) fn order(id: &[u8; 20]) -> (u64, [u8; 20]) {
    (id[..8].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), *id)
}

fn assemble(objects: &[Object]) -> Pack {
    // Two commits of one batch can share a blob or a tree; a pack must not hold it twice.
    let mut seen = HashSet::with_capacity(objects.len());
    let mut bytes = header(0);
    bytes.reserve(objects.iter().map(|object| object.deflated.len() + 8).sum::<usize>() + 64);
    let mut placed = Vec::with_capacity(objects.len());
    for object in objects.iter().filter(|object| seen.insert(object.id)) {
        let start = bytes.len();
        match &object.base {
            None => push_header(&mut bytes, object.kind as u8, object.size),
            Some(base) => {
                push_header(&mut bytes, DELTA, base.delta_size);
                bytes.extend_from_slice(base.id.as_bytes());
            }
        }
        bytes.extend_from_slice(&object.deflated);
        let id = object.id.as_bytes().try_into().expect("SHA-1 has 20 bytes");
        placed.push(Placed { id, crc32: crc32fast::hash(&bytes[start..]), offset: offset(start) });
    }
    // How many they are, only now is known.
    bytes[..HEADER_LEN].copy_from_slice(&header(placed.len()));
    let checksum = Sha1::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    Pack { bytes, index: index(placed, &checksum), name: encode_string(&checksum) }
}

const HEADER_LEN: usize = 12;

fn header(n_objects: usize) -> Vec<u8> {
    [b"PACK\0\0\0\x02".as_slice(), &be32(n_objects)].concat()
}

/// Returns a place in a pack as the index has it.
fn offset(at: usize) -> u32 {
    u32::try_from(at).expect("packs that are made here are far smaller than 2 GiB")
}

/// Type and size of an entry: 3 bits of type, then the size, 4 bits and 7 at a time.
fn push_header(bytes: &mut Vec<u8>, kind: u8, size: usize) {
    let mut byte = (kind << 4) | (size & 0x0f) as u8;
    let mut rest = size >> 4;
    while rest > 0 {
        bytes.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    bytes.push(byte);
}

fn index(mut placed: Vec<Placed>, pack_checksum: &[u8]) -> Vec<u8> {
    placed.sort_unstable_by_key(|entry| order(&entry.id));
    let mut out = Vec::with_capacity(8 + 1024 + placed.len() * 28 + 40);
    out.extend_from_slice(b"\xfftOc\0\0\0\x02");
    for first in 0..=255u8 {
        out.extend_from_slice(&be32(placed.partition_point(|entry| entry.id[0] <= first)));
    }
    out.extend(placed.iter().flat_map(|entry| entry.id));
    out.extend(placed.iter().flat_map(|entry| entry.crc32.to_be_bytes()));
    out.extend(placed.iter().flat_map(|entry| entry.offset.to_be_bytes()));
    out.extend_from_slice(pack_checksum);
    let checksum = Sha1::digest(&out);
    out.extend_from_slice(&checksum);
    out
}

fn be32(n: usize) -> [u8; 4] {
    u32::try_from(n).expect("a batch has far fewer than 2^32 objects").to_be_bytes()
}

/// A file that removes itself unless it is published.
struct Temporary {
    file: File,
    path: std::path::PathBuf,
    published: bool,
}

impl Temporary {
    fn create(dir: &Path, name: &str, nursery: Option<&Nursery>) -> io::Result<Self> {
        let (path, file) = match nursery {
            Some(nursery) => nursery.create(name)?,
            None => {
                let path = dir.join(name);
                let file = OpenOptions::new().write(true).create(true).truncate(true).open(&path)?;
                (path, file)
            }
        };
        Ok(Self { file, path, published: false })
    }

    fn fill(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.file).write_all(bytes)?;
        failpoint!("pack.filled", io);
        self.file.sync_all()
    }

    fn publish(mut self, to: &Path) -> io::Result<()> {
        fs::rename(&self.path, to)?;
        self.published = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.published {
            // What is left is removed at the next start.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::object::Kind;
    use super::*;

    #[test]
    fn libgit2_reads_every_object_of_a_pack() {
        let dir = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(dir.path()).unwrap();
        let contents: Vec<Vec<u8>> = (0..300usize).map(|n| vec![(n % 251) as u8; n * n]).collect();
        let mut objects: Vec<_> = contents.iter().map(|content| Object::new(Kind::Blob, content)).collect();
        objects.push(objects[7].clone());
        objects.push(Object::new(Kind::Tree, b""));
        write(&dir.path().join("objects/pack"), &objects).unwrap();
        for (object, content) in objects.iter().zip(&contents) {
            assert_eq!(repository.find_blob(object.id).unwrap().content(), content);
        }
        assert!(repository.find_tree(objects[301].id).unwrap().is_empty());
        let names: Vec<_> =
            fs::read_dir(dir.path().join("objects/pack")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }
}
