//! `golive hook pre-commit`: holds a person's plain `git commit` until git's index
//! has followed the branch.
//!
//! Git commits what is in its index. Where the index is a moment behind what the
//! service committed, a commit of one file would take back all others. Git reads
//! the index again after this hook, so that what the mirror puts there counts.

use std::path::Path;
use std::time::{Duration, Instant};

use git2::{Reference, Repository};

use super::super::lock;
use super::super::repository::{MIRRORED_REF, branch_name};

const PATIENCE: Duration = Duration::from_secs(2);
/// There is no event to wait for: another process writes a file.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Waits, for at most 2 s. Where waiting is in vain or cannot be done it returns at once.
pub fn wait() {
    if let Ok(git) = Repository::open_from_env() {
        let _ = wait_for_mirror(&git);
    }
}

fn wait_for_mirror(git: &Repository) -> Result<(), git2::Error> {
    let branch = format!("refs/heads/{}", branch_name(git));
    let head = git.find_reference("HEAD")?;
    if git.is_worktree() || head.symbolic_target().ok().flatten() != Some(&branch) || !is_plain_index(git.path()) {
        return Ok(());
    }
    let start = Instant::now();
    let tip = git.refname_to_id(&branch)?;
    let is_mirrored = || git.find_reference(MIRRORED_REF).ok().as_ref().and_then(Reference::target) == Some(tip);
    if is_mirrored() || !lock::is_held(&git.path().join("golive")) {
        return Ok(());
    }
    // Once the branch has moved on, git refuses this commit anyway.
    while !is_mirrored() && git.refname_to_id(&branch)? == tip && start.elapsed() < PATIENCE {
        std::thread::sleep(LOOK_INTERVAL);
    }
    Ok(())
}

/// With `git commit -a` or with paths git holds the lock on its index meanwhile,
/// and commits another file than the one that the mirror brings forward.
fn is_plain_index(git_dir: &Path) -> bool {
    let Some(index) = std::env::var_os("GIT_INDEX_FILE") else { return true };
    let index = Path::new(&index);
    let folder = match index.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    index.file_name().is_some_and(|name| name == "index")
        && matches!((folder.canonicalize(), git_dir.canonicalize()), (Ok(folder), Ok(git_dir)) if folder == git_dir)
}
