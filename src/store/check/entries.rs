//! What differs between two trees, file by file: everything, not only reports.

use std::collections::HashMap;
use std::rc::Rc;

use git2::{Oid, Repository, Tree, TreeEntry};

/// Folders within folders; deeper ones are shown as one entry.
const DEPTH_MAX: usize = 64;
const FOLDER: i32 = 0o040_000;

/// One path that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Changed {
    /// Relative to the root; bytes, as git has them.
    pub(in crate::store) path: Vec<u8>,
    pub(in crate::store) before: Option<Item>,
    pub(in crate::store) after: Option<Item>,
}

/// What a tree says of one path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Item {
    pub(in crate::store) mode: i32,
    pub(in crate::store) id: Oid,
}

impl Changed {
    /// The path as text; what is not UTF-8 is replaced.
    pub(in crate::store) fn name(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

/// Returns what differs between two root trees, folder by folder.
///
/// # Errors
/// libgit2's, if a tree is missing.
pub(super) fn changed(git: &Repository, before: Option<Oid>, after: Option<Oid>) -> Result<Vec<Changed>, git2::Error> {
    Trees::new(git).changed(before, after)
}

/// Returns every file of a tree below `folder`, which is itself no part of the tree.
///
/// # Errors
/// libgit2's, if a tree is missing.
pub(super) fn all(git: &Repository, tree: Oid) -> Result<Vec<(Vec<u8>, Item)>, git2::Error> {
    let all = changed(git, None, Some(tree))?;
    Ok(all.into_iter().filter_map(|file| Some((file.path, file.after?))).collect())
}

/// The trees that the last comparisons ended with, by folder. Along a history the
/// next begins with them; they are found by folder, and taken only if the id is right.
pub(in crate::store) struct Trees<'a> {
    git: &'a Repository,
    kept: HashMap<Vec<u8>, Rc<Tree<'a>>>,
}

impl<'a> Trees<'a> {
    pub(in crate::store) fn new(git: &'a Repository) -> Self {
        Self { git, kept: HashMap::new() }
    }

    /// Returns what differs between two root trees, folder by folder.
    ///
    /// # Errors
    /// libgit2's, if a tree is missing.
    pub(in crate::store) fn changed(
        &mut self,
        before: Option<Oid>,
        after: Option<Oid>,
    ) -> Result<Vec<Changed>, git2::Error> {
        let mut out = Vec::new();
        self.compare(before, after, &mut Vec::new(), 0, &mut out)?;
        Ok(out)
    }

    fn compare(
        &mut self,
        before: Option<Oid>,
        after: Option<Oid>,
        folder: &mut Vec<u8>,
        depth: usize,
        out: &mut Vec<Changed>,
    ) -> Result<(), git2::Error> {
        if before == after {
            return Ok(());
        }
        let before = before.map(|id| self.before(folder, id)).transpose()?;
        let after = after.map(|id| self.git.find_tree(id).map(Rc::new)).transpose()?;
        match &after {
            Some(after) => self.kept.insert(folder.clone(), Rc::clone(after)),
            None => self.kept.remove(folder),
        };
        let mut take = |name: &[u8], old: Option<Item>, new: Option<Item>| -> Result<(), git2::Error> {
            if old == new {
                return Ok(());
            }
            let length = folder.len();
            folder.extend_from_slice(name);
            let is_folder = |item: &Item| item.mode == FOLDER && depth < DEPTH_MAX;
            let below = |item: Option<Item>| item.filter(is_folder).map(|item| item.id);
            let (old_file, new_file) = (old.filter(|item| !is_folder(item)), new.filter(|item| !is_folder(item)));
            if old_file != new_file {
                out.push(Changed { path: folder.clone(), before: old_file, after: new_file });
            }
            folder.push(b'/');
            self.compare(below(old), below(new), folder, depth + 1, out)?;
            folder.truncate(length);
            Ok(())
        };
        for entry in after.iter().flat_map(|tree| tree.iter()) {
            let name = entry.name_bytes();
            take(name, find(before.as_deref(), name), Some(item(&entry)))?;
        }
        for entry in before.iter().flat_map(|tree| tree.iter()) {
            let name = entry.name_bytes();
            if find(after.as_deref(), name).is_none() {
                take(name, Some(item(&entry)), None)?;
            }
        }
        Ok(())
    }

    /// Returns the tree that `folder` was before.
    fn before(&self, folder: &[u8], id: Oid) -> Result<Rc<Tree<'a>>, git2::Error> {
        match self.kept.get(folder).filter(|tree| tree.id() == id) {
            Some(tree) => Ok(Rc::clone(tree)),
            None => self.git.find_tree(id).map(Rc::new),
        }
    }
}

fn find(tree: Option<&Tree<'_>>, name: &[u8]) -> Option<Item> {
    tree?.get_name_bytes(name).map(|entry| item(&entry))
}

fn item(entry: &TreeEntry<'_>) -> Item {
    Item { mode: entry.filemode_raw(), id: entry.id() }
}
