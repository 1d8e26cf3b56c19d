//! Floor 1, the truth: the reports repository and the only code that commits.
//!
//! A change is drafted by the caller's thread, committed by the one writer, and
//! acknowledged when its commit is at the tip of the branch, on disk. Reads come
//! from an immutable snapshot of the tip and never wait for a writer. Nothing
//! here knows of HTTP or of the work tree's files.

mod absorb;
pub mod activity;
mod announced;
mod batch;
mod blobs;
mod branch;
pub mod build;
pub mod check;
pub(crate) mod cores;
mod deflated;
mod dense;
mod draft;
mod edit;
pub mod feed;
mod form;
pub mod history;
mod hold;
pub mod hooks;
mod join;
mod lag;
mod leftovers;
mod line;
mod load;
mod lock;
mod message;
pub(crate) mod nursery;
mod object;
mod open;
mod outside;
pub(crate) mod own_locks;
mod pack;
mod packs;
mod plan;
pub mod policy;
mod preview;
pub mod problem;
mod repair;
pub mod repository;
pub mod rewind;
mod saved;
mod served;
mod shared;
pub(crate) mod size;
mod slip;
pub mod snapshot;
mod stop_mark;
mod template;
mod trail;
mod trails;
mod tree;
mod upkeep;
pub mod verify;
mod walk;
mod writer;
mod written;

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::TrySendError;
use git2::{Oid, Repository};
use tokio::sync::oneshot;

pub use announced::Announced;
pub use draft::{Change, Expected};
pub use edit::HandEdit;
pub use form::Form;
pub use load::{is_report_path, stray_fault};
pub use message::Via;
pub use object::blob_id;
pub use open::Opening;
pub use outside::person;
pub use preview::Preview;
pub use written::{FileChange, Published, WriteError, Written};

use crate::failpoint::failpoint;
use batch::{Command, Write};
use draft::Outcome;
use lock::OwnerLock;
use problem::Problem;
use repository::Location;
use shared::{AtHand, Shared};
use snapshot::Snapshot;

/// Writes that may wait at once; one more is told to come back.
const QUEUE_MAX: usize = 1024;
/// Writes that are held at once for a push.
const HELD_MAX: i64 = 512;

/// The reports repository, opened and owned.
pub struct Store {
    shared: Arc<Shared>,
    opened_at: Oid,
    /// No file of the work tree can be cut, or none is any more.
    is_whole: AtomicBool,
    opening: Opening,
    /// `None` once the store is closed.
    commands: Mutex<Option<crossbeam_channel::Sender<Command>>>,
    threads: Mutex<Option<Threads>>,
    /// Until the last user of the store is done, the work tree's thread included.
    _lock: OwnerLock,
}

/// The threads behind a store, to be joined after it is closed.
struct Threads {
    writer: JoinHandle<()>,
    /// With what stops it.
    upkeep: Option<(JoinHandle<()>, Sender<()>)>,
}

impl Store {
    /// Starts to keep the number of packs small. Called once.
    pub fn start_upkeep(&self) {
        let (stop, stopped) = channel();
        let (location, shared) = (self.location().clone(), self.shared.clone());
        let thread = spawn("upkeep", move || upkeep::run(&location, &shared, &stopped));
        let thread = thread.expect("a thread can be started at start");
        if let Some(threads) = self.threads.lock().expect("no panic under this lock").as_mut() {
            threads.upkeep = Some((thread, stop));
        }
    }

    /// Returns the state of the tip, as it was served last.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot.load_full()
    }

    /// Returns the tip that was found when the repository was opened.
    pub fn opened_at(&self) -> Oid {
        self.opened_at
    }

    /// Returns how the state was read.
    pub fn opening(&self) -> Opening {
        self.opening
    }

    /// Returns whether no file of the work tree can have been cut by a power loss, or
    /// whatever was is repaired.
    pub fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Acquire)
    }

    /// Notes that every file of the work tree was looked at after a power loss.
    pub fn is_repaired(&self) {
        stop_mark::is_repaired(self.location());
        self.is_whole.store(true, Ordering::Release);
    }

    /// Returns whether history was rewound or replaced, and nobody said yet what counts.
    pub fn is_rewound(&self) -> bool {
        self.shared.is_rewound.load(Ordering::Acquire)
    }

    /// Returns whether the branch is where the service put it: nobody else moved it
    /// without being noticed yet. Blocks.
    pub fn is_at_tip(&self) -> bool {
        let location = self.location();
        let tip = self.shared.blobs.with_git(|git| Ok(branch::tip(location, git).ok().flatten()));
        // In this order: what is next no more is published.
        let next = *self.shared.next_tip.lock().expect("no panic under this lock");
        tip.is_ok_and(|tip| tip.is_some() && (tip == next || tip == Some(self.snapshot().commit)))
    }

    /// Returns where the repository is.
    pub fn location(&self) -> &Location {
        &self.shared.location
    }

    /// Returns how many bytes a text may have.
    pub fn body_limit_bytes(&self) -> usize {
        self.shared.body_limit_bytes
    }

    /// Returns why writes cannot be accepted now, or `None`.
    pub fn obstacle(&self) -> Option<Arc<WriteError>> {
        self.shared.obstacle.load_full()
    }

    /// Returns where everything is told that is committed from now on, for the one
    /// who brings the work tree forward.
    pub fn listen(&self) -> Arc<Announced> {
        self.shared.announced.begin();
        self.shared.announced.clone()
    }

    /// Returns whether something was not told there since the last call.
    pub fn take_missed(&self) -> bool {
        self.shared.announced.take_missed()
    }

    /// Makes `change`. When it returns, its commit is at the tip and on disk.
    ///
    /// # Errors
    /// [`WriteError`]; nothing has changed then. A caller that drops the future
    /// does not take the change back.
    pub async fn write(&self, change: Change, via: Via) -> Result<Written, WriteError> {
        let snapshot = self.snapshot();
        let (change, outcome) = match self.shared.at_hand(&change, &snapshot) {
            AtHand::No => {
                let shared = self.shared.clone();
                off_async(move || {
                    let outcome = shared.draft(&change, &snapshot, via, &AtHand::No);
                    (change, outcome)
                })
                .await?
            }
            at_hand => {
                let outcome = self.shared.draft(&change, &snapshot, via, &at_hand);
                (change, outcome)
            }
        };
        let draft = match outcome {
            // Whether it still is so, the writer knows, who looks at the branch.
            Ok(Outcome::Unchanged(_)) | Err(WriteError::NotAllowed(_)) => None,
            Ok(Outcome::Commit(draft)) => Some(draft),
            Err(error) => return Err(error),
        };
        let (reply, answer) = oneshot::channel();
        self.enqueue(Command::Write(Write { change, via, draft, reply }))?;
        answer.await.map_err(|_| WriteError::Internal("the writer is gone"))?
    }

    /// Takes in a file that a person saved in the work tree. One that cannot be
    /// accepted becomes a problem of the snapshot, one that can ends it. Blocks.
    ///
    /// # Errors
    /// [`WriteError::Problem`]; others are not the file's fault.
    pub fn take_in(&self, edit: HandEdit) -> Result<Written, WriteError> {
        let change = Change::Edit(edit);
        let draft = match self.shared.draft(&change, &self.snapshot(), Via::HandEdit, &AtHand::No) {
            Ok(Outcome::Commit(draft)) => Some(draft),
            // The writer says it, and notes it.
            _ => None,
        };
        let (reply, answer) = oneshot::channel();
        self.enqueue(Command::Write(Write { change, via: Via::HandEdit, draft, reply }))?;
        answer.blocking_recv().map_err(|_| WriteError::Internal("the writer is gone"))?
    }

    /// Notes what is wrong with the file at `path` in the work tree; `None` if
    /// nothing is any more.
    pub fn note_edit(&self, path: &str, problem: Option<Problem>) {
        if problem.is_none() && self.snapshot().edit_problem(path).is_none() {
            return;
        }
        self.tell(Command::Note { path: path.to_owned(), problem: problem.map(Box::new) });
    }

    /// Has the writer look at the branch now, after others moved it, and waits
    /// until it did. A writer with a full queue will look soon anyway.
    pub async fn look(&self) {
        let (done, looked) = oneshot::channel();
        self.tell(Command::Look(done));
        // The writer answers by dropping its end.
        let _ = looked.await;
    }

    /// Has what git took of a push on disk for good: it syncs the files, and not the
    /// folders that name them.
    ///
    /// # Errors
    /// The file system's; then it is not known whether the push is stored.
    pub async fn sync_push(&self) -> io::Result<()> {
        let location = self.location().clone();
        let sync = move || {
            File::open(location.pack_dir())?.sync_all()?;
            branch::sync(&location)
        };
        off_async(sync).await.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    /// Holds writes for `at_most`, so that a push that is under way lands; a hold
    /// that is in force goes on for so long. When it returns, none is under way.
    ///
    /// # Errors
    /// The time after which it can be asked for again: holds are a small part of
    /// all time. Nothing is held now.
    pub async fn hold(&self, at_most: Duration) -> Result<(), Duration> {
        let shared = self.shared.clone();
        off_async(move || shared.hold.begin(at_most)).await.unwrap_or(Ok(()))
    }

    /// Lets writes go on; returns whether they were held until now.
    pub fn end_hold(&self) -> bool {
        self.shared.hold.end()
    }

    /// Returns whether the hook that checks pushes is in place.
    pub async fn checks_pushes(&self) -> bool {
        let hook = self.location().hooks_dir().join("pre-receive");
        off_async(move || rustix::fs::access(&hook, rustix::fs::Access::EXEC_OK).is_ok()).await.unwrap_or(false)
    }

    /// Notes that git's index holds these blobs now.
    pub fn index_is_at<'a>(&self, blobs: impl Iterator<Item = (&'a str, Option<Oid>)>) {
        let mut lag = self.shared.lag.lock().expect("no panic under this lock");
        blobs.for_each(|(path, blob)| lag.brought_forward(path, blob));
    }

    /// Nobody waits for an answer; a full queue means that the writer is awake,
    /// and what was not noted is found again.
    fn tell(&self, command: Command) {
        if let Some(commands) = self.commands.lock().expect("no panic under this lock").as_ref() {
            let _ = commands.try_send(command);
        }
    }

    /// Returns whether many writes wait for their commit: what is not for them can wait.
    pub fn is_busy(&self) -> bool {
        self.shared.is_busy()
    }

    fn enqueue(&self, command: Command) -> Result<(), WriteError> {
        let commands = self.commands.lock().expect("no panic under this lock");
        let commands = commands.as_ref().ok_or_else(|| WriteError::Unavailable("the service is stopping".into()))?;
        let n_waiting = self.shared.metrics.write_queue.inc();
        // Nobody is refused for the sake of a push.
        if n_waiting >= HELD_MAX {
            self.shared.hold.end();
        }
        commands.try_send(command).map_err(|error| {
            self.shared.metrics.write_queue.dec();
            match error {
                TrySendError::Full(_) => WriteError::Busy,
                TrySendError::Disconnected(_) => WriteError::Internal("the writer is gone"),
            }
        })
    }

    /// Returns a report file by its blob id.
    ///
    /// # Errors
    /// [`WriteError::Failed`] if git cannot read it.
    pub async fn file(&self, blob: Oid) -> Result<Arc<[u8]>, WriteError> {
        if let Some(file) = self.shared.blobs.cached(blob) {
            return Ok(file);
        }
        let shared = self.shared.clone();
        off_async(move || shared.read_file(blob)).await?
    }

    /// Returns a report file by its blob id, without keeping it in memory. Blocks.
    ///
    /// # Errors
    /// [`WriteError::Failed`] if git cannot read it.
    pub fn peek(&self, blob: Oid) -> Result<Arc<[u8]>, WriteError> {
        let named = |error| std::io::Error::other(format!("blob `{blob}`: {error}"));
        self.shared.blobs.peek(blob).map_err(|error| WriteError::Failed(Arc::new(named(error))))
    }

    /// Finishes the writes that were accepted and refuses others. The listener hears of the last one and then of the end. Blocks.
    pub fn close(&self) {
        drop(self.commands.lock().expect("no panic under this lock").take());
        let Some(threads) = self.threads.lock().expect("no panic under this lock").take() else { return };
        self.shared.hold.end();
        let upkeep = threads.upkeep.map(|(thread, stop)| {
            drop(stop);
            thread
        });
        for thread in std::iter::once(threads.writer).chain(upkeep) {
            if thread.join().is_err() {
                tracing::error!("A thread of the store panicked");
            }
        }
        failpoint!("stop.drained");
        self.shared.note_served();
        failpoint!("stop.noted");
        self.shared.save_snapshot(&|| {});
        failpoint!("stop.saved");
        if self.is_whole() {
            stop_mark::set(&self.shared.location);
        }
        failpoint!("stop.marked");
        self.shared.announced.close();
    }
}

/// Returns the files that differ between two root trees, by their paths, and the blob of
/// each after it, if any. By hand, folder by folder: libgit2's own took ten times as long.
///
/// # Errors
/// libgit2's, if a tree is missing.
pub fn changed_blobs(git: &Repository, before: Oid, after: Oid) -> Result<Vec<(String, Option<Oid>)>, git2::Error> {
    let changed = check::Trees::new(git).changed(Some(before), Some(after))?;
    Ok(changed.into_iter().map(|file| (file.name(), file.after.map(|item| item.id))).collect())
}

/// Starts a thread that the service cannot do without: if it panics, what it knew is
/// gone, so the process ends, and the next start repairs what it left.
///
/// # Errors
/// The system has no more threads.
pub(crate) fn spawn(name: &'static str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    let run = move || {
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
            tracing::error!("The thread `{name}` panicked, so the service ends; start it again");
            std::process::exit(1);
        }
    };
    std::thread::Builder::new().name(name.into()).spawn(run)
}

/// Runs `work`, which reads files or computes for long, off the async threads.
async fn off_async<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, WriteError> {
    let span = tracing::Span::current();
    let task = tokio::task::spawn_blocking(move || span.in_scope(work));
    task.await.map_err(|_| WriteError::Internal("a blocking task panicked"))
}
