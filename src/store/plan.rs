//! A batch on paper: each change checked against all before it, its objects made,
//! the snapshot brought forward. Nothing is on disk yet, and nobody sees it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use chrono::Utc;
use git2::{Oid, Repository};

use super::batch::Write;
use super::draft::{Change, Draft, Outcome};
use super::edit::HandEdit;
use super::object::{Kind, Object};
use super::problem::Problem;
use super::snapshot::{Entry, Snapshot};
use super::tree::{TreeError, Trees};
use super::{FileChange, Shared, WriteError, Written, absorb, message, repair};
use crate::report::fault::{Fault, Rule};

/// A batch, planned but not on disk.
pub(super) struct Plan {
    pub(super) snapshot: Snapshot,
    pub(super) objects: Vec<Object>,
    /// The files of the batch, for commands that build on one another.
    files: HashMap<Oid, Arc<[u8]>>,
    pub(super) changes: Vec<FileChange>,
    /// One for each command, in order.
    pub(super) results: Vec<Result<Written, WriteError>>,
    /// The problems of the snapshot are not those of before.
    pub(super) has_notes: bool,
}

impl Plan {
    /// Plans `batch` on top of `base`, and before it what has to be set right.
    ///
    /// # Errors
    /// A repository that cannot be read.
    pub(super) fn of(
        shared: &Shared,
        trees: &mut Trees,
        git: &Repository,
        base: &Snapshot,
        batch: &[Write],
    ) -> io::Result<Self> {
        let mut plan = Self {
            snapshot: base.clone(),
            objects: Vec::with_capacity(batch.len() * 7),
            files: HashMap::with_capacity(batch.len()),
            changes: Vec::with_capacity(batch.len()),
            results: Vec::with_capacity(batch.len()),
            has_notes: false,
        };
        let odb = git.odb().map_err(io::Error::other)?;
        for (path, repair) in base.repairs() {
            let Some(entry) = base.at_path(path) else { continue };
            match repair::draft(base, entry, repair, &|blob| shared.read_file(blob), Utc::now()) {
                Ok(outcome) => {
                    if let Err(WriteError::Failed(error)) = plan.take(trees, &odb, outcome)? {
                        return Err(io::Error::other(error.to_string()));
                    }
                    tracing::warn!(path, answers = %repair.answers, "Set `{path}` right after `{}`", repair.answers);
                }
                Err(error) => tracing::error!(path, "`{path}` could not be set right: {error}"),
            }
        }
        for write in batch {
            let result = match current_draft(shared, &plan, write) {
                Ok(outcome) => plan.take(trees, &odb, outcome)?,
                Err(error) => Err(error),
            };
            if let Change::Edit(edit) = &write.change {
                plan.note(edit, &result);
            }
            plan.results.push(result);
        }
        Ok(plan)
    }

    /// Adds what a change comes to.
    fn take(
        &mut self,
        trees: &mut Trees,
        odb: &git2::Odb<'_>,
        outcome: Outcome,
    ) -> io::Result<Result<Written, WriteError>> {
        let draft = match outcome {
            Outcome::Unchanged(entry) => return Ok(Ok(Written { commit: self.snapshot.commit, file: None, entry })),
            Outcome::Commit(draft) => draft,
        };
        let path = draft.path.clone();
        match self.add(trees, odb, *draft) {
            Ok(written) => Ok(Ok(written)),
            // Of this change alone: a person put something where its file must be.
            Err(TreeError::Blocked(blocking)) => {
                let detail = format!("`{blocking}` is in the way of it");
                let fault = Box::new(Fault::new(Rule::NotAFile, detail, "move that elsewhere"));
                Ok(Err(WriteError::Problem { path, fault }))
            }
            Err(TreeError::Io(error)) => Err(error),
        }
    }

    /// Notes whether a file in the work tree could be taken in.
    fn note(&mut self, edit: &HandEdit, result: &Result<Written, WriteError>) {
        let problem = match result {
            Ok(_) => None,
            Err(WriteError::Problem { fault, .. }) => {
                Some(Problem::of_edit((**fault).clone(), &edit.path, &edit.file, edit.saved_at))
            }
            // Not the file's fault.
            Err(_) => return,
        };
        self.has_notes |= set_edit_problem(&mut self.snapshot, &edit.path, problem);
    }

    /// Adds the commit of `draft` on top of what is planned.
    fn add(&mut self, trees: &mut Trees, odb: &git2::Odb<'_>, draft: Draft) -> Result<Written, TreeError> {
        let blob = draft.blob.id;
        let tree = trees.set(odb, self.snapshot.tree, &draft.path, blob, &mut self.objects)?;
        let now = Utc::now();
        let parent = Some(self.snapshot.commit);
        let commit = message::commit(tree, parent, &draft.author, draft.authored_at, now, &draft.message);
        let commit = Object::new(Kind::Commit, &commit);
        self.snapshot.advance(commit.id, tree, now.timestamp());
        self.objects.push(commit);
        self.objects.push(draft.blob);
        self.files.insert(blob, draft.file.clone());
        self.changes.push(FileChange { path: draft.path.clone(), before: draft.base, blob, file: draft.file.clone() });
        let before = self.snapshot.at_path(&draft.path).map(|entry| entry.commits.clone()).unwrap_or_default();
        let commits = before.with(self.snapshot.commit);
        let (report, path) = (draft.report, draft.path);
        let entry = Arc::new(Entry { report, file_says: None, path, blob, updated_at: now, commits });
        self.snapshot.put(entry.clone());
        Ok(Written { commit: self.snapshot.commit, file: Some(draft.file), entry })
    }
}

/// Returns the draft of `write`, made anew if its file is not what it was when
/// the caller made it.
fn current_draft(shared: &Shared, plan: &Plan, write: &Write) -> Result<Outcome, WriteError> {
    let snapshot = &plan.snapshot;
    if let Some(draft) = &write.draft
        && draft.base == snapshot.blob_at(&draft.path)
        && (matches!(write.change, Change::Edit(_)) || snapshot.problem(&draft.path).is_none())
    {
        return Ok(Outcome::Commit(draft.clone()));
    }
    let file = |blob| match plan.files.get(&blob) {
        Some(file) => Ok(file.clone()),
        None => shared.read_file(blob),
    };
    write.change.draft(snapshot, &file, write.via, shared.body_limit_bytes, Utc::now())
}

/// Notes what is wrong with a file in the work tree, and logs it once. Returns
/// whether it is news.
pub(super) fn set_edit_problem(snapshot: &mut Snapshot, path: &str, problem: Option<Problem>) -> bool {
    let is_news = snapshot.set_edit_problem(path, problem);
    if is_news {
        match snapshot.edit_problem(path) {
            Some(problem) => absorb::log(path, problem),
            None => tracing::info!(path, "`{path}` has no problem any more"),
        }
    }
    is_news
}
