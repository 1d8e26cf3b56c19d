//! A file that a person saved in the work tree, as a change to commit: joined
//! with what is in the record, judged, and filled in where the service knows better.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::Oid;

use super::WriteError;
use super::draft::{self, Outcome, unreadable};
use super::load::duplicate_id;
use super::message::{Identity, Message, Via};
use super::snapshot::Snapshot;
use crate::policy::change;
use crate::report::change::{Before, Hand, Judged, Way};
use crate::report::fault::{Fault, Rule};
use crate::report::{Event, Report, front_matter, merge};

/// One saved file.
#[derive(Clone, Debug)]
pub struct HandEdit {
    /// Relative to the root of the repository.
    pub path: String,
    /// The file that the service last put there; `None` for a new one.
    pub base: Option<Oid>,
    /// `base` is not what was there last: the person did not see what came after it.
    pub is_stale: bool,
    /// What the same person saved there a moment ago: an editor that did not load
    /// what the service filled in goes on from these.
    pub earlier: Vec<Arc<[u8]>>,
    pub file: Arc<[u8]>,
    /// The person, as `Name <address>`, if known.
    pub who: Option<String>,
    /// Since when it is so.
    pub saved_at: DateTime<Utc>,
}

impl HandEdit {
    /// Returns the commit that takes the file in, against the state in `snapshot`.
    ///
    /// # Errors
    /// [`WriteError::Problem`] if it cannot be accepted.
    pub(super) fn draft(
        &self,
        snapshot: &Snapshot,
        read: &dyn Fn(Oid) -> Result<Arc<[u8]>, WriteError>,
        body_limit_bytes: usize,
        now: DateTime<Utc>,
    ) -> Result<Outcome, WriteError> {
        let entry = snapshot.at_path(&self.path);
        let ours_id = snapshot.blob_at(&self.path);
        let ours = ours_id.map(read).transpose()?;
        // Committed by the person themselves: what their commit leaves out is not filled in.
        if let (Some(entry), Some(ours)) = (entry, &ours)
            && ours_id == Some(entry.blob)
            && **ours == *self.file
        {
            return Ok(Outcome::Unchanged(entry.clone()));
        }
        let merged = self.merged(ours.as_deref(), read)?;
        let before_file = entry.map(|entry| read(entry.blob)).transpose()?;
        let before = entry.zip(before_file.as_deref()).map(|(entry, file)| Before { report: &entry.report, file });
        let hand = Hand { way: Way::Edit, who: self.who.as_deref(), at: now, body_limit_bytes };
        let rules = &snapshot.policy.policy;
        let judged = change::judge(rules, &self.path, before, &merged, hand).map_err(unreadable(&self.path))?;
        let Judged { event, report, says } = judged;
        if let Some(other) = snapshot.get(report.id).filter(|other| *other.path != *self.path) {
            let (line, column) = front_matter::place(&merged, "id");
            return Err(unreadable(&self.path)(duplicate_id(&other.path).at(line, column)));
        }
        let file = front_matter::edit(&merged, &says, &report, None).map_err(unreadable(&self.path))?;
        if let (Some(entry), Some(ours)) = (entry, &ours)
            && **ours == *file
        {
            return Ok(Outcome::Unchanged(entry.clone()));
        }
        let from = entry.map(|entry| entry.report.status);
        let message = Message::new(event, from, &report, Via::HandEdit);
        let decided_blob = entry.map(|entry| entry.blob).filter(|_| event.is_decision());
        let notes = report.review_notes.as_deref().filter(|_| event.is_decision());
        let policy_blob = snapshot.policy.named().filter(|_| event.is_decision());
        let message = Message { notes, decided_blob, policy_blob, ..message }.text();
        let author = self.author(event, &report);
        Ok(draft::commit(snapshot, ours_id, self.path.clone(), report, file, author, now, message))
    }

    /// Returns the file with what came into the record since it was read.
    fn merged(
        &self,
        ours: Option<&[u8]>,
        read: &dyn Fn(Oid) -> Result<Arc<[u8]>, WriteError>,
    ) -> Result<Vec<u8>, WriteError> {
        let Some(ours) = ours else { return Ok(self.file.to_vec()) };
        let base = self.base.map(read).transpose()?;
        let bases: Vec<&[u8]> = base.iter().chain(&self.earlier).map(|file| &**file).collect();
        let merged = merge::merge(&self.path, &bases, &self.file, ours).map_err(unreadable(&self.path))?;
        if self.is_stale && merged == ours {
            let (line, column) = front_matter::place(&self.file, "status");
            let detail = "the file is again as it was before the record was changed";
            let repair = format!(
                "take the record's with `git restore --source=HEAD -- {}`; to reopen, change `status` alone",
                self.path
            );
            let fault = Fault::new(Rule::StaleDecision, detail, repair).at(line, column);
            return Err(unreadable(&self.path)(fault));
        }
        Ok(merged)
    }

    /// The one who decided, by what the file says; else the one whose work tree it is.
    fn author(&self, event: Event, report: &Report) -> Identity {
        match report.reviewed_by.as_deref().filter(|_| event.is_decision()).or(self.who.as_deref()) {
            Some(who) => Identity::reviewer(who),
            None => Identity::service(),
        }
    }
}
