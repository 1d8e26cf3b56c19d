//! The rules that are in force at a commit: the last `golive.yaml` that can be read,
//! on the line of the branch. What a person's commit may do is judged by the rules
//! before it, so all who follow commits ask here: the service as they come in, a
//! restart, the history, and `golive verify`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use git2::{Oid, Repository};

use super::outside::taken_from;
use super::problem::{FoundIn, Problem};
use super::repository::{self, MARK};
use super::snapshot::Snapshot;
use super::walk::{self, Step};
use super::{absorb, load};
use crate::policy::Policy;
use crate::policy::parse::{self, FILE_BYTES_MAX, Refusal};
use crate::report::fault::Fault;

/// The rules, and the version of the file that they are from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyInForce {
    /// The blob of `golive.yaml`; zero if none could ever be read.
    pub blob: Oid,
    pub policy: Policy,
}

impl Default for PolicyInForce {
    /// Before the first file.
    fn default() -> Self {
        Self { blob: Oid::ZERO_SHA1, policy: Policy::default() }
    }
}

impl PolicyInForce {
    /// Returns the file that a decision names; `None` if there never was one.
    pub(super) fn named(&self) -> Option<Oid> {
        Some(self.blob).filter(|blob| !blob.is_zero())
    }
}

/// What a file says, or what is wrong with it.
type Read = Result<Arc<PolicyInForce>, Box<Fault>>;

/// The policies of a history, each file read once.
#[derive(Default)]
pub(super) struct Policies {
    read: Mutex<HashMap<Oid, Read>>,
    /// What was in force before a commit, where that took a walk to find.
    before: Mutex<HashMap<Oid, Arc<PolicyInForce>>>,
}

/// What `golive.yaml` is at a commit.
pub(super) struct State {
    pub(super) in_force: Arc<PolicyInForce>,
    /// The file there, if there is one.
    pub(super) file: Option<Oid>,
    /// What is wrong with it.
    pub(super) problem: Option<Problem>,
}

impl Policies {
    /// Notes what was in force before `commit`, and so need not be looked for.
    pub(super) fn note(&self, commit: Oid, known: Arc<PolicyInForce>) {
        self.read.lock().expect("no panic under this lock").entry(known.blob).or_insert_with(|| Ok(known.clone()));
        self.before.lock().expect("no panic under this lock").insert(commit, known);
    }

    /// Returns what was in force before the commit `step`.
    ///
    /// # Errors
    /// libgit2's, if an object is missing.
    pub(super) fn before(&self, git: &Repository, step: &Step) -> Result<Arc<PolicyInForce>, git2::Error> {
        if let Some(known) = self.noted(step.commit) {
            return Ok(known);
        }
        let odb = git.odb()?;
        let mut passed = vec![step.commit];
        let mut next = step.before(git, &odb)?;
        let found = loop {
            let Some(step) = next else { break Arc::default() };
            if let Ok(read) = self.read(git, file_in(git, step.tree)?)? {
                break read;
            }
            if let Some(known) = self.noted(step.commit) {
                break known;
            }
            passed.push(step.commit);
            next = step.before(git, &odb)?;
        };
        if passed.len() > 1 {
            let mut before = self.before.lock().expect("no panic under this lock");
            before.extend(passed.into_iter().map(|commit| (commit, found.clone())));
        }
        Ok(found)
    }

    fn noted(&self, commit: Oid) -> Option<Arc<PolicyInForce>> {
        self.before.lock().expect("no panic under this lock").get(&commit).cloned()
    }

    /// Returns what is in force at `commit`.
    ///
    /// # Errors
    /// libgit2's, if an object is missing.
    pub(super) fn in_force(&self, git: &Repository, commit: Oid) -> Result<Arc<PolicyInForce>, git2::Error> {
        let step = Step::read(&git.odb()?, commit)?;
        match self.read(git, file_in(git, step.tree)?)? {
            Ok(read) => Ok(read),
            Err(_) => self.before(git, &step),
        }
    }

    /// Puts what `golive.yaml` is at the commit of `snapshot` into it.
    ///
    /// # Errors
    /// libgit2's, if an object is missing.
    pub(super) fn read_into(&self, git: &Repository, snapshot: &mut Snapshot) -> Result<(), git2::Error> {
        let State { in_force, file, problem } = self.at(git, snapshot.commit)?;
        (snapshot.policy, snapshot.policy_file) = (in_force, file);
        if let Some(problem) = problem {
            snapshot.put_problem(MARK.to_owned(), file, problem);
        }
        Ok(())
    }

    /// Returns what `golive.yaml` is at `commit`.
    ///
    /// # Errors
    /// libgit2's, if an object is missing.
    pub(super) fn at(&self, git: &Repository, commit: Oid) -> Result<State, git2::Error> {
        let odb = git.odb()?;
        let mut brought_by = Step::read(&odb, commit)?;
        let file = file_in(git, brought_by.tree)?;
        let fault = match self.read(git, file)? {
            Ok(in_force) => return Ok(State { in_force, file, problem: None }),
            Err(fault) => fault,
        };
        let mut next = brought_by.before(git, &odb)?;
        while let Some(step) = next.take_if(|step| file_in(git, step.tree).is_ok_and(|other| other == file)) {
            next = step.before(git, &odb)?;
            brought_by = step;
        }
        let mut last_good = None;
        while let Some(step) = next {
            if self.read(git, file_in(git, step.tree)?)?.is_ok() {
                last_good = Some(step.commit);
                break;
            }
            next = step.before(git, &odb)?;
        }
        let in_force = self.before(git, &brought_by)?;
        Ok(State { in_force, file, problem: Some(problem(git, file, *fault, &brought_by, last_good)) })
    }

    /// Returns what the file `blob` says; `None` is a file that is gone.
    ///
    /// # Errors
    /// libgit2's, if it is missing.
    pub(super) fn read(&self, git: &Repository, blob: Option<Oid>) -> Result<Read, git2::Error> {
        let Some(id) = blob else { return Ok(Err(Box::new(repository::mark_fault()))) };
        let known = self.read.lock().expect("no panic under this lock").get(&id).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let (size, _) = git.odb()?.read_header(id)?;
        let read = if size > FILE_BYTES_MAX {
            Err(Box::new(parse::too_long(size)))
        } else {
            match parse::parse(git.find_blob(id)?.content()) {
                Ok(policy) => Ok(Arc::new(PolicyInForce { blob: id, policy })),
                Err(Refusal::NoFormat) => Err(Box::new(repository::mark_fault())),
                Err(Refusal::Fault(fault)) => Err(fault),
            }
        };
        self.read.lock().expect("no panic under this lock").insert(id, read.clone());
        Ok(read)
    }

    /// Brings `snapshot` over the commit `step`, which followed on `before`. Costs a
    /// look at the root of its tree, unless the file is another one.
    ///
    /// # Errors
    /// libgit2's, if an object is missing.
    pub(super) fn follow(
        &self,
        git: &Repository,
        snapshot: &mut Snapshot,
        step: &Step,
        before: Oid,
    ) -> Result<(), git2::Error> {
        let file = file_in(git, step.tree)?;
        if file == snapshot.policy_file {
            return Ok(());
        }
        snapshot.policy_file = file;
        match self.read(git, file)? {
            Ok(read) => {
                tracing::info!(policy = %read.blob, "The rules of `{MARK}` as of `{}` are in force", step.commit);
                snapshot.policy = read;
                snapshot.remove(MARK);
            }
            Err(fault) => {
                let known = snapshot.tip_problem(MARK);
                let last_good = known.map_or(Some(before), |known| known.last_good);
                let problem = problem(git, file, *fault, step, last_good);
                absorb::log(MARK, &problem);
                snapshot.put_problem(MARK.to_owned(), file, problem);
            }
        }
        Ok(())
    }
}

/// Returns what is wrong with the file that the commit `step` brought.
fn problem(git: &Repository, file: Option<Oid>, fault: Fault, step: &Step, last_good: Option<Oid>) -> Problem {
    let content = file.filter(|_| fault.place.is_some()).and_then(|id| git.find_blob(id).ok());
    let content = content.as_ref().map_or(&b""[..], git2::Blob::content);
    let fault = match last_good {
        Some(commit) => fault.with_way_back(&taken_from(commit, MARK)),
        None => fault,
    };
    let found_in = FoundIn::Commit(step.commit);
    Problem { last_good, ..Problem::new(fault, content, found_in, load::time(step.committed_at)) }
}

/// Returns the `golive.yaml` in the tree `root`, if it is a file.
///
/// # Errors
/// libgit2's, if the tree is missing.
pub(super) fn file_in(git: &Repository, root: Oid) -> Result<Option<Oid>, git2::Error> {
    let root = git.find_tree(root)?;
    Ok(root.get_name(MARK).filter(|entry| walk::is_regular(entry.filemode())).map(|entry| entry.id()))
}
