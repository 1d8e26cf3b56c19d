//! Joins packs into one by copying their entries as they are.
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

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustc_hash::FxHashSet;

use super::pack::{self, Stream};
use crate::failpoint::failpoint;

/// What the readers of an index may rely on: `gitformat-pack`, index version 2.
const FANOUT_END: usize = 8 + 256 * 4;
const CHECKSUM_LEN: u32 = 20;
/// So many bytes are in memory at a time, or one entry.
const READ_LEN: u32 = 1024 * 1024;

/// What became of packs that were to be joined.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) n_joined: usize,
    /// Those that never can be.
    pub(super) foreign: Vec<PathBuf>,
}

/// Joins the packs at `paths` (their `.pack` files, in `dir`) and removes them.
/// Those that hold deltas of another kind or are to be kept stay.
///
/// # Errors
/// The file system's, a pack that is broken, or that it `is_ended`. No object is lost: the
/// joined pack is on disk before the first of the others goes.
pub(super) fn join(dir: &Path, paths: &[PathBuf], is_ended: &AtomicBool) -> io::Result<Joined> {
    let (mut sources, mut foreign) = (Vec::new(), Vec::new());
    let go_on = || match is_ended.load(Ordering::Relaxed) {
        true => Err(io::Error::other("it was ended before it was done")),
        false => Ok(()),
    };
    for path in paths {
        go_on()?;
        if ["keep", "promisor", "mtimes"].iter().any(|extension| path.with_extension(extension).exists()) {
            continue;
        }
        match Source::open(path)? {
            Some(source) => sources.push(source),
            None => foreign.push(path.clone()),
        }
    }
    let mut name = copy(dir, &mut sources, &go_on)?;
    if name.is_none() {
        // Rare, and each only once: to look at all before they are copied would be to read them twice.
        let mut own = Vec::new();
        for source in sources {
            go_on()?;
            if source.is_joinable()? { own.push(source) } else { foreign.push(source.path) }
        }
        (name, sources) = (copy(dir, &mut own, &go_on)?, own);
    }
    let Some(name) = name else { return Ok(Joined { n_joined: 0, foreign }) };
    failpoint!("join.stored", io);
    remove_multi_pack_index(dir)?;
    failpoint!("join.cleared");
    for Source { path, .. } in &sources {
        // The joined pack can be one of them: the same objects in the same order.
        if *path != dir.join(format!("pack-{name}.pack")) {
            // Index first: without it, nobody looks for the pack.
            fs::remove_file(path.with_extension("idx"))?;
            failpoint!("join.hidden");
            let _ = fs::remove_file(path.with_extension("rev"));
            fs::remove_file(path)?;
            failpoint!("join.removed");
        }
    }
    Ok(Joined { n_joined: sources.len(), foreign })
}

/// Copies all objects of `sources` into a new pack and returns its name; `None`, and nothing
/// is done, if there are less than two, or one of them cannot be joined.
fn copy(dir: &Path, sources: &mut [Source], go_on: &dyn Fn() -> io::Result<()>) -> io::Result<Option<String>> {
    let [first, _, ..] = &*sources else { return Ok(None) };
    let first = first.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let n_objects = leave_each_to_the_first(sources);
    failpoint!("join.read");
    let mut joined = Stream::begin(dir, &format!("join_{first}"), n_objects)?;
    for source in sources {
        let is_joinable = source.each(|entry, bytes| {
            go_on()?;
            if !source.means_the_same_elsewhere(bytes) {
                return Ok(false);
            }
            if !entry.is_elsewhere {
                joined.push(entry.id, entry.crc32, bytes)?;
            }
            Ok(true)
        })?;
        if !is_joinable {
            return Ok(None);
        }
    }
    joined.end().map(Some)
}

/// Marks what an earlier one of `sources` has, too, and returns how many objects are in all.
fn leave_each_to_the_first(sources: &mut [Source]) -> usize {
    // They may have been marked among others.
    sources.iter_mut().flat_map(|source| &mut source.entries).for_each(|entry| entry.is_elsewhere = false);
    let entries = |(of, source): (usize, &Source)| {
        let ids = source.entries.iter().enumerate();
        ids.map(move |(n, entry)| (pack::order(&entry.id), of, n)).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = sources.iter().enumerate().flat_map(entries).collect();
    all.sort_unstable();
    let mut n_objects = all.len();
    for pair in all.windows(2).filter(|pair| pair[0].0 == pair[1].0) {
        let (_, of, n) = pair[1];
        sources[of].entries[n].is_elsewhere = true;
        n_objects -= 1;
    }
    n_objects
}

/// A person's `git multi-pack-index write` names packs that go now; without the
/// index, git looks into the packs themselves.
fn remove_multi_pack_index(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("multi-pack-index") && entry.path().is_file() {
            match fs::remove_file(entry.path()) {
                // Others are joined at the same time.
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(())
}

/// A pack that is to be joined.
struct Source {
    path: PathBuf,
    pack: File,
    ids: FxHashSet<[u8; 20]>,
    /// In the order of their places.
    entries: Vec<Entry>,
}

/// An object in a pack.
struct Entry {
    id: [u8; 20],
    crc32: u32,
    start: u32,
    end: u32,
    /// It is taken from another pack.
    is_elsewhere: bool,
}

impl Source {
    /// Opens the pack at `path` and reads its index; `None` if it cannot be joined.
    fn open(path: &Path) -> io::Result<Option<Self>> {
        let pack = File::open(path)?;
        let Ok(len) = u32::try_from(pack.metadata()?.len()) else { return Ok(None) };
        let index = fs::read(path.with_extension("idx"))?;
        let broken = || io::Error::other(format!("the index of `{}` is broken", path.display()));
        let Some(mut entries) = entries(&index).ok_or_else(broken)? else { return Ok(None) };
        let ids = entries.iter().map(|entry| entry.id).collect();
        set_ends(&mut entries, len).ok_or_else(broken)?;
        Ok(Some(Self { path: path.into(), pack, ids, entries }))
    }

    /// Calls `take` with each of the entries and what stands there, while it returns `true`.
    /// Returns whether it always did.
    fn each(&self, mut take: impl FnMut(&Entry, &[u8]) -> io::Result<bool>) -> io::Result<bool> {
        let (mut rest, mut bytes) = (&*self.entries, Vec::new());
        while let Some(start) = rest.first().map(|first| first.start) {
            let n = rest.iter().take_while(|entry| entry.end - start <= READ_LEN).count().max(1);
            let (run, after) = rest.split_at(n);
            bytes.resize((run[n - 1].end - start) as usize, 0);
            self.pack.read_exact_at(&mut bytes, start.into())?;
            for entry in run {
                if !take(entry, &bytes[(entry.start - start) as usize..(entry.end - start) as usize])? {
                    return Ok(false);
                }
            }
            rest = after;
        }
        Ok(true)
    }

    /// Returns whether each entry means the same in another pack.
    fn is_joinable(&self) -> io::Result<bool> {
        self.each(|_, bytes| Ok(self.means_the_same_elsewhere(bytes)))
    }

    /// Returns whether `entry` is a whole object, or names a base that is in this pack, too.
    fn means_the_same_elsewhere(&self, entry: &[u8]) -> bool {
        match entry.first().map(|byte| (byte >> 4) & 7) {
            Some(1..=4) => true,
            Some(pack::DELTA) => {
                let base = entry.iter().position(|byte| byte & 0x80 == 0).map(|at| at + 1);
                let base = base.and_then(|at| entry.get(at..at + 20)?.try_into().ok());
                base.is_some_and(|base: [u8; 20]| self.ids.contains(&base))
            }
            _ => false,
        }
    }
}

/// Returns the entries of a pack by its index, sorted by id, without their ends; the
/// outer `None` says that it is broken, the inner one that it is of a kind that is not joined.
fn entries(index: &[u8]) -> Option<Option<Vec<Entry>>> {
    if !index.starts_with(b"\xfftOc\0\0\0\x02") {
        return Some(None);
    }
    let be32 = |at: usize| Some(u32::from_be_bytes(index.get(at..at + 4)?.try_into().ok()?));
    let n = be32(FANOUT_END - 4)? as usize;
    let (crcs, offsets) = (FANOUT_END + n * 20, FANOUT_END + n * 24);
    let mut entries = Vec::with_capacity(n.min(index.len()));
    for at in 0..n {
        let start = be32(offsets + at * 4)?;
        if start >> 31 != 0 {
            return Some(None);
        }
        let id = index.get(FANOUT_END + at * 20..FANOUT_END + at * 20 + 20)?.try_into().ok()?;
        entries.push(Entry { id, crc32: be32(crcs + at * 4)?, start, end: 0, is_elsewhere: false });
    }
    Some(Some(entries))
}

/// Sorts the entries of a pack of `pack_len` bytes by their places: each ends where the
/// next begins. `None` says that its index is broken.
fn set_ends(entries: &mut [Entry], pack_len: u32) -> Option<()> {
    entries.sort_unstable_by_key(|entry| entry.start);
    let mut end = pack_len.checked_sub(CHECKSUM_LEN)?;
    for entry in entries.iter_mut().rev() {
        entry.end = end;
        end = entry.start;
        if entry.end <= entry.start {
            return None;
        }
    }
    Some(())
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

    fn joined(dir: &Path) -> usize {
        join(dir, &packs(dir), &AtomicBool::new(false)).unwrap().n_joined
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
        assert_eq!(joined(&dir), 40);
        assert_eq!(packs(&dir).len(), 1);
        for (object, content) in all {
            assert_eq!(repository.find_blob(object.id).unwrap().content(), content);
        }
        assert_eq!(joined(&dir), 0);
    }

    #[test]
    fn more_than_is_in_memory_at_a_time_is_joined_and_so_is_what_is_longer() {
        let folder = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(folder.path()).unwrap();
        let dir = folder.path().join("objects/pack");
        // Ids do not become shorter by compression.
        let content = |n: usize, len: usize| {
            let ids = (0..len / 20).flat_map(|at| blob_id(format!("{n} {at}").as_bytes()).as_bytes().to_vec());
            ids.collect::<Vec<u8>>()
        };
        let lens = [300_000, 700_000, 2_500_000, 1_200_000, 40, 900_000];
        let all: Vec<_> = lens.into_iter().enumerate().map(|(n, len)| content(n, len)).collect();
        for half in all.chunks(3) {
            let objects: Vec<_> = half.iter().map(|content| Object::new(Kind::Blob, content)).collect();
            pack::write(&dir, &objects).unwrap();
        }
        assert_eq!(joined(&dir), 2);
        for content in all {
            assert_eq!(repository.find_blob(blob_id(&content)).unwrap().content(), content);
        }
    }

    #[test]
    fn what_is_ended_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        git2::Repository::init_bare(folder.path()).unwrap();
        let dir = folder.path().join("objects/pack");
        for content in ["one", "two"] {
            pack::write(&dir, &[Object::new(Kind::Blob, content.as_bytes())]).unwrap();
        }
        let files = || fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        let before = files();
        join(&dir, &packs(&dir), &AtomicBool::new(true)).unwrap_err();
        assert_eq!(files(), before);
    }

    /// The content of a tree, in which one of ten entries is `id`.
    fn tree_with(id: &str) -> Vec<u8> {
        let entry = |n: u8, id: &str| [format!("40000 {n:x}\0").as_bytes(), blob_id(id.as_bytes()).as_bytes()].concat();
        (0..10).flat_map(|n| entry(n, if n == 4 { id } else { "same" })).collect()
    }

    /// Such a tree as a difference to another one.
    fn difference(base: &Object, content: &[u8]) -> Object {
        let splice = Splice { base_len: content.len(), old: 4 * 28 + 8..5 * 28, new_len: 20 };
        let delta = Object::tree(content, Some((base, splice)));
        assert!(delta.base.is_some());
        delta
    }

    #[test]
    fn bases_of_joined_packs_never_go_round_in_a_circle() {
        let folder = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(folder.path()).unwrap();
        let dir = folder.path().join("objects/pack");
        let contents = ["one", "two"].map(tree_with);
        for (first, second) in [(0, 1), (1, 0)] {
            let whole = Object::tree(&contents[first], None);
            let delta = difference(&whole, &contents[second]);
            pack::write(&dir, &[whole, delta]).unwrap();
        }
        assert_eq!(joined(&dir), 2);
        for content in &contents {
            let odb = repository.odb().unwrap();
            assert_eq!(odb.read(Object::tree(content, None).id).unwrap().data(), content);
        }
        assert_eq!(joined(&dir), 0);
    }

    #[test]
    fn pack_that_lacks_the_base_of_a_difference_stays() {
        let dir = tempfile::tempdir().unwrap();
        let whole = Object::tree(&tree_with("one"), None);
        let lacks_it = [difference(&whole, &tree_with("two")), Object::new(Kind::Blob, b"beside it")];
        pack::write(dir.path(), &lacks_it).unwrap();
        let foreign = packs(dir.path());
        for objects in [[whole].as_slice(), &[Object::new(Kind::Blob, b"another")]] {
            pack::write(dir.path(), objects).unwrap();
        }
        let outcome = join(dir.path(), &packs(dir.path()), &AtomicBool::new(false)).unwrap();
        assert_eq!(outcome, Joined { n_joined: 2, foreign });
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
        let foreign = packs(&dir);
        pack::write(&dir, &[Object::new(Kind::Blob, b"a")]).unwrap();
        pack::write(&dir, &[Object::new(Kind::Blob, b"b")]).unwrap();
        let kept = Object::new(Kind::Blob, b"kept");
        let before = packs(&dir);
        pack::write(&dir, &[kept]).unwrap();
        let kept = packs(&dir).into_iter().find(|path| !before.contains(path)).unwrap();
        fs::write(kept.with_extension("keep"), "").unwrap();
        let outcome = join(&dir, &packs(&dir), &AtomicBool::new(false)).unwrap();
        assert_eq!(outcome, Joined { n_joined: 2, foreign });
        assert_eq!(packs(&dir).len(), 3);
        git(&["fsck", "--strict", "--no-dangling"]);
    }

    /// It was: what the pack that is left alone had, too, stayed marked as taken from there, and
    /// the joined pack had less than its head said.
    #[test]
    fn what_a_pack_that_stays_has_too_is_joined_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(folder.path()).unwrap();
        let dir = folder.path().join("objects/pack");
        let script = "a=$(seq 1 300 | git hash-object -w --stdin); b=$( (seq 1 300; echo more) | git hash-object -w --stdin); \
                      printf '%s\n%s\n' $a $b | git pack-objects -q --delta-base-offset objects/pack/pack; \
                      find objects -name '??' -type d -exec rm -r {} +";
        #[expect(clippy::disallowed_methods, reason = "makes a pack as git does")]
        let made = std::process::Command::new("sh").args(["-c", script]).current_dir(folder.path()).status().unwrap();
        assert!(made.success());
        let [foreign] = &packs(&dir)[..] else { panic!("one pack") };
        let text = |n: usize| (1..=n).map(|n| format!("{n}\n")).collect::<String>().into_bytes();
        let contents =
            [vec![text(300), b"one".to_vec()], vec![[text(300), b"more\n".to_vec()].concat(), b"two".to_vec()]];
        for contents in &contents {
            let objects: Vec<_> = contents.iter().map(|content| Object::new(Kind::Blob, content)).collect();
            pack::write(&dir, &objects).unwrap();
        }
        let mut paths = packs(&dir);
        // Whatever comes first has what others have, too.
        paths.sort_by_key(|path| path != foreign);
        let outcome = join(&dir, &paths, &AtomicBool::new(false)).unwrap();
        assert_eq!(outcome, Joined { n_joined: 2, foreign: vec![foreign.clone()] });
        for extension in ["idx", "pack"] {
            fs::remove_file(foreign.with_extension(extension)).unwrap();
        }
        let joined = &packs(&dir)[0];
        #[expect(clippy::disallowed_methods, reason = "judges a pack as git does")]
        let verified = std::process::Command::new("git").arg("verify-pack").arg(joined).status().unwrap();
        assert!(verified.success());
        for content in contents.concat() {
            assert_eq!(repository.find_blob(blob_id(&content)).unwrap().content(), content);
        }
    }
}
