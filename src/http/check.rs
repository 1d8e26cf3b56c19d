//! `POST /api/v1/reports/check`: a submission that is not made. What it would be
//! refused for comes from the code that refuses it; nothing is stored.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answers::BodyProblems;
use super::api::SubmissionBody;
use super::problem::{Problem, ProblemDocument};
use super::reports::{json_response, read_fields, refused};
use super::{App, COMMIT_HEADER, commit_header};
use crate::assess::{About, Assessment, assess};
use crate::policy::Enforcement;
use crate::report::validate;
use crate::report::{Status, Submission, accepts_submission};
use crate::store::snapshot::{Entry, Snapshot};
use crate::store::{Preview, Store};

/// What would come of a submission.
#[derive(Serialize, ToSchema)]
#[schema(as = Check)]
pub(super) struct CheckDocument<'a> {
    /// Whether it would be taken in now.
    accepted: bool,
    /// What it would be: `submit` or `resubmit` by `POST /reports`; `revise` if the
    /// repository has a report that waits or is approved, whose next revision it
    /// would be by `PUT /reports/{id}`. `null` if the repository cannot be told.
    event: Option<CheckedEvent>,
    /// The report that the repository has.
    report: Option<CheckedReport>,
    enforcement: Enforcement,
    /// The version of `golive.yaml` that it was held against.
    policy: String,
    /// Everything that it would be refused for.
    problems: Vec<ProblemDocument<'a>>,
    /// What the text says and what it lacks; `null` if none was sent, or if the
    /// rules do not ask for it.
    assessment: Option<&'a Assessment>,
}

/// The report of the repository.
#[derive(Serialize, ToSchema)]
struct CheckedReport {
    id: Uuid,
    status: Status,
    revision: u32,
}

/// What a submission would be.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CheckedEvent {
    Submit,
    Resubmit,
    Revise,
}

/// Check a submission
///
/// Says what would come of it, with all problems and findings at once. Nothing
/// is stored.
#[utoipa::path(
    post, path = "/api/v1/reports/check", operation_id = "check_report", tag = "reports",
    request_body = SubmissionBody,
    responses(
        (status = 200, body = CheckDocument, description = "What would come of it", headers(
            ("golive-commit" = String, description = "The commit that the answer was made from"))),
        BodyProblems,
        (status = 503, body = ProblemDocument, content_type = "application/problem+json", description = "Too many are checked now"),
    )
)]
pub(super) async fn check(State(app): State<App>, request: Request<Body>) -> Result<Response, Problem> {
    let (faults, texts) = read_fields(&app, request).await?;
    let [name, url, _, body] = texts.clone();
    let (submission, invalid) = match validate::submission(faults, texts, app.body_limit_bytes) {
        Ok(submission) => (Some(submission), None),
        Err(invalid) => (url.as_deref().and_then(stand_in), Some(refused(&app, None, invalid).await)),
    };
    let snapshot = app.store.snapshot();
    let obstacle = app.store.obstacle().map(|obstacle| Problem::from((*obstacle).clone()));
    let store = app.store.clone();
    let look = move || {
        let policy = &snapshot.policy.policy;
        let about = About {
            server_name: name.as_deref().unwrap_or_default(),
            repository_url: url.as_deref().unwrap_or_default(),
        };
        let body = body.as_deref().filter(|_| policy.enforcement != Enforcement::Off);
        let checked = Checked {
            assessment: body.map(|body| assess(body, about, &policy.requirements)),
            ..Checked::of(&store, &snapshot, submission, invalid, obstacle)
        };
        let json =
            serde_json::to_vec(&checked.document(&snapshot)).map_err(|error| Problem::internal(error.to_string()))?;
        let mut response = json_response(json.into());
        response.headers_mut().insert(&COMMIT_HEADER, commit_header(snapshot.commit));
        Ok(response)
    };
    app.assessments.in_turn(look).await?
}

struct Checked {
    entry: Option<Arc<Entry>>,
    event: Option<CheckedEvent>,
    problems: Vec<Problem>,
    assessment: Option<Assessment>,
}

impl Checked {
    /// Holds `submission` against the state in `snapshot`; if there is a problem with
    /// the input, it stands in for what was sent. Blocks.
    fn of(
        store: &Store,
        snapshot: &Snapshot,
        submission: Option<Submission>,
        invalid: Option<Problem>,
        obstacle: Option<Problem>,
    ) -> Self {
        let Some(submission) = submission else {
            let problems = obstacle.into_iter().chain(invalid).collect();
            return Self { entry: None, event: None, problems, assessment: None };
        };
        let Preview { entry, refused } = store.preview(snapshot, submission);
        // Of what stands in for the input nothing counts but whose report it is.
        let counts = |problem: &Problem| invalid.is_none() || problem.status == StatusCode::CONFLICT;
        let refused = refused.map(Problem::from).filter(counts);
        let event = Some(event(entry.as_deref()));
        Self { entry, event, problems: obstacle.into_iter().chain(invalid).chain(refused).collect(), assessment: None }
    }

    fn document<'a>(&'a self, snapshot: &Snapshot) -> CheckDocument<'a> {
        let report = self.entry.as_ref().map(|entry| &entry.report);
        CheckDocument {
            accepted: self.problems.is_empty(),
            event: self.event,
            report: report.map(|report| CheckedReport {
                id: report.id,
                status: report.status,
                revision: report.revision,
            }),
            enforcement: snapshot.policy.policy.enforcement,
            policy: snapshot.policy.blob.to_string(),
            problems: self.problems.iter().map(|problem| problem.document("")).collect(),
            assessment: self.assessment.as_ref(),
        }
    }
}

/// Returns what a submission for the repository of `entry` would be.
fn event(entry: Option<&Entry>) -> CheckedEvent {
    let status = entry.map(|entry| entry.report.status);
    match (status, accepts_submission(status)) {
        (None, _) => CheckedEvent::Submit,
        (Some(_), true) => CheckedEvent::Resubmit,
        (Some(_), false) => CheckedEvent::Revise,
    }
}

/// Returns a submission for the repository at `url`, to learn what is in its way
/// while the other fields are not valid.
fn stand_in(url: &str) -> Option<Submission> {
    let key = validate::repository_url(url).ok()?;
    let text = || "x".to_owned();
    Some(Submission { server_name: text(), repository_url: url.to_owned(), key, developer_email: text(), body: text() })
}
