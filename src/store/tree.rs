//! The trees of the tip, edited in memory: one path set, five small trees made.
//!
//! A tree that was read once is kept. It is found again by folder and checked by
//! id, so a tip that somebody else moved, or a batch that was never written,
//! cannot leave a wrong tree behind. Git's index plays no part.

use std::collections::HashMap;
use std::io;

use git2::{Odb, Oid};

use super::object::{Kind, Object};

const FILE: u32 = 0o100_644;
const FOLDER: u32 = 0o040_000;

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
    /// In git's order.
    entries: Vec<Entry>,
}

struct Entry {
    mode: u32,
    /// Bytes: what people track beside the reports may have any name.
    name: Vec<u8>,
    id: Oid,
}

impl Trees {
    /// Puts `blob` at `path` below the tree `root`; returns the new root, and
    /// appends each tree that is new to `made`, the root last.
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
                let old = tree.find(name, FOLDER).ok().map(|at| tree.entries[at].id);
                let child_folder = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                (FOLDER, self.set_in(odb, old, &child_folder, below, blob, made)?)
            }
        };
        let tree = self.0.get_mut(folder).expect("loaded above");
        if mode == FILE && tree.find(name, FOLDER).is_ok() {
            return Err(TreeError::Blocked(format!("{folder}/{name}")));
        }
        tree.put(mode, name, child);
        let object = Object::new(Kind::Tree, &tree.encode());
        tree.id = object.id;
        made.push(object);
        Ok(tree.id)
    }

    /// Makes sure that `folder` holds the tree `id`, or an empty one for `None`.
    fn load(&mut self, odb: &Odb<'_>, id: Option<Oid>, folder: &str) -> io::Result<()> {
        if self.0.get(folder).is_some_and(|tree| Some(tree.id) == id) {
            return Ok(());
        }
        let tree = match id {
            None => Tree { id: Oid::ZERO_SHA1, entries: Vec::new() },
            Some(id) => {
                let object = odb.read(id).map_err(|error| io::Error::other(format!("tree `{id}`: {error}")))?;
                Tree {
                    id,
                    entries: decode(object.data()).ok_or_else(|| io::Error::other(format!("tree `{id}` is broken")))?,
                }
            }
        };
        self.0.insert(folder.to_owned(), tree);
        Ok(())
    }
}

impl Tree {
    /// Git sorts a folder as if its name ended with `/`.
    fn find(&self, name: &str, mode: u32) -> Result<usize, usize> {
        self.entries.binary_search_by(|entry| order(&entry.name, entry.mode).cmp(order(name.as_bytes(), mode)))
    }

    fn put(&mut self, mode: u32, name: &str, id: Oid) {
        match self.find(name, mode) {
            Ok(at) => (self.entries[at].mode, self.entries[at].id) = (mode, id),
            Err(at) => self.entries.insert(at, Entry { mode, name: name.into(), id }),
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.entries.iter().map(|entry| entry.name.len() + 28).sum());
        for entry in &self.entries {
            out.extend_from_slice(format!("{:o} ", entry.mode).as_bytes());
            out.extend_from_slice(&entry.name);
            out.push(0);
            out.extend_from_slice(entry.id.as_bytes());
        }
        out
    }
}

fn order(name: &[u8], mode: u32) -> impl Iterator<Item = u8> + '_ {
    name.iter().copied().chain((mode == FOLDER).then_some(b'/'))
}

fn decode(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let nul = bytes.iter().position(|byte| *byte == 0)?;
        let space = bytes[..nul].iter().position(|byte| *byte == b' ')?;
        let mode = std::str::from_utf8(&bytes[..space]).ok()?;
        let name = bytes[space + 1..nul].to_vec();
        let id = Oid::from_bytes(bytes.get(nul + 1..nul + 21)?).ok()?;
        entries.push(Entry { mode: u32::from_str_radix(mode, 8).ok()?, name, id });
        bytes = &bytes[nul + 21..];
    }
    Some(entries)
}
