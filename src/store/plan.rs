//! A batch on paper: each change checked against all before it, its objects made,
//! the snapshot brought forward. Nothing is on disk yet, and nobody sees it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use chrono::Utc;
use git2::{Oid, Repository};

use super::batch::Write;
use super::draft::{Change, Draft, Files, Outcome};
use super::edit::HandEdit;
use super::object::{Kind, Object};
use super::problem::Problem;
use super::snapshot::{Entry, Snapshot};
use super::tree::{TreeError, Trees};
use super::{FileChange, Shared, WriteError, Written, absorb, message, repair};
use crate::report::fault::{Fault, Rule};

/// A batch, planned but not on disk.
pub(super) struct Plan {
    /// The commit that it is on top of.
    pub(super) base: Oid,
    pub(super) snapshot: Snapshot,
    pub(super) objects: Vec<Object>,
    /// The files of the batch, for commands that build on one another.
    files: HashMap<Oid, Arc<[u8]>>,
    /// Those of the plan that this one is on top of.
    files_before: HashMap<Oid, Arc<[u8]>>,
    pub(super) changes: Vec<FileChange>,
    /// One for each write, in order.
    pub(super) results: Vec<Result<Written, WriteError>>,
    /// The problems of the snapshot are not those of before.
    pub(super) has_notes: bool,
}

impl Plan {
    /// Nothing yet, on top of what is served.
    pub(super) fn on(base: &Snapshot) -> Self {
        Self {
            base: base.commit,
            snapshot: base.clone(),
            objects: Vec::new(),
            files: HashMap::new(),
            files_before: HashMap::new(),
            changes: Vec::new(),
            results: Vec::new(),
            has_notes: false,
        }
    }

    /// Nothing yet, on top of a plan that is on its way to disk.
    pub(super) fn after(plan: &Self) -> Self {
        Self { files_before: plan.files.clone(), ..Self::on(&plan.snapshot) }
    }

    /// Sets right what others left false.
    ///
    /// # Errors
    /// A repository that cannot be read.
    pub(super) fn set_right(&mut self, shared: &Shared, trees: &mut Trees, git: &Repository) -> io::Result<()> {
        let base = self.snapshot.clone();
        if base.repairs().next().is_none() {
            return Ok(());
        }
        // This opens every pack.
        let odb = git.odb().map_err(io::Error::other)?;
        for (path, repair) in base.repairs() {
            let Some(entry) = base.at_path(path) else { continue };
            match repair::draft(&base, entry, repair, &|blob| shared.read_file(blob), Utc::now()) {
                Ok(outcome) => {
                    if let Err(WriteError::Failed(error)) = self.take(trees, &odb, outcome)? {
                        return Err(io::Error::other(error.to_string()));
                    }
                    tracing::warn!(path, answers = %repair.answers, "Set `{path}` right after `{}`", repair.answers);
                }
                Err(error) => tracing::error!(path, "`{path}` could not be set right: {error}"),
            }
        }
        Ok(())
    }

    /// Adds `write`, and its result to the results.
    ///
    /// # Errors
    /// A repository that cannot be read; there is no result then.
    pub(super) fn write(
        &mut self,
        shared: &Shared,
        trees: &mut Trees,
        git: &Repository,
        write: &Write,
    ) -> io::Result<()> {
        let odb = git.odb().map_err(io::Error::other)?;
        let result = match current_draft(shared, self, write) {
            Ok(outcome) => self.take(trees, &odb, outcome)?,
            Err(error) => Err(error),
        };
        if let Change::Edit(edit) = &write.change {
            self.note_result(edit, &result);
        }
        self.results.push(result);
        Ok(())
    }

    /// Notes what is wrong with a file in the work tree; `None` if nothing is any more.
    pub(super) fn note(&mut self, path: &str, problem: Option<Problem>) {
        self.has_notes |= set_edit_problem(&mut self.snapshot, path, problem);
    }

    /// Adds what a change comes to.
    fn take(
        &mut self,
        trees: &mut Trees,
        odb: &git2::Odb<'_>,
        outcome: Outcome,
    ) -> io::Result<Result<Written, WriteError>> {
        let draft = match outcome {
            Outcome::Unchanged(entry) => {
                let policy = self.snapshot.policy.clone();
                return Ok(Ok(Written { commit: self.snapshot.commit, file: None, entry, policy }));
            }
            Outcome::Commit(draft) => draft,
        };
        let path = draft.path.clone();
        match self.add(trees, odb, *draft) {
            Ok(written) => Ok(Ok(written)),
            // Of this change alone: a person put something where its file must be.
            Err(TreeError::Blocked(blocking)) => {
                let detail = format!("`{blocking}` is in the way of it");
                let fault = Box::new(Fault::new(Rule::NotAFile, detail, "move that elsewhere"));
                Ok(Err(WriteError::Problem { path: path.to_string(), fault }))
            }
            Err(TreeError::Io(error)) => Err(error),
        }
    }

    /// Notes whether a file in the work tree could be taken in.
    fn note_result(&mut self, edit: &HandEdit, result: &Result<Written, WriteError>) {
        let problem = match result {
            Ok(_) => None,
            Err(WriteError::Problem { fault, .. }) => {
                Some(Problem::of_edit((**fault).clone(), &edit.path, &edit.file, edit.saved_at))
            }
            // Not the file's fault.
            Err(_) => return,
        };
        self.note(&edit.path, problem);
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
        self.changes.push(FileChange {
            path: draft.path.clone(),
            commit: self.snapshot.commit,
            before: draft.base,
            blob,
            file: Some(draft.file.clone()),
        });
        let before = self.snapshot.at_path(&draft.path).map(|entry| entry.commits.clone()).unwrap_or_default();
        let commits = before.with(self.snapshot.commit);
        let (report, path) = (draft.report, draft.path);
        let entry = Arc::new(Entry::new(report, None, path, blob, now, commits));
        self.snapshot.put(entry.clone());
        let policy = self.snapshot.policy.clone();
        Ok(Written { commit: self.snapshot.commit, file: Some(draft.file), entry, policy })
    }
}

/// Returns the draft of `write`, made anew if its file is not what it was when
/// the caller made it, or other rules are in force.
fn current_draft(shared: &Shared, plan: &Plan, write: &Write) -> Result<Outcome, WriteError> {
    let snapshot = &plan.snapshot;
    if let Some(draft) = &write.draft
        && draft.base == snapshot.blob_at(&draft.path)
        && draft.policy == snapshot.policy.blob
        && write.change.is_expected(snapshot)
        && (matches!(write.change, Change::Edit(_)) || snapshot.problem(&draft.path).is_none())
    {
        return Ok(Outcome::Commit(draft.clone()));
    }
    let file = |blob| match plan.files.get(&blob).or_else(|| plan.files_before.get(&blob)) {
        Some(file) => Ok(file.clone()),
        None => shared.read_file(blob),
    };
    let files = Files { read: &file, deflated: &|blob| shared.blobs.deflated(blob) };
    write.change.draft(snapshot, &files, write.via, shared.body_limit_bytes, Utc::now())
}

/// Notes what is wrong with a file in the work tree, and logs it once. Returns
/// whether it is news.
fn set_edit_problem(snapshot: &mut Snapshot, path: &str, problem: Option<Problem>) -> bool {
    let is_news = snapshot.set_edit_problem(path, problem);
    if is_news {
        match snapshot.edit_problem(path) {
            Some(problem) => absorb::log(path, problem),
            None => tracing::info!(path, "`{path}` has no problem any more"),
        }
    }
    is_news
}
