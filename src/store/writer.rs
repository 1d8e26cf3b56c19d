//! The one writer: takes all commands that wait, makes one commit of each, puts
//! all of them on disk with one flush, and only then answers.
//!
//! A lone command does not wait for company; commands that arrive during a flush
//! make up the next batch. Runs on a thread of its own, as it blocks.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use chrono::Utc;
use git2::{Oid, Repository};
use tokio::sync::oneshot;

use super::absorb::{self, AbsorbError};
use super::branch::{self, SwapError};
use super::draft::{Change, Draft, Outcome};
use super::edit::HandEdit;
use super::message::{self, Via};
use super::object::{Kind, Object};
use super::problem::{FoundIn, Problem};
use super::repository::Location;
use super::snapshot::{Entry, Snapshot};
use super::tree::{TreeError, Trees};
use super::{FileChange, Published, Shared, WriteError, Written, load, pack, repair, rewind};
use crate::report::fault::{Fault, Rule};

/// Bounds of one batch, so that the first command of it is not held up by the last.
const BATCH_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How often an idle writer looks at what others did to the branch.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Somebody who moves the branch again and again cannot hold a batch for ever.
const SWAP_ATTEMPTS: usize = 5;

/// What the writer is asked for.
pub(super) enum Command {
    Write(Write),
    /// What is wrong with a file in the work tree; `None` if nothing is any more.
    Note {
        path: String,
        problem: Option<Box<Problem>>,
    },
    /// The branch may have moved; dropped when it was looked at.
    Look(oneshot::Sender<()>),
}

/// A change that waits for its commit.
pub(super) struct Write {
    pub(super) change: Change,
    pub(super) via: Via,
    /// Made by the caller, unless it could not be.
    pub(super) draft: Option<Box<Draft>>,
    pub(super) reply: oneshot::Sender<Result<Written, WriteError>>,
}

pub(super) struct Writer {
    location: Location,
    git: Repository,
    /// The count of joins that `git` was opened at.
    n_joins: usize,
    trees: Trees,
    shared: Arc<Shared>,
}

/// A batch, planned but not on disk.
struct Plan {
    snapshot: Snapshot,
    objects: Vec<Object>,
    /// The files of the batch, for commands that build on one another.
    files: HashMap<Oid, Arc<[u8]>>,
    changes: Vec<FileChange>,
    /// One for each command, in order.
    results: Vec<Result<Written, WriteError>>,
    /// The problems of the snapshot are not those of before.
    has_notes: bool,
}

/// What is done at once.
#[derive(Default)]
struct Batch {
    writes: Vec<Write>,
    notes: Vec<(String, Option<Box<Problem>>)>,
    looks: Vec<oneshot::Sender<()>>,
}

impl Writer {
    pub(super) fn new(location: Location, shared: Arc<Shared>) -> Result<Self, git2::Error> {
        let git = location.open()?;
        Ok(Self { location, git, n_joins: 0, trees: Trees::default(), shared })
    }

    /// Works until every sender of commands is gone.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            match commands.recv_timeout(LOOK_INTERVAL) {
                Ok(first) => self.work(gather(first, commands)),
                Err(RecvTimeoutError::Timeout) => self.look_around(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Takes in what others committed, and sets right what that needs.
    pub(super) fn look_around(&mut self) {
        self.work(Batch::default());
    }

    fn work(&mut self, batch: Batch) {
        let Batch { writes, notes, looks: _looks } = batch;
        self.renew_handle();
        self.note(notes);
        if !writes.is_empty() {
            return self.commit(writes);
        }
        // What is wrong is kept for `readyz`; nobody waits for an answer.
        if self.catch_up().is_ok_and(|snapshot| snapshot.repairs().next().is_some()) {
            let _ = self.try_commit(&[]);
        }
    }

    fn note(&self, notes: Vec<(String, Option<Box<Problem>>)>) {
        if notes.is_empty() {
            return;
        }
        let mut snapshot = Snapshot::clone(&self.shared.snapshot.load());
        let mut is_news = false;
        for (path, problem) in notes {
            is_news |= set_edit_problem(&mut snapshot, &path, problem.map(|problem| *problem));
        }
        if is_news {
            self.shared.snapshot.store(Arc::new(snapshot));
        }
    }

    fn commit(&mut self, batch: Vec<Write>) {
        let metrics = &self.shared.metrics;
        metrics.write_queue.dec_by(i64::try_from(batch.len()).unwrap_or(i64::MAX));
        metrics.write_batch.observe(batch.len() as f64);
        match self.try_commit(&batch) {
            Ok(results) => {
                for (command, result) in batch.into_iter().zip(results) {
                    // A caller that went away has its commit all the same.
                    let _ = command.reply.send(result);
                }
            }
            Err(error) => {
                for command in batch {
                    let _ = command.reply.send(Err(error.clone()));
                }
            }
        }
    }

    /// libgit2 keeps each pack that it ever opened mapped; a handle is renewed
    /// after packs were removed.
    fn renew_handle(&mut self) {
        let n_joins = self.shared.n_joins.load(Ordering::Acquire);
        if n_joins != self.n_joins
            && let Ok(git) = self.location.open()
        {
            (self.git, self.n_joins) = (git, n_joins);
        }
    }

    fn try_commit(&mut self, batch: &[Write]) -> Result<Vec<Result<Written, WriteError>>, WriteError> {
        for _ in 0..SWAP_ATTEMPTS {
            let base = self.catch_up()?;
            let plan = self.plan(&base, batch).map_err(|error| self.failed(error))?;
            if plan.changes.is_empty() {
                if plan.has_notes {
                    self.shared.snapshot.store(Arc::new(plan.snapshot));
                }
                return Ok(plan.results);
            }
            let start = Instant::now();
            match self.flush(&base, &plan) {
                Ok(()) => {
                    self.shared.metrics.flush_seconds.observe(start.elapsed().as_secs_f64());
                    self.shared.set_obstacle(None);
                    self.publish(plan.snapshot, &plan.objects, plan.changes);
                    return Ok(plan.results);
                }
                // Somebody committed in between: plan again on the new tip.
                Err(SwapError::Moved(_)) => {}
                Err(SwapError::Locked(path)) => {
                    let error = WriteError::Unavailable(format!(
                        "the branch is locked by another git process; try again, or remove `{}` if none runs",
                        relative(&self.location, &path)
                    ));
                    self.shared.set_obstacle(Some(error.clone()));
                    return Err(error);
                }
                Err(SwapError::Io(error)) => return Err(self.failed(error)),
            }
        }
        Err(WriteError::Unavailable("the branch keeps moving; try again".into()))
    }

    /// Returns the snapshot of the tip as it is now, absorbing what others did.
    fn catch_up(&self) -> Result<Arc<Snapshot>, WriteError> {
        let result = self.look().and_then(|snapshot| self.check_work_tree().map(|()| snapshot));
        match &result {
            Ok(_) => self.shared.clear_obstacle_unless_full(),
            Err(error) => self.shared.set_obstacle(Some(error.clone())),
        }
        result
    }

    fn look(&self) -> Result<Arc<Snapshot>, WriteError> {
        let served = self.shared.snapshot.load_full();
        let branch = &self.location.branch;
        let git_error = |error| self.failed(io::Error::other::<git2::Error>(error));
        let tip = match branch::tip(&self.location, &self.git) {
            Ok(Some(tip)) => tip,
            Ok(None) => {
                return Err(WriteError::Unavailable(format!(
                    "the branch `{branch}` is gone; bring it back with `git branch {branch} {}`",
                    served.commit
                )));
            }
            Err(error) => return Err(self.failed(error)),
        };
        if tip == served.commit {
            self.shared.is_rewound.store(false, Ordering::Release);
            return Ok(served);
        }
        let absorbed = {
            let lag = self.shared.lag.lock().expect("no panic under this lock");
            absorb::absorb(&self.git, &served, tip, &self.location.branch_ref(), &lag, self.shared.body_limit_bytes)
        };
        let snapshot = match absorbed {
            Ok(snapshot) => {
                tracing::info!(%tip, "Took in what others committed, up to `{tip}`");
                snapshot
            }
            Err(AbsorbError::Rewound { served: lost, tip }) => {
                // So that nobody has to guess what was lost, whenever they look.
                self.shared.note_served();
                let accepted = rewind::is_accepted(&self.git, tip, lost).map_err(git_error)?;
                if !accepted {
                    self.shared.is_rewound.store(true, Ordering::Release);
                    return Err(WriteError::Unavailable(rewind::refusal(&self.location, lost, tip)));
                }
                let snapshot = load::snapshot(&self.location, tip, self.shared.body_limit_bytes).map_err(git_error)?;
                tracing::warn!(%tip, %lost, "The rewind from `{lost}` was accepted; `{tip}` is served");
                snapshot
            }
            Err(AbsorbError::Git(error)) => return Err(git_error(error)),
        };
        self.shared.snapshot.store(Arc::new(snapshot));
        self.shared.is_rewound.store(false, Ordering::Release);
        self.shared.announce(None);
        Ok(self.shared.snapshot.load_full())
    }

    /// On another branch the person works on something else: nothing may change
    /// under their hands, and what was committed could not be put there.
    fn check_work_tree(&self) -> Result<(), WriteError> {
        match self.location.is_checked_out() {
            Ok(true) => Ok(()),
            Ok(false) => Err(WriteError::Unavailable(format!(
                "the work tree of the reports repository is not on its branch; run `git switch {}` there",
                self.location.branch
            ))),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn plan(&mut self, base: &Snapshot, batch: &[Write]) -> io::Result<Plan> {
        let mut plan = Plan {
            snapshot: base.clone(),
            objects: Vec::with_capacity(batch.len() * 7),
            files: HashMap::with_capacity(batch.len()),
            changes: Vec::with_capacity(batch.len()),
            results: Vec::with_capacity(batch.len()),
            has_notes: false,
        };
        let trees = &mut self.trees;
        let odb = self.git.odb().map_err(io::Error::other)?;
        for (path, repair) in base.repairs() {
            let Some(entry) = base.at_path(path) else { continue };
            match repair::draft(base, entry, repair, &|blob| self.shared.read_file(blob), Utc::now()) {
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
            let result = match current_draft(&self.shared, &plan, write) {
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

    fn flush(&self, base: &Snapshot, plan: &Plan) -> Result<(), SwapError> {
        // The new tip is synced beside the pack, where nobody looks; what refers
        // to the pack comes after it.
        let (location, tip) = (&self.location, plan.snapshot.commit);
        let prepared = std::thread::scope(|scope| {
            let prepared = scope.spawn(move || branch::prepare(location, tip));
            pack::write(&location.pack_dir(), &plan.objects)?;
            prepared.join().expect("writing a file does not panic")
        })?;
        prepared.swap(&self.git, base.commit)
    }

    fn publish(&self, snapshot: Snapshot, objects: &[Object], changes: Vec<FileChange>) {
        objects.iter().filter(|object| object.kind == Kind::Blob).for_each(|blob| self.shared.blobs.put(blob));
        let snapshot = Arc::new(snapshot);
        self.shared.snapshot.store(snapshot.clone());
        self.shared.lag.lock().expect("no panic under this lock").committed(&changes);
        self.shared.announce(Some(Published { snapshot, changes }));
    }

    /// Notes that `error` stands in the way of writes, and returns it for the callers.
    fn failed(&self, error: io::Error) -> WriteError {
        let refusal = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => WriteError::Full,
            _ => WriteError::Failed(Arc::new(error)),
        };
        self.shared.set_obstacle(Some(refusal.clone()));
        refusal
    }
}

impl Plan {
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
                Some(Problem::new((**fault).clone(), &edit.file, FoundIn::WorkTree, edit.saved_at))
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

/// Returns `first` and what waits behind it, within the bounds of a batch.
fn gather(first: Command, commands: &Receiver<Command>) -> Batch {
    let mut batch = Batch::default();
    let (mut n_bytes, mut next) = (0, Some(first));
    while let Some(command) = next {
        match command {
            Command::Write(write) => {
                n_bytes += write.draft.as_ref().map_or(0, |draft| draft.file.len());
                batch.writes.push(write);
            }
            Command::Note { path, problem } => batch.notes.push((path, problem)),
            Command::Look(done) => batch.looks.push(done),
        }
        let has_room = batch.writes.len() < BATCH_MAX && batch.notes.len() < BATCH_MAX && n_bytes < BATCH_BYTES_MAX;
        next = if has_room { commands.try_recv().ok() } else { None };
    }
    batch
}

fn relative(location: &Location, path: &std::path::Path) -> String {
    path.strip_prefix(&location.work_dir).unwrap_or(path).display().to_string()
}
