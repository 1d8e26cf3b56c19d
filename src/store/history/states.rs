//! Snapshots of commits that are not the tip, for those who ask how it was.

use std::sync::Arc;

use git2::Oid;
use quick_cache::sync::Cache;
use tokio::sync::Mutex;

use super::HistoryError;
use crate::report::validate::BODY_LIMIT_MAX;
use crate::store::repository::Location;
use crate::store::snapshot::Snapshot;
use crate::store::{load, off_async};

/// Kept at most; each can take as much memory as the tip's.
const KEPT_MAX: usize = 4;

pub(in crate::store) struct States {
    location: Location,
    kept: Arc<Cache<Oid, Arc<Snapshot>>>,
    /// Held by the one who reads a whole state: that takes all cores, and two
    /// at once would take twice the memory.
    reading: Arc<Mutex<()>>,
}

impl States {
    pub(in crate::store) fn new(location: Location) -> Self {
        Self { location, kept: Arc::new(Cache::new(KEPT_MAX)), reading: Arc::default() }
    }

    /// Returns the state at `commit`: kept, or read from git.
    pub(super) async fn at(&self, commit: Oid) -> Result<Arc<Snapshot>, HistoryError> {
        if let Some(state) = self.kept.get(&commit) {
            return Ok(state);
        }
        let turn = self.reading.clone().lock_owned().await;
        let (location, kept) = (self.location.clone(), self.kept.clone());
        // The turn goes with the work: a caller that leaves does not end it.
        let state = off_async(move || {
            let _turn = turn;
            if let Some(state) = kept.get(&commit) {
                return Ok(state);
            }
            let read = || load::snapshot(&location, commit, BODY_LIMIT_MAX);
            // Upkeep may replace a pack in the middle; the second attempt opens the new one.
            let state = read().or_else(|_| read())?;
            let state = Arc::new(state);
            kept.insert(commit, state.clone());
            Ok::<_, git2::Error>(state)
        })
        .await??;
        Ok(state)
    }
}
