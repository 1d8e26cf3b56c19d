//! A new index from the bytes of the old one (`gitformat-index`, versions 2 and 3):
//! what stays is copied as it is.
//!
//! libgit2 makes an object of each entry, sorts them and writes them anew, which at
//! 100,000 files takes a tenth of a second for one that changed.

use std::io::{self, Write};
use std::ops::Range;

use git2::{IndexEntry, Oid};
use sha1::{Digest, Sha1};

use super::cached_trees;

const HEADER_LEN: usize = 12;
const CHECKSUM_LEN: usize = 20;
/// Where in an entry things are.
const MTIME: usize = 8;
const FILE_SIZE: usize = 36;
const ID: usize = 40;
const FLAGS: usize = 60;
const PATH: usize = 62;
/// In the flags: longer paths, and where the entry has two bytes more.
const PATH_LEN_MAX: u16 = 0xfff;
const STAGE: u16 = 0x3000;
const IS_EXTENDED: u16 = 0x4000;

/// What becomes of an entry.
pub(super) enum Change {
    Stay,
    Remove,
    Put(IndexEntry),
}

/// A new index, to be written.
pub(super) struct Spliced {
    old: Vec<u8>,
    parts: Vec<Part>,
}

enum Part {
    Old(Range<usize>),
    New(Vec<u8>),
}

impl Spliced {
    /// Writes the index with its checksum.
    ///
    /// # Errors
    /// Those of `out`.
    pub(super) fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let mut checksum = Sha1::new();
        for part in &self.parts {
            let bytes = match part {
                Part::Old(range) => &self.old[range.clone()],
                Part::New(bytes) => bytes,
            };
            checksum.update(bytes);
            out.write_all(bytes)?;
        }
        out.write_all(&checksum.finalize())
    }
}

/// Makes of the index `old` one where each of `paths`, which are sorted, is what `decide` says
/// of it and of what is staged. Git is to read a file anew that changed at `young_from` or later
/// (in seconds), as it does itself when it writes an index: it compares seconds, so a file of
/// the same length that was saved in the second of the old index would look clean for ever.
///
/// Returns `None` if the index is broken, or of a kind that is libgit2's to rewrite: version 4,
/// a split or sparse one, or one where a path is in conflict, or a file where a folder is to be.
pub(super) fn splice<'a>(
    mut old: Vec<u8>,
    young_from: i64,
    paths: impl Iterator<Item = &'a str>,
    mut decide: impl FnMut(&str, Option<Oid>) -> Change,
) -> Option<Spliced> {
    let entries = Entries::read(&old)?;
    let (mut parts, mut changed, mut from) = (vec![Part::New(Vec::new())], Vec::new(), HEADER_LEN);
    let mut n_entries = entries.starts.len();
    for path in paths {
        let found = entries.find(path);
        let staged = found.ok().map(|n| Oid::from_bytes(&old[entries.starts[n] + ID..][..CHECKSUM_LEN]));
        let change = decide(path, staged.transpose().ok()?);
        if matches!(change, Change::Stay) {
            continue;
        }
        let replaced = match found {
            Ok(n) if entries.is_in_conflict(n) => return None,
            Ok(n) => entries.range(n),
            Err(_) if entries.is_hidden_by_another(path) => return None,
            Err(n) => entries.start(n)..entries.start(n),
        };
        parts.push(Part::Old(from..replaced.start));
        from = replaced.end;
        n_entries -= usize::from(found.is_ok());
        if let Change::Put(entry) = change {
            n_entries += 1;
            parts.push(Part::New(encode(&entry)));
        }
        changed.push(path);
    }
    parts.push(Part::Old(from..entries.end));
    parts.push(Part::New(entries.extensions(&changed)?));
    let header = [&old[..8], &u32::try_from(n_entries).ok()?.to_be_bytes()].concat();
    parts[0] = Part::New(header);
    for start in entries.starts {
        let mtime = be32(&old, start + MTIME)?;
        if i64::from(mtime.cast_signed()) >= young_from {
            old[start + FILE_SIZE..][..4].fill(0);
        }
    }
    Some(Spliced { old, parts })
}

/// The entries of an index, each by the place where it starts.
struct Entries<'a> {
    bytes: &'a [u8],
    starts: Vec<usize>,
    /// Behind the last one.
    end: usize,
}

impl<'a> Entries<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (content, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_LEN)?)?;
        // Git can be told to write no checksum.
        if checksum.iter().any(|byte| *byte != 0) && Sha1::digest(content)[..] != *checksum {
            return None;
        }
        if !content.starts_with(b"DIRC") || !matches!(be32(content, 4)?, 2 | 3) {
            return None;
        }
        let n = be32(content, 8)? as usize;
        let (mut starts, mut at) = (Vec::with_capacity(n.min(content.len() / PATH)), HEADER_LEN);
        for _ in 0..n {
            starts.push(at);
            at = entry_end(content, at)?;
        }
        Some(Self { bytes: content, starts, end: at })
    }

    /// Returns where the entry `n` starts, or the one that would be behind the last.
    fn start(&self, n: usize) -> usize {
        self.starts.get(n).copied().unwrap_or(self.end)
    }

    fn range(&self, n: usize) -> Range<usize> {
        self.start(n)..self.start(n + 1)
    }

    fn path(&self, n: usize) -> &'a [u8] {
        let entry = &self.bytes[self.range(n)];
        let path = &entry[path_start(flags(entry))..];
        &path[..memchr::memchr(0, path).unwrap_or(path.len())]
    }

    /// Returns the first entry of `path`, or where it would be.
    fn find(&self, path: &str) -> Result<usize, usize> {
        let n = self.lower_bound(path.as_bytes());
        if n < self.starts.len() && self.path(n) == path.as_bytes() { Ok(n) } else { Err(n) }
    }

    /// Returns the first entry that does not come before `path`.
    fn lower_bound(&self, path: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.starts.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.path(middle) < path { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn is_in_conflict(&self, n: usize) -> bool {
        flags(&self.bytes[self.range(n)]) & STAGE != 0
    }

    /// Returns whether there is a file where `path` has a folder, or a folder at `path`.
    fn is_hidden_by_another(&self, path: &str) -> bool {
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        let below = format!("{path}/");
        let next = self.lower_bound(below.as_bytes());
        folders.into_iter().any(|folder| self.find(folder).is_ok())
            || next < self.starts.len() && self.path(next).starts_with(below.as_bytes())
    }

    /// Returns what is behind the entries once those of `changed` are other ones.
    fn extensions(&self, changed: &[&str]) -> Option<Vec<u8>> {
        let (mut rest, mut kept) = (&self.bytes[self.end..], Vec::new());
        while !rest.is_empty() {
            let len = be32(rest, 4)? as usize;
            let (extension, behind) = rest.split_at_checked(len.checked_add(8)?)?;
            let (name, content) = (&extension[..4], &extension[8..]);
            match name {
                b"TREE" => {
                    let trees = cached_trees::forget(content, changed)?;
                    kept.extend_from_slice(name);
                    kept.extend_from_slice(&u32::try_from(trees.len()).ok()?.to_be_bytes());
                    kept.extend(trees);
                }
                b"REUC" => kept.extend_from_slice(extension),
                // Others may be left out: they are about entries that are others now, or
                // about their places.
                [b'A'..=b'Z', ..] => {}
                _ => return None,
            }
            rest = behind;
        }
        Some(kept)
    }
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes)
}

/// Returns the flags of an entry, which is as long as [`entry_end`] found.
fn flags(entry: &[u8]) -> u16 {
    u16::from_be_bytes([entry[FLAGS], entry[FLAGS + 1]])
}

fn path_start(flags: u16) -> usize {
    if flags & IS_EXTENDED == 0 { PATH } else { PATH + 2 }
}

/// Returns where the entry ends that starts at `start`: its path, and one to eight zeros.
fn entry_end(bytes: &[u8], start: usize) -> Option<usize> {
    let entry = bytes.get(start..).filter(|entry| entry.len() > PATH)?;
    let flags = flags(entry);
    let path = path_start(flags);
    let len = match flags & PATH_LEN_MAX {
        PATH_LEN_MAX => memchr::memchr(0, entry.get(path..)?)?,
        len => usize::from(len),
    };
    let end = padded(path + len);
    let is_ended = entry.get(path + len..end)?.iter().all(|byte| *byte == 0);
    is_ended.then_some(start + end)
}

/// Returns the length of an entry with the zeros behind it.
fn padded(len: usize) -> usize {
    (len + 8) / 8 * 8
}

fn encode(entry: &IndexEntry) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(padded(PATH + entry.path.len()));
    let (ctime, mtime) = (entry.ctime, entry.mtime);
    let times =
        [ctime.seconds().cast_unsigned(), ctime.nanoseconds(), mtime.seconds().cast_unsigned(), mtime.nanoseconds()];
    let others = [entry.dev, entry.ino, entry.mode, entry.uid, entry.gid, entry.file_size];
    bytes.extend(times.into_iter().chain(others).flat_map(u32::to_be_bytes));
    bytes.extend_from_slice(entry.id.as_bytes());
    let len = u16::try_from(entry.path.len()).unwrap_or(PATH_LEN_MAX).min(PATH_LEN_MAX);
    bytes.extend_from_slice(&len.to_be_bytes());
    bytes.extend_from_slice(&entry.path);
    bytes.resize(padded(bytes.len()), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use git2::{Index, IndexTime, ObjectType, Repository};
    use proptest::prelude::*;

    use super::*;

    /// By path: which of some files, and the second of its last change.
    type Files = BTreeMap<String, (u8, i32)>;

    struct Place {
        _dir: tempfile::TempDir,
        git: Repository,
        file: std::path::PathBuf,
    }

    impl Place {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let git = Repository::init(dir.path()).unwrap();
            Self { file: dir.path().join("an-index"), git, _dir: dir }
        }

        fn blob(&self, content: u8) -> Oid {
            self.git.odb().unwrap().write(ObjectType::Blob, &[content]).unwrap()
        }

        fn entry(&self, path: &str, (content, mtime): (u8, i32)) -> IndexEntry {
            IndexEntry {
                ctime: IndexTime::new(mtime, 7),
                mtime: IndexTime::new(mtime, 7),
                dev: 1,
                ino: u32::MAX,
                mode: 0o100_644,
                uid: 2,
                gid: 3,
                file_size: 1,
                id: self.blob(content),
                flags: 0,
                flags_extended: 0,
                path: path.into(),
            }
        }

        /// Has libgit2 write an index of `files` that remembers every tree.
        fn write(&self, files: &Files) -> Vec<u8> {
            let _ = fs::remove_file(&self.file);
            let mut index = Index::open(&self.file).unwrap();
            for (path, file) in files {
                index.add(&self.entry(path, *file)).unwrap();
            }
            let tree = index.write_tree_to(&self.git).unwrap();
            index.read_tree(&self.git.find_tree(tree).unwrap()).unwrap();
            for (path, file) in files {
                index.add(&self.entry(path, *file)).unwrap();
            }
            assert_eq!(index.write_tree_to(&self.git).unwrap(), tree, "so that it is remembered");
            index.write().unwrap();
            fs::read(&self.file).unwrap()
        }

        fn splice(
            &self,
            old: Vec<u8>,
            young_from: i64,
            changes: &BTreeMap<String, Option<(u8, i32)>>,
        ) -> Option<Vec<u8>> {
            let decide = |path: &str, _| match changes[path] {
                Some(file) => Change::Put(self.entry(path, file)),
                None => Change::Remove,
            };
            let mut new = Vec::new();
            splice(old, young_from, changes.keys().map(String::as_str), decide)?.write(&mut new).unwrap();
            Some(new)
        }

        fn open(&self, bytes: &[u8]) -> Index {
            fs::write(&self.file, bytes).unwrap();
            Index::open(&self.file).expect("libgit2 reads it")
        }
    }

    fn path() -> impl Strategy<Value = String> {
        // Alike, so that folders and names of each other's beginnings are among them.
        prop_oneof!["(ab?/){0,2}[a-c]-?[a-c]?\\.md", "(a/){1,2}b{4090,4100}"]
    }

    fn files() -> impl Strategy<Value = Files> {
        prop::collection::btree_map(path(), (0..4_u8, 95..105), 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn spliced_index_is_what_libgit2_would_have_written(
            files in files(),
            changes in prop::collection::btree_map(path(), prop::option::of((0..4_u8, 95..105)), 0..10),
        ) {
            let place = Place::new();
            let mut changes = changes;
            changes.retain(|path, to| to.is_some() || files.contains_key(path));
            let old = place.write(&files);
            let new = place.splice(old, 100, &changes).expect("it is spliced");
            let mut expected: BTreeMap<_, _> = files.into_iter().map(|(path, file)| (path, (file, true))).collect();
            for (path, to) in &changes {
                match to {
                    Some(file) => drop(expected.insert(path.clone(), (*file, false))),
                    None => drop(expected.remove(path)),
                }
            }
            let mut index = place.open(&new);
            let found: Vec<_> = index.iter().map(|it| (it.path.clone(), it.id, it.mtime.seconds(), it.file_size)).collect();
            let expected: Vec<_> = expected.iter().map(|(path, ((content, mtime), is_old))| {
                let size = u32::from(!(*is_old && *mtime >= 100));
                (path.clone().into_bytes(), place.blob(*content), *mtime, size)
            }).collect();
            prop_assert_eq!(&found, &expected);
            // No tree is remembered that is another now.
            let mut anew = Index::new().unwrap();
            index.iter().try_for_each(|entry| anew.add(&entry)).unwrap();
            prop_assert_eq!(index.write_tree_to(&place.git).unwrap(), anew.write_tree_to(&place.git).unwrap());
        }

        #[test]
        fn broken_index_is_not_spliced(files in files(), at: prop::sample::Index, to: u8, len: prop::sample::Index) {
            let place = Place::new();
            let old = place.write(&files);
            let mut broken = old.clone();
            broken[at.index(old.len())] = to;
            broken.truncate(len.index(2 * old.len()));
            prop_assume!(broken != old);
            prop_assert!(place.splice(broken.clone(), 0, &BTreeMap::new()).is_none());
            // Nor does one whose checksum says that it is well have us panic.
            if let Some(n) = broken.len().checked_sub(CHECKSUM_LEN) {
                broken[n..].fill(0);
                place.splice(broken, 0, &BTreeMap::from([("a/b.md".to_owned(), Some((1, 1)))]));
            }
        }
    }

    fn some(paths: &[&str]) -> Files {
        paths.iter().map(|path| ((*path).to_owned(), (1, 1))).collect()
    }

    #[test]
    fn trees_of_other_folders_stay_remembered() {
        let place = Place::new();
        let old = place.write(&some(&["a/one.md", "a/two.md", "b/three.md"]));
        let tree = |bytes: &[u8], path: &str| {
            let tree = place.open(bytes).write_tree_to(&place.git).unwrap();
            place.git.find_tree(tree).unwrap().get_path(Path::new(path)).unwrap().id()
        };
        let (a, b) = (tree(&old, "a"), tree(&old, "b"));
        let has = |bytes: &[u8], tree: Oid| memchr::memmem::find(bytes, tree.as_bytes()).is_some();
        assert!(has(&old, a) && has(&old, b));
        let new = place.splice(old, 0, &BTreeMap::from([("a/two.md".into(), Some((2, 1)))])).expect("spliced");
        assert!(!has(&new, a) && has(&new, b));
    }

    #[test]
    fn what_is_libgit2s_to_rewrite_is_left_to_it() {
        let place = Place::new();
        let put = |path: &str| BTreeMap::from([(path.to_owned(), Some((2, 1)))]);
        let old = place.write(&some(&["a/one.md", "a-b.md"]));
        for path in ["a", "a/one.md/two.md", "a-b.md/one"] {
            assert_eq!(place.splice(old.clone(), 0, &put(path)), None, "{path}");
        }
        assert!(place.splice(old.clone(), 0, &put("a/one")).is_some());
        let mut index = place.open(&old);
        let side = |stage: u16| IndexEntry { flags: stage << 12, ..place.entry("c.md", (3, 1)) };
        index.remove_path(Path::new("a-b.md")).unwrap();
        (1..=3).for_each(|stage| index.add(&side(stage)).unwrap());
        index.write().unwrap();
        let conflict = fs::read(&place.file).unwrap();
        assert_eq!(place.splice(conflict.clone(), 0, &put("c.md")), None);
        assert!(place.splice(conflict, 0, &put("d.md")).is_some());
        index.conflict_remove(Path::new("c.md")).unwrap();
        index.set_version(4).unwrap();
        index.write().unwrap();
        assert_eq!(place.splice(fs::read(&place.file).unwrap(), 0, &put("d.md")), None);
    }
}
