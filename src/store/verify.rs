//! Replays the whole history of a repository, from its first commit along first
//! parents, and says of each commit whether it is what it claims to be. Reads
//! only; needs no service, and no work tree.
//!
//! Commits of the service must be true in every word. A person's commit can say
//! what the rules do not allow: it is reported, and whether it was set right.

mod ahead;
mod outside;
mod own;
mod read;
mod replay;

use std::path::Path;

use git2::{ErrorCode, Oid, Repository, RepositoryOpenFlags};

use super::policy::Policies;
use super::problem::Problem;
use super::repository::Location;
use super::{load, rewind, served};
use crate::report::fault::Rule;
use replay::Replay;

/// Commits between two words of progress.
const STEP: usize = 256;

/// What the history is made of, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Verified {
    pub tip: String,
    pub n_commits: usize,
    pub n_reports: usize,
    pub n_decisions: usize,
    /// In the order of [`crate::report::Status::ALL`].
    pub by_status: [usize; 3],
    /// In the order of the history.
    pub offences: Vec<Offence>,
}

impl Verified {
    /// Returns what is wrong still, in the order of the history.
    pub fn wrong(&self) -> impl Iterator<Item = &Offence> {
        self.offences.iter().filter(|offence| offence.repaired_by.is_none())
    }

    /// Returns what was set right by a later commit.
    pub fn repaired(&self) -> impl Iterator<Item = &Offence> {
        self.offences.iter().filter(|offence| offence.repaired_by.is_some())
    }
}

/// A commit that is not right.
#[derive(Debug)]
pub struct Offence {
    pub commit: Oid,
    pub subject: String,
    pub what: String,
    /// The later commit that set it right.
    pub repaired_by: Option<Oid>,
}

/// Why nothing could be verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("`{0}` is not a git repository")]
    NotGit(String),
    #[error("`{path}` has no branch `{branch}`; name the branch of the record with `git config golive.branch NAME`")]
    NoBranch { path: String, branch: String },
    #[error("`{0}` is not a golive repository: its branch has no `golive.yaml` with `golive: 1`")]
    NotGolive(String),
    #[error("`{0}` has not the whole history; get the rest with `git fetch --unshallow`")]
    Shallow(String),
    #[error("the repository cannot be read, so nothing is proved: {0}; `git fsck` may say more")]
    Git(#[from] git2::Error),
}

/// Verifies the repository at `path`; `progress` hears how many commits are done, of how many.
///
/// # Errors
/// [`VerifyError`]; what is wrong with the history is no error.
pub fn verify(path: &Path, progress: &dyn Fn(usize, usize)) -> Result<Verified, VerifyError> {
    let name = path.display().to_string();
    let git = Repository::open_ext(path, RepositoryOpenFlags::empty(), std::iter::empty::<&Path>());
    let git = git.map_err(|error| match error.code() {
        ErrorCode::NotFound => VerifyError::NotGit(name.clone()),
        _ => VerifyError::Git(error),
    })?;
    if git.is_shallow() {
        return Err(VerifyError::Shallow(name));
    }
    let branch = git.config().and_then(|config| config.get_string("golive.branch"));
    let branch = branch.unwrap_or_else(|_| "main".into());
    // Git's own folder, which a bare repository has as well.
    let location = Location { work_dir: git.path().into(), git_dir: git.path().into(), branch };
    let tip = git.refname_to_id(&location.branch_ref());
    let tip = tip.map_err(|_| VerifyError::NoBranch { path: name.clone(), branch: location.branch.clone() })?;
    let policies = Policies::default();
    // Rules that cannot be read do not make the record another one.
    let is_broken = |problem: Problem| problem.fault.rule == Rule::InvalidPolicy && problem.last_good.is_some();
    if !super::check::is_golive(&git, tip)? && !policies.at(&git, tip)?.problem.is_some_and(is_broken) {
        return Err(VerifyError::NotGolive(name));
    }

    let commits = read::line(&git, tip)?;
    let total = commits.len();
    progress(0, total);
    let mut replay = Replay::new(&git, &policies);
    ahead::each(git.path(), &commits, |commit, before, content| {
        replay.take(commit, before, content)?;
        if replay.n_commits().is_multiple_of(STEP) {
            progress(replay.n_commits(), total);
        }
        Ok(())
    })?;
    progress(total, total);
    let snapshot = load::snapshot_with(&location, tip, usize::MAX, &replay.reads())?;
    let mut verified = replay.end(&snapshot)?;
    verified.offences.extend(rewound(&git, tip)?);
    verified.tip = tip.to_string();
    Ok(verified)
}

/// Returns that the tip that was served last is not in the history, if so.
fn rewound(git: &Repository, tip: Oid) -> Result<Option<Offence>, git2::Error> {
    let Some(served) = served::read(git) else { return Ok(None) };
    if rewind::contains(git, tip, served) || rewind::is_accepted(git, tip, served)? {
        return Ok(None);
    }
    let what = format!("history was rewound or replaced: `{served}` was served, and is not in it");
    Ok(Some(Offence { commit: tip, subject: super::check::subject(git, tip), what, repaired_by: None }))
}
