//! Removes what a crash left behind, once, before the service starts to work:
//! git's lock files that nobody holds, and unfinished packs of its own.
//!
//! Git's locks name no owner. While this service holds its own lock no other
//! golive runs; a lock file stays if a process has it open, or if any `git` runs
//! in this repository.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use walkdir::WalkDir;

use super::pack::{KEPT_BY, TEMPORARY_PREFIX};
use super::repository::{DRAFT_PREFIX, Location};
use crate::failpoint::failpoint;

/// Where `/proc` cannot tell who holds a lock, its age must do.
const AGE_WITHOUT_PROC: Duration = Duration::from_secs(60);

/// Removes what is neither a file nor a folder from the folder of the service's own
/// files: a link could lead anywhere, and to open a pipe would take for ever. The
/// hooks are links by design.
pub(super) fn remove_odd(location: &Location) {
    let hooks = location.hooks_dir();
    let walk = WalkDir::new(location.own_dir()).into_iter().filter_entry(|entry| entry.path() != hooks);
    for entry in walk.flatten() {
        let kind = entry.file_type();
        if !kind.is_file() && !kind.is_dir() && fs::remove_file(entry.path()).is_ok() {
            tracing::warn!("Removed `{}`, which is no file", entry.path().display());
        }
    }
}

/// Removes them, and logs each lock that it removes or has to leave.
pub(super) fn remove(location: &Location) {
    for path in entries(&location.pack_dir()) {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(TEMPORARY_PREFIX)) {
            let _ = fs::remove_file(path);
        }
    }
    for keep in entries(&location.pack_dir()).into_iter().filter(|path| path.extension().is_some_and(|it| it == "keep"))
    {
        // A push that is under way has its own.
        if fs::read(&keep).is_ok_and(|by| by == KEPT_BY.as_bytes()) {
            let _ = fs::remove_file(keep);
        }
    }
    let _ = fs::remove_dir_all(location.nursery_dir());
    failpoint!("start.emptied");
    for path in entries(&location.work_dir) {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DRAFT_PREFIX)) {
            let _ = fs::remove_dir_all(path);
        }
    }
    let (locks, orphans) = (locks(location), packs_without_index(location));
    if locks.is_empty() && orphans.is_empty() {
        return;
    }
    let held = Held::now(location);
    for pack in orphans.into_iter().filter(|pack| !held.may_be_held(pack)) {
        let shown = pack.display();
        match index(location, &pack) {
            Ok(()) => tracing::warn!("Made the index that `{shown}` lacked"),
            Err(error) => {
                tracing::warn!("`{shown}` has no index and cannot be read: {error}; it is put aside");
                set_aside(location, &pack);
            }
        }
        failpoint!("start.unpacked");
    }
    for lock in locks {
        let shown = lock.display();
        if held.may_be_held(&lock) {
            tracing::warn!("Left `{shown}` alone: a git process may hold it");
        } else if let Err(error) = fs::remove_file(&lock) {
            tracing::warn!("Could not remove the stale lock `{shown}`: {error}");
        } else {
            tracing::warn!("Removed the stale lock `{shown}` that a crash left behind");
            failpoint!("start.unlocked");
        }
    }
}

/// Makes the index of a pack.
fn index(location: &Location, pack: &Path) -> Result<(), git2::Error> {
    let git = location.open()?;
    let mut indexer = git2::Indexer::new(Some(&git.odb()?), &location.pack_dir(), 0o444, true)?;
    let copied = File::open(pack).and_then(|mut file| io::copy(&mut file, &mut indexer));
    copied.map_err(|error| git2::Error::from_str(&error.to_string()))?;
    indexer.commit().map(drop)
}

/// What it holds may be all that is left of something.
fn set_aside(location: &Location, pack: &Path) {
    let folder = location.own_dir().join("set-aside");
    let name = pack.file_name().unwrap_or_default();
    let _ = fs::create_dir_all(&folder).and_then(|()| fs::rename(pack, folder.join(name)));
}

/// Between its pack and its index a flush was cut off, or between the two a join
/// that removed them; or somebody lost the index of all there is.
fn packs_without_index(location: &Location) -> Vec<PathBuf> {
    let is_orphan = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "pack") && !path.with_extension("idx").exists()
    };
    entries(&location.pack_dir()).into_iter().filter(is_orphan).collect()
}

fn locks(location: &Location) -> Vec<PathBuf> {
    let mut locks: Vec<_> = entries(&location.git_dir).into_iter().filter(|path| is_lock(path)).collect();
    locks.extend(entries(&location.git_dir.join("objects/info")).into_iter().filter(|path| is_lock(path)));
    locks.extend(entries(&location.pack_dir()).into_iter().filter(|path| is_lock(path)));
    collect_locks(&location.git_dir.join("refs"), &mut locks);
    locks
}

fn collect_locks(folder: &Path, locks: &mut Vec<PathBuf>) {
    for path in entries(folder) {
        if path.is_dir() && !path.is_symlink() {
            collect_locks(&path, locks);
        } else if is_lock(&path) {
            locks.push(path);
        }
    }
}

fn is_lock(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "lock")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).collect()).unwrap_or_default()
}

/// What running processes have of this repository.
enum Held {
    /// The files open anywhere, and whether a git process is at work here.
    Known {
        open_files: Vec<PathBuf>,
        git_runs: bool,
    },
    Unknown,
}

impl Held {
    fn now(location: &Location) -> Self {
        let Ok(processes) = fs::read_dir("/proc") else { return Self::Unknown };
        let (mut open_files, mut git_runs) = (Vec::new(), false);
        for process in processes.flatten().map(|entry| entry.path()) {
            let Ok(command) = fs::read_to_string(process.join("comm")) else { continue };
            open_files.extend(entries(&process.join("fd")).into_iter().filter_map(|fd| fs::read_link(fd).ok()));
            let is_here = fs::read_link(process.join("cwd"))
                .is_ok_and(|cwd| cwd.starts_with(&location.work_dir) || cwd.starts_with(&location.git_dir));
            git_runs |= is_here && (command.trim() == "git" || command.starts_with("git-"));
        }
        Self::Known { open_files, git_runs }
    }

    fn may_be_held(&self, lock: &Path) -> bool {
        match self {
            Self::Known { open_files, git_runs } => *git_runs || open_files.iter().any(|file| file == lock),
            Self::Unknown => {
                let modified = fs::metadata(lock).and_then(|metadata| metadata.modified());
                let age = modified.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
                age.is_none_or(|age| age < AGE_WITHOUT_PROC)
            }
        }
    }
}
