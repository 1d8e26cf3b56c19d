//! The trees of the tip, edited in memory: one path set, five small trees made.
//!
//! A tree that was read once is kept, as git writes it. It is found again by folder
//! and checked by id, so a tip that somebody else moved, or a batch that was never
//! written, cannot leave a wrong tree behind. Git's index plays no part.

use std::collections::HashMap;
use std::io;
use std::ops::Range;

use git2::{Odb, Oid};

use super::object::{Object, Splice};

const FILE: u32 = 0o100_644;
const FOLDER: u32 = 0o040_000;
const ID_LEN: usize = 20;

/// The trees known so far, by folder (`""` is the root).
#[derive(Default)]
pub(super) struct Trees(HashMap<String, Tree>);

/// Why a path could not be set.
#[derive(Debug, thiserror::Error)]
pub(super) enum TreeError {
    /// A file where a folder must be, or the other way round.
    #[error("`{0}` is in the way")]
    Blocked(String),
    /// A tree that cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

struct Tree {
    id: Oid,
    /// Its content: `mode name\0id`, sorted.
    bytes: Vec<u8>,
    /// Where it stands among the objects of a batch, if it was made for that.
    made_at: usize,
}

impl Trees {
    /// Puts `blob` at `path` below the tree `root`; returns the new root, and
    /// appends each tree that is new to `made`, the objects of the batch, the root last.
    ///
    /// # Errors
    /// [`TreeError`]; nothing was made then.
    pub(super) fn set(
        &mut self,
        odb: &Odb<'_>,
        root: Oid,
        path: &str,
        blob: Oid,
        made: &mut Vec<Object>,
    ) -> Result<Oid, TreeError> {
        self.set_in(odb, Some(root), "", path, blob, made)
    }

    fn set_in(
        &mut self,
        odb: &Odb<'_>,
        id: Option<Oid>,
        folder: &str,
        rest: &str,
        blob: Oid,
        made: &mut Vec<Object>,
    ) -> Result<Oid, TreeError> {
        self.load(odb, id, folder)?;
        let (name, below) = rest.split_once('/').map_or((rest, None), |(name, below)| (name, Some(below)));
        let (mode, child) = match below {
            None => (FILE, blob),
            Some(below) => {
                let tree = &self.0[folder];
                if tree.find(name, FILE).is_ok() {
                    return Err(TreeError::Blocked(format!("{folder}/{name}")));
                }
                let old = tree.find(name, FOLDER).ok().map(|entry| tree.id_of(&entry));
                let child_folder = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                (FOLDER, self.set_in(odb, old, &child_folder, below, blob, made)?)
            }
        };
        let tree = self.0.get_mut(folder).expect("loaded above");
        if mode == FILE && tree.find(name, FOLDER).is_ok() {
            return Err(TreeError::Blocked(format!("{folder}/{name}")));
        }
        let splice = tree.put(mode, name, child);
        let before = made.get(tree.made_at).filter(|object| object.id == tree.id);
        let object = Object::tree(&tree.bytes, before.map(|before| (before, splice)));
        (tree.id, tree.made_at) = (object.id, made.len());
        made.push(object);
        Ok(tree.id)
    }

    /// Makes sure that `folder` holds the tree `id`, or an empty one for `None`.
    fn load(&mut self, odb: &Odb<'_>, id: Option<Oid>, folder: &str) -> io::Result<()> {
        if self.0.get(folder).is_some_and(|tree| Some(tree.id) == id) {
            return Ok(());
        }
        let mut tree = Tree { id: Oid::ZERO_SHA1, bytes: Vec::new(), made_at: usize::MAX };
        if let Some(id) = id {
            let object = odb.read(id).map_err(|error| io::Error::other(format!("tree `{id}`: {error}")))?;
            (tree.id, tree.bytes) = (id, object.data().to_vec());
            if tree.entries().any(|entry| entry.is_none()) {
                return Err(io::Error::other(format!("tree `{id}` is broken")));
            }
        }
        self.0.insert(folder.to_owned(), tree);
        Ok(())
    }
}

/// One entry, and where it stands in its tree.
struct Entry<'a> {
    mode: u32,
    /// Bytes: what people track beside the reports may have any name.
    name: &'a [u8],
    at: Range<usize>,
}

impl Tree {
    /// Returns the entries in git's order; a `None` is the end of a broken tree.
    fn entries(&self) -> impl Iterator<Item = Option<Entry<'_>>> {
        let mut start = 0;
        std::iter::from_fn(move || {
            let rest = self.bytes.get(start..).filter(|rest| !rest.is_empty())?;
            let entry = parse(rest, start);
            start = entry.as_ref().map_or(usize::MAX, |entry| entry.at.end);
            Some(entry)
        })
    }

    /// Returns the entry, or where it would stand. Git sorts a folder as if its
    /// name ended with `/`.
    fn find(&self, name: &str, mode: u32) -> Result<Entry<'_>, usize> {
        for entry in self.entries().flatten() {
            match order(entry.name, entry.mode).cmp(order(name.as_bytes(), mode)) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => return Ok(entry),
                std::cmp::Ordering::Greater => return Err(entry.at.start),
            }
        }
        Err(self.bytes.len())
    }

    fn id_of(&self, entry: &Entry<'_>) -> Oid {
        Oid::from_bytes(&self.bytes[entry.at.end - ID_LEN..entry.at.end]).expect("SHA-1 has 20 bytes")
    }

    /// Puts an entry in its place; returns what that changed.
    fn put(&mut self, mode: u32, name: &str, id: Oid) -> Splice {
        let len = self.bytes.len();
        let (old, new) = match self.find(name, mode).map(|entry| (entry.mode, entry.at)) {
            Ok((found, at)) if found == mode => (at.end - ID_LEN..at.end, id.as_bytes().to_vec()),
            Ok((_, at)) => (at, encode(mode, name, id)),
            Err(at) => (at..at, encode(mode, name, id)),
        };
        let splice = Splice { base_len: len, old: old.clone(), new_len: new.len() };
        self.bytes.splice(old, new);
        splice
    }
}

fn encode(mode: u32, name: &str, id: Oid) -> Vec<u8> {
    let mut bytes = format!("{mode:o} {name}\0").into_bytes();
    bytes.extend_from_slice(id.as_bytes());
    bytes
}

/// Reads the entry that `rest`, which stands at `start`, begins with.
fn parse(rest: &[u8], start: usize) -> Option<Entry<'_>> {
    let nul = memchr::memchr(0, rest)?;
    let space = memchr::memchr(b' ', &rest[..nul])?;
    let mode = u32::from_str_radix(std::str::from_utf8(&rest[..space]).ok()?, 8).ok()?;
    let end = nul + 1 + ID_LEN;
    (end <= rest.len()).then_some(Entry { mode, name: &rest[space + 1..nul], at: start..start + end })
}

fn order(name: &[u8], mode: u32) -> impl Iterator<Item = u8> + '_ {
    name.iter().copied().chain((mode == FOLDER).then_some(b'/'))
}

#[cfg(test)]
mod tests {
    use super::super::pack;
    use super::*;

    const BLOB: [&str; 2] = ["ce013625030ba8dba906f756967f9e9ca394464a", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"];

    fn blob(n: usize) -> Oid {
        Oid::from_str(BLOB[n % 2]).unwrap()
    }

    #[test]
    fn git_reads_the_same_trees_as_differences_to_one_another() {
        let dir = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(dir.path()).unwrap();
        let odb = repository.odb().unwrap();
        for n in 0..2 {
            // So that the trees are whole.
            odb.write(git2::ObjectType::Blob, [&b"hello\n"[..], b""][n]).unwrap();
        }
        let mut trees = Trees::default();
        let empty = repository.treebuilder(None).unwrap().write().unwrap();
        let (mut root, mut paths) = (empty, std::collections::BTreeMap::new());
        for batch in 0..3usize {
            let mut made = Vec::new();
            for n in 0..200 {
                // One folder becomes as long as a difference may be, and longer.
                let path = match n % 2 {
                    0 => format!("reports/{:x}/{:x}/name of {}.md", n % 4, n % 3, (n * 7 + batch) % 40),
                    _ => format!("reports/many/{n:03} of {batch} with a name that is as long as they are.md"),
                };
                root = trees.set(&odb, root, &path, blob(n / 40 + batch), &mut made).unwrap();
                paths.insert(path, blob(n / 40 + batch));
            }
            let n_deltas = made.iter().filter(|object| object.base.is_some()).count();
            assert!(n_deltas > made.len() / 2, "{n_deltas} of {}", made.len());
            pack::write(&dir.path().join("objects/pack"), &made).unwrap();
        }
        let tree = repository.find_tree(root).unwrap();
        let many = tree.get_path(std::path::Path::new("reports/many")).unwrap().id();
        assert!(odb.read_header(many).unwrap().0 > 20_000);
        let mut found = std::collections::BTreeMap::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() == Some(git2::ObjectType::Blob) {
                found.insert(format!("{folder}{}", entry.name().unwrap()), entry.id());
            }
            git2::TreeWalkResult::Ok
        })
        .unwrap();
        assert_eq!(found, paths);
        #[expect(clippy::disallowed_methods, reason = "git is the judge of what stands in a pack")]
        let fsck =
            std::process::Command::new("git").args(["fsck", "--strict", "--full"]).current_dir(dir.path()).output();
        let fsck = fsck.unwrap();
        assert!(fsck.status.success(), "{}", String::from_utf8_lossy(&fsck.stderr));
    }

    #[test]
    fn a_file_in_the_place_of_a_folder_is_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let repository = git2::Repository::init_bare(dir.path()).unwrap();
        let odb = repository.odb().unwrap();
        let empty = repository.treebuilder(None).unwrap().write().unwrap();
        let (mut trees, mut made) = (Trees::default(), Vec::new());
        let root = trees.set(&odb, empty, "reports/a", blob(0), &mut made).unwrap();
        let blocked = trees.set(&odb, root, "reports/a/b.md", blob(0), &mut made);
        assert!(matches!(blocked, Err(TreeError::Blocked(path)) if path == "reports/a"));
        let root = trees.set(&odb, root, "reports/c/b.md", blob(0), &mut made).unwrap();
        let blocked = trees.set(&odb, root, "reports/c", blob(0), &mut made);
        assert!(matches!(blocked, Err(TreeError::Blocked(path)) if path == "reports/c"));
    }
}
