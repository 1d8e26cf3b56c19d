//! History that was rewound or replaced: how to repair it, and the commit by
//! which an operator accepts it.

use std::path::Path;

use chrono::Utc;
use git2::{Oid, Repository};

use super::branch::{self, SwapError};
use super::message::{self, Identity};
use super::object::{Kind, Object};
use super::outside::person;
use super::pack;
use super::repository::{self, Location, OpenError};
use super::served;
use super::walk::Step;

/// Behind the commit that accepts a rewind there can be so many others.
const LOOK_MAX: usize = 1000;
pub(super) const TRAILER: &str = "Lost-Tip: ";

/// Why a rewind was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("nothing to accept: the branch `{branch}` contains everything that was served")]
    NotRewound { branch: String },
    #[error("`{given}` is not the tip of `{branch}`, which is `{tip}`; look at that one, and name it if it is right")]
    OtherTip { given: String, branch: String, tip: Oid },
    #[error("the branch moved meanwhile to `{0}`; look again")]
    Moved(Oid),
    #[error("{0}")]
    Failed(String),
}

/// Returns what to say while `tip` does not contain `served`.
pub(super) fn refusal(location: &Location, served: Oid, tip: Oid) -> String {
    format!(
        "history was rewound or replaced: `{served}` was served, and the tip `{tip}` does not contain it; \
         bring both together with `git merge {served}`, go back with `git reset --keep {served}`, \
         or accept it with `golive accept-rewind --repo {} {tip}`",
        location.work_dir.display()
    )
}

/// Returns whether an operator accepted that `lost` is not in the history of `tip`.
///
/// # Errors
/// libgit2's.
pub(super) fn is_accepted(git: &Repository, tip: Oid, lost: Oid) -> Result<bool, git2::Error> {
    let odb = git.odb()?;
    let trailer = format!("{TRAILER}{lost}");
    let mut next = Some(Step::read(&odb, tip)?);
    for _ in 0..LOOK_MAX {
        let Some(step) = next else { break };
        let commit = git.find_commit(step.commit)?;
        if String::from_utf8_lossy(commit.message_raw_bytes()).lines().any(|line| line == trailer) {
            return Ok(true);
        }
        next = step.before(git, &odb)?;
    }
    Ok(false)
}

/// Accepts that the branch of the repository at `path` was rewound to `tip`,
/// its present tip: by a commit that names the tip that was lost, which is kept
/// under `refs/golive/lost`. A running service goes on with it within a second.
/// Returns the commit.
///
/// # Errors
/// [`AcceptError`], a sentence that says what to do.
pub fn accept(path: &Path, given: &str) -> Result<Oid, AcceptError> {
    let location = repository::open(path)?;
    let failed = |error: &dyn std::fmt::Display| AcceptError::Failed(format!("`{}`: {error}", path.display()));
    let git = location.open().map_err(|error| failed(&error))?;
    let tip = git.refname_to_id(&location.branch_ref()).map_err(|error| failed(&error))?;
    let branch = location.branch.clone();
    let named = git.revparse_single(given).and_then(|object| object.peel_to_commit()).map(|commit| commit.id());
    if named.ok() != Some(tip) {
        return Err(AcceptError::OtherTip { given: given.to_owned(), branch, tip });
    }
    let Some(lost) = served::read(&git).filter(|lost| !contains(&git, tip, *lost)) else {
        return Err(AcceptError::NotRewound { branch });
    };
    if is_accepted(&git, tip, lost).map_err(|error| failed(&error))? {
        return Err(AcceptError::NotRewound { branch });
    }
    let kept = format!("refs/golive/lost/{:.12}", lost.to_string());
    git.reference(&kept, lost, true, "lost").map_err(|error| failed(&error))?;
    let tree = git.find_commit(tip).map_err(|error| failed(&error))?.tree_id();
    let message = format!(
        "Accept the rewind to `{:.12}`\n\nThe tip that was served before is no longer in the history.\n\n\
         {TRAILER}{lost}\nVia: golive\n",
        tip.to_string()
    );
    let who = git.signature().ok().map(|user| person(user.name().unwrap_or(""), user.email().unwrap_or("")));
    let author = who.map_or_else(Identity::service, |who| Identity::reviewer(&who));
    let now = Utc::now();
    let commit = Object::new(Kind::Commit, &message::commit(tree, Some(tip), &author, now, now, &message));
    let id = commit.id;
    // Kept from a `git gc` until the branch refers to it.
    let _kept = pack::write_from(None, &location.pack_dir(), &[commit]).map_err(|error| failed(&error))?;
    let prepared = branch::prepare_apart(&location, id).map_err(|error| failed(&error))?;
    prepared.swap(&git, tip).map_err(|error| match error {
        SwapError::Moved(to) => AcceptError::Moved(to),
        error => failed(&error),
    })?;
    Ok(id)
}

/// Returns whether `tip` is `commit` or has it in its history.
pub(super) fn contains(git: &Repository, tip: Oid, commit: Oid) -> bool {
    tip == commit || git.graph_descendant_of(tip, commit).unwrap_or(false)
}
