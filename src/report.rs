//! The words of the domain: report, status, decision, and what may follow what.
//!
//! Floor 0: no IO, no git, no HTTP. Everything that reads or writes a report,
//! whichever way it came in, goes through these types and this one table.

pub mod change;
pub mod fault;
pub mod front_matter;
pub mod key;
pub mod merge;
pub mod text;
pub mod validate;

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the front matter of a report file says: one server's go-live report
/// without its body.
///
/// `reviewed_at`, `reviewed_by` and `review_notes` belong to the decision in
/// force and are `None` while the report waits for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub id: Uuid,
    pub server_name: String,
    /// As sent; the identity of a report is [`key::RepositoryKey`], not this spelling.
    pub repository_url: String,
    pub developer_email: String,
    pub status: Status,
    /// 1 for the first submission, one more for each new body.
    pub revision: u32,
    /// UTC, whole seconds; of the revision, not of the first submission.
    pub submitted_at: DateTime<Utc>,
    pub reviewed_at: Option<DateTime<Utc>>,
    pub reviewed_by: Option<String>,
    pub review_notes: Option<String>,
}

/// Where a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    PendingReview,
    Approved,
    Rejected,
}

impl Status {
    /// Every status, in the order of a report's life.
    pub const ALL: [Self; 3] = [Self::PendingReview, Self::Approved, Self::Rejected];

    /// Returns the word that stands in files, JSON and queries.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingReview => "pending_review",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// Returns the status that `word` names, or `None`.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a developer hands in; every field has passed [`validate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    pub server_name: String,
    pub repository_url: String,
    /// The key of `repository_url`.
    pub key: key::RepositoryKey,
    pub developer_email: String,
    /// The markdown, opaque.
    pub body: String,
}

/// What a reviewer says: the status to set, who says it, and why.
///
/// `status` [`Status::PendingReview`] reopens a decided report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    pub status: Status,
    pub reviewed_by: String,
    pub review_notes: Option<String>,
}

/// What happened to a report, as the subject of its commit says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Submit,
    Resubmit,
    Approve,
    Reject,
    Reopen,
    /// A change that is neither a new revision nor a decision.
    Edit,
    /// The service set right what a person's commit left false.
    Restore,
}

impl Event {
    /// Returns the verb of the commit subject.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Submit => "Submit",
            Self::Resubmit => "Resubmit",
            Self::Approve => "Approve",
            Self::Reject => "Reject",
            Self::Reopen => "Reopen",
            Self::Edit => "Edit",
            Self::Restore => "Restore",
        }
    }

    /// Returns whether a reviewer, not a developer, is behind it.
    pub const fn is_decision(self) -> bool {
        matches!(self, Self::Approve | Self::Reject | Self::Reopen)
    }
}

/// Returns the event that takes a report from `from` to `to` when a reviewer
/// asks for it, or `None` where the state machine has no such step.
///
/// Deciding again in the same sense (other notes, another reviewer) is a step
/// of its own: the record shows both.
pub const fn decision_event(from: Status, to: Status) -> Option<Event> {
    match (from, to) {
        (_, Status::Approved) => Some(Event::Approve),
        (_, Status::Rejected) => Some(Event::Reject),
        (Status::Approved | Status::Rejected, Status::PendingReview) => Some(Event::Reopen),
        (Status::PendingReview, Status::PendingReview) => None,
    }
}

/// Returns whether a plain submission (POST) may follow on a report in `from`.
///
/// Anything but a rejected report needs the explicit new revision (PUT).
pub const fn accepts_submission(from: Option<Status>) -> bool {
    matches!(from, None | Some(Status::Rejected))
}

impl Report {
    /// Returns the first revision of a new report.
    pub fn submitted(id: Uuid, submission: &Submission, now: DateTime<Utc>) -> Self {
        Self {
            id,
            server_name: submission.server_name.clone(),
            repository_url: submission.repository_url.clone(),
            developer_email: submission.developer_email.clone(),
            status: Status::PendingReview,
            revision: 1,
            submitted_at: now.trunc_subsecs(0),
            reviewed_at: None,
            reviewed_by: None,
            review_notes: None,
        }
    }

    /// Returns the next revision: same identity, waiting again, everything else anew.
    pub fn revised(&self, submission: &Submission, now: DateTime<Utc>) -> Self {
        Self { revision: self.revision + 1, ..Self::submitted(self.id, submission, now) }
    }

    /// Returns the report with `decision` in force.
    pub fn decided(&self, decision: &Decision, now: DateTime<Utc>) -> Self {
        let in_force = decision.status != Status::PendingReview;
        Self {
            status: decision.status,
            reviewed_at: in_force.then(|| now.trunc_subsecs(0)),
            reviewed_by: in_force.then(|| decision.reviewed_by.clone()),
            review_notes: decision.review_notes.clone().filter(|_| in_force),
            ..self.clone()
        }
    }

    /// Returns whether `decision` says exactly what is in force already.
    pub fn has_in_force(&self, decision: &Decision) -> bool {
        self.status != Status::PendingReview
            && self.status == decision.status
            && self.reviewed_by.as_deref() == Some(decision.reviewed_by.as_str())
            && self.review_notes == decision.review_notes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_statuses_has_its_event() {
        use Status::{Approved, PendingReview, Rejected};
        let table = [
            (PendingReview, PendingReview, None),
            (PendingReview, Approved, Some(Event::Approve)),
            (PendingReview, Rejected, Some(Event::Reject)),
            (Approved, PendingReview, Some(Event::Reopen)),
            (Approved, Approved, Some(Event::Approve)),
            (Approved, Rejected, Some(Event::Reject)),
            (Rejected, PendingReview, Some(Event::Reopen)),
            (Rejected, Approved, Some(Event::Approve)),
            (Rejected, Rejected, Some(Event::Reject)),
        ];
        for (from, to, event) in table {
            assert_eq!(decision_event(from, to), event, "{from} -> {to}");
        }
    }

    #[test]
    fn only_absent_and_rejected_reports_take_a_plain_submission() {
        assert!(accepts_submission(None));
        assert!(accepts_submission(Some(Status::Rejected)));
        assert!(!accepts_submission(Some(Status::PendingReview)));
        assert!(!accepts_submission(Some(Status::Approved)));
    }
}
