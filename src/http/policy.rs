//! `GET /api/v1/policy`: the rules that are in force, with everything that
//! `golive.yaml` leaves to golive filled in.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::App;
use super::answers::HostProblem;
use super::extract::NoQuery;
use super::problem::Problem;
use super::reports::{json_response, names, tagged};
use crate::policy::requirements::{Phase, Section};
use crate::policy::{Enforcement, Policy};

/// The rules of the reports repository.
#[derive(Serialize, ToSchema)]
#[schema(as = Policy)]
pub(super) struct PolicyDocument<'a> {
    /// The blob of the `golive.yaml` that they are from; zeros if none could ever be read.
    policy: String,
    report: ReportRules<'a>,
    submission: SubmissionRules<'a>,
    review: ReviewRules<'a>,
}

/// What a report must hold.
#[derive(Serialize, ToSchema)]
struct ReportRules<'a> {
    /// What is done with a text that does not hold it.
    enforcement: Enforcement,
    /// The bytes that a text may have; `null` for the limit of the service alone.
    #[schema(minimum = 1)]
    max_bytes: Option<usize>,
    /// Labels at the head of the report.
    fields: &'a [String],
    /// In this order.
    phases: Vec<PhaseRules<'a>>,
}

/// One phase of the checklist.
#[derive(Serialize, ToSchema)]
struct PhaseRules<'a> {
    name: &'a str,
    /// Whether it ends with a verdict.
    verdict: bool,
    sections: Vec<SectionRules<'a>>,
}

/// One section of a phase.
#[derive(Serialize, ToSchema)]
struct SectionRules<'a> {
    heading: &'a str,
    /// Labels in it.
    fields: &'a [String],
    /// The columns of its table; none if it needs no table.
    columns: &'a [String],
    /// What the first column of that table must name.
    rows: &'a [String],
}

/// What may be handed in; in every list, `*` stands for any run of characters, and nothing means anything.
#[derive(Serialize, ToSchema)]
struct SubmissionRules<'a> {
    repository_hosts: &'a [String],
    repository_owners: &'a [String],
    email_domains: &'a [String],
}

/// Who decides, how, and for how long. Texts are compared that anyone can type.
#[derive(Serialize, ToSchema)]
struct ReviewRules<'a> {
    /// Patterns of who may decide; none for anyone.
    reviewers: &'a [String],
    /// Whether a submitter may not decide their own.
    four_eyes: bool,
    notes_required_on_reject: bool,
    /// A report that waits for more days is overdue.
    overdue_days: u32,
    /// An approval ends after so many days; 0 for never.
    approval_days: u32,
}

impl<'a> PolicyDocument<'a> {
    fn new(blob: git2::Oid, policy: &'a Policy) -> Self {
        let section = |section: &'a Section| SectionRules {
            heading: &section.heading,
            fields: &section.fields,
            columns: &section.columns,
            rows: &section.rows,
        };
        let phase = |phase: &'a Phase| PhaseRules {
            name: &phase.name,
            verdict: phase.has_verdict,
            sections: phase.sections.iter().map(section).collect(),
        };
        Self {
            policy: blob.to_string(),
            report: ReportRules {
                enforcement: policy.enforcement,
                max_bytes: policy.report_bytes_max,
                fields: &policy.requirements.fields,
                phases: policy.requirements.phases.iter().map(phase).collect(),
            },
            submission: SubmissionRules {
                repository_hosts: &policy.repository_hosts,
                repository_owners: &policy.repository_owners,
                email_domains: &policy.email_domains,
            },
            review: ReviewRules {
                reviewers: &policy.reviewers,
                four_eyes: policy.four_eyes,
                notes_required_on_reject: policy.notes_required_on_reject,
                overdue_days: policy.overdue_days,
                approval_days: policy.approval_days,
            },
        }
    }
}

/// Read the policy
///
/// The rules that are in force: those of the last `golive.yaml` that can be read.
#[utoipa::path(
    get, path = "/api/v1/policy", operation_id = "get_policy", tag = "reports",
    params(("if-none-match" = Option<String>, Header, description = "An `ETag`; 304 if the policy is still that version")),
    responses(
        (status = 200, body = PolicyDocument, description = "The policy", headers(
            ("etag" = String, description = "Version of the policy: the blob id of its file"),
            ("golive-commit" = String, description = "The commit that the answer was made from"))),
        (status = 304, description = "Not changed"),
        (status = 422, body = super::problem::ProblemDocument, content_type = "application/problem+json", description = "Unknown parameter"),
        HostProblem,
    )
)]
pub(super) async fn policy(State(app): State<App>, _: NoQuery, headers: HeaderMap) -> Result<Response, Problem> {
    let snapshot = app.store.snapshot();
    let in_force = &snapshot.policy;
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|value| names(value, in_force.blob)) {
        return Ok(tagged(StatusCode::NOT_MODIFIED.into_response(), in_force.blob, snapshot.commit));
    }
    let document = PolicyDocument::new(in_force.blob, &in_force.policy);
    let json = serde_json::to_vec(&document).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(tagged(json_response(json.into()), in_force.blob, snapshot.commit))
}
