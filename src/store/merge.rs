//! Joins small packs into one by copying their entries as they are.
//!
//! The packs of this service hold whole objects, and deltas that name their base
//! by id, so an entry means the same in any pack that holds all of its own: no
//! object is unpacked, compressed or compared, and joining costs what reading and
//! writing the bytes costs. Packs that others made hold deltas that refer to places
//! in their own pack; those are left to `git repack`.
//!
//! Of an object that is in several packs, the entry of the first is taken. Its base
//! is in that pack as well, or was taken from one before it, so bases never go round
//! in a circle.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::pack::{self, Placed};
use crate::failpoint::failpoint;

/// What the readers of an index may rely on: `gitformat-pack`, index version 2.
const FANOUT_END: usize = 8 + 256 * 4;
const CHECKSUM_LEN: usize = 20;

/// A pack that can be joined with others.
struct Source {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
}

struct Entry {
    id: [u8; 20],
    crc32: u32,
    start: usize,
    end: usize,
}

impl Entry {
    /// Returns whether the entry is a whole object, or names a base of those in `ids`.
    fn means_the_same_elsewhere(&self, pack: &[u8], ids: &HashSet<[u8; 20]>) -> bool {
        let Some(entry) = pack.get(self.start..self.end) else { return false };
        match entry.first().map(|byte| (byte >> 4) & 7) {
            Some(1..=4) => true,
            Some(pack::DELTA) => {
                let base = entry.iter().position(|byte| byte & 0x80 == 0).map(|at| at + 1);
                let base = base.and_then(|at| entry.get(at..at + 20)?.try_into().ok());
                base.is_some_and(|base: [u8; 20]| ids.contains(&base))
            }
            _ => false,
        }
    }
}

/// Joins the packs at `paths` (their `.pack` files, in `dir`) and removes them.
/// Returns how many were joined; those that hold deltas of another kind or are to be kept stay.
///
/// # Errors
/// The file system's, or a pack that is broken. No object is lost: the joined
/// pack is on disk before the first of the others goes.
pub(super) fn merge(dir: &Path, paths: &[PathBuf]) -> io::Result<usize> {
    if paths.len() < 2 {
        return Ok(0);
    }
    let mut bytes = pack::header();
    // What grows by doubling would take twice as much.
    let len = |path: &PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
    bytes.reserve_exact(usize::try_from(paths.iter().map(len).sum::<u64>()).unwrap_or(0));
    let (mut placed, mut joined) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    // One after the other: together they can be as long as what comes of them.
    for path in paths {
        let Some(source) = Source::read(path)? else { continue };
        for entry in source.entries.iter().filter(|entry| seen.insert(entry.id)) {
            placed.push(Placed { id: entry.id, crc32: entry.crc32, offset: pack::offset(bytes.len()) });
            bytes.extend_from_slice(&source.bytes[entry.start..entry.end]);
        }
        joined.push(path);
    }
    if joined.len() < 2 {
        return Ok(0);
    }
    failpoint!("join.read");
    let pack = pack::finish(bytes, placed);
    pack::store(dir, &pack, None)?;
    failpoint!("join.stored", io);
    remove_multi_pack_index(dir)?;
    failpoint!("join.cleared");
    for path in &joined {
        // The joined pack can be one of them: the same objects in the same order.
        if **path != dir.join(format!("pack-{}.pack", pack.name)) {
            // Index first: without it, nobody looks for the pack.
            fs::remove_file(path.with_extension("idx"))?;
            failpoint!("join.hidden");
            let _ = fs::remove_file(path.with_extension("rev"));
            fs::remove_file(path)?;
            failpoint!("join.removed");
        }
    }
    Ok(joined.len())
}

/// A person's `git multi-pack-index write` names packs that go now; without the
/// index, git looks into the packs themselves.
fn remove_multi_pack_index(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("multi-pack-index") && entry.path().is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Source {
    /// Reads the pack at `path`; `None` if it cannot be joined.
    fn read(path: &Path) -> io::Result<Option<Self>> {
        if ["keep", "promisor", "mtimes"].iter().any(|extension| path.with_extension(extension).exists()) {
            return Ok(None);
        }
        let bytes = fs::read(path)?;
        let index = fs::read(path.with_extension("idx"))?;
        let broken = || io::Error::other(format!("the index of `{}` is broken", path.display()));
        let Some(entries) = entries(&index, bytes.len()).ok_or_else(broken)? else { return Ok(None) };
        let ids: HashSet<_> = entries.iter().map(|entry| entry.id).collect();
        if !entries.iter().all(|entry| entry.means_the_same_elsewhere(&bytes, &ids)) {
            return Ok(None);
        }
        Ok(Some(Self { bytes, entries }))
    }
}

/// Returns the entries of a pack of `pack_len` bytes in their order, by its
/// index; the outer `None` says that it is broken, the inner one that it is of a
/// kind that is not joined.
fn entries(index: &[u8], pack_len: usize) -> Option<Option<Vec<Entry>>> {
    if !index.starts_with(b"\xfftOc\0\0\0\x02") {
        return Some(None);
    }
    let be32 = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let n = be32(FANOUT_END - 4)? as usize;
    let (crcs, offsets) = (FANOUT_END + n * 20, FANOUT_END + n * 24);
    let mut entries = Vec::with_capacity(n);
    for at in 0..n {
        let offset = be32(offsets + at * 4)?;
        if offset >> 31 != 0 {
            return Some(None);
        }
        let id = index.get(FANOUT_END + at * 20..FANOUT_END + at * 20 + 20)?.try_into().ok()?;
        entries.push(Entry { id, crc32: be32(crcs + at * 4)?, start: offset as usize, end: 0 });
    }
    entries.sort_unstable_by_key(|entry| entry.start);
    let mut end = pack_len.checked_sub(CHECKSUM_LEN)?;
    for entry in entries.iter_mut().rev() {
        entry.end = end;
        end = entry.start;
        if entry.end <= entry.start {
            return None;
        }
    }
    Some(Some(entries))
}

#[cfg(test)]
mod tests {
    use super::super::object::{Kind, Object, Splice, blob_id};
    use super::*;

    fn packs(dir: &Path) -> Vec<PathBuf> {
        let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "pack"));
        paths
    }

    #[test]
    fn every_object_of_the_joined_packs_is_in_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(folder.path()).unwrap();
        let dir = folder.path().join("objects/pack");
        let mut all = Vec::new();
        for n in 0..40usize {
            // One object in common, so that duplicates are met too.
            let contents = [b"in all".to_vec(), format!("only in {n}").into_bytes(), vec![n as u8; n * 1000]];
            let objects = contents.map(|content| (Object::new(Kind::Blob, &content), content));
            pack::write(&dir, &objects.each_ref().map(|(object, _)| object.clone())).unwrap();
            all.extend(objects);
        }
        assert_eq!(merge(&dir, &packs(&dir)).unwrap(), 40);
        assert_eq!(packs(&dir).len(), 1);
        for (object, content) in all {
            assert_eq!(repository.find_blob(object.id).unwrap().content(), content);
        }
        assert_eq!(merge(&dir, &packs(&dir)).unwrap(), 0);
    }

    #[test]
    fn bases_of_joined_packs_never_go_round_in_a_circle() {
        let folder = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(folder.path()).unwrap();
        let dir = folder.path().join("objects/pack");
        let contents = ["one", "two"].map(|id| {
            let entry =
                |n: u8, id: &str| [format!("40000 {n:x}\0").as_bytes(), blob_id(id.as_bytes()).as_bytes()].concat();
            (0..10).flat_map(|n| entry(n, if n == 4 { id } else { "same" })).collect::<Vec<u8>>()
        });
        let splice = || Splice { base_len: contents[0].len(), old: 4 * 28 + 8..5 * 28, new_len: 20 };
        for (first, second) in [(0, 1), (1, 0)] {
            let whole = Object::tree(&contents[first], None);
            let delta = Object::tree(&contents[second], Some((&whole, splice())));
            assert!(delta.base.is_some());
            pack::write(&dir, &[whole, delta]).unwrap();
        }
        assert_eq!(merge(&dir, &packs(&dir)).unwrap(), 2);
        for content in &contents {
            let odb = repository.odb().unwrap();
            assert_eq!(odb.read(Object::tree(content, None).id).unwrap().data(), content);
        }
        assert_eq!(merge(&dir, &packs(&dir)).unwrap(), 0);
    }

    #[test]
    fn packs_with_deltas_of_gits_and_kept_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str]| {
            #[expect(clippy::disallowed_methods, reason = "makes a pack as git does")]
            let status = std::process::Command::new("git").args(args).current_dir(folder.path()).status().unwrap();
            assert!(status.success());
        };
        git(&["init", "-q", "--bare", "."]);
        let repository = git2::Repository::open(folder.path()).unwrap();
        let text: String = (0..2000).map(|n| format!("line {n}\n")).collect();
        let mut tree = repository.treebuilder(None).unwrap();
        for n in 0..5 {
            let blob = repository.blob(format!("{text}{n}").as_bytes()).unwrap();
            tree.insert(format!("file{n}"), blob, 0o100_644).unwrap();
        }
        let tree = repository.find_tree(tree.write().unwrap()).unwrap();
        let who = git2::Signature::now("a", "a@b").unwrap();
        repository.commit(Some("HEAD"), &who, &who, "x", &tree, &[]).unwrap();
        git(&["repack", "-q", "-a", "-d", "-f"]);
        let dir = folder.path().join("objects/pack");
        pack::write(&dir, &[Object::new(Kind::Blob, b"a")]).unwrap();
        pack::write(&dir, &[Object::new(Kind::Blob, b"b")]).unwrap();
        let kept = Object::new(Kind::Blob, b"kept");
        let before = packs(&dir);
        pack::write(&dir, &[kept]).unwrap();
        let kept = packs(&dir).into_iter().find(|path| !before.contains(path)).unwrap();
        fs::write(kept.with_extension("keep"), "").unwrap();
        assert_eq!(merge(&dir, &packs(&dir)).unwrap(), 2);
        assert_eq!(packs(&dir).len(), 3);
        git(&["fsck", "--strict", "--no-dangling"]);
    }
}
