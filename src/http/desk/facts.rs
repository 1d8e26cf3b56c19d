//! What the front matter of a report says, for people, and what of it changed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::show::{self, Moment, Pill, Shown};
use crate::policy::Policy;
use crate::report::{Report, Status};

/// One report without its text.
pub(super) struct Facts {
    pub(super) id: Uuid,
    pub(super) name: Shown,
    pub(super) repository: Shown,
    /// The repository's address, if a browser can open it.
    pub(super) link: Option<String>,
    pub(super) developer: Shown,
    pub(super) status: Pill,
    pub(super) revision: u32,
    pub(super) submitted: Moment,
    /// How long it has waited, while it does.
    pub(super) waiting: Option<String>,
    pub(super) is_overdue: bool,
    pub(super) decided: Option<Moment>,
    pub(super) expiry: Option<Expiry>,
    pub(super) reviewer: Option<Shown>,
    pub(super) notes: Option<Shown>,
}

/// When an approval ends.
pub(super) struct Expiry {
    pub(super) at: Moment,
    pub(super) is_over: bool,
}

impl Expiry {
    pub(super) fn new(expires_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self { at: Moment::day(expires_at), is_over: expires_at <= now }
    }
}

impl Facts {
    pub(super) fn new(report: &Report, policy: &Policy) -> Self {
        let url = &report.repository_url;
        let is_web = url.starts_with("https://") || url.starts_with("http://");
        let now = Utc::now();
        let age = now - report.submitted_at;
        let waits = report.status == Status::PendingReview;
        Self {
            id: report.id,
            name: Shown::new(&report.server_name),
            repository: Shown::new(show::repository(url)),
            link: is_web.then(|| url.clone()),
            developer: Shown::new(&report.developer_email),
            status: Pill(report.status),
            revision: report.revision,
            submitted: Moment::new(report.submitted_at),
            waiting: waits.then(|| show::span(age)),
            is_overdue: waits && policy.is_overdue(age),
            decided: report.reviewed_at.map(Moment::new),
            expiry: policy.approval_expires_at(report).map(|expires_at| Expiry::new(expires_at, now)),
            reviewer: report.reviewed_by.as_deref().map(Shown::new),
            notes: report.review_notes.as_deref().map(Shown::new),
        }
    }

    /// As it was at an earlier commit: nothing waits there, and nothing ends.
    pub(super) fn then(report: &Report) -> Self {
        Self { waiting: None, expiry: None, ..Self::new(report, &Policy::default()) }
    }
}

/// A field that is not what it was.
pub(super) struct FieldChange {
    pub(super) name: &'static str,
    pub(super) before: Shown,
    pub(super) after: Shown,
}

/// Returns the fields in which `after` differs from `before`.
pub(super) fn changes(before: &Report, after: &Report) -> Vec<FieldChange> {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let status = |report: &Report| show::word(report.status).to_owned();
    let fields = [
        ("Server", before.server_name.clone(), after.server_name.clone()),
        ("Repository", before.repository_url.clone(), after.repository_url.clone()),
        ("Developer", before.developer_email.clone(), after.developer_email.clone()),
        ("Status", status(before), status(after)),
        ("Revision", before.revision.to_string(), after.revision.to_string()),
        ("Reviewer", text(&before.reviewed_by), text(&after.reviewed_by)),
        ("Notes", text(&before.review_notes), text(&after.review_notes)),
    ];
    fields
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(name, before, after)| FieldChange { name, before: Shown::new(&before), after: Shown::new(&after) })
        .collect()
}
