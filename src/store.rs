//! Floor 1, the truth: the reports repository and the only code that commits.
//!
//! A change is drafted by the caller's thread, committed by the one writer, and
//! acknowledged when its commit is at the tip of the branch, on disk. Reads come
//! from an immutable snapshot of the tip and never wait for a writer. Nothing
//! here knows of HTTP or of the work tree's files.

mod absorb;
pub mod activity;
mod batch;
mod blobs;
mod branch;
pub mod build;
pub mod check;
pub(crate) mod cores;
mod dense;
mod draft;
mod edit;
pub mod feed;
mod form;
pub mod history;
mod hold;
pub mod hooks;
mod lag;
mod leftovers;
mod line;
mod load;
mod lock;
mod merge;
mod message;
pub(crate) mod nursery;
mod object;
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

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use crossbeam_channel::{TrySendError, bounded};
use git2::{Oid, Repository};
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

pub use draft::{Change, Expected};
pub use edit::HandEdit;
pub use form::Form;
pub use load::{is_report_path, stray_fault};
pub use message::Via;
pub use object::blob_id;
pub use outside::person;
pub use preview::Preview;

use crate::assess::Finding;
use crate::failpoint::failpoint;
use crate::metrics::Metrics;
use crate::policy::rules::Breach;
use crate::report::fault::Fault;
use crate::report::validate::BODY_LIMIT_MAX;
use batch::{Command, Write};
use blobs::Blobs;
use draft::Outcome;
use history::States;
use hold::Hold;
use lag::Lag;
use lock::OwnerLock;
use policy::PolicyInForce;
use problem::Problem;
use repository::{Location, OpenError};
use shared::Shared;
use snapshot::{Entry, Snapshot};
use writer::Writer;

/// Writes that may wait at once; one more is told to come back.
const QUEUE_MAX: usize = 1024;
/// Writes that are held at once for a push.
const HELD_MAX: i64 = 512;
/// Batches that the work tree may be behind before it has to compare by itself.
const ANNOUNCED_MAX: usize = 64;

/// Why a write was not made. Nothing has changed, but for [`WriteError::Unknown`].
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    #[error("report `{0}` not found")]
    NotFound(Uuid),
    /// A plain submission for a repository whose report is not rejected.
    #[error("report `{}` exists and is `{}`", .0.report.id, .0.report.status)]
    Exists(Arc<Entry>),
    /// The new revision names another repository than the report is about.
    #[error("report `{}` is about another repository", .0.report.id)]
    OtherRepository(Arc<Entry>),
    #[error("report `{}` is waiting for a decision already", .0.report.id)]
    NothingToReopen(Arc<Entry>),
    /// The report is not the version that the caller has seen.
    #[error("report `{}` was changed meanwhile", .0.report.id)]
    Stale(Arc<Entry>),
    /// The rules in force do not allow it; at least one of them.
    #[error("the policy does not allow it: {}", .0.first().map_or("", |breach| &breach.detail))]
    NotAllowed(Vec<Breach>),
    /// The report's file, or the file that is to become it, cannot be accepted.
    #[error("`{path}` has a problem: {fault}")]
    Problem { path: String, fault: Box<Fault> },
    /// The new text lacks what the rules of the repository ask for: all findings,
    /// and what else is not allowed.
    #[error("the text of the report lacks what is asked for")]
    Lacking { breaches: Vec<Breach>, findings: Vec<Finding> },
    /// With a sentence that names the repair.
    #[error("{0}")]
    Unavailable(String),
    #[error("the disk is full")]
    Full,
    #[error("too many writes are waiting")]
    Busy,
    /// The repository cannot be read or written; the cause is for the log.
    #[error("the reports repository failed: {0}")]
    Failed(Arc<std::io::Error>),
    /// The commit was made, and it is not known whether it is on disk: the one case
    /// in which something may have changed.
    #[error("it is not known whether the write is stored: {0}")]
    Unknown(Arc<std::io::Error>),
    /// A part of the service is gone; a restart is needed.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// An acknowledged write.
#[derive(Clone, Debug)]
pub struct Written {
    /// The commit that holds it; for a write that changed nothing, the tip.
    pub commit: Oid,
    pub entry: Arc<Entry>,
    /// The rules that are in force at `commit`.
    pub policy: Arc<PolicyInForce>,
    /// The report file; `None` if nothing changed.
    pub file: Option<Arc<[u8]>>,
}

/// What the work tree has to be told after a batch.
pub struct Published {
    /// The state of the new tip.
    pub snapshot: Arc<Snapshot>,
    pub changes: Vec<FileChange>,
}

/// One file that a commit changed.
#[derive(Clone, Debug)]
pub struct FileChange {
    pub path: Arc<str>,
    /// `None` for a file that is new.
    pub before: Option<Oid>,
    pub blob: Oid,
    pub file: Arc<[u8]>,
}

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

/// How the state was read when the store was opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// From what the service before saved, and not from git.
    pub is_saved: bool,
    pub took: Duration,
}

/// The threads behind a store, to be joined after it is closed.
struct Threads {
    writer: JoinHandle<()>,
    /// With what stops it.
    upkeep: Option<(JoinHandle<()>, Sender<()>)>,
}

impl Store {
    /// Opens the repository at `path`, removes what a crash left there, reads
    /// the state that was served last, takes in what others committed since, and
    /// starts to accept writes. `body_limit_bytes` is for texts that come in by
    /// other ways than [`Store::write`]; what is committed already counts.
    ///
    /// # Errors
    /// [`OpenError`] with a sentence that says what to do.
    pub fn open(path: &Path, metrics: Arc<Metrics>, body_limit_bytes: usize) -> Result<Self, OpenError> {
        // Git does not verify what it reads either; what is served, [`blobs`] does.
        git2::opts::strict_hash_verification(false);
        let location = repository::open(path)?;
        leftovers::remove_odd(&location);
        let lock = OwnerLock::take(&location)?;
        failpoint!("start.locked");
        leftovers::remove(&location);
        failpoint!("start.cleared");
        let is_whole = AtomicBool::new(stop_mark::take(&location));
        failpoint!("start.marked");
        hooks::install(&location);
        failpoint!("start.hooked");
        if let Err(error) = check::limit::note(&location, body_limit_bytes) {
            tracing::warn!("The limit of a report's length could not be noted for pushes: {error}");
        }
        let git_error = |source| OpenError::Git { path: location.work_dir.clone(), source };
        let git = location.open().map_err(git_error)?;
        let tip = git.refname_to_id(&location.branch_ref()).map_err(git_error)?;
        // Not known at the first start, and after it was lost: then the tip is trusted.
        let served = served::read(&git);
        let start = Instant::now();
        let read = read_snapshot(&location, &git, served.unwrap_or(tip));
        let damaged = |source| OpenError::of_objects(&location.work_dir, source);
        let (mut snapshot, saved) = read.map_err(damaged)?;
        snapshot.make_dense();
        failpoint!("start.read");
        let opening = Opening { is_saved: saved.is_some(), took: start.elapsed() };
        snapshot.problems().for_each(|(path, problem)| absorb::log(path, problem));
        let lag = Lag::at_start(&git, snapshot.commit).map_err(git_error)?;
        // And with it the packs that it mapped.
        drop(git);
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            changed: watch::Sender::new(false),
            blobs: Blobs::new(location.clone()),
            states: States::new(location.clone()),
            obstacle: ArcSwapOption::empty(),
            metrics,
            hold: Hold::default(),
            listener: Mutex::default(),
            missed: AtomicBool::new(false),
            is_rewound: AtomicBool::new(false),
            lag: Mutex::new(lag),
            next_tip: Mutex::default(),
            served: Mutex::new(served),
            saved: Mutex::new(saved),
            body_limit_bytes,
            location: location.clone(),
        });
        let (commands, waiting) = bounded(QUEUE_MAX);
        let mut writer = Writer::new(location.clone(), shared.clone()).map_err(git_error)?;
        writer.look_around();
        failpoint!("start.caught-up");
        let io_error = |source| OpenError::Io { path: location.work_dir.clone(), source };
        let writer = spawn("writer", move || writer.run(&waiting)).map_err(io_error)?;
        let threads = Threads { writer, upkeep: None };
        // A start reads trees twice and more. From here on all is read once, and libgit2
        // would keep each commit and tree that it reads: half a kilobyte for every write.
        git2::opts::enable_caching(false);
        let (commands, threads) = (Mutex::new(Some(commands)), Mutex::new(Some(threads)));
        Ok(Self { shared, opened_at: tip, is_whole, opening, commands, threads, _lock: lock })
    }

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

    /// Returns the receiver of everything committed from now on, for the one
    /// who brings the work tree forward. Called once.
    pub fn listen(&self) -> Receiver<Published> {
        let (sender, receiver) = sync_channel(ANNOUNCED_MAX);
        *self.shared.listener.lock().expect("no panic under this lock") = Some(sender);
        receiver
    }

    /// Returns whether the listener missed something since the last call.
    pub fn take_missed(&self) -> bool {
        self.shared.missed.swap(false, Ordering::AcqRel)
    }

    /// Makes `change`. When it returns, its commit is at the tip and on disk.
    ///
    /// # Errors
    /// [`WriteError`]; nothing has changed then. A caller that drops the future
    /// does not take the change back.
    pub async fn write(&self, change: Change, via: Via) -> Result<Written, WriteError> {
        let snapshot = self.snapshot();
        let (change, outcome) = if self.shared.is_quick(&change, &snapshot) {
            let outcome = self.shared.draft(&change, &snapshot, via);
            (change, outcome)
        } else {
            let shared = self.shared.clone();
            off_async(move || {
                let outcome = shared.draft(&change, &snapshot, via);
                (change, outcome)
            })
            .await?
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
        let draft = match self.shared.draft(&change, &self.snapshot(), Via::HandEdit) {
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
        self.shared.save_snapshot(0);
        failpoint!("stop.saved");
        if self.is_whole() {
            stop_mark::set(&self.shared.location);
        }
        failpoint!("stop.marked");
        drop(self.shared.listener.lock().expect("no panic under this lock").take());
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

/// Returns the state at `commit`, and the commit whose state was saved and used, if one was.
fn read_snapshot(location: &Location, git: &Repository, commit: Oid) -> Result<(Snapshot, Option<Oid>), git2::Error> {
    match saved::at(location, git, commit) {
        Some((snapshot, saved)) => Ok((snapshot, Some(saved))),
        None => Ok((load::snapshot(location, commit, BODY_LIMIT_MAX)?, None)),
    }
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
