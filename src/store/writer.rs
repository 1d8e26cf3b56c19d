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
use super::message::{self, Via};
use super::object::{Kind, Object};
use super::repository::Location;
use super::snapshot::{Entry, Snapshot};
use super::tree::{TreeError, Trees};
use super::{FileChange, Published, Shared, WriteError, Written, pack};

/// Bounds of one batch, so that the first command of it is not held up by the last.
const BATCH_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How often an idle writer looks at what others did to the branch.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Somebody who moves the branch again and again cannot hold a batch for ever.
const SWAP_ATTEMPTS: usize = 5;

/// A change that waits for its commit.
pub(super) struct Command {
    pub(super) change: Change,
    pub(super) via: Via,
    pub(super) draft: Box<Draft>,
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
                Ok(first) => self.commit(gather(first, commands)),
                Err(RecvTimeoutError::Timeout) => {
                    // What is wrong is kept for `readyz`; nobody waits for an answer.
                    let _ = self.catch_up();
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn commit(&mut self, batch: Vec<Command>) {
        let metrics = &self.shared.metrics;
        metrics.write_queue.dec_by(i64::try_from(batch.len()).unwrap_or(i64::MAX));
        metrics.write_batch.observe(batch.len() as f64);
        self.renew_handle();
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

    fn try_commit(&mut self, batch: &[Command]) -> Result<Vec<Result<Written, WriteError>>, WriteError> {
        for _ in 0..SWAP_ATTEMPTS {
            let base = self.catch_up()?;
            let plan = self.plan(&base, batch).map_err(|error| self.failed(error))?;
            if plan.changes.is_empty() {
                return Ok(plan.results);
            }
            let start = Instant::now();
            match self.flush(&base, &plan) {
                Ok(()) => {
                    self.shared.metrics.flush_seconds.observe(start.elapsed().as_secs_f64());
                    self.shared.set_obstacle(None);
                    self.publish(plan.snapshot, plan.files, plan.changes);
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
            return Ok(served);
        }
        match absorb::absorb(&self.git, &served, tip) {
            Ok(snapshot) => {
                tracing::info!(%tip, "Took in what others committed, up to `{tip}`");
                self.shared.snapshot.store(Arc::new(snapshot));
                self.shared.announce(None);
                Ok(self.shared.snapshot.load_full())
            }
            Err(AbsorbError::Rewound { served, tip }) => Err(WriteError::Unavailable(format!(
                "history was rewound or replaced: `{served}` was served, and the tip `{tip}` does not contain it; \
                 bring both together with `git merge {served}`, or go back with `git reset --keep {served}`"
            ))),
            Err(AbsorbError::Git(error)) => Err(self.failed(io::Error::other(error))),
        }
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

    fn plan(&mut self, base: &Snapshot, batch: &[Command]) -> io::Result<Plan> {
        let mut plan = Plan {
            snapshot: base.clone(),
            objects: Vec::with_capacity(batch.len() * 7),
            files: HashMap::with_capacity(batch.len()),
            changes: Vec::with_capacity(batch.len()),
            results: Vec::with_capacity(batch.len()),
        };
        let trees = &mut self.trees;
        let odb = self.git.odb().map_err(io::Error::other)?;
        for command in batch {
            let result = match current_draft(&self.shared, &plan, command) {
                Ok(Outcome::Commit(draft)) => match plan.add(trees, &odb, *draft) {
                    Ok(written) => Ok(written),
                    // Of this command alone: a person put something where its file must be.
                    Err(TreeError::Blocked(path)) => Err(WriteError::Problem {
                        detail: format!("`{path}` is in the way of it; move that elsewhere"),
                        path: command.draft.path.clone(),
                    }),
                    Err(TreeError::Io(error)) => return Err(error),
                },
                Ok(Outcome::Unchanged(entry)) => Ok(Written { commit: plan.snapshot.commit, file: None, entry }),
                Err(error) => Err(error),
            };
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

    fn publish(&self, snapshot: Snapshot, files: HashMap<Oid, Arc<[u8]>>, changes: Vec<FileChange>) {
        let commit = snapshot.commit;
        for (id, file) in files {
            self.shared.blobs.put(id, file);
        }
        self.shared.snapshot.store(Arc::new(snapshot));
        self.shared.announce(Some(Published { commit, changes }));
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
        let entry = Arc::new(Entry { report: draft.report, path: draft.path, blob, updated_at: now, commits });
        self.snapshot.put(entry.clone());
        Ok(Written { commit: self.snapshot.commit, file: Some(draft.file), entry })
    }
}

/// Returns the draft of `command`, made anew if its report is not what it was
/// when the caller made it.
fn current_draft(shared: &Shared, plan: &Plan, command: &Command) -> Result<Outcome, WriteError> {
    let entry = command.change.target(&plan.snapshot)?;
    if command.draft.base == entry.as_ref().map(|entry| entry.blob) {
        return Ok(Outcome::Commit(command.draft.clone()));
    }
    let file = |blob| match plan.files.get(&blob) {
        Some(file) => Ok(file.clone()),
        None => shared.read_file(blob),
    };
    command.change.draft(entry.as_ref(), file, command.via, Utc::now())
}

/// Returns `first` and what waits behind it, within the bounds of a batch.
fn gather(first: Command, commands: &Receiver<Command>) -> Vec<Command> {
    let mut n_bytes = first.draft.file.len();
    let mut batch = vec![first];
    while batch.len() < BATCH_MAX && n_bytes < BATCH_BYTES_MAX {
        let Ok(command) = commands.try_recv() else { break };
        n_bytes += command.draft.file.len();
        batch.push(command);
    }
    batch
}

fn relative(location: &Location, path: &std::path::Path) -> String {
    path.strip_prefix(&location.work_dir).unwrap_or(path).display().to_string()
}
