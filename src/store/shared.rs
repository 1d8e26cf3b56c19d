//! What the writer, the upkeep and all readers share.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arc_swap::{ArcSwap, ArcSwapOption};
use chrono::Utc;
use git2::Oid;
use tokio::sync::watch;

use super::announced::Announced;
use super::blobs::Blobs;
use super::draft::{Change, Files, Outcome};
use super::history::States;
use super::hold::Hold;
use super::lag::Lag;
use super::message::Via;
use super::repository::Location;
use super::snapshot::Snapshot;
use super::{WriteError, saved, served};
use crate::failpoint::failpoint;
use crate::metrics::Metrics;
use crate::policy::Enforcement;
use crate::report::accepts_submission;

/// So many writes that wait are many.
const BUSY_MIN: i64 = 8;
/// A text that is hashed and compressed where it is.
const QUICK_BYTES_MAX: usize = 16 * 1024;

/// What a draft reads.
pub(super) enum AtHand {
    /// It has to be waited for, or is long.
    No,
    /// There is no file to read.
    Nothing,
    File(Oid, Arc<[u8]>),
}

/// What the writer and its readers share.
pub(super) struct Shared {
    pub(super) snapshot: ArcSwap<Snapshot>,
    /// Wakes whoever listens, for each snapshot; whether listening is over.
    pub(super) changed: watch::Sender<bool>,
    pub(super) blobs: Blobs,
    pub(super) states: States,
    /// Why writes cannot be accepted now, if so.
    pub(super) obstacle: ArcSwapOption<WriteError>,
    pub(super) metrics: Arc<Metrics>,
    /// Holds the writer back while a push lands.
    pub(super) hold: Hold,
    /// For whoever brings the work tree forward.
    pub(super) announced: Arc<Announced>,
    /// The tip does not contain what is served.
    pub(super) is_rewound: AtomicBool,
    /// What git's index can still hold of a time before the tip.
    pub(super) lag: Mutex<Lag>,
    /// The tip that the writer is about to publish; the branch may be there already.
    pub(super) next_tip: Mutex<Option<Oid>>,
    /// The tip that is noted as served.
    pub(super) served: Mutex<Option<Oid>>,
    /// The commit whose state is saved for the next start.
    pub(super) saved: Mutex<Option<Oid>>,
    pub(super) body_limit_bytes: usize,
    pub(super) location: Location,
}

impl Shared {
    /// Answers readers from `snapshot` from now on, and wakes who listens.
    pub(super) fn serve(&self, snapshot: Arc<Snapshot>) {
        self.snapshot.store(snapshot);
        self.changed.send_modify(|_| ());
    }

    /// Reads a report file; blocks.
    pub(super) fn read_file(&self, blob: Oid) -> Result<Arc<[u8]>, WriteError> {
        let named = |error| std::io::Error::other(format!("blob `{blob}`: {error}"));
        self.blobs.read(blob).map_err(|error| WriteError::Failed(Arc::new(named(error))))
    }

    /// Drafts `change`; what is `at_hand` needs not be read.
    pub(super) fn draft(
        &self,
        change: &Change,
        snapshot: &Snapshot,
        via: Via,
        at_hand: &AtHand,
    ) -> Result<Outcome, WriteError> {
        let file = |blob| match at_hand {
            AtHand::File(id, file) if *id == blob => Ok(file.clone()),
            _ => self.read_file(blob),
        };
        let files = Files { read: &file, deflated: &|blob| self.blobs.deflated(blob) };
        change.draft(snapshot, &files, via, self.body_limit_bytes, Utc::now())
    }

    /// Returns what a draft of `change` reads, if it waits for no disk and takes some 100 µs:
    /// to hand it to another thread and back would take a third as long again.
    pub(super) fn at_hand(&self, change: &Change, snapshot: &Snapshot) -> AtHand {
        let (body_len, entry) = match change {
            Change::Submit(submission) => {
                let entry = snapshot.at_path(&submission.key.path());
                (submission.body.len(), entry.filter(|entry| accepts_submission(Some(entry.report.status))))
            }
            Change::Revise { id, submission, .. } => (submission.body.len(), snapshot.get(*id)),
            Change::Decide { id, decision, .. } => {
                (0, snapshot.get(*id).filter(|entry| !entry.report.has_in_force(decision)))
            }
            Change::Edit(_) => return AtHand::No,
        };
        // To hold a text against what it must hold takes longer.
        let is_read = body_len > 0 && snapshot.policy.policy.enforcement == Enforcement::Refuse;
        if is_read || body_len > QUICK_BYTES_MAX {
            return AtHand::No;
        }
        let Some(entry) = entry else { return AtHand::Nothing };
        let file = self.blobs.cached(entry.blob).filter(|file| file.len() <= QUICK_BYTES_MAX);
        file.map_or(AtHand::No, |file| AtHand::File(entry.blob, file))
    }

    /// Notes on disk which tip is served, once all files there say what is served.
    pub(super) fn note_served(&self) {
        let snapshot = self.snapshot.load();
        let mut served = self.served.lock().expect("no panic under this lock");
        if *served == Some(snapshot.commit) || snapshot.repairs().next().is_some() {
            return;
        }
        match served::note(&self.location, snapshot.commit) {
            Ok(()) => *served = Some(snapshot.commit),
            Err(error) => tracing::debug!("`{}` could not be noted: {error}", served::SERVED_REF),
        }
    }

    /// Returns how many commits came since the state was saved; more than there are, if
    /// it was not, or if the branch's line is another.
    pub(super) fn n_unsaved(&self) -> usize {
        let (snapshot, saved) = (self.snapshot.load(), *self.saved.lock().expect("no panic under this lock"));
        let place = saved.and_then(|saved| snapshot.line.place(saved));
        place.map_or(usize::MAX, |place| snapshot.line.len() - 1 - place)
    }

    /// Returns whether many writes wait for their commit: what is not for them can wait.
    pub(super) fn is_busy(&self) -> bool {
        self.metrics.write_queue.get() >= BUSY_MIN
    }

    /// Saves the state for the next start. Calls `pause` every few milliseconds.
    pub(super) fn save_snapshot(&self, pause: &dyn Fn()) {
        let snapshot = self.snapshot.load_full();
        let mut saved = self.saved.lock().expect("no panic under this lock");
        if *saved == Some(snapshot.commit) {
            return;
        }
        let start = Instant::now();
        match saved::save(&self.location, &snapshot, pause) {
            Ok(true) => {
                *saved = Some(snapshot.commit);
                failpoint!("saved.placed");
                let duration_ms = start.elapsed().as_secs_f64() * 1000.0;
                tracing::debug!(duration_ms, "Saved the state of {} reports", snapshot.len());
            }
            Ok(false) => {}
            Err(error) => tracing::debug!("The state could not be saved for the next start: {error}"),
        }
    }

    /// Notes why writes cannot be accepted, and logs it when that changes.
    pub(super) fn set_obstacle(&self, obstacle: Option<WriteError>) {
        let before = self.obstacle.load_full().map(|error| error.to_string());
        match (&before, &obstacle) {
            (None, None) => return,
            (Some(_), None) => tracing::info!("Writes are accepted again"),
            (before, Some(error)) if *before != Some(error.to_string()) => {
                tracing::error!("Writes cannot be accepted: {error}");
            }
            _ => {}
        }
        self.obstacle.store(obstacle.map(Arc::new));
    }

    /// Nothing stands in the way of a write, as far as reading can tell. That
    /// the disk has room again, only writing can tell.
    pub(super) fn clear_obstacle_unless_full(&self) {
        let is_full = matches!(self.obstacle.load().as_deref(), Some(WriteError::Full));
        if !is_full || self.can_write() {
            self.set_obstacle(None);
        }
    }

    pub(super) fn can_write(&self) -> bool {
        let probe = self.location.own_dir().join("probe");
        let written = std::fs::write(&probe, [0; 64 * 1024]).and_then(|()| std::fs::File::open(&probe)?.sync_all());
        let _ = std::fs::remove_file(&probe);
        written.is_ok()
    }
}
