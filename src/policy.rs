//! The rules of a reports repository, `golive.yaml`: what a report must hold, who
//! may submit and decide, and until when. Plain values; where they come from is
//! the store's business.

pub mod change;
pub mod lacking;
pub mod parse;
mod pattern;
pub mod requirements;
pub mod rules;

use chrono::{DateTime, TimeDelta, Utc};

use crate::report::{Report, Status};
use requirements::Requirements;

/// What happens to a submission whose text does not hold what it must.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Enforcement {
    /// Nothing is looked at.
    Off,
    /// It is taken in, and the findings are shown.
    #[default]
    Warn,
    /// Findings that are errors refuse it.
    Refuse,
}

/// One version of the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub enforcement: Enforcement,
    pub requirements: Requirements,
    /// The bytes that a text may have, beside the service's own limit; `None` for that alone.
    pub report_bytes_max: Option<usize>,
    /// Hosts that a repository may be on (`github.com`, `*.example.com`); empty: any.
    pub repository_hosts: Vec<String>,
    /// Owners that a repository may have (`intility`, `github.com/intility`); empty: any.
    pub repository_owners: Vec<String>,
    /// Domains that a developer's address may be of; empty: any.
    pub email_domains: Vec<String>,
    /// Patterns of who may decide (`*@example.com`); empty: anyone.
    pub reviewers: Vec<String>,
    /// A submitter may not decide their own.
    pub four_eyes: bool,
    pub notes_required_on_reject: bool,
    /// A report that waits for longer is overdue.
    pub overdue_days: u32,
    /// An approval holds for so long; 0: for ever.
    pub approval_days: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            enforcement: Enforcement::default(),
            requirements: Requirements::default(),
            report_bytes_max: None,
            repository_hosts: Vec::new(),
            repository_owners: Vec::new(),
            email_domains: Vec::new(),
            reviewers: Vec::new(),
            four_eyes: false,
            notes_required_on_reject: false,
            overdue_days: 7,
            approval_days: 0,
        }
    }
}

impl Policy {
    /// Returns whether a report that has waited for `waited` is to be marked.
    pub fn is_overdue(&self, waited: TimeDelta) -> bool {
        waited > TimeDelta::days(self.overdue_days.into())
    }

    /// Returns when the approval of `report` ends; `None` if it is not approved, or
    /// approvals hold for ever.
    pub fn approval_expires_at(&self, report: &Report) -> Option<DateTime<Utc>> {
        let approved_at = report.reviewed_at.filter(|_| report.status == Status::Approved)?;
        let days = Some(self.approval_days).filter(|days| *days > 0)?;
        // A time that a person wrote can be at the end of all time.
        approved_at.checked_add_signed(TimeDelta::days(days.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_approval_expires_and_only_if_approvals_do() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let approved = Report {
            id: uuid::Uuid::nil(),
            server_name: "x".into(),
            repository_url: "https://github.com/example/x".into(),
            developer_email: "alex@example.com".into(),
            status: Status::Approved,
            revision: 1,
            submitted_at: at("2026-01-01T00:00:00Z"),
            reviewed_at: Some(at("2026-02-28T12:00:00Z")),
            reviewed_by: Some("Morgan".into()),
            review_notes: None,
        };
        let policy = |approval_days| Policy { approval_days, ..Policy::default() };
        let rejected = Report { status: Status::Rejected, ..approved.clone() };
        let pending = Report { status: Status::PendingReview, reviewed_at: None, ..approved.clone() };
        let last = Report { reviewed_at: Some(DateTime::<Utc>::MAX_UTC), ..approved.clone() };
        for (days, report, expected) in [
            (0, &approved, None),
            (1, &approved, Some(at("2026-03-01T12:00:00Z"))),
            (365, &approved, Some(at("2027-02-28T12:00:00Z"))),
            (1, &rejected, None),
            (1, &pending, None),
            (36_500, &last, None),
        ] {
            assert_eq!(policy(days).approval_expires_at(report), expected, "{days} {}", report.status);
        }
    }

    #[test]
    fn report_is_overdue_after_its_days_and_not_with_them() {
        let policy = Policy { overdue_days: 3, ..Policy::default() };
        assert!(!policy.is_overdue(TimeDelta::days(3)));
        assert!(policy.is_overdue(TimeDelta::days(3) + TimeDelta::seconds(1)));
    }
}
