//! The in-memory view of one commit: every report by id, by path, and in the
//! order of lists. Immutable once published; a new one shares what did not
//! change, so making it costs what changed, not what is stored.

mod by_name;
mod by_path;
mod cursor;
mod entry;
mod fold;
mod lists;
mod owners;
mod problems;
mod query;
mod recent;
mod saved;
mod weeks;

use std::sync::Arc;
use std::thread;

use git2::Oid;
use uuid::Uuid;

pub use cursor::{Cursor, Order};
pub use entry::Entry;
pub use fold::{fold, words};
pub use owners::Owner;
pub(super) use problems::Problems;
pub use query::{Condition, Counts, ListQuery, Page};
pub(super) use recent::RECENT_MAX;
pub use recent::{Changed, Committed};
pub use weeks::WeekCount;

use super::dense::dense;
use super::line::Line;
use super::policy::PolicyInForce;
use crate::report::Status;
use by_path::ByPath;
use lists::Lists;
use owners::Owners;
use recent::Recent;

/// That the service has to set the file of a report right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repair {
    /// The commit that made it necessary.
    pub(super) answers: Oid,
}

/// The state of all reports at one commit.
#[derive(Clone)]
pub struct Snapshot {
    /// The commit that this is the state at.
    pub commit: Oid,
    /// The root tree of `commit`.
    pub tree: Oid,
    /// The rules that are in force.
    pub policy: Arc<PolicyInForce>,
    /// The `golive.yaml` of `tree`, whether it can be read or not.
    pub(super) policy_file: Option<Oid>,
    /// The commits that the branch was at, up to `commit`.
    pub(super) line: Line,
    by_id: imbl::OrdMap<Uuid, Arc<Entry>>,
    by_path: ByPath,
    lists: Lists,
    owners: Owners,
    weeks: weeks::Kept,
    pub(super) problems: Problems,
    recent: Recent,
    repairs: imbl::OrdMap<String, Repair>,
    /// Paths whose file at the tip is not the one of their report; `None` is no file.
    other_files: imbl::OrdMap<String, Option<Oid>>,
}

impl Snapshot {
    pub(super) fn new(commit: Oid, tree: Oid) -> Self {
        Self {
            commit,
            tree,
            policy: Arc::default(),
            policy_file: None,
            line: Line::default(),
            by_id: imbl::OrdMap::new(),
            by_path: ByPath::default(),
            lists: Lists::default(),
            owners: Owners::default(),
            weeks: weeks::Kept::default(),
            problems: Problems::default(),
            recent: Recent::default(),
            repairs: imbl::OrdMap::new(),
            other_files: imbl::OrdMap::new(),
        }
    }

    /// Returns the report with this id.
    pub fn get(&self, id: Uuid) -> Option<&Arc<Entry>> {
        self.by_id.get(&id)
    }

    /// Returns the report whose file is at `path`.
    pub fn at_path(&self, path: &str) -> Option<&Arc<Entry>> {
        self.by_path.get(path)
    }

    /// Returns the blob that is at `path` in the tree of the commit: a report's
    /// version, or a file that could not be accepted.
    pub fn blob_at(&self, path: &str) -> Option<Oid> {
        match self.other_files.get(path) {
            Some(other) => *other,
            None => self.at_path(path).map(|entry| entry.blob),
        }
    }

    /// Returns every report, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.by_path.values()
    }

    /// Returns the number of reports.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns whether there is no report.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Returns the number of reports in `status`.
    pub fn count(&self, status: Status) -> usize {
        self.lists.len(Some(status))
    }

    /// Returns the reports whose file has to be set right.
    pub(super) fn repairs(&self) -> impl Iterator<Item = (&String, &Repair)> {
        self.repairs.iter()
    }

    /// Returns whether `commit` is this one, or one before it.
    pub fn has_been_at(&self, commit: Oid) -> bool {
        self.line.place(commit).is_some()
    }

    /// Goes on to the commit that follows; the caller puts what it changed.
    /// `committed_at` in seconds since 1970.
    pub(super) fn advance(&mut self, commit: Oid, tree: Oid, committed_at: i64) {
        (self.commit, self.tree) = (commit, tree);
        self.line.push(commit, committed_at);
        self.recent.commit(commit, committed_at);
    }

    /// Returns where the commit is on the branch's line.
    fn place(&self) -> usize {
        self.line.len().saturating_sub(1)
    }

    /// Returns how many of the latest commits are known without asking git.
    pub(super) fn n_recent(&self) -> usize {
        self.recent.len()
    }

    /// Returns what the latest `n` commits did, oldest first.
    pub(super) fn recent(&self, n: usize) -> impl Iterator<Item = &Arc<Committed>> {
        self.recent.latest(n)
    }

    /// Adds a report, or replaces the one with the same path.
    pub(super) fn put(&mut self, entry: Arc<Entry>) {
        self.forget_faults(&entry.path);
        match self.by_path.put(entry.clone()) {
            Some(old) => {
                if old.report.id != entry.report.id {
                    self.by_id.remove(&old.report.id);
                }
                self.lists.replace(&old, &entry);
                self.owners.remove(&old);
            }
            None => self.lists.put(&entry),
        }
        self.owners.put(&entry);
        self.recent.change(&entry);
        self.by_id.insert(entry.report.id, entry);
    }

    /// Removes the report at `path` and what was wrong with its file at the tip.
    pub(super) fn remove(&mut self, path: &str) {
        self.forget_faults(path);
        let Some(old) = self.by_path.remove(path) else { return };
        self.by_id.remove(&old.report.id);
        self.lists.remove(&old);
        self.owners.remove(&old);
    }

    fn forget_faults(&mut self, path: &str) {
        self.problems.set_at_tip(path, None, self.place());
        self.repairs.remove(path);
        self.other_files.remove(path);
    }

    /// Takes less memory from here on. Costs some 100 ms at 100,000 reports.
    pub(super) fn make_dense(&mut self) {
        let (lists, by_id, by_path, line) = (&mut self.lists, &mut self.by_id, &mut self.by_path, &mut self.line);
        thread::scope(|scope| {
            scope.spawn(|| lists.make_dense());
            *by_id = dense(by_id);
            by_path.make_dense();
            line.make_dense();
        });
    }

    /// Notes that the file at `path`, `blob` at the tip, has to be set right.
    pub(super) fn put_repair(&mut self, path: String, blob: Option<Oid>, repair: Repair) {
        if self.at_path(&path).is_some_and(|entry| Some(entry.blob) != blob) {
            self.other_files.insert(path.clone(), blob);
        }
        self.repairs.insert(path, repair);
    }
}

#[cfg(test)]
mod tests;
