//! Fills in the short form of every report, in the background: first what waits
//! for a decision, then all others, the newest first, and from then on what
//! commits bring.
//!
//! It takes a tenth of a core at most, a quarter of that while many wait for answers, and
//! hears of commits by a feed, for which no writer waits. What somebody asks for meanwhile
//! is read beside it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use git2::Oid;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::{Assessments, is_on};
use crate::metrics::Metrics;
use crate::report::Status;
use crate::store::feed::{Feed, News};
use crate::store::snapshot::{Cursor, Entry, ListQuery, Snapshot};

/// Of all time, one part in so many is work.
const SHARE: u32 = 10;
/// While many ask, or many writes wait: they need the processors more.
const SHARE_BUSY: u32 = 40;
/// So many requests in a second are many.
const REQUESTS_MANY: f64 = 1000.0;
/// It works for so long before it rests; a long report takes longer.
const WORK_MAX: Duration = Duration::from_millis(5);
/// Commits that come in one after the other wake it no more often than this.
const REST_MIN: Duration = Duration::from_millis(50);
/// A service that stops waits for it no longer than this.
const REST_MAX: Duration = Duration::from_secs(1);
/// Reports that are looked at together.
const PAGE: usize = 200;
/// Saved after so many were read, or such a part of all.
const SAVE_MIN: usize = 500;
const SAVE_SHARE: usize = 10;
/// More news than these, and all reports are gone through again.
const NEWS_MAX: usize = 10_000;

/// The work of the thread.
pub struct Filler {
    assessments: Arc<Assessments>,
    feed: Feed,
    /// The rules that all is read by.
    policy: Oid,
    /// Reports that commits changed.
    news: VecDeque<Uuid>,
    sweep: Option<Sweep>,
    demand: Demand,
    /// Since when it is busy, and what it read since.
    busy: Option<(Instant, usize)>,
    /// Read since the last time all was saved.
    n_unsaved: usize,
}

/// A way through all reports: those that wait, then all.
struct Sweep {
    status: Option<Status>,
    /// No more of them are in this status.
    is_over: bool,
    after: Option<Cursor>,
    /// Of the page that it is at.
    entries: VecDeque<Arc<Entry>>,
}

impl Filler {
    /// Starts the thread; it ends when the store's feeds do.
    ///
    /// # Errors
    /// The system's, if it has no thread left.
    pub fn start(
        assessments: Arc<Assessments>,
        metrics: Arc<Metrics>,
        runtime: Handle,
    ) -> std::io::Result<JoinHandle<()>> {
        let (feed, policy) = (assessments.store.feed(None), assessments.store.snapshot().policy.blob);
        let (news, sweep) = (VecDeque::new(), Some(Sweep::start()));
        let demand = Demand { seen: (Instant::now(), metrics.received.load(Ordering::Relaxed)), metrics };
        let filler = Self { assessments, feed, policy, news, sweep, demand, busy: None, n_unsaved: 0 };
        std::thread::Builder::new().name("assessments".into()).spawn(move || filler.run(&runtime))
    }

    fn run(mut self, runtime: &Handle) {
        let store = self.assessments.store.clone();
        let n_saved = self.assessments.short.take_over(store.location(), &store.snapshot());
        if n_saved > 0 {
            tracing::info!("Took over {n_saved} assessments");
        }
        loop {
            let start = Instant::now();
            let has_more = self.work(start + WORK_MAX);
            let share = if self.demand.is_high() || store.is_busy() { SHARE_BUSY } else { SHARE };
            let rest = (start.elapsed() * (share - 1)).clamp(REST_MIN, REST_MAX);
            let goes_on = runtime.block_on(async {
                // Woken by nobody meanwhile.
                sleep(rest).await;
                if has_more { self.hear_what_is_there().await } else { self.hear().await }
            });
            if !goes_on {
                return self.save(1);
            }
        }
    }

    /// Waits for the next news; returns whether the service goes on.
    async fn hear(&mut self) -> bool {
        let Some(news) = self.feed.next().await else { return false };
        self.note(&news);
        self.hear_what_is_there().await
    }

    /// Takes all news that are there; returns whether the service goes on.
    async fn hear_what_is_there(&mut self) -> bool {
        loop {
            match timeout(Duration::ZERO, self.feed.next()).await {
                Ok(Some(news)) => self.note(&news),
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
    }

    fn note(&mut self, news: &News) {
        match news {
            News::Commit(committed) => self.news.extend(committed.reports.iter().map(|changed| changed.id)),
            News::Reset { .. } => self.sweep = Some(Sweep::start()),
            News::Problems { .. } => {}
        }
        if self.news.len() > NEWS_MAX {
            self.news.clear();
            self.sweep = Some(Sweep::start());
        }
    }

    /// Reads until `deadline`; returns whether there is more to read.
    fn work(&mut self, deadline: Instant) -> bool {
        let snapshot = self.assessments.store.snapshot();
        self.assessments.short.follow(&snapshot);
        if snapshot.policy.blob != self.policy {
            self.policy = snapshot.policy.blob;
            self.sweep = Some(Sweep::start());
        }
        if !is_on(&snapshot.policy) {
            (self.sweep, self.busy) = (None, None);
            self.news.clear();
            return false;
        }
        self.save(SAVE_MIN.max(snapshot.len() / SAVE_SHARE));
        while Instant::now() < deadline {
            let Some(entry) = self.next(&snapshot) else {
                self.tell(&snapshot);
                return false;
            };
            if self.assessments.short(&entry, &snapshot.policy).is_some() {
                continue;
            }
            let (_, n_read) = self.busy.get_or_insert((Instant::now(), 0));
            *n_read += 1;
            self.n_unsaved += 1;
            if let Err(error) = self.assessments.read(&entry, &snapshot.policy) {
                tracing::warn!(report.id = %entry.report.id, "Report `{}` cannot be assessed: {error}", entry.report.id);
            }
        }
        true
    }

    /// Saves what was read, if it is as much.
    fn save(&mut self, n_min: usize) {
        if self.n_unsaved < n_min {
            return;
        }
        self.n_unsaved = 0;
        if let Err(error) = self.assessments.short.save(self.assessments.store.location()) {
            tracing::debug!("Assessments could not be saved for the next start: {error}");
        }
    }

    /// Returns the report to look at next.
    fn next(&mut self, snapshot: &Snapshot) -> Option<Arc<Entry>> {
        while let Some(id) = self.news.pop_front() {
            // One that is gone needs no look.
            if let Some(entry) = snapshot.get(id) {
                return Some(entry.clone());
            }
        }
        loop {
            let sweep = self.sweep.as_mut()?;
            if let Some(entry) = sweep.entries.pop_front() {
                return Some(entry);
            }
            if !sweep.turn_page(snapshot) {
                self.sweep = None;
            }
        }
    }

    /// Says what it did, now that nothing is left to do.
    fn tell(&mut self, snapshot: &Snapshot) {
        let Some((since, n_read)) = self.busy.take() else { return };
        let duration_ms = since.elapsed().as_secs_f64() * 1000.0;
        let policy = &snapshot.policy.blob;
        if n_read > 1 {
            tracing::info!(duration_ms, %policy, "Assessed {n_read} reports in {duration_ms:.0} ms");
        } else {
            tracing::debug!(duration_ms, %policy, "Assessed {n_read} report in {duration_ms:.0} ms");
        }
    }
}

/// How much clients ask for.
struct Demand {
    metrics: Arc<Metrics>,
    /// When it was looked at last, and how many requests had come.
    seen: (Instant, u64),
}

impl Demand {
    /// Returns whether many asked since the last look.
    fn is_high(&mut self) -> bool {
        let now = (Instant::now(), self.metrics.received.load(Ordering::Relaxed));
        let (at, n_before) = std::mem::replace(&mut self.seen, now);
        (now.1 - n_before) as f64 > REQUESTS_MANY * at.elapsed().as_secs_f64()
    }
}

impl Sweep {
    fn start() -> Self {
        Self { status: Some(Status::PendingReview), is_over: false, after: None, entries: VecDeque::new() }
    }

    /// Goes on to the next reports; returns whether there are any.
    fn turn_page(&mut self, snapshot: &Snapshot) -> bool {
        loop {
            if self.is_over {
                if self.status.is_none() {
                    return false;
                }
                (self.status, self.is_over) = (None, false);
            }
            let after = self.after.take();
            let page = snapshot.page(&ListQuery { status: self.status, after, limit: PAGE, ..ListQuery::default() });
            (self.is_over, self.after) = (page.next.is_none(), page.next);
            self.entries.extend(page.entries);
            if !self.entries.is_empty() {
                return true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demand_is_high_while_many_ask() {
        let metrics = Arc::new(Metrics::default());
        let long_ago = || Instant::now().checked_sub(Duration::from_secs(1)).expect("a while ago");
        let mut demand = Demand { metrics: metrics.clone(), seen: (long_ago(), 0) };
        metrics.received.fetch_add(500, Ordering::Relaxed);
        assert!(!demand.is_high());
        metrics.received.fetch_add(2000, Ordering::Relaxed);
        demand.seen.0 = long_ago();
        assert!(demand.is_high());
        assert!(!demand.is_high(), "nobody asked since");
    }
}
