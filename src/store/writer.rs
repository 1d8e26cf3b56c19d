//! The one writer: makes one commit of each command that waits, puts all of them
//! on disk with one flush, and only then answers.
//!
//! While one batch is on its way to disk, commands that arrive are planned on top
//! of it, so that the next is ready when the disk is; a lone command does not wait
//! for company. If a batch could not be put on disk, the one behind it is planned
//! anew. Runs on a thread of its own, as it blocks.

mod catch_up;
mod flusher;

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, never, select};
use git2::{Oid, Repository};

use super::batch::{Batch, Command};
use super::branch::{self, SwapError};
use super::object::Kind;
use super::plan::Plan;
use super::repository::Location;
use super::snapshot::Snapshot;
use super::tree::Trees;
use super::{FileChange, Published, Shared, WriteError};
use crate::failpoint::failpoint;
use flusher::{Flush, Flushed, Flusher};

/// How often an idle writer looks at what others did to the branch.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Somebody who moves the branch again and again cannot hold a batch for ever.
const SWAP_ATTEMPTS: usize = 5;

pub(super) struct Writer {
    location: Location,
    git: Repository,
    /// How often handles had been renewed when `git` was opened.
    n_forgotten: usize,
    trees: Trees,
    shared: Arc<Shared>,
    flusher: Flusher,
    /// The branch was moved, and perhaps not on disk: it has to be before anything rests on it.
    is_unsure: Cell<bool>,
}

/// A batch and what comes of it, if what it was planned on comes true.
struct Planned {
    batch: Batch,
    plan: Plan,
    /// How often it was planned, as others moved the branch.
    n_attempts: usize,
}

impl Writer {
    pub(super) fn new(location: Location, shared: Arc<Shared>) -> Result<Self, git2::Error> {
        let (git, flusher) = (location.open()?, Flusher::start(&location)?);
        Ok(Self { location, git, n_forgotten: 0, trees: Trees::default(), shared, flusher, is_unsure: Cell::default() })
    }

    /// Works until every sender of commands is gone.
    pub(super) fn run(mut self, commands: &Receiver<Command>) {
        let (mut is_closed, closed) = (false, never());
        let mut flight = None;
        let mut next = None;
        loop {
            let Some(on_its_way) = &flight else {
                flight = match commands.recv_timeout(LOOK_INTERVAL) {
                    Ok(first) => self.begin(Batch::gather(first, commands), 1),
                    Err(RecvTimeoutError::Timeout) => self.begin(Batch::default(), 1),
                    Err(RecvTimeoutError::Disconnected) => return,
                };
                continue;
            };
            let has_room = next.as_ref().is_none_or(|next: &Planned| next.batch.has_room());
            let waiting = if has_room && !is_closed { commands } else { &closed };
            select! {
                recv(self.flusher.flushed()) -> flushed => {
                    let flushed = flushed.unwrap_or_else(|_| gone());
                    flight = flight.take().and_then(|flight| self.land(flight, flushed, next.take()));
                }
                recv(waiting) -> command => match command {
                    Ok(command) => {
                        let next = next.get_or_insert_with(|| Planned {
                            batch: Batch::default(),
                            plan: Plan::after(&on_its_way.plan),
                            n_attempts: 1,
                        });
                        self.add(next, command);
                    }
                    Err(_) => is_closed = true,
                },
            }
        }
    }

    /// Takes in what others committed, and sets right what that needs. Blocks
    /// until it is on disk.
    pub(super) fn look_around(&mut self) {
        let mut flight = self.begin(Batch::default(), 1);
        while let Some(planned) = flight.take() {
            let flushed = self.flusher.flushed().recv().unwrap_or_else(|_| gone());
            flight = self.land(planned, flushed, None);
        }
    }

    /// Plans `batch` on the tip as it is now, and sends it on its way; `None` if
    /// there is nothing to put on disk.
    fn begin(&mut self, batch: Batch, n_attempts: usize) -> Option<Planned> {
        self.renew_handle();
        let base = match self.catch_up() {
            Ok(base) => base,
            // What is wrong is kept for `readyz`, too.
            Err(error) => {
                self.note(&batch);
                self.refuse(batch, &error);
                return None;
            }
        };
        let mut plan = Plan::on(&base);
        if let Err(error) = plan.set_right(&self.shared, &mut self.trees, &self.git) {
            self.note(&batch);
            self.refuse(batch, &self.failed(error));
            return None;
        }
        let mut planned = Planned { batch: Batch::default(), plan, n_attempts };
        for command in batch.into_commands() {
            self.add(&mut planned, command);
        }
        self.launch(planned)
    }

    fn add(&mut self, planned: &mut Planned, command: Command) {
        match &command {
            Command::Write(write) => {
                if let Err(error) = planned.plan.write(&self.shared, &mut self.trees, &self.git, write) {
                    planned.plan.results.push(Err(self.failed(error)));
                }
            }
            Command::Note { path, problem } => planned.plan.note(path, problem.as_deref().cloned()),
            Command::Look(_) => {}
        }
        planned.batch.push(command);
    }

    /// Sends a planned batch on its way to disk; `None` if nothing of it is to go there.
    fn launch(&mut self, mut planned: Planned) -> Option<Planned> {
        let plan = &mut planned.plan;
        if plan.changes.is_empty() {
            if plan.has_notes {
                self.shared.serve(Arc::new(plan.snapshot.clone()));
            }
            self.answer(planned);
            return None;
        }
        if let Err(error) = self.check_work_tree() {
            self.shared.set_obstacle(Some(error.clone()));
            self.note(&planned.batch);
            self.refuse(planned.batch, &error);
            return None;
        }
        let waited = self.shared.hold.pass();
        self.shared.metrics.write_hold_seconds.inc_by(waited.as_secs_f64());
        let is_moved = || branch::tip(&self.location, &self.git).is_ok_and(|tip| tip != Some(plan.base));
        if !waited.is_zero() && planned.n_attempts < SWAP_ATTEMPTS && is_moved() {
            // The push landed that this waited for.
            self.shared.hold.passed();
            return self.begin(planned.batch, planned.n_attempts + 1);
        }
        self.shared.metrics.write_batch.observe(plan.changes.len() as f64);
        // Named by their content, so that it does no harm if they never get to disk.
        plan.objects.iter().filter(|object| object.kind == Kind::Blob).for_each(|blob| self.shared.blobs.put(blob));
        let (old, new) = (plan.base, plan.snapshot.commit);
        self.note_next(Some(new));
        failpoint!("write.planned");
        self.flusher.begin(Flush { objects: std::mem::take(&mut plan.objects), old, new });
        Some(planned)
    }

    /// Answers a batch that was on its way, and sends the one behind it. Returns
    /// what is on its way now.
    fn land(&mut self, mut flight: Planned, flushed: Flushed, next: Option<Planned>) -> Option<Planned> {
        let error = match flushed.result {
            Ok(()) => {
                self.shared.metrics.flush_seconds.observe(flushed.took.as_secs_f64());
                failpoint!("write.flushed");
                self.shared.set_obstacle(None);
                self.publish(flight.plan.snapshot.clone(), std::mem::take(&mut flight.plan.changes));
                failpoint!("write.published");
                self.note_next(None);
                self.shared.hold.passed();
                self.answer(flight);
                failpoint!("write.answered");
                self.renew_handle();
                return next.and_then(|next| match next.plan.changes.is_empty() {
                    // What they are told rests on the branch as it is now.
                    true => self.begin(next.batch, 1),
                    false => self.launch(next),
                });
            }
            Err(error) => error,
        };
        self.note_next(None);
        self.shared.hold.passed();
        let mut behind = next.map(|next| next.batch).unwrap_or_default();
        let refusal = match error {
            // Somebody committed in between: plan again on the new tip.
            SwapError::Moved(_) if flight.n_attempts < SWAP_ATTEMPTS => {
                let mut batch = flight.batch;
                batch.append(&mut behind);
                return self.begin(batch, flight.n_attempts + 1);
            }
            SwapError::Moved(_) => WriteError::Unavailable("the branch keeps moving; try again".into()),
            SwapError::Locked(path) => {
                let error = WriteError::Unavailable(format!(
                    "the branch is locked by another git process; try again, or remove `{}` if none runs",
                    relative(&self.location, &path)
                ));
                self.shared.set_obstacle(Some(error.clone()));
                error
            }
            SwapError::Io(error) => self.failed(error),
            SwapError::Unsure(error) => {
                self.is_unsure.set(true);
                let error = WriteError::Unknown(Arc::new(error));
                self.shared.set_obstacle(Some(error.clone()));
                error
            }
        };
        self.note(&flight.batch);
        self.refuse(flight.batch, &refusal);
        if behind.is_empty() { None } else { self.begin(behind, 1) }
    }

    /// Tells each caller what became of its command.
    fn answer(&self, planned: Planned) {
        for (write, result) in planned.batch.writes.into_iter().zip(planned.plan.results) {
            self.shared.metrics.write_queue.dec();
            // A caller that went away has its commit all the same.
            let _ = write.reply.send(result);
        }
    }

    /// Tells each caller that nothing was done.
    fn refuse(&self, batch: Batch, error: &WriteError) {
        for write in batch.writes {
            self.shared.metrics.write_queue.dec();
            let _ = write.reply.send(Err(error.clone()));
        }
    }

    /// Notes what is wrong with files of the work tree, though nothing can be committed.
    fn note(&self, batch: &Batch) {
        let mut plan = Plan::on(&self.shared.snapshot.load());
        batch.notes.iter().for_each(|(path, problem)| plan.note(path, problem.as_deref().cloned()));
        if plan.has_notes {
            self.shared.serve(Arc::new(plan.snapshot));
        }
    }

    /// A handle that stays open keeps packs mapped ([`super::blobs`]).
    fn renew_handle(&mut self) {
        let n_forgotten = self.shared.blobs.n_forgotten();
        if n_forgotten != self.n_forgotten
            && let Ok(git) = self.location.open()
        {
            (self.git, self.n_forgotten) = (git, n_forgotten);
        }
    }

    /// Between the move of the branch and the snapshot's, nobody may take it for another's.
    fn note_next(&self, tip: Option<Oid>) {
        *self.shared.next_tip.lock().expect("no panic under this lock") = tip;
    }

    fn publish(&self, snapshot: Snapshot, changes: Vec<FileChange>) {
        let snapshot = Arc::new(snapshot);
        self.shared.serve(snapshot.clone());
        self.shared.lag.lock().expect("no panic under this lock").committed(&changes);
        self.shared.announced.tell(Published { snapshot, changes });
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

/// Stands for the answer of a thread that is no more.
fn gone() -> Flushed {
    let error = io::Error::other("the thread that writes to disk is gone; restart the service");
    Flushed { result: Err(SwapError::Io(error)), took: Duration::ZERO }
}

fn relative(location: &Location, path: &std::path::Path) -> String {
    path.strip_prefix(&location.work_dir).unwrap_or(path).display().to_string()
}
