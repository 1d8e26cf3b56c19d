//! The index made by libgit2: where there is none yet, and of kinds that are not spliced.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use git2::{Index, IndexEntry, Oid};

use super::Target;
use super::splice::Change;
use crate::store::repository::Location;

/// Writes the new index to `draft`, where no file is; if there is no index, from the tree of
/// `commit`.
///
/// # Errors
/// The file system's or libgit2's.
pub(super) fn make(
    location: &Location,
    commit: Oid,
    targets: &BTreeMap<String, Target>,
    draft: &Path,
) -> io::Result<()> {
    let written_at = fs::metadata(location.git_dir.join("index")).map_or(i64::MAX, |metadata| metadata.mtime());
    let exists = match fs::copy(location.git_dir.join("index"), draft) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    // Nobody else's: libgit2 leaves it where a disk fails twice, and would wait for it.
    let _ = fs::remove_file(draft.with_extension("lock"));
    let mut index = Index::open(draft).map_err(io::Error::other)?;
    if exists {
        doubt_young(&mut index, written_at)?;
    } else {
        let git = location.open().map_err(io::Error::other)?;
        let tree = git.find_commit(commit).and_then(|commit| commit.tree()).map_err(io::Error::other)?;
        index.read_tree(&tree).map_err(io::Error::other)?;
    }
    for (path, target) in targets {
        let staged = index.get_path(Path::new(path), 0).map(|entry| entry.id);
        match target.change(location, path, staged) {
            Change::Stay => {}
            Change::Put(entry) => index.add(&entry).map_err(io::Error::other)?,
            Change::Remove => index.remove(Path::new(path), 0).map_err(io::Error::other)?,
        }
    }
    index.write().map_err(io::Error::other)
}

/// What [`super::splice::splice`] does with `young_from`.
fn doubt_young(index: &mut Index, written_at: i64) -> io::Result<()> {
    let is_young = |entry: &IndexEntry| i64::from(entry.mtime.seconds()) >= written_at && entry.file_size != 0;
    let young: Vec<IndexEntry> = index.iter().filter(is_young).collect();
    for entry in young {
        index.add(&IndexEntry { file_size: 0, ..entry }).map_err(io::Error::other)?;
    }
    Ok(())
}
