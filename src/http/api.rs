//! The shapes of the REST API, apart from the types of the core: what stands
//! here is a promise to clients. `/openapi.json` is generated from it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::assessments::Short;
use crate::policy::Policy;
use crate::report::{Report, Status};
use crate::store::snapshot::Entry;

/// A submission: the body of `POST /reports` and `PUT /reports/{id}`.
#[derive(ToSchema)]
#[schema(as = Submission)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body; `input::Fields` reads it, to name all faults at once")]
pub(super) struct SubmissionBody {
    /// Name of the MCP server; one line.
    #[schema(min_length = 1, max_length = 255, example = "mcp-servicenow")]
    server_name: String,
    /// Address of the source repository. Two spellings of one repository are one report.
    #[schema(min_length = 1, max_length = 500, example = "https://github.com/intility/mcp-servicenow")]
    repository_url: String,
    /// Who submits.
    #[schema(format = "email", max_length = 255, example = "alex@intility.no")]
    developer_email: String,
    /// The markdown of the report; kept byte for byte. At most 1 MiB of UTF-8 unless set otherwise; no U+0000.
    #[schema(min_length = 1, max_length = 1_048_576, example = "# MCP Go-Live Production Readiness Report\n")]
    report_data: String,
}

/// A decision: the body of `PATCH /reports/{id}/status`.
#[derive(ToSchema)]
#[schema(as = Decision)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body; `input::Fields` reads it, to name all faults at once")]
pub(super) struct DecisionBody {
    /// `approved` or `rejected`; `pending_review` reopens a decided report.
    status: Status,
    /// Who decides; one line, like `Morgan <morgan@intility.no>`.
    #[schema(min_length = 1, max_length = 255, example = "platform@intility.no")]
    reviewed_by: String,
    /// Why; at most 32 KiB of UTF-8; no U+0000.
    #[schema(max_length = 32_768)]
    review_notes: Option<String>,
}

/// A whole report.
#[derive(Serialize, ToSchema)]
#[schema(as = Report)]
pub(super) struct ReportDocument<'a> {
    id: Uuid,
    server_name: &'a str,
    repository_url: &'a str,
    developer_email: &'a str,
    /// The markdown, as it was submitted.
    report_data: &'a str,
    status: Status,
    /// 1 for the first submission, one more for each new one.
    #[schema(minimum = 1)]
    revision: u32,
    /// When this revision was submitted; UTC, whole seconds.
    submitted_at: DateTime<Utc>,
    reviewed_at: Option<DateTime<Utc>>,
    reviewed_by: Option<&'a str>,
    review_notes: Option<&'a str>,
    /// When the approval ends, by the policy; `null` unless approved, or if approvals do not end.
    approval_expires_at: Option<DateTime<Utc>>,
}

impl<'a> ReportDocument<'a> {
    pub(super) fn new(report: &'a Report, body: &'a str, approval_expires_at: Option<DateTime<Utc>>) -> Self {
        Self {
            id: report.id,
            server_name: &report.server_name,
            repository_url: &report.repository_url,
            developer_email: &report.developer_email,
            report_data: body,
            status: report.status,
            revision: report.revision,
            submitted_at: report.submitted_at,
            reviewed_at: report.reviewed_at,
            reviewed_by: report.reviewed_by.as_deref(),
            review_notes: report.review_notes.as_deref(),
            approval_expires_at,
        }
    }
}

/// A report in a list: all but its text and notes.
#[derive(Serialize, ToSchema)]
#[schema(as = Summary)]
pub(super) struct SummaryDocument<'a> {
    id: Uuid,
    server_name: &'a str,
    repository_url: &'a str,
    developer_email: &'a str,
    status: Status,
    #[schema(minimum = 1)]
    revision: u32,
    submitted_at: DateTime<Utc>,
    reviewed_at: Option<DateTime<Utc>>,
    reviewed_by: Option<&'a str>,
    /// When a commit last changed the report in any way.
    updated_at: DateTime<Utc>,
    /// When the approval ends, by the policy; `null` unless approved, or if approvals do not end.
    approval_expires_at: Option<DateTime<Utc>>,
    /// What the check found in the text, by the rules that are in force; `null` if it
    /// was not read yet, if the rules do not ask for it, and in a list of the past.
    assessment: Option<Short>,
}

impl<'a> SummaryDocument<'a> {
    pub(super) fn new(entry: &'a Entry, policy: &Policy, assessment: Option<Short>) -> Self {
        use chrono::SubsecRound;
        let report = &entry.report;
        Self {
            id: report.id,
            server_name: &report.server_name,
            repository_url: &report.repository_url,
            developer_email: &report.developer_email,
            status: report.status,
            revision: report.revision,
            submitted_at: report.submitted_at,
            reviewed_at: report.reviewed_at,
            reviewed_by: report.reviewed_by.as_deref(),
            updated_at: entry.updated_at.trunc_subsecs(0),
            approval_expires_at: policy.approval_expires_at(report),
            assessment,
        }
    }

    /// Returns whether its text was read.
    pub(super) fn is_assessed(&self) -> bool {
        self.assessment.is_some()
    }
}

/// What a list can be narrowed to.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the parameter; `list` reads it, to name all faults at once")]
pub(super) enum StatusFilter {
    PendingReview,
    Approved,
    Rejected,
    All,
}

/// The risk that a list can be narrowed to.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the parameter; `list` reads it, to name all faults at once")]
pub(super) enum RiskFilter {
    Low,
    Medium,
    High,
    /// Reports that name none.
    None,
}

/// The findings that a list can be narrowed to.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the parameter; `list` reads it, to name all faults at once")]
pub(super) enum FindingsFilter {
    /// Neither errors nor warnings.
    None,
    /// At least one warning, and no error.
    Warnings,
    /// At least one error.
    Errors,
}

/// How a list is sorted.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the parameter; `list` reads it, to name all faults at once")]
pub(super) enum Sort {
    /// Newest submission first.
    Newest,
    /// Who has waited longest first.
    Oldest,
    /// Latest change first.
    Updated,
    /// By server name, in any case.
    Name,
}
