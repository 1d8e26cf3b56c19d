//! A snapshot as bytes, and back: what a start would else read from git, file by
//! file. In parts, so that all cores can read them, and none of them takes much memory.

use std::collections::HashSet;
use std::sync::Arc;
use std::{io, thread};

use chrono::{DateTime, Utc};
use git2::Oid;
use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Entry, Snapshot};
use crate::report::fault::Fault;
use crate::report::{Report, Status};
use crate::store::problem::{FoundIn, Problem};
use crate::store::trail::Trail;

/// A millisecond's worth to take down, at most two.
const REPORTS_PER_PART: usize = 1024;
const COMMITS_PER_PART: usize = 16 * 1024;

type Id = [u8; 20];

/// All but the commits and the reports.
#[derive(Serialize, Deserialize)]
struct Head {
    commit: Id,
    tree: Id,
    /// So many parts come before those of the reports.
    n_line_parts: usize,
    /// A file that was cut between two parts lacks some.
    n_reports: usize,
    problems: Vec<(String, SavedProblem)>,
    other_files: Vec<(String, Option<Id>)>,
}

/// Commits of the line, with their times.
type LinePart = Vec<(Id, i64)>;

#[derive(Serialize, Deserialize)]
struct SavedProblem {
    fault: Fault,
    found_in: Option<Id>,
    since: Time,
    excerpt: Option<String>,
    last_good: Option<Id>,
}

#[derive(Serialize, Deserialize)]
struct SavedEntry<'a> {
    #[serde(borrow)]
    report: SavedReport<'a>,
    #[serde(borrow)]
    file_says: Option<SavedReport<'a>>,
    path: &'a str,
    blob: Id,
    updated_at: Time,
    /// Places on the line, newest first.
    commits: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
struct SavedReport<'a> {
    id: [u8; 16],
    server_name: &'a str,
    repository_url: &'a str,
    developer_email: &'a str,
    status: Status,
    revision: u32,
    submitted_at: Time,
    reviewed_at: Option<Time>,
    reviewed_by: Option<&'a str>,
    review_notes: Option<&'a str>,
}

/// Where each commit is on the line. Of two million, the line itself takes seconds to
/// look up all, and so does a map that calls libgit2 to compare ids.
type Places = FxHashMap<Id, u32>;

/// Seconds since 1970, and nanoseconds.
type Time = (i64, u32);

impl Snapshot {
    /// Hands the snapshot to `write` as bytes: a head, and parts to be read beside each
    /// other. Returns `false` while files have to be set right, or if its commits are not
    /// all on the line; what was written is of no use then. Calls `pause` every few
    /// milliseconds.
    ///
    /// # Errors
    /// Those of `write`.
    pub(in crate::store) fn write_parts(
        &self,
        pause: &dyn Fn(),
        write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<bool> {
        if !self.repairs.is_empty() {
            return Ok(false);
        }
        let problems = self.problems.at_tip().map(|(path, problem)| (path.clone(), SavedProblem::of(problem)));
        let head = Head {
            commit: id(self.commit),
            tree: id(self.tree),
            n_line_parts: self.line.len().div_ceil(COMMITS_PER_PART),
            n_reports: self.by_path.len(),
            problems: problems.collect(),
            other_files: self.other_files.iter().map(|(path, blob)| (path.clone(), blob.map(id))).collect(),
        };
        write(&bytes(&head)?)?;
        let mut places = Places::with_capacity_and_hasher(self.line.len(), FxBuildHasher);
        let mut points = self.line.points().map(|(commit, at)| (id(commit), at));
        for n in 0..head.n_line_parts {
            pause();
            let part: LinePart = points.by_ref().take(COMMITS_PER_PART).collect();
            let first = u32::try_from(n * COMMITS_PER_PART).map_err(io::Error::other)?;
            places.extend(part.iter().map(|(commit, _)| *commit).zip(first..));
            write(&bytes(&part)?)?;
        }
        for part in self.as_put(&places, pause).chunks(REPORTS_PER_PART) {
            pause();
            let saved = part.iter().map(|entry| SavedEntry::of(entry, &places));
            let Some(saved) = saved.collect::<Option<Vec<_>>>() else { return Ok(false) };
            write(&bytes(&saved)?)?;
        }
        Ok(true)
    }

    /// Returns the reports as they were put last: of what several say, the latest counts.
    fn as_put(&self, places: &Places, pause: &dyn Fn()) -> Vec<&Entry> {
        let mut entries = Vec::with_capacity(self.by_path.len());
        for entry in self.by_path.values() {
            if entries.len().is_multiple_of(REPORTS_PER_PART) {
                pause();
            }
            let latest = entry.commits.iter().next();
            let place = latest.and_then(|latest| places.get(latest.as_bytes()));
            entries.push((place.copied(), &**entry));
        }
        entries.sort_by_key(|(place, _)| *place);
        entries.into_iter().map(|(_, entry)| entry).collect()
    }

    /// Reads what [`Self::write_parts`] wrote; `None` if it is not that.
    pub(in crate::store) fn from_parts(parts: &[&[u8]]) -> Option<Self> {
        let (head, parts) = parts.split_first()?;
        let head: Head = postcard::from_bytes(head).ok()?;
        let (line_parts, parts) = parts.split_at_checked(head.n_line_parts)?;
        let mut snapshot = Self::new(oid(head.commit), oid(head.tree));
        let mut line = Vec::new();
        for part in line_parts {
            let part: LinePart = postcard::from_bytes(part).ok()?;
            line.extend(part.into_iter().map(|(commit, at)| (oid(commit), at)));
        }
        let n_threads = thread::available_parallelism().map_or(1, usize::from);
        let is_read = thread::scope(|scope| {
            let line = &line;
            // Some ahead of the one that puts them in their places.
            let mut waiting = parts.iter();
            let mut next = || waiting.next().map(|part| scope.spawn(move || read_part(part, line)));
            let mut ahead: std::collections::VecDeque<_> = (0..n_threads).filter_map(|_| next()).collect();
            for (commit, at) in line {
                snapshot.line.push(*commit, *at);
            }
            while let Some(part) = ahead.pop_front() {
                let Ok(Some(entries)) = part.join() else { return false };
                ahead.extend(next());
                entries.into_iter().for_each(|entry| snapshot.put(entry));
            }
            true
        });
        for (path, problem) in head.problems {
            let place = snapshot.place();
            snapshot.problems.set_at_tip(&path, Some(problem.read()?), place);
        }
        snapshot.other_files = head.other_files.into_iter().map(|(path, blob)| (path, blob.map(oid))).collect();
        (is_read && snapshot.by_path.len() == head.n_reports).then_some(snapshot)
    }
}

fn read_part(part: &[u8], line: &[(Oid, i64)]) -> Option<Vec<Arc<Entry>>> {
    let entries: Vec<SavedEntry<'_>> = postcard::from_bytes(part).ok()?;
    let mut owners = HashSet::new();
    let read = |saved: SavedEntry<'_>| {
        let mut entry = saved.read(line)?;
        entry.share_owner(&mut owners);
        Some(Arc::new(entry))
    };
    entries.into_iter().map(read).collect()
}

impl<'a> SavedEntry<'a> {
    fn of(entry: &'a Entry, places: &Places) -> Option<Self> {
        let commits = entry.commits.iter().map(|commit| places.get(commit.as_bytes()).copied());
        Some(Self {
            report: SavedReport::of(&entry.report),
            file_says: entry.file_says.as_deref().map(SavedReport::of),
            path: &entry.path,
            blob: id(entry.blob),
            updated_at: time(entry.updated_at),
            commits: commits.collect::<Option<_>>()?,
        })
    }

    fn read(self, line: &[(Oid, i64)]) -> Option<Entry> {
        let file_says = match self.file_says {
            Some(says) => Some(Box::new(says.read()?)),
            None => None,
        };
        let mut commits = Trail::default();
        for place in self.commits.iter().rev() {
            commits = commits.with(line.get(*place as usize)?.0);
        }
        let updated_at = read_time(self.updated_at)?;
        Some(Entry::new(self.report.read()?, file_says, self.path, oid(self.blob), updated_at, commits))
    }
}

impl<'a> SavedReport<'a> {
    fn of(report: &'a Report) -> Self {
        Self {
            id: *report.id.as_bytes(),
            server_name: &report.server_name,
            repository_url: &report.repository_url,
            developer_email: &report.developer_email,
            status: report.status,
            revision: report.revision,
            submitted_at: time(report.submitted_at),
            reviewed_at: report.reviewed_at.map(time),
            reviewed_by: report.reviewed_by.as_deref(),
            review_notes: report.review_notes.as_deref(),
        }
    }

    fn read(self) -> Option<Report> {
        let reviewed_at = match self.reviewed_at {
            Some(at) => Some(read_time(at)?),
            None => None,
        };
        Some(Report {
            id: Uuid::from_bytes(self.id),
            server_name: self.server_name.to_owned(),
            repository_url: self.repository_url.to_owned(),
            developer_email: self.developer_email.to_owned(),
            status: self.status,
            revision: self.revision,
            submitted_at: read_time(self.submitted_at)?,
            reviewed_at,
            reviewed_by: self.reviewed_by.map(str::to_owned),
            review_notes: self.review_notes.map(str::to_owned),
        })
    }
}

impl SavedProblem {
    fn of(problem: &Problem) -> Self {
        let found_in = match problem.found_in {
            FoundIn::WorkTree => None,
            FoundIn::Commit(commit) => Some(id(commit)),
        };
        Self {
            fault: problem.fault.clone(),
            found_in,
            since: time(problem.since),
            excerpt: problem.excerpt.clone(),
            last_good: problem.last_good.map(id),
        }
    }

    fn read(self) -> Option<Problem> {
        Some(Problem {
            fault: self.fault,
            found_in: self.found_in.map_or(FoundIn::WorkTree, |commit| FoundIn::Commit(oid(commit))),
            since: read_time(self.since)?,
            excerpt: self.excerpt,
            last_good: self.last_good.map(oid),
        })
    }
}

fn bytes(part: &impl Serialize) -> io::Result<Vec<u8>> {
    postcard::to_allocvec(part).map_err(io::Error::other)
}

fn id(oid: Oid) -> Id {
    let mut id = Id::default();
    id.copy_from_slice(oid.as_bytes());
    id
}

fn oid(id: Id) -> Oid {
    Oid::from_bytes(&id).unwrap_or(Oid::ZERO_SHA1)
}

fn time(at: DateTime<Utc>) -> Time {
    (at.timestamp(), at.timestamp_subsec_nanos())
}

fn read_time((seconds, nanoseconds): Time) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, nanoseconds)
}
