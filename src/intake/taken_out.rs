//! What a crash left of an exchange: files are put into the work tree by exchanging
//! them, and what came out is given back if it is a person's. If the process died
//! between the two, their save is where new files are made, and the start gives it back.

use std::fs;
use std::io;
use std::path::Path;

use git2::Repository;
use uuid::Uuid;

use super::place::has_plain_parents;
use super::slots::SLOT_PREFIX;
use crate::store::{Store, blob_id};

/// Gives back what is a person's, and empties the folder of files on their way.
/// Nobody puts files into the work tree yet.
pub(super) fn give_back(store: &Store) {
    let folder = store.location().own_dir().join("tmp");
    let Ok(git) = store.location().open() else { return };
    for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(SLOT_PREFIX) {
            continue;
        }
        if let Err(error) = look(store, &git, &entry.path()) {
            tracing::error!("`{}` may be a person's and could not be looked at: {error}", entry.path().display());
            return;
        }
    }
    let _ = fs::remove_dir_all(folder);
}

fn look(store: &Store, git: &Repository, file: &Path) -> io::Result<()> {
    let bytes = fs::read(file)?;
    // What the service writes is in git before it is here.
    let is_known = |bytes: &[u8]| git.odb().is_ok_and(|odb| odb.exists(blob_id(bytes)));
    if bytes.iter().all(|byte| *byte == 0) || is_known(&bytes) {
        return Ok(());
    }
    let snapshot = store.snapshot();
    let Some(entry) = id(&bytes).and_then(|id| snapshot.get(id)) else { return set_aside(store, file) };
    let whole = snapshot.blob_at(&entry.path).and_then(|blob| store.peek(blob).ok());
    if whole.is_some_and(|whole| whole.starts_with(&bytes)) {
        // Cut off while it was written.
        return Ok(());
    }
    let (work_dir, path) = (&store.location().work_dir, &*entry.path);
    if !has_plain_parents(work_dir, path)? {
        return set_aside(store, file);
    }
    match fs::read(work_dir.join(path)) {
        Ok(found) if is_known(&found) => {
            fs::rename(file, work_dir.join(path))?;
            tracing::warn!(path, "`{path}` is given back as it was saved: a crash had taken it out");
            Ok(())
        }
        // They saved once more, and this is the older of the two.
        Ok(_) => Ok(()),
        Err(_) => set_aside(store, file),
    }
}

/// Returns the id that the file of a report names, however much of the rest is broken.
fn id(bytes: &[u8]) -> Option<Uuid> {
    let line = bytes.split(|byte| *byte == b'\n').take(64).find_map(|line| line.strip_prefix(b"id:"))?;
    std::str::from_utf8(line).ok()?.trim().trim_matches(['"', '\'']).parse().ok()
}

/// Keeps what nobody knows a place for.
fn set_aside(store: &Store, file: &Path) -> io::Result<()> {
    let folder = store.location().own_dir().join("set-aside");
    fs::create_dir_all(&folder)?;
    let kept = folder.join(format!("{}-{}", chrono::Utc::now().format("%Y%m%dT%H%M%S"), Uuid::now_v7()));
    fs::rename(file, &kept)?;
    tracing::warn!("What a person may have saved before a crash is in `{}`", kept.display());
    Ok(())
}
