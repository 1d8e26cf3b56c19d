//! What cannot be accepted: files at the tip, and files in the work tree.

use git2::Oid;
use imbl::OrdMap;

use super::Snapshot;
use crate::store::problem::Problem;

/// The files that cannot be accepted, by their paths.
#[derive(Clone, Default)]
pub(in crate::store) struct Problems {
    at_tip: OrdMap<String, Problem>,
    edits: OrdMap<String, Problem>,
    /// The first place of the branch's line at which they were these for sure.
    settled_at: usize,
}

impl Problems {
    /// Returns whether `other` are the same.
    pub(in crate::store) fn is(&self, other: &Self) -> bool {
        let is = |one: &OrdMap<_, _>, other: &OrdMap<_, _>| one.ptr_eq(other) || one == other;
        is(&self.at_tip, &other.at_tip) && is(&self.edits, &other.edits)
    }

    /// Returns the files at the tip that cannot be accepted.
    pub(super) fn at_tip(&self) -> impl Iterator<Item = (&String, &Problem)> {
        self.at_tip.iter()
    }

    /// Notes what is wrong with the file at `path` at the tip, `None` if nothing
    /// is, since the commit at `place` of the branch's line.
    pub(super) fn set_at_tip(&mut self, path: &str, problem: Option<Problem>, place: usize) {
        if self.at_tip.get(path) != problem.as_ref() {
            self.settled_at = self.settled_at.max(place);
        }
        match problem {
            Some(problem) => drop(self.at_tip.insert(path.to_owned(), problem)),
            None => drop(self.at_tip.remove(path)),
        }
    }
}

impl Snapshot {
    /// Returns what is wrong with the file at `path`, if anything: at the tip, or
    /// else in the work tree.
    pub fn problem(&self, path: &str) -> Option<&Problem> {
        self.tip_problem(path).or_else(|| self.edit_problem(path))
    }

    /// Returns what is wrong with the file at `path` at the tip, if anything.
    pub(in crate::store) fn tip_problem(&self, path: &str) -> Option<&Problem> {
        self.problems.at_tip.get(path)
    }

    /// Returns what is wrong with the file at `path` in the work tree, if anything.
    pub fn edit_problem(&self, path: &str) -> Option<&Problem> {
        self.problems.edits.get(path)
    }

    /// Returns the files that cannot be accepted, by their paths, in order.
    pub fn problems(&self) -> impl Iterator<Item = (&String, &Problem)> {
        let all: OrdMap<&String, &Problem> = self.problems.edits.iter().chain(self.problems.at_tip.iter()).collect();
        all.into_iter()
    }

    /// Returns the number of files that cannot be accepted.
    pub fn n_problems(&self) -> usize {
        let Problems { at_tip, edits, .. } = &self.problems;
        edits.keys().filter(|path| !at_tip.contains_key(*path)).count() + at_tip.len()
    }

    /// Returns whether the problems can be others than when the commit at `place`
    /// of the branch's line was the tip.
    pub(in crate::store) fn has_new_problems(&self, place: usize) -> bool {
        self.problems.settled_at > place
    }

    /// Notes that the file at `path`, `blob` at the tip, cannot be accepted. A
    /// report that is known there keeps its last good state.
    pub(in crate::store) fn put_problem(&mut self, path: String, blob: Option<Oid>, problem: Problem) {
        self.problems.set_at_tip(&path, Some(problem), self.place());
        self.other_files.insert(path, blob);
    }

    /// Notes what is wrong with the file at `path` in the work tree, or that
    /// nothing is any more. Returns whether that is news.
    pub(in crate::store) fn set_edit_problem(&mut self, path: &str, problem: Option<Problem>) -> bool {
        let last_good = || self.at_path(path).and_then(|entry| entry.commits.iter().next());
        let problem = problem.map(|problem| Problem { last_good: last_good(), ..problem });
        let before = match problem.clone() {
            Some(problem) => self.problems.edits.insert(path.to_owned(), problem),
            None => self.problems.edits.remove(path),
        };
        let is_news = before != problem;
        if is_news {
            // Between two commits: at neither can one be sure.
            self.problems.settled_at = self.place() + 1;
        }
        is_news
    }
}
