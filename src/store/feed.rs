//! Each commit in turn, for whoever wants to hear of them.
//!
//! There is no queue: a listener remembers the commit that it heard of last, and
//! what came after it stands in the snapshot. So the writer never waits for a
//! listener, and one that is slow, or comes back after a while, misses nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use git2::Oid;
use tokio::sync::watch;

use super::snapshot::{Changed, Committed, Problems, RECENT_MAX, Snapshot};
use super::{Shared, Store, activity, off_async};

/// What a listener hears.
#[derive(Clone, Debug)]
pub enum News {
    Commit(Arc<Committed>),
    /// What was heard of last is not in the history of the branch, or too far
    /// back: everything can be another. What follows comes after `commit`.
    Reset {
        commit: Oid,
    },
    /// The list of files that cannot be accepted is another.
    Problems {
        commit: Oid,
        n_problems: usize,
    },
}

/// A listener's place in the history of the branch.
pub struct Feed {
    shared: Arc<Shared>,
    /// Whether it is over; woken for each snapshot.
    changed: watch::Receiver<bool>,
    last: Oid,
    /// As they were last; `None` if they can have changed since `last`.
    problems: Option<Problems>,
    waiting: VecDeque<News>,
}

impl Store {
    /// Returns a listener who hears of all commits after `after`, or from now on.
    pub fn feed(&self, after: Option<Oid>) -> Feed {
        let changed = self.shared.changed.subscribe();
        let snapshot = self.snapshot();
        let mut feed = Feed {
            shared: self.shared.clone(),
            changed,
            last: snapshot.commit,
            problems: Some(snapshot.problems.clone()),
            waiting: VecDeque::new(),
        };
        if let Some(after) = after {
            match snapshot.line.place(after) {
                Some(_) => feed.last = after,
                None => feed.waiting.push_back(News::Reset { commit: snapshot.commit }),
            }
            feed.problems.take_if(|_| snapshot.line.place(after).is_none_or(|at| snapshot.has_new_problems(at)));
        }
        feed
    }

    /// Ends all listening, so that nobody waits for a service that stops.
    pub fn end_feeds(&self) {
        self.shared.changed.send_replace(true);
    }
}

impl Feed {
    /// Returns the commit after which the next news will be.
    pub fn last(&self) -> Oid {
        self.last
    }

    /// Waits for the next news; `None` if the service stops. May be dropped and
    /// called again.
    pub async fn next(&mut self) -> Option<News> {
        loop {
            // Before the look, so that what comes during it is seen.
            if *self.changed.borrow_and_update() {
                return None;
            }
            if self.waiting.is_empty() {
                self.look().await;
            }
            match self.waiting.pop_front() {
                Some(news) => return Some(news),
                None => self.changed.changed().await.ok()?,
            }
        }
    }

    /// Returns whether there are news that were not taken yet.
    pub fn is_ready(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Returns news that are here already.
    pub fn ready(&mut self) -> Option<News> {
        self.waiting.pop_front()
    }

    async fn look(&mut self) {
        let snapshot = self.shared.snapshot.load_full();
        let commit = snapshot.commit;
        if self.last != commit {
            match self.since(&snapshot).await {
                Some(commits) => self.waiting.extend(commits.into_iter().map(News::Commit)),
                None => self.waiting.push_back(News::Reset { commit }),
            }
            self.last = commit;
        }
        if self.problems.as_ref().is_none_or(|problems| !problems.is(&snapshot.problems)) {
            self.waiting.push_back(News::Problems { commit, n_problems: snapshot.n_problems() });
            self.problems = Some(snapshot.problems.clone());
        }
    }

    /// Returns the commits after the last, or `None` if that cannot be told.
    async fn since(&self, snapshot: &Arc<Snapshot>) -> Option<Vec<Arc<Committed>>> {
        let start = snapshot.line.place(self.last)? + 1;
        let n_missed = snapshot.line.len() - start;
        if n_missed > RECENT_MAX {
            return None;
        }
        let mut commits = Vec::with_capacity(n_missed);
        // Those before the start of the service are in git alone.
        let n_before = n_missed.saturating_sub(snapshot.n_recent());
        if n_before > 0 {
            let (shared, snapshot) = (self.shared.clone(), snapshot.clone());
            let read = move || {
                let read = |git: &git2::Repository| activity::read(git, &snapshot, start, start + n_before);
                shared.blobs.walk(read)
            };
            let before = off_async(read).await.ok().and_then(Result::ok)?;
            commits.extend(before.into_iter().map(|activity| Arc::new(activity.into())));
        }
        commits.extend(snapshot.recent(n_missed - n_before).cloned());
        Some(commits)
    }
}

impl From<activity::Activity> for Committed {
    /// Of a commit on several reports, none is named.
    fn from(activity: activity::Activity) -> Self {
        let activity::Activity { commit, at, report_id, server_name, status, revision, .. } = activity;
        let changed = report_id.zip(server_name).zip(status.zip(revision));
        let changed =
            changed.map(|((id, server_name), (status, revision))| Changed { id, server_name, status, revision });
        Self { commit, at, reports: changed.into_iter().collect() }
    }
}
