//! What the check found in each report, at hand for lists and pages.
//!
//! Derived from the report's file and the rules in force, by their blob ids, so
//! that nothing here can be out of date. The whole of it is made
//! when somebody asks, and kept for a while; a short form of every report is
//! filled in by a thread in the background, of which no write and no start hears,
//! and saved for the next start.
//! Reading markdown takes up to 50 ms, so it is done off the async threads, and
//! never on all cores at once.

mod fill;
mod kept;
mod narrow;
mod saved;
mod short;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use git2::Oid;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

pub use fill::Filler;
pub use narrow::Progress;
pub use short::{Findings, Narrowed, RISKS, Short, risk_word};

use crate::assess::{About, Assessment, assess};
use crate::policy::Enforcement;
use crate::report::front_matter;
use crate::store::policy::PolicyInForce;
use crate::store::snapshot::Entry;
use crate::store::{Store, WriteError};
use kept::Kept;

/// Whole assessments take at most about this many bytes.
const WHOLE_BYTES: u64 = 8 * 1024 * 1024;
/// Whoever waits longer for a turn comes back later.
const PATIENCE: Duration = Duration::from_secs(10);

/// The assessments of the reports in a store.
pub struct Assessments {
    store: Arc<Store>,
    short: Kept,
    /// By report file and rules.
    whole: Cache<(Oid, Oid), Arc<Assessment>, Weight>,
    turns: Arc<Semaphore>,
}

#[derive(Clone)]
struct Weight;

impl Weighter<(Oid, Oid), Arc<Assessment>> for Weight {
    fn weight(&self, _: &(Oid, Oid), assessment: &Arc<Assessment>) -> u64 {
        let texts = assessment.findings.iter().map(|finding| finding.detail.len() + finding.repair.len() + 96);
        (texts.sum::<usize>() + assessment.phases.len() * 64) as u64 + 256
    }
}

impl Assessments {
    pub fn new(store: Arc<Store>) -> Self {
        let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            store,
            short: Kept::default(),
            whole: Cache::with_weighter(1_000, WHOLE_BYTES, Weight),
            turns: Arc::new(Semaphore::new((n_cores / 2).max(1))),
        }
    }

    /// Returns the short form of a report; `None` if it was not read yet by these
    /// rules, or if they do not ask for it.
    pub fn short(&self, entry: &Entry, policy: &PolicyInForce) -> Option<Short> {
        self.short.get(entry.blob, policy.blob).filter(|_| is_on(policy))
    }

    /// Returns what the check finds in a report; nothing if the rules do not ask for it.
    ///
    /// # Errors
    /// [`WriteError::Unavailable`] if others are read for long; [`WriteError::Failed`]
    /// if the file cannot be read.
    pub async fn whole(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        policy: &Arc<PolicyInForce>,
    ) -> Result<Arc<Assessment>, WriteError> {
        if !is_on(policy) {
            return Ok(Arc::default());
        }
        let make = async {
            let (this, entry, policy) = (self.clone(), entry.clone(), policy.clone());
            run(self.turn().await?, move || this.read(&entry, &policy).map(Arc::new)).await
        };
        self.whole.get_or_insert_async(&(entry.blob, policy.blob), make).await
    }

    /// Runs `work`, which assesses a text, when it has a turn.
    ///
    /// # Errors
    /// [`WriteError::Unavailable`] if others are read for long.
    pub async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, WriteError> {
        run(self.turn().await?, move || Ok(work())).await
    }

    /// Reads those of `entries` that were not read yet, one after the other, as
    /// many as `patience` allows.
    ///
    /// # Errors
    /// [`WriteError::Internal`] if reading panicked. A file that cannot be read is
    /// left out.
    pub async fn fill(
        self: &Arc<Self>,
        entries: &[Arc<Entry>],
        policy: &Arc<PolicyInForce>,
        patience: Duration,
    ) -> Result<(), WriteError> {
        let is_unread = |entry: &&Arc<Entry>| self.short(entry, policy).is_none();
        let unread: Vec<_> = entries.iter().filter(is_unread).cloned().collect();
        if unread.is_empty() || !is_on(policy) {
            return Ok(());
        }
        let deadline = Instant::now() + patience;
        let Ok(turn) = timeout(patience, self.turns.clone().acquire_owned()).await else { return Ok(()) };
        let turn = turn.map_err(|_| WriteError::Internal("there are no turns any more"))?;
        let (this, policy) = (self.clone(), policy.clone());
        self.short.follow(&self.store.snapshot());
        run(turn, move || {
            for entry in unread.iter().take_while(|_| Instant::now() < deadline) {
                if let Err(error) = this.read(entry, &policy) {
                    tracing::warn!("Report `{}` cannot be assessed: {error}", entry.report.id);
                }
            }
            Ok(())
        })
        .await
    }

    /// Reads a report, and keeps its short form. Blocks.
    fn read(&self, entry: &Entry, policy: &PolicyInForce) -> Result<Assessment, WriteError> {
        let file = self.store.peek(entry.blob)?;
        let unreadable = |detail: String| WriteError::Failed(Arc::new(std::io::Error::other(detail)));
        let body = front_matter::body(&file).map_err(|fault| unreadable(fault.to_string()))?;
        let text = std::str::from_utf8(body).map_err(|error| unreadable(error.to_string()))?;
        let about = About { server_name: &entry.report.server_name, repository_url: &entry.report.repository_url };
        // Texts come from strangers; one that breaks the reader must not end the thread that reads all.
        let read = catch_unwind(AssertUnwindSafe(|| assess(text, about, &policy.policy.requirements)));
        let assessment = read.map_err(|_| WriteError::Internal("the check of a text panicked"))?;
        self.short.put(entry.blob, policy.blob, Short::of(&assessment));
        Ok(assessment)
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, WriteError> {
        match timeout(PATIENCE, self.turns.clone().acquire_owned()).await {
            Ok(turn) => turn.map_err(|_| WriteError::Internal("there are no turns any more")),
            Err(_) => Err(WriteError::Unavailable("other reports are being checked now; try again".into())),
        }
    }
}

/// Returns whether the rules ask for what the check finds.
pub fn is_on(policy: &PolicyInForce) -> bool {
    policy.policy.enforcement != Enforcement::Off
}

/// Runs `work` off the async threads; the turn is over when it is done, even if
/// nobody waits for it any more.
async fn run<T: Send + 'static>(
    turn: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, WriteError> + Send + 'static,
) -> Result<T, WriteError> {
    let task = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    task.await.map_err(|_| WriteError::Internal("reading a report panicked"))?
}
