//! `GET /api/v1/reports/{id}/assessment`: what the check finds in a report's text.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use git2::Oid;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answers::ReadProblems;
use super::extract::{NoQuery, ReportId};
use super::problem::Problem;
use super::reports::{json_response, names_tag};
use super::{App, COMMIT_HEADER, commit_header};
use crate::assess::{Finding, PhaseVerdict, Risk, Severity};
use crate::policy::Enforcement;

/// What the check finds in a report's text, by the rules that are in force.
#[derive(Serialize, ToSchema)]
#[schema(as = ReportAssessment)]
pub(super) struct AssessmentDocument<'a> {
    report_id: Uuid,
    #[schema(minimum = 1)]
    revision: u32,
    /// The version of the report's file.
    report: String,
    /// The version of `golive.yaml`.
    policy: String,
    /// With `off` nothing is looked at.
    enforcement: Enforcement,
    /// How many findings are errors.
    errors: usize,
    /// And warnings.
    warnings: usize,
    /// The report's own word for it.
    risk_level: Option<Risk>,
    /// One for each phase that is asked for, in order.
    phases: &'a [PhaseVerdict],
    /// By line.
    findings: &'a [Finding],
}

/// Read what the check finds in a report
#[utoipa::path(
    get, path = "/api/v1/reports/{id}/assessment", operation_id = "get_assessment", tag = "reports",
    params(
        ("id" = Uuid, Path, description = "Id of the report"),
        ("if-none-match" = Option<String>, Header, description = "An `ETag`; 304 if neither the report nor the rules changed"),
    ),
    responses(
        (status = 200, body = AssessmentDocument, description = "What it says and what it lacks", headers(
            ("etag" = String, description = "Version of the report and of the rules: their blob ids"),
            ("golive-commit" = String, description = "The commit that the answer was made from"))),
        (status = 304, description = "Not changed"),
        (status = 422, body = super::problem::ProblemDocument, content_type = "application/problem+json", description = "Unknown parameter"),
        ReadProblems,
    )
)]
pub(super) async fn assessment(
    State(app): State<App>,
    ReportId(id): ReportId,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let snapshot = app.store.snapshot();
    let entry = snapshot.get(id).ok_or_else(|| Problem::not_found(format!("there is no report `{id}`")))?;
    let policy = &snapshot.policy;
    let tag = format!("\"{}-{}\"", entry.blob, policy.blob);
    let is_known = |value| names_tag(value, &tag);
    if headers.get_all(header::IF_NONE_MATCH).iter().any(is_known) {
        return Ok(tagged(StatusCode::NOT_MODIFIED.into_response(), &tag, snapshot.commit));
    }
    let assessment = app.assessments.whole(entry, policy).await?;
    let document = AssessmentDocument {
        report_id: id,
        revision: entry.report.revision,
        report: entry.blob.to_string(),
        policy: policy.blob.to_string(),
        enforcement: policy.policy.enforcement,
        errors: assessment.count(Severity::Error),
        warnings: assessment.count(Severity::Warning),
        risk_level: assessment.risk_level,
        phases: &assessment.phases,
        findings: &assessment.findings,
    };
    let json = serde_json::to_vec(&document).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(tagged(json_response(json.into()), &tag, snapshot.commit))
}

pub(super) fn tagged(mut response: Response, tag: &str, commit: Oid) -> Response {
    let tag = HeaderValue::try_from(tag).expect("hex is ASCII");
    response.headers_mut().insert(header::ETAG, tag);
    response.headers_mut().insert(&COMMIT_HEADER, commit_header(commit));
    response
}
