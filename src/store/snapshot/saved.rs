//! A snapshot as bytes, and back: what a start would else read from git, file by
//! file. In parts, so that all cores can read them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread;

use chrono::{DateTime, Utc};
use git2::Oid;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Entry, Snapshot};
use crate::report::fault::Fault;
use crate::report::{Report, Status};
use crate::store::problem::{FoundIn, Problem};
use crate::store::trail::Trail;

const REPORTS_PER_PART: usize = 2048;
/// So many are taken down between two pauses: a millisecond or two.
const REPORTS_PER_PAUSE: usize = 512;
const COMMITS_PER_PAUSE: u32 = 16 * 1024;

type Id = [u8; 20];

/// All but the reports.
#[derive(Serialize, Deserialize)]
struct Saved {
    commit: Id,
    tree: Id,
    line: Vec<(Id, i64)>,
    problems: Vec<(String, SavedProblem)>,
    other_files: Vec<(String, Option<Id>)>,
}

#[derive(Serialize, Deserialize)]
struct SavedProblem {
    fault: Fault,
    found_in: Option<Id>,
    since: Time,
    excerpt: Option<String>,
    last_good: Option<Id>,
}

#[derive(Serialize, Deserialize)]
struct SavedEntry {
    report: SavedReport,
    file_says: Option<SavedReport>,
    path: String,
    blob: Id,
    updated_at: Time,
    /// Places on the line, oldest first.
    commits: Vec<u32>,
}

#[derive(Serialize, Deserialize)]
struct SavedReport {
    id: [u8; 16],
    server_name: String,
    repository_url: String,
    developer_email: String,
    status: Status,
    revision: u32,
    submitted_at: Time,
    reviewed_at: Option<Time>,
    reviewed_by: Option<String>,
    review_notes: Option<String>,
}

/// Where each commit is on the line.
type Places = HashMap<Oid, u32>;

/// Seconds since 1970, and nanoseconds.
type Time = (i64, u32);

impl Snapshot {
    /// Returns the snapshot as bytes: a head, and parts to be read beside each other.
    /// `None` while files have to be set right, or if its commits are not all on the line.
    /// Calls `pause` every few milliseconds.
    pub(in crate::store) fn to_parts(&self, pause: &dyn Fn()) -> Option<Vec<Vec<u8>>> {
        if !self.repairs.is_empty() {
            return None;
        }
        let at_tip = self.problems.at_tip();
        let problems = at_tip.map(|(path, problem)| (path.clone(), SavedProblem::of(problem)));
        let points = self.line.points();
        let head = Saved {
            commit: id(self.commit),
            tree: id(self.tree),
            line: points.map(|(commit, at)| (id(commit), at)).collect(),
            problems: problems.collect(),
            other_files: self.other_files.iter().map(|(path, blob)| (path.clone(), blob.map(id))).collect(),
        };
        // Of two million commits, the line itself takes seconds to look up all.
        let mut places = Places::with_capacity(self.line.len());
        for ((commit, _), place) in self.line.points().zip(0..) {
            if place % COMMITS_PER_PAUSE == 0 {
                pause();
            }
            places.insert(commit, place);
        }
        let mut entries = Vec::with_capacity(self.len());
        for entry in self.by_path.values() {
            if entries.len().is_multiple_of(REPORTS_PER_PAUSE) {
                pause();
            }
            entries.push(SavedEntry::of(entry, &places)?);
        }
        // As they were put last: of what several say, the latest counts.
        entries.sort_by_key(|entry| entry.commits.last().copied());
        let parts = entries.chunks(REPORTS_PER_PART).map(|part| {
            pause();
            postcard::to_allocvec(part)
        });
        std::iter::once(postcard::to_allocvec(&head)).chain(parts).collect::<Result<_, _>>().ok()
    }

    /// Reads what [`Self::to_parts`] returned; `None` if it is not that.
    pub(in crate::store) fn from_parts(parts: &[&[u8]]) -> Option<Self> {
        let (head, parts) = parts.split_first()?;
        let head: Saved = postcard::from_bytes(head).ok()?;
        let mut snapshot = Self::new(oid(head.commit), oid(head.tree));
        let line: Vec<Oid> = head.line.iter().map(|(commit, _)| oid(*commit)).collect();
        let n_threads = thread::available_parallelism().map_or(1, usize::from);
        let is_read = thread::scope(|scope| {
            let line = &line;
            // Some ahead of the one that puts them in their places.
            let mut waiting = parts.iter();
            let mut next = || waiting.next().map(|part| scope.spawn(move || read_part(part, line)));
            let mut ahead: std::collections::VecDeque<_> = (0..n_threads).filter_map(|_| next()).collect();
            for (commit, at) in &head.line {
                snapshot.line.push(oid(*commit), *at);
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
        is_read.then_some(snapshot)
    }
}

fn read_part(part: &[u8], line: &[Oid]) -> Option<Vec<Arc<Entry>>> {
    let entries: Vec<SavedEntry> = postcard::from_bytes(part).ok()?;
    let mut owners = HashSet::new();
    let read = |saved: SavedEntry| {
        let mut entry = saved.read(line)?;
        entry.share_owner(&mut owners);
        Some(Arc::new(entry))
    };
    entries.into_iter().map(read).collect()
}

impl SavedEntry {
    fn of(entry: &Entry, places: &Places) -> Option<Self> {
        let mut commits =
            entry.commits.iter().map(|commit| places.get(&commit).copied()).collect::<Option<Vec<_>>>()?;
        commits.reverse();
        Some(Self {
            report: SavedReport::of(&entry.report),
            file_says: entry.file_says.as_deref().map(SavedReport::of),
            path: entry.path.to_string(),
            blob: id(entry.blob),
            updated_at: time(entry.updated_at),
            commits,
        })
    }

    fn read(self, line: &[Oid]) -> Option<Entry> {
        let file_says = match self.file_says {
            Some(says) => Some(Box::new(says.read()?)),
            None => None,
        };
        let mut commits = Trail::default();
        for place in self.commits {
            commits = commits.with(*line.get(place as usize)?);
        }
        let updated_at = read_time(self.updated_at)?;
        Some(Entry::new(self.report.read()?, file_says, self.path, oid(self.blob), updated_at, commits))
    }
}

impl SavedReport {
    fn of(report: &Report) -> Self {
        let report = report.clone();
        Self {
            id: *report.id.as_bytes(),
            server_name: report.server_name,
            repository_url: report.repository_url,
            developer_email: report.developer_email,
            status: report.status,
            revision: report.revision,
            submitted_at: time(report.submitted_at),
            reviewed_at: report.reviewed_at.map(time),
            reviewed_by: report.reviewed_by,
            review_notes: report.review_notes,
        }
    }

    fn read(self) -> Option<Report> {
        let reviewed_at = match self.reviewed_at {
            Some(at) => Some(read_time(at)?),
            None => None,
        };
        Some(Report {
            id: Uuid::from_bytes(self.id),
            server_name: self.server_name,
            repository_url: self.repository_url,
            developer_email: self.developer_email,
            status: self.status,
            revision: self.revision,
            submitted_at: read_time(self.submitted_at)?,
            reviewed_at,
            reviewed_by: self.reviewed_by,
            review_notes: self.review_notes,
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
