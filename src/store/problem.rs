//! A report file that cannot be accepted: what is wrong with it, since when, and
//! what is served in its place.

use chrono::{DateTime, Utc};
use git2::Oid;

use crate::report::fault::Fault;

/// Longer lines are cut in an excerpt, in characters.
const EXCERPT_MAX: usize = 200;

/// Where a file is that cannot be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundIn {
    /// A person saved it in the work tree.
    WorkTree,
    /// This commit brought it.
    Commit(Oid),
}

/// What is wrong with one file; the last good state of its report is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub fault: Fault,
    pub found_in: FoundIn,
    pub since: DateTime<Utc>,
    /// The line that the fault is in.
    pub excerpt: Option<String>,
    /// The newest commit whose state of the report is good; `None` if there is none.
    pub last_good: Option<Oid>,
}

impl Problem {
    /// A problem of `file`; its last good commit is for whoever knows the report.
    pub fn new(fault: Fault, file: &[u8], found_in: FoundIn, since: DateTime<Utc>) -> Self {
        let line = fault.place.and_then(|(line, _)| file.split(|byte| *byte == b'\n').nth(line - 1));
        let excerpt = line.map(|line| String::from_utf8_lossy(line).trim_end().chars().take(EXCERPT_MAX).collect());
        Self { fault, found_in, since, excerpt, last_good: None }
    }

    /// A problem of the file at `path` in the work tree.
    pub fn of_edit(fault: Fault, path: &str, file: &[u8], saved_at: DateTime<Utc>) -> Self {
        Self::new(fault.with_way_back(&format!("git checkout -- {path}")), file, FoundIn::WorkTree, saved_at)
    }
}
