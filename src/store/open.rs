//! Opens a store: what a crash left is removed, the state is read, and what others committed
//! since is taken in, before the first write.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};
use crossbeam_channel::bounded;
use git2::{Oid, Repository};
use tokio::sync::watch;

use super::blobs::Blobs;
use super::history::States;
use super::hold::Hold;
use super::lag::Lag;
use super::lock::OwnerLock;
use super::repository::{Location, OpenError};
use super::shared::Shared;
use super::snapshot::Snapshot;
use super::writer::Writer;
use super::{QUEUE_MAX, Store, Threads, spawn};
use super::{absorb, check, hooks, leftovers, load, repository, saved, served, stop_mark};
use crate::failpoint::failpoint;
use crate::metrics::Metrics;
use crate::report::validate::BODY_LIMIT_MAX;

/// How the state was read when the store was opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// From what the service before saved, and not from git.
    pub is_saved: bool,
    pub took: Duration,
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
            announced: Arc::default(),
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
}

/// Returns the state at `commit`, and the commit whose state was saved and used, if one was.
fn read_snapshot(location: &Location, git: &Repository, commit: Oid) -> Result<(Snapshot, Option<Oid>), git2::Error> {
    match saved::at(location, git, commit) {
        Some((snapshot, saved)) => Ok((snapshot, Some(saved))),
        None => Ok((load::snapshot(location, commit, BODY_LIMIT_MAX)?, None)),
    }
}
