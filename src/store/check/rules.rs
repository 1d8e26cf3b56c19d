//! One changed report file, judged as a push of it would be.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::{Oid, Repository};
use uuid::Uuid;

use super::entries::Item;
use super::finding::Finding;
use super::{elsewhere, ids, limit};
use crate::assess::{self, Severity};
use crate::policy::{self, Enforcement, Policy, lacking};
use crate::report::change::{self, Before, Hand, Way};
use crate::report::fault::{Fault, Rule};
use crate::report::{Event, Report};
use crate::store::load::duplicate_id;
use crate::store::outside::{person, taken_from};
use crate::store::policy::Policies;
use crate::store::trails;
use crate::store::walk::{self, Step};

/// A file is seldom broken for longer than so many commits.
const LOOK_MAX: usize = 10_000;

/// What is needed to judge, and the new reports that were met.
pub(super) struct Rules<'a> {
    pub(super) git: &'a Repository,
    pub(super) body_limit_bytes: usize,
    policies: Policies,
    /// By path; their ids are looked up at the end.
    pub(super) new_reports: HashMap<String, Uuid>,
    /// What the last version of each changed text lacks, by path, if that refuses
    /// nothing; `None` if nobody wants to know.
    pub(super) warnings: Option<BTreeMap<String, Vec<Finding>>>,
}

/// Who makes a change, when, and after which commit.
pub(super) struct By {
    pub(super) who: Option<String>,
    pub(super) at: DateTime<Utc>,
    /// `None` before the first commit.
    pub(super) parent: Option<Oid>,
}

impl By {
    /// A change that nobody committed yet, by the one whom git would name.
    pub(super) fn whoever(git: &Repository, parent: Option<Oid>) -> Self {
        let config = git.config().and_then(|mut config| config.snapshot()).ok();
        let text = |variable: &str, name: &str| {
            let set = std::env::var(variable).ok().filter(|text| !text.is_empty());
            set.or_else(|| Some(config.as_ref()?.get_str(name).ok()?.to_owned())).unwrap_or_default()
        };
        let who = person(&text("GIT_AUTHOR_NAME", "user.name"), &text("GIT_AUTHOR_EMAIL", "user.email"));
        // Git lets nobody commit without a name.
        let who = if who.is_empty() { "whoever commits".into() } else { who };
        Self { who: Some(who), at: Utc::now(), parent }
    }
}

impl<'a> Rules<'a> {
    pub(super) fn new(git: &'a Repository, body_limit_bytes: usize) -> Self {
        Self { git, body_limit_bytes, policies: Policies::default(), new_reports: HashMap::new(), warnings: None }
    }

    /// The same, for a person who wants to know everything that a text lacks.
    pub(super) fn telling(git: &'a Repository, body_limit_bytes: usize) -> Self {
        Self { warnings: Some(BTreeMap::new()), ..Self::new(git, body_limit_bytes) }
    }

    /// Returns the warnings, by path.
    pub(super) fn into_warnings(self) -> Vec<Finding> {
        self.warnings.unwrap_or_default().into_values().flatten().collect()
    }

    /// Returns the bytes that a file may have that was `before`.
    pub(super) fn file_limit_bytes(&self, before: Option<Item>) -> Result<usize, git2::Error> {
        limit::of_next(self.git, self.body_limit_bytes, before)
    }

    /// Judges a file at a report's path: what it was, and its mode and content
    /// now; `None` if it is gone.
    pub(super) fn report(
        &mut self,
        by: &By,
        path: &str,
        before: Option<Item>,
        after: Option<(i32, &[u8])>,
    ) -> Result<Vec<Finding>, git2::Error> {
        let known = self.last_good(by.parent, path, before)?;
        let Some((mode, file)) = after else {
            let fault = Fault::new(
                Rule::Deleted,
                "a report is never deleted",
                format!("put it back with `{}`", taken(by.parent, path)),
            );
            return Ok(known.map(|_| Finding::of(path, fault, b"")).into_iter().collect());
        };
        if let Some(found) = elsewhere::refused(path, mode) {
            return Ok(vec![found]);
        }
        let before = known.as_ref().map(|(report, file)| Before { report, file });
        let hand = Hand { way: Way::Push, who: by.who.as_deref(), at: by.at, body_limit_bytes: self.body_limit_bytes };
        let rules = match by.parent {
            Some(parent) => self.policies.in_force(self.git, parent)?,
            None => Arc::default(),
        };
        let judged = if self.warnings.is_some() {
            // What the text lacks is told one by one.
            let lenient = Policy { enforcement: Enforcement::Off, ..rules.policy.clone() };
            policy::change::judge(&lenient, path, before, file, hand)
        } else {
            policy::change::judge(&rules.policy, path, before, file, hand)
        };
        let judged = match judged {
            Ok(judged) => judged,
            Err(fault) => {
                let fault = if known.is_some() { fault.with_way_back(&taken(by.parent, path)) } else { fault };
                return Ok(vec![Finding::of(path, fault, file)]);
            }
        };
        let found = match judged.event {
            Event::Submit | Event::Resubmit => self.lacking(&rules.policy, path, &judged.report, file),
            _ => Vec::new(),
        };
        if known.is_none() && judged.event == Event::Submit && found.is_empty() {
            self.new_reports.insert(path.to_owned(), judged.says.id);
        }
        Ok(found)
    }

    /// Returns the errors in a new text that refuse it; keeps all else that it lacks
    /// as warnings.
    fn lacking(&mut self, policy: &Policy, path: &str, report: &Report, file: &[u8]) -> Vec<Finding> {
        let Some(warnings) = self.warnings.as_mut().filter(|_| policy.enforcement != Enforcement::Off) else {
            return Vec::new();
        };
        let refuses = policy.enforcement == Enforcement::Refuse;
        let found = lacking::in_file(policy, report, file).map(|found| found.findings).unwrap_or_default();
        let is_error = |finding: &assess::Finding| refuses && finding.severity == Severity::Error;
        let (errors, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(is_error);
        let told = |found: Vec<_>, is_warning| -> Vec<_> {
            found.into_iter().map(|found| Finding::in_text(path, found, file, is_warning)).collect()
        };
        warnings.insert(path.to_owned(), told(rest, true));
        told(errors, false)
    }

    /// Returns the report that `before` is, and its file. Where that cannot be
    /// read, somebody's commit broke it, and what it was before that counts.
    fn last_good(
        &self,
        parent: Option<Oid>,
        path: &str,
        before: Option<Item>,
    ) -> Result<Option<(Report, Vec<u8>)>, git2::Error> {
        let Some(before) = before else { return Ok(None) };
        if let Some(good) = self.good(path, before.id, walk::is_regular(before.mode))? {
            return Ok(Some(good));
        }
        let odb = self.git.odb()?;
        let (mut last, mut next) = (before.id, parent.map(|commit| Step::read(&odb, commit)).transpose()?);
        for _ in 0..LOOK_MAX {
            let Some(step) = next else { break };
            let file = trails::file_at(self.git, step.tree, path)?;
            if let Some(blob) = file.blob.filter(|blob| *blob != last) {
                if let Some(good) = self.good(path, blob, file.is_regular)? {
                    return Ok(Some(good));
                }
                last = blob;
            }
            next = step.before(self.git, &odb)?;
        }
        Ok(None)
    }

    fn good(&self, path: &str, blob: Oid, is_regular: bool) -> Result<Option<(Report, Vec<u8>)>, git2::Error> {
        if !is_regular {
            return Ok(None);
        }
        let file = self.git.find_blob(blob)?;
        let read = change::read(path, file.content()).ok();
        Ok(read.map(|decoded| (decoded.report, file.content().to_vec())))
    }

    /// Returns the new reports whose id another report has: in the tree `root`,
    /// or among themselves.
    pub(super) fn duplicates(&self, root: Option<Oid>) -> Result<Vec<Finding>, git2::Error> {
        let mut owners: HashMap<Uuid, String> = HashMap::new();
        let mut new: Vec<_> = self.new_reports.iter().collect();
        new.sort();
        if let Some(root) = root.filter(|_| !new.is_empty()) {
            owners = ids::owners(self.git, root, &self.new_reports)?;
        }
        let mut found = Vec::new();
        for (path, id) in new {
            match owners.get(id) {
                Some(other) => found.push(Finding::of(path, duplicate_id(other), b"")),
                None => {
                    owners.insert(*id, path.clone());
                }
            }
        }
        Ok(found)
    }
}

/// Returns the command that takes a report's file as it was before.
fn taken(parent: Option<Oid>, path: &str) -> String {
    parent.map_or_else(|| format!("git checkout HEAD -- {path}"), |parent| taken_from(parent, path))
}
