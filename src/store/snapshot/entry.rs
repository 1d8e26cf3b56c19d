//! One report as the snapshot knows it, and what it is found by.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::Oid;
use memchr::memmem::Finder;

use super::fold::fold;
use crate::report::Report;
use crate::report::key::RepositoryKey;
use crate::store::trail::Trail;

/// One report as the snapshot knows it: all but the body.
#[derive(Clone, Debug)]
pub struct Entry {
    pub report: Report,
    /// What the file says, where that is not all: a person's commit need not name
    /// the reviewer, nor count the revision.
    pub file_says: Option<Box<Report>>,
    /// Relative to the root of the repository.
    pub path: Arc<str>,
    /// The blob of the report file, its version.
    pub blob: Oid,
    /// Committer time of the latest commit that changed the file.
    pub updated_at: DateTime<Utc>,
    /// Every commit that changed the file.
    pub commits: Trail,
    /// The path of the source repository without its name: `owner`, or
    /// `group/subgroup`; empty if there is none.
    pub owner: Arc<str>,
    /// This folded once, as each search would have to; most are so already.
    pub(super) folded_owner: Arc<str>,
    /// The name folded, if that is another.
    folded_name: Option<Box<str>>,
    /// What a search looks at that is another when folded, one field a line.
    folded: Option<Box<str>>,
}

impl Entry {
    /// Returns the entry of `report`, whose file is at `path`.
    pub(in crate::store) fn new(
        report: Report,
        file_says: Option<Box<Report>>,
        path: impl Into<Arc<str>>,
        blob: Oid,
        updated_at: DateTime<Utc>,
        commits: Trail,
    ) -> Self {
        let owner: Arc<str> = RepositoryKey::parse(&report.repository_url).map_or("".into(), |key| key.owner().into());
        let folded_owner = Some(fold(&owner)).filter(|folded| **folded != *owner);
        let folded_owner = folded_owner.map_or_else(|| owner.clone(), Arc::from);
        let folded_name = Some(fold(&report.server_name)).filter(|folded| *folded != report.server_name);
        let folded_name = folded_name.map(String::into_boxed_str);
        let others = searched(&report).map(|text| Some(fold(text)).filter(|folded| folded != text));
        let others: Vec<_> = others.into_iter().flatten().collect();
        let folded = (!others.is_empty()).then(|| others.join("\n").into());
        let path = path.into();
        Self { report, file_says, path, blob, updated_at, commits, owner, folded_owner, folded_name, folded }
    }

    /// Takes the owner's name from `known` if it is there: many reports have the same.
    pub(super) fn share_owner(&mut self, known: &mut HashSet<Arc<str>>) {
        for name in [&mut self.owner, &mut self.folded_owner] {
            match known.get(&**name) {
                Some(known) => *name = known.clone(),
                None => drop(known.insert(name.clone())),
            }
        }
    }

    /// Returns what the file says.
    pub fn file_report(&self) -> &Report {
        self.file_says.as_deref().unwrap_or(&self.report)
    }

    /// Returns the server's name, folded.
    pub(super) fn folded_name(&self) -> &str {
        self.folded_name.as_deref().unwrap_or(&self.report.server_name)
    }

    /// Returns whether the folded `word` stands in the name, the repository, the
    /// developer or the notes.
    pub(super) fn has(&self, word: &Finder<'_>) -> bool {
        let has = |text: &str| word.find(text.as_bytes()).is_some();
        searched(&self.report).into_iter().any(has) || self.folded.as_deref().is_some_and(has)
    }
}

fn searched(report: &Report) -> [&str; 4] {
    let notes = report.review_notes.as_deref().unwrap_or_default();
    [&report.server_name, &report.repository_url, &report.developer_email, notes]
}
