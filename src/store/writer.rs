//! The one writer: takes all commands that wait, makes one commit of each, puts
//! all of them on disk with one flush, and only then answers.
//!
//! A lone command does not wait for company; commands that arrive during a flush
//! make up the next batch. Runs on a thread of its own, as it blocks.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use git2::{Oid, Repository};

use super::absorb::{self, AbsorbError};
use super::batch::{Batch, Command, Write};
use super::branch::{self, SwapError};
use super::hold::Passing;
use super::nursery::Nursery;
use super::object::{Kind, Object};
use super::plan::{self, Plan};
use super::problem::Problem;
use super::repository::Location;
use super::snapshot::Snapshot;
use super::tree::Trees;
use super::{FileChange, Published, Shared, WriteError, Written, load, pack, rewind};
use crate::report::validate::BODY_LIMIT_MAX;

/// How often an idle writer looks at what others did to the branch.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Somebody who moves the branch again and again cannot hold a batch for ever.
const SWAP_ATTEMPTS: usize = 5;
/// Small packs are soon joined and deleted.
const PACK_FILES_PER_FOLDER: usize = 256;

pub(super) struct Writer {
    location: Location,
    git: Repository,
    /// The count of joins that `git` was opened at.
    n_joins: usize,
    trees: Trees,
    shared: Arc<Shared>,
    nursery: Option<Nursery>,
}

impl Writer {
    pub(super) fn new(location: Location, shared: Arc<Shared>) -> Result<Self, git2::Error> {
        let git = location.open()?;
        let home = location.nursery_dir().join("packs");
        let nursery = Nursery::open(&home, &location.pack_dir(), PACK_FILES_PER_FOLDER);
        Ok(Self { location, git, n_joins: 0, trees: Trees::default(), shared, nursery })
    }

    /// Works until every sender of commands is gone.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        loop {
            match commands.recv_timeout(LOOK_INTERVAL) {
                Ok(first) => self.work(Batch::gather(first, commands)),
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
            let shared = self.shared.clone();
            let _passing = pass(&shared);
            return self.commit(writes);
        }
        // What is wrong is kept for `readyz`; nobody waits for an answer.
        if self.catch_up().is_ok_and(|snapshot| snapshot.repairs().next().is_some()) {
            let shared = self.shared.clone();
            let _passing = pass(&shared);
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
            is_news |= plan::set_edit_problem(&mut snapshot, &path, problem.map(|problem| *problem));
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
            let plan =
                Plan::of(&self.shared, &mut self.trees, &self.git, &base, batch).map_err(|error| self.failed(error))?;
            if plan.changes.is_empty() {
                if plan.has_notes {
                    self.shared.snapshot.store(Arc::new(plan.snapshot));
                }
                return Ok(plan.results);
            }
            let start = Instant::now();
            self.note_next(Some(plan.snapshot.commit));
            let flushed = self.flush(&base, &plan);
            if flushed.is_err() {
                self.note_next(None);
            }
            match flushed {
                Ok(()) => {
                    self.shared.metrics.flush_seconds.observe(start.elapsed().as_secs_f64());
                    self.shared.set_obstacle(None);
                    self.publish(plan.snapshot, &plan.objects, plan.changes);
                    self.note_next(None);
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
            absorb::absorb(&self.git, &served, tip, &self.location.branch_ref(), &lag, BODY_LIMIT_MAX)
        };
        let snapshot = match absorbed {
            Ok((snapshot, behind)) => {
                let mut lag = self.shared.lag.lock().expect("no panic under this lock");
                behind.iter().for_each(|(path, before, after)| lag.note(path, *before, *after));
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
                let snapshot = load::snapshot(&self.location, tip, BODY_LIMIT_MAX).map_err(git_error)?;
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

    fn flush(&self, base: &Snapshot, plan: &Plan) -> Result<(), SwapError> {
        // The new tip is synced beside the pack, where nobody looks; what refers
        // to the pack comes after it.
        let (location, tip) = (&self.location, plan.snapshot.commit);
        let prepared = std::thread::scope(|scope| {
            let prepared = scope.spawn(move || branch::prepare(location, tip));
            pack::write_from(self.nursery.as_ref(), &location.pack_dir(), &plan.objects)?;
            prepared.join().expect("writing a file does not panic")
        })?;
        prepared.swap(&self.git, base.commit)
    }

    /// Between the move of the branch and the snapshot's, nobody may take it for another's.
    fn note_next(&self, tip: Option<Oid>) {
        *self.shared.next_tip.lock().expect("no panic under this lock") = tip;
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

/// Waits while writes are held for a push.
fn pass(shared: &Shared) -> Passing<'_> {
    let (passing, waited) = shared.hold.pass();
    shared.metrics.write_hold_seconds.inc_by(waited.as_secs_f64());
    passing
}

fn relative(location: &Location, path: &std::path::Path) -> String {
    path.strip_prefix(&location.work_dir).unwrap_or(path).display().to_string()
}
