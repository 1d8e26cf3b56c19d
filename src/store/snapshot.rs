//! The in-memory view of one commit: every report by id, by path, and in the
//! order of lists. Immutable once published; a new one shares what did not
//! change, so making it costs what changed, not what is stored.

use std::cmp::Reverse;
use std::ops::Bound;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::Oid;
use uuid::Uuid;

use super::line::Line;
use super::problem::Problem;
use super::trail::Trail;
use crate::report::{Report, Status};

/// One report as the snapshot knows it: all but the body.
#[derive(Clone, Debug)]
pub struct Entry {
    pub report: Report,
    /// What the file says, where that is not all: a person's commit need not name
    /// the reviewer, nor count the revision.
    pub file_says: Option<Box<Report>>,
    /// Relative to the root of the repository.
    pub path: String,
    /// The blob of the report file, its version.
    pub blob: Oid,
    /// Committer time of the latest commit that changed the file.
    pub updated_at: DateTime<Utc>,
    /// Every commit that changed the file.
    pub commits: Trail,
}

impl Entry {
    /// Returns what the file says.
    pub fn file_report(&self) -> &Report {
        self.file_says.as_deref().unwrap_or(&self.report)
    }
}

/// That the service has to set the file of a report right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Repair {
    /// The commit that made it necessary.
    pub(super) answers: Oid,
}

/// Place in a list: newest submission first, ties by id, descending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ListKey(Reverse<i64>, Reverse<Uuid>);

impl ListKey {
    /// `submitted_at` in seconds since 1970.
    pub const fn new(submitted_at: i64, id: Uuid) -> Self {
        Self(Reverse(submitted_at), Reverse(id))
    }

    fn of(report: &Report) -> Self {
        Self::new(report.submitted_at.timestamp(), report.id)
    }

    /// Returns the two parts that [`ListKey::new`] takes.
    pub const fn parts(self) -> (i64, Uuid) {
        (self.0.0, self.1.0)
    }
}

type List = imbl::OrdMap<ListKey, Arc<Entry>>;

/// The state of all reports at one commit.
#[derive(Clone)]
pub struct Snapshot {
    /// The commit that this is the state at.
    pub commit: Oid,
    /// The root tree of `commit`.
    pub tree: Oid,
    /// The commits that the branch was at, up to `commit`.
    pub(super) line: Line,
    by_id: imbl::HashMap<Uuid, Arc<Entry>>,
    by_path: imbl::HashMap<String, Arc<Entry>>,
    all: List,
    by_status: [List; 3],
    by_update: imbl::OrdMap<(i64, Uuid), Arc<Entry>>,
    /// Files at the tip that cannot be accepted, and files in the work tree.
    problems: imbl::OrdMap<String, Problem>,
    edit_problems: imbl::OrdMap<String, Problem>,
    repairs: imbl::OrdMap<String, Repair>,
    /// Paths whose file at the tip is not the one of their report; `None` is no file.
    other_files: imbl::HashMap<String, Option<Oid>>,
}

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// `None` for all.
    pub status: Option<Status>,
    /// Only reports that a commit changed at this time or later.
    pub updated_since: Option<DateTime<Utc>>,
    /// Only what stands after this place.
    pub after: Option<ListKey>,
    /// At most so many.
    pub limit: usize,
}

/// A part of a list.
pub struct Page {
    pub entries: Vec<Arc<Entry>>,
    /// How many reports match, on all pages.
    pub n_matching: usize,
    /// Where the next page starts, if there is one.
    pub next: Option<ListKey>,
}

impl Snapshot {
    pub(super) fn new(commit: Oid, tree: Oid) -> Self {
        Self {
            commit,
            tree,
            line: Line::default(),
            by_id: imbl::HashMap::new(),
            by_path: imbl::HashMap::new(),
            all: List::new(),
            by_status: Default::default(),
            by_update: imbl::OrdMap::new(),
            problems: imbl::OrdMap::new(),
            edit_problems: imbl::OrdMap::new(),
            repairs: imbl::OrdMap::new(),
            other_files: imbl::HashMap::new(),
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

    /// Returns what is wrong with the file at `path`, if anything: at the tip, or
    /// else in the work tree.
    pub fn problem(&self, path: &str) -> Option<&Problem> {
        self.problems.get(path).or_else(|| self.edit_problems.get(path))
    }

    /// Returns what is wrong with the file at `path` at the tip, if anything.
    pub(super) fn tip_problem(&self, path: &str) -> Option<&Problem> {
        self.problems.get(path)
    }

    /// Returns what is wrong with the file at `path` in the work tree, if anything.
    pub fn edit_problem(&self, path: &str) -> Option<&Problem> {
        self.edit_problems.get(path)
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
        self.by_status[status as usize].len()
    }

    /// Returns the files that cannot be accepted, by their paths, in order.
    pub fn problems(&self) -> impl Iterator<Item = (&String, &Problem)> {
        let all: imbl::OrdMap<&String, &Problem> = self.edit_problems.iter().chain(self.problems.iter()).collect();
        all.into_iter()
    }

    /// Returns the number of files that cannot be accepted.
    pub fn n_problems(&self) -> usize {
        self.edit_problems.keys().filter(|path| !self.problems.contains_key(*path)).count() + self.problems.len()
    }

    /// Returns the reports whose file has to be set right.
    pub(super) fn repairs(&self) -> impl Iterator<Item = (&String, &Repair)> {
        self.repairs.iter()
    }

    /// Returns the part of the list that `query` asks for. Costs the length of
    /// the page; with `updated_since`, the number of reports changed since then.
    pub fn page(&self, query: &ListQuery) -> Page {
        if let Some(since) = query.updated_since {
            return self.page_of_updates(query, since);
        }
        let list = query.status.map_or(&self.all, |status| &self.by_status[status as usize]);
        let start = query.after.map_or(Bound::Unbounded, Bound::Excluded);
        let found = list.range((start, Bound::Unbounded));
        let entries = found.take(query.limit + 1).map(|(_, entry)| entry.clone()).collect();
        Page::cut(entries, query.limit, list.len())
    }

    fn page_of_updates(&self, query: &ListQuery, since: DateTime<Utc>) -> Page {
        let matching: List = self
            .by_update
            .range((since.timestamp(), Uuid::nil())..)
            .map(|(_, entry)| entry)
            .filter(|entry| query.status.is_none_or(|status| entry.report.status == status))
            .map(|entry| (ListKey::of(&entry.report), entry.clone()))
            .collect();
        let entries = matching.iter().filter(|(key, _)| query.after.is_none_or(|after| **key > after));
        let entries = entries.take(query.limit + 1).map(|(_, entry)| entry.clone()).collect();
        Page::cut(entries, query.limit, matching.len())
    }

    /// Goes on to the commit that follows; the caller puts what it changed.
    /// `committed_at` in seconds since 1970.
    pub(super) fn advance(&mut self, commit: Oid, tree: Oid, committed_at: i64) {
        (self.commit, self.tree) = (commit, tree);
        self.line.push(commit, committed_at);
    }

    /// Adds a report, or replaces the one with the same path.
    pub(super) fn put(&mut self, entry: Arc<Entry>) {
        self.remove(&entry.path);
        let key = ListKey::of(&entry.report);
        self.by_id.insert(entry.report.id, entry.clone());
        self.by_path.insert(entry.path.clone(), entry.clone());
        self.all.insert(key, entry.clone());
        self.by_status[entry.report.status as usize].insert(key, entry.clone());
        self.by_update.insert((entry.updated_at.timestamp(), entry.report.id), entry);
    }

    /// Removes the report at `path` and what was wrong with its file at the tip.
    pub(super) fn remove(&mut self, path: &str) {
        self.problems.remove(path);
        self.repairs.remove(path);
        self.other_files.remove(path);
        let Some(old) = self.by_path.remove(path) else { return };
        let key = ListKey::of(&old.report);
        self.by_id.remove(&old.report.id);
        self.all.remove(&key);
        self.by_status[old.report.status as usize].remove(&key);
        self.by_update.remove(&(old.updated_at.timestamp(), old.report.id));
    }

    /// Notes that the file at `path`, `blob` at the tip, cannot be accepted. A
    /// report that is known there keeps its last good state.
    pub(super) fn put_problem(&mut self, path: String, blob: Option<Oid>, problem: Problem) {
        self.other_files.insert(path.clone(), blob);
        self.problems.insert(path, problem);
    }

    /// Notes that the file at `path`, `blob` at the tip, has to be set right.
    pub(super) fn put_repair(&mut self, path: String, blob: Option<Oid>, repair: Repair) {
        if self.at_path(&path).is_some_and(|entry| Some(entry.blob) != blob) {
            self.other_files.insert(path.clone(), blob);
        }
        self.repairs.insert(path, repair);
    }

    /// Notes what is wrong with the file at `path` in the work tree, or that
    /// nothing is any more. Returns whether that is news.
    pub(super) fn set_edit_problem(&mut self, path: &str, problem: Option<Problem>) -> bool {
        let last_good = || self.at_path(path).and_then(|entry| entry.commits.iter().next());
        let problem = problem.map(|problem| Problem { last_good: last_good(), ..problem });
        let before = match problem.clone() {
            Some(problem) => self.edit_problems.insert(path.to_owned(), problem),
            None => self.edit_problems.remove(path),
        };
        before != problem
    }
}

impl Page {
    /// `entries` holds one more than `limit` if there is a next page.
    fn cut(mut entries: Vec<Arc<Entry>>, limit: usize, n_matching: usize) -> Self {
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next = entries.last().filter(|_| more).map(|entry| ListKey::of(&entry.report));
        Self { entries, n_matching, next }
    }
}
