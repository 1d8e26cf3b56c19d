//! A list narrowed by what the check found: what was not read yet is read now,
//! as far as that takes no long time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{Assessments, Narrowed, Short, is_on};
use crate::store::WriteError;
use crate::store::policy::PolicyInForce;
use crate::store::snapshot::{Condition, Entry, ListQuery, Snapshot};

/// So many reports are read for one list.
const AT_ONCE_MAX: usize = 250;
/// And for so long.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many of the reports that a list could hold were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub n_read: usize,
    pub n_all: usize,
}

impl Progress {
    /// Returns whether nothing is missing from the list.
    pub const fn is_whole(self) -> bool {
        self.n_read == self.n_all
    }
}

/// What was asked of the condition.
#[derive(Default)]
struct Asked {
    n_all: AtomicUsize,
    n_unread: AtomicUsize,
    /// The first of them.
    unread: Mutex<Vec<Arc<Entry>>>,
}

impl Assessments {
    /// Returns `query` narrowed, and how many of the reports that `probe` asks it
    /// about were read; those that were not are left out.
    ///
    /// # Errors
    /// [`WriteError::Internal`] if reading panicked.
    pub async fn narrow(
        self: &Arc<Self>,
        snapshot: &Arc<Snapshot>,
        query: ListQuery,
        narrowed: Narrowed,
        probe: fn(&Snapshot, &ListQuery),
    ) -> Result<(ListQuery, Progress), WriteError> {
        if narrowed.is_idle() {
            return Ok((query, Progress { n_read: 0, n_all: 0 }));
        }
        let policy = &snapshot.policy;
        let query = |asked| {
            let condition = self.condition(policy, narrowed, asked);
            ListQuery { condition: Some(condition), ..query.clone() }
        };
        let probe = || {
            let asked = Arc::new(Asked::default());
            probe(snapshot, &query(Some(asked.clone())));
            asked
        };
        let mut asked = probe();
        if asked.n_unread.load(Ordering::Relaxed) > 0 {
            let unread = std::mem::take(&mut *asked.unread.lock().unwrap_or_else(PoisonError::into_inner));
            self.fill(&unread, policy, PATIENCE).await?;
            asked = probe();
        }
        let n_all = asked.n_all.load(Ordering::Relaxed);
        let n_read = n_all - asked.n_unread.load(Ordering::Relaxed);
        Ok((query(None), Progress { n_read, n_all }))
    }

    /// Returns what a report has to be; notes in `asked` which were not read.
    fn condition(
        self: &Arc<Self>,
        policy: &Arc<PolicyInForce>,
        narrowed: Narrowed,
        asked: Option<Arc<Asked>>,
    ) -> Condition {
        let (this, policy) = (self.clone(), policy.clone());
        Condition::new(move |entry| {
            // Nothing is asked for, so nothing is found.
            let short = if is_on(&policy) { this.short(entry, &policy) } else { Some(Short::default()) };
            if let Some(asked) = &asked {
                asked.note(entry, short.is_some());
            }
            short.is_some_and(|short| narrowed.passes(short))
        })
    }
}

impl Asked {
    fn note(&self, entry: &Arc<Entry>, is_read: bool) {
        self.n_all.fetch_add(1, Ordering::Relaxed);
        if is_read {
            return;
        }
        if self.n_unread.fetch_add(1, Ordering::Relaxed) < AT_ONCE_MAX {
            self.unread.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
        }
    }
}
