//! The snapshot of a tip on disk, `<git dir>/golive/snapshot`, so that the next
//! start need not read every report from git.
//!
//! Derived state: what does not fit the record, or cannot be read, is not used, and
//! git is read instead. It is written without a sync; checksums, and how much there is to be, tell if it was cut.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use git2::{Oid, Repository};

use super::absorb;
use super::build;
use super::lag::Lag;
use super::policy::Policies;
use super::repository::Location;
use super::snapshot::Snapshot;
use crate::failpoint::failpoint;
use crate::report::validate::BODY_LIMIT_MAX;

/// Of so many commits since it was saved, it is still worth to take them in one by one.
const GAP_MIN: usize = 2_000;
/// Or of this part of all.
const GAP_SHARE: usize = 4;

/// Puts `snapshot` on disk; returns whether it is one that can be. Calls `pause` every few
/// milliseconds.
///
/// # Errors
/// The file system's; what was there before stays.
pub(super) fn save(location: &Location, snapshot: &Snapshot, pause: &dyn Fn()) -> io::Result<bool> {
    let draft = location.own_dir().join("snapshot.new");
    fs::create_dir_all(location.own_dir())?;
    let write = || {
        let mut file = File::create(&draft)?;
        file.write_all(head()?.as_bytes())?;
        let is_whole = snapshot.write_parts(pause, &mut |part| {
            file.write_all(&(part.len() as u64).to_le_bytes())?;
            file.write_all(&crc32fast::hash(part).to_le_bytes())?;
            file.write_all(part)
        })?;
        failpoint!("saved.written", io);
        if is_whole {
            fs::rename(&draft, path(location))?;
        } else {
            fs::remove_file(&draft)?;
        }
        Ok(is_whole)
    };
    write().inspect_err(|_| drop(fs::remove_file(&draft)))
}

/// Returns the state at `served` by what was saved of it or of a commit shortly
/// before, and that commit; `None` if that is not there, or of another history.
pub(super) fn at(location: &Location, git: &Repository, served: Oid) -> Option<(Snapshot, Oid)> {
    let bytes = fs::read(path(location)).ok()?;
    let mut snapshot = read(&bytes)?;
    drop(bytes);
    let tree = git.find_commit(snapshot.commit).ok()?.tree_id();
    let (n_after, n_before) = git.graph_ahead_behind(served, snapshot.commit).ok()?;
    if tree != snapshot.tree || n_before > 0 || n_after > GAP_MIN.max(snapshot.line.len() / GAP_SHARE) {
        return None;
    }
    // The rules are one small file, and not saved.
    Policies::default().read_into(git, &mut snapshot).ok()?;
    let saved = snapshot.commit;
    if n_after == 0 {
        return Some((snapshot, saved));
    }
    // As a start that reads all from git: what the index held then is not known any more.
    let lag = Lag::default();
    let absorbed = absorb::absorb(git, &snapshot, served, &location.branch_ref(), &lag, BODY_LIMIT_MAX);
    absorbed.ok().map(|(snapshot, _)| (snapshot, saved))
}

fn read(bytes: &[u8]) -> Option<Snapshot> {
    let mut rest = bytes.strip_prefix(head().ok()?.as_bytes())?;
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let (len, after) = rest.split_first_chunk::<8>()?;
        let (sum, after) = after.split_first_chunk::<4>()?;
        let (part, after) = after.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
        if crc32fast::hash(part) != u32::from_le_bytes(*sum) {
            return None;
        }
        parts.push(part);
        rest = after;
    }
    Snapshot::from_parts(&parts)
}

/// Returns the first line of the file.
fn head() -> io::Result<String> {
    Ok(format!("golive snapshot, by {}\n", build::mark()?))
}

fn path(location: &Location) -> PathBuf {
    location.own_dir().join("snapshot")
}
