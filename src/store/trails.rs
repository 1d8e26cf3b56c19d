//! The commits of every report, found by one walk over the history.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use git2::{Oid, Repository};
use uuid::Uuid;

use super::lag::Stale;
use super::outside::{Follower, Track};
use super::trail::Trail;
use super::walk::{self, FileStep, Step};

/// A commit that changed a report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    pub(super) commit: Oid,
    /// Committer time in seconds since 1970.
    pub(super) at: i64,
    /// The service made it for this report.
    pub(super) is_own: bool,
}

/// What a walk back along first parents met, newest first.
#[derive(Default)]
pub(super) struct History {
    pub(super) met: Vec<(Oid, i64)>,
    /// By path; paths that have no file any more as well.
    pub(super) touches: HashMap<String, Vec<Touch>>,
}

/// A commit of the branch's line.
pub(super) struct Met {
    commit: Oid,
    tree: Oid,
    at: i64,
    /// The report that a commit of the service names.
    own_report: Option<Uuid>,
}

/// Walks back from `tip` and returns all commits, newest first.
///
/// # Errors
/// libgit2's, if a commit is missing.
pub(super) fn line(git: &Repository, tip: Oid) -> Result<Vec<Met>, git2::Error> {
    let odb = git.odb()?;
    let mut line = Vec::new();
    let mut next = Some(Step::read(&odb, tip)?);
    while let Some(step) = next {
        line.push(Met { commit: step.commit, tree: step.tree, at: step.committed_at, own_report: step.own_report });
        next = step.before(git, &odb)?;
    }
    Ok(line)
}

/// Finds what changed which report on `line`, newest first; `ids` are the reports of the
/// tip's tree by their paths. The service's own commits name their report; only commits
/// of others, and of reports that the tree does not tell, cost a comparison of trees.
///
/// # Errors
/// libgit2's, if an object is missing.
pub(super) fn read<'a>(
    git: &Repository,
    line: Vec<Met>,
    ids: impl Iterator<Item = (&'a str, Uuid)>,
) -> Result<History, git2::Error> {
    let mut history = History { met: Vec::with_capacity(line.len()), touches: HashMap::new() };
    let paths = unique_ids(ids);
    let mut by_path: HashMap<&str, Vec<Touch>> = HashMap::with_capacity(paths.len());
    let mut line = line.into_iter().peekable();
    while let Some(met) = line.next() {
        let touch = |is_own| Touch { commit: met.commit, at: met.at, is_own };
        history.met.push((met.commit, met.at));
        match met.own_report.and_then(|id| paths.get(&id)) {
            Some(path) => by_path.entry(path).or_default().push(touch(true)),
            None => {
                let changed = walk::changed_reports(git, line.peek().map(|before| before.tree), met.tree)?;
                for file in changed.into_iter().filter(|file| !file.is_stray) {
                    history.touches.entry(file.path).or_default().push(touch(met.own_report.is_some()));
                }
            }
        }
    }
    let History { met, touches } = &mut history;
    let place = OnceCell::new();
    for (path, own) in by_path {
        let all = touches.entry(path.to_owned()).or_default();
        all.extend(own);
        if all.iter().any(|touch| !touch.is_own) {
            let place: &HashMap<Oid, usize> =
                place.get_or_init(|| met.iter().enumerate().map(|(n, (commit, _))| (*commit, n)).collect());
            all.sort_by_key(|touch| place.get(&touch.commit).copied());
        }
    }
    Ok(history)
}

/// An id that two files have tells neither.
fn unique_ids<'a>(ids: impl Iterator<Item = (&'a str, Uuid)>) -> HashMap<Uuid, &'a str> {
    let (mut paths, mut twice) = (HashMap::new(), HashSet::new());
    for (path, id) in ids {
        if paths.insert(id, path).is_some() {
            twice.insert(id);
        }
    }
    paths.retain(|id, _| !twice.contains(id));
    paths
}

/// Follows the commits of one report, newest first in `touches`, to its state.
///
/// # Errors
/// libgit2's, if an object is missing.
pub(super) fn track(follower: &Follower<'_>, path: &str, touches: &[Touch]) -> Result<Track, git2::Error> {
    let from_last_own = touches.iter().position(|touch| touch.is_own).map_or(touches.len(), |at| at + 1);
    let (since, before) = touches.split_at(from_last_own);
    let track = follow(follower, path, since, trail(before))?;
    // What the service wrote can be read; but who knows who wrote it.
    if track.known.is_some() || before.is_empty() {
        Ok(track)
    } else {
        follow(follower, path, touches, Trail::default())
    }
}

/// Returns the commits of `touches`, which are newest first.
pub(super) fn trail(touches: &[Touch]) -> Trail {
    touches.iter().rev().fold(Trail::default(), |trail, touch| trail.with(touch.commit))
}

fn follow(follower: &Follower<'_>, path: &str, touches: &[Touch], before: Trail) -> Result<Track, git2::Error> {
    let odb = follower.git.odb()?;
    let mut track = Track { commits: before, ..Track::default() };
    for touch in touches.iter().rev() {
        let step = Step::read(&odb, touch.commit)?;
        let file = file_at(follower.git, step.tree, path)?;
        follower.follow(&mut track, &file, &step, touch.is_own, &Stale::No)?;
    }
    Ok(track)
}

/// Returns the file at `path` in the tree `root`.
///
/// # Errors
/// libgit2's, if a tree is missing.
pub(super) fn file_at(git: &Repository, root: Oid, path: &str) -> Result<FileStep, git2::Error> {
    let found = match git.find_tree(root)?.get_path(std::path::Path::new(path)) {
        Ok(entry) => Some(entry),
        Err(error) if error.code() == git2::ErrorCode::NotFound => None,
        Err(error) => return Err(error),
    };
    Ok(FileStep::of(path.to_owned(), found.map(|entry| (entry.id(), entry.filemode())), false))
}
