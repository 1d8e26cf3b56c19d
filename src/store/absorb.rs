//! Takes in what others committed: brings the snapshot from the tip that was
//! served to the tip that is there now, commit by commit along first parents. A
//! merge is one step, whatever it brought.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use git2::{Index, Oid, Repository};

use super::lag::{Lag, Stale};
use super::outside::{Follower, Known, Track};
use super::policy::Policies;
use super::problem::{FoundIn, Problem};
use super::snapshot::{Entry, Snapshot};
use super::walk::{self, FileStep, Step};
use super::{load, size, trail::Trail};
use crate::failpoint::failpoint;

/// As far back as git's log of the branch is read.
const REFLOG_MAX: usize = 1000;

/// Why the new tip cannot be served.
#[derive(Debug, thiserror::Error)]
pub(super) enum AbsorbError {
    #[error("history was rewound or replaced: `{served}` was served, and `{tip}` does not contain it")]
    Rewound { served: Oid, tip: Oid },
    #[error(transparent)]
    Git(#[from] git2::Error),
}

/// A file that a commit changed behind git's index: path, before, after.
pub(super) type Behind = (String, Option<Oid>, Option<Oid>);

/// Returns `served`, brought forward to `tip`, and what of it git's index does
/// not know yet, being pushed. A report whose file was deleted or cannot be
/// accepted keeps its last good state.
///
/// # Errors
/// [`AbsorbError`]; `served` stays what is served.
pub(super) fn absorb(
    git: &Repository,
    served: &Snapshot,
    tip: Oid,
    branch_ref: &str,
    lag: &Lag,
    body_limit_bytes: usize,
) -> Result<(Snapshot, Vec<Behind>), AbsorbError> {
    if !git.graph_descendant_of(tip, served.commit)? {
        return Err(AbsorbError::Rewound { served: served.commit, tip });
    }
    let steps = steps(git, served.commit, tip)?;
    let policies = Policies::default();
    let follower = Follower { git, body_limit_bytes, policies: &policies };
    let (index, meant) = (OnceCell::new(), OnceCell::new());
    let absorber = Absorber { follower, lag, branch_ref, steps: &steps, index, meant };
    let mut snapshot = served.clone();
    let (mut behind, by_index) = (Vec::new(), moved_by(git, branch_ref, &steps, moves_index));
    for step in &steps {
        let files = walk::changed_reports(git, Some(snapshot.tree), step.tree)?;
        let before = snapshot.commit;
        policies.note(step.commit, snapshot.policy.clone());
        snapshot.advance(step.commit, step.tree, step.committed_at);
        for file in files {
            if !by_index.contains(&step.commit) {
                behind.push((file.path.clone(), snapshot.blob_at(&file.path), file.blob));
            }
            absorber.take(&mut snapshot, step, &file)?;
        }
        policies.follow(git, &mut snapshot, step, before)?;
        failpoint!("absorb.stepped");
    }
    Ok((snapshot, behind))
}

/// Returns the commits after `served` up to `tip`, oldest first. If somebody
/// merged the served line into theirs, `served` is not among the first parents,
/// and the merge is the one step from it.
fn steps(git: &Repository, served: Oid, tip: Oid) -> Result<Vec<Step>, git2::Error> {
    let odb = git.odb()?;
    let mut steps = Vec::new();
    let mut next = Some(Step::read(&odb, tip)?);
    while let Some(step) = next {
        if step.commit == served {
            steps.reverse();
            return Ok(steps);
        }
        next = step.before(git, &odb)?;
        steps.push(step);
    }
    steps.truncate(1);
    Ok(steps)
}

struct Absorber<'a> {
    follower: Follower<'a>,
    lag: &'a Lag,
    branch_ref: &'a str,
    steps: &'a [Step],
    /// Git's index as it is now, and the commits that were not made from it; both
    /// read if they are asked.
    index: OnceCell<Option<Index>>,
    meant: OnceCell<HashSet<Oid>>,
}

impl Absorber<'_> {
    fn all_meant(&self) -> HashSet<Oid> {
        let is_meant = |how: &[u8]| !how.is_empty() && !how.starts_with(b"commit");
        moved_by(self.follower.git, self.branch_ref, self.steps, is_meant)
    }

    /// Takes in what `step` did to one file.
    fn take(&self, snapshot: &mut Snapshot, step: &Step, file: &FileStep) -> Result<(), git2::Error> {
        if file.is_stray {
            return take_stray(self.follower.git, snapshot, file, step);
        }
        let entry = snapshot.at_path(&file.path).cloned();
        let mut track = Track {
            known: entry.as_deref().map(known),
            commits: entry.as_ref().map_or_else(Trail::default, |entry| entry.commits.clone()),
            blob: snapshot.blob_at(&file.path),
            problem: snapshot.tip_problem(&file.path).cloned(),
            repair: None,
        };
        let is_own = step.own_report.is_some_and(|id| entry.is_none_or(|entry| entry.report.id == id));
        let stale = self.stale(file, step.commit);
        self.follower.follow(&mut track, file, step, is_own, &stale)?;
        if let Stale::Reverted { .. } = stale {
            let (path, commit) = (&file.path, step.commit);
            tracing::warn!(path, "`{commit}` put `{path}` back to what git's index still held; it is restored");
        }
        put(snapshot, &file.path, track);
        if let Some(problem) = snapshot.tip_problem(&file.path) {
            log(&file.path, problem);
        }
        Ok(())
    }

    /// Returns whether the new version of a file is of the past. Only `git commit`
    /// takes the index as it is; what was pushed, reverted or merged was meant.
    /// Right after the index was brought forward, a commit made from the index
    /// before it can still come in; then the index differs from it.
    fn stale(&self, file: &FileStep, commit: Oid) -> Stale {
        match self.lag.stale(&file.path, file.blob) {
            Stale::No => Stale::No,
            _ if self.meant.get_or_init(|| self.all_meant()).contains(&commit) => Stale::No,
            Stale::Reverted { is_sure: false } => {
                let index = self.index.get_or_init(|| self.follower.git.index().ok());
                let staged = index.as_ref().map(|index| index.get_path(Path::new(&file.path), 0).map(|entry| entry.id));
                if staged.is_none_or(|staged| staged == file.blob) {
                    Stale::No
                } else {
                    Stale::Reverted { is_sure: false }
                }
            }
            stale => stale,
        }
    }
}

/// Returns whether a person's git moved the branch together with the index, by
/// what its log says.
fn moves_index(how: &[u8]) -> bool {
    let by: [&[u8]; 10] =
        [b"commit", b"merge", b"pull", b"revert", b"cherry-pick", b"rebase", b"am", b"reset", b"checkout", b"rewind"];
    by.iter().any(|verb| how.starts_with(verb))
}

/// Returns the commits of `steps` that came in by a move of which `is_so` holds, by
/// git's own log of the branch, where that is kept.
fn moved_by(git: &Repository, branch_ref: &str, steps: &[Step], is_so: impl Fn(&[u8]) -> bool) -> HashSet<Oid> {
    let Ok(log) = git.reflog(branch_ref) else { return HashSet::new() };
    let is_one = |entry: &git2::ReflogEntry<'_>| is_so(entry.message_bytes().unwrap_or_default());
    let moves = log.iter().take(REFLOG_MAX).filter(is_one).map(|entry| (entry.id_new(), entry.id_old()));
    let moves: HashMap<Oid, Oid> = moves.collect();
    let mut start = None;
    let mut found = HashSet::new();
    for step in steps.iter().rev() {
        start = moves.get(&step.commit).copied().or(start.filter(|start| *start != step.commit));
        if start.is_some() {
            found.insert(step.commit);
        }
    }
    found
}

fn known(entry: &Entry) -> Known {
    Known {
        report: entry.report.clone(),
        file_says: entry.file_says.clone(),
        blob: entry.blob,
        commit: entry.commits.iter().next().unwrap_or(Oid::ZERO_SHA1),
        updated_at: entry.updated_at,
    }
}

/// Puts what became of a report into the snapshot.
pub(super) fn put(snapshot: &mut Snapshot, path: &str, track: Track) {
    let Track { known, commits, blob, mut problem, repair } = track;
    let mut last_good = None;
    match known {
        Some(Known { report, file_says, blob, updated_at, .. }) => {
            let entry = Entry::new(report, file_says, path.to_owned(), blob, updated_at, commits);
            last_good = entry.commits.iter().next();
            if let Err(found) = load::put(snapshot, entry) {
                problem = Some(*found);
            }
        }
        None => snapshot.remove(path),
    }
    if let Some(repair) = repair {
        snapshot.put_repair(path.to_owned(), blob, repair);
    }
    if let Some(problem) = problem {
        let problem = Problem { last_good: problem.last_good.or(last_good), ..problem };
        snapshot.put_problem(path.to_owned(), blob, problem);
    }
}

/// A report in the wrong place is a problem; other strays are nobody's.
fn take_stray(git: &Repository, snapshot: &mut Snapshot, file: &FileStep, step: &Step) -> Result<(), git2::Error> {
    snapshot.remove(&file.path);
    let Some(blob) = file.blob.filter(|_| file.is_regular) else { return Ok(()) };
    if size::is_too_long(git, blob)? {
        return Ok(());
    }
    let content = git.find_blob(blob)?;
    if let Some(fault) = load::stray_fault(content.content()) {
        let found_in = FoundIn::Commit(step.commit);
        let problem = Problem::new(fault, content.content(), found_in, load::time(step.committed_at));
        log(&file.path, &problem);
        snapshot.put_problem(file.path.clone(), Some(blob), problem);
    }
    Ok(())
}

/// Logs that a file cannot be accepted.
pub(super) fn log(path: &str, problem: &Problem) {
    tracing::warn!(path, rule = problem.fault.rule.as_str(), "`{path}` cannot be accepted: {}", problem.fault);
}
