//! What the latest commits did, kept for those who want to hear of each.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::Oid;
use uuid::Uuid;

use super::Entry;
use crate::report::Status;
use crate::store::load;

/// So many are kept. Who is further behind has to look at everything anyway.
pub(in crate::store) const RECENT_MAX: usize = 1000;

/// A commit of the branch, and the reports that it changed, as they were after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    pub commit: Oid,
    /// Committer time.
    pub at: DateTime<Utc>,
    pub reports: Vec<Changed>,
}

/// A report after a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    pub id: Uuid,
    pub server_name: String,
    pub status: Status,
    pub revision: u32,
}

/// The commits that were added to a snapshot since it was read from git, oldest first.
#[derive(Clone, Default)]
pub(super) struct Recent(imbl::Vector<Arc<Committed>>);

impl Recent {
    pub(super) fn commit(&mut self, commit: Oid, committed_at: i64) {
        self.0.push_back(Arc::new(Committed { commit, at: load::time(committed_at), reports: Vec::new() }));
        if self.0.len() > RECENT_MAX {
            self.0.pop_front();
        }
    }

    /// Notes what the latest commit made of a report. What is read from git, and
    /// not brought by a commit, is no news.
    pub(super) fn change(&mut self, entry: &Entry) {
        let Some(latest) = self.0.back_mut() else { return };
        let report = &entry.report;
        let (id, status, revision) = (report.id, report.status, report.revision);
        let reports = &mut Arc::make_mut(latest).reports;
        reports.retain(|changed| changed.id != id);
        reports.push(Changed { id, server_name: report.server_name.clone(), status, revision });
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the latest `n` of them, oldest first.
    pub(super) fn latest(&self, n: usize) -> impl Iterator<Item = &Arc<Committed>> {
        self.0.iter().skip(self.0.len().saturating_sub(n))
    }
}
