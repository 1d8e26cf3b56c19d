//! The files that could not be accepted, for those who can repair them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, SubsecRound, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answers::HostProblem;
use super::extract::NoQuery;
use super::problem::Problem;
use super::reports::json_response;
use super::{App, COMMIT_HEADER, commit_header};
use crate::report::fault::Rule;
use crate::store::problem::{self, FoundIn};
use crate::store::snapshot::Snapshot;

/// A report file that could not be accepted; its report's last good state is served.
#[derive(Serialize, ToSchema)]
#[schema(as = FileProblem)]
pub(super) struct FileProblemDocument<'a> {
    /// Relative to the root of the reports repository.
    path: &'a str,
    /// The report that is served in its place, if there is one.
    report_id: Option<Uuid>,
    /// 1 for the first line of the file; `null` if it is about the file as a whole.
    line: Option<usize>,
    /// 1 for the first character of the line.
    column: Option<usize>,
    rule: Rule,
    /// What is wrong.
    detail: &'a str,
    /// How to repair it.
    repair: &'a str,
    /// When the file was saved, or committed.
    since: DateTime<Utc>,
    found_in: Place,
    /// The commit that brought the file.
    commit: Option<String>,
    /// The commit whose state of the report is served.
    last_good_commit: Option<String>,
    /// The line of the file.
    excerpt: Option<&'a str>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Place {
    WorkTree,
    Commit,
}

/// List the files that could not be accepted
///
/// Saved by hand, committed or merged. A file that is repaired goes from the
/// list by itself; until then, writes to its report are refused.
#[utoipa::path(
    get, path = "/api/v1/problems", operation_id = "list_problems", tag = "reports",
    responses(
        (status = 200, body = Vec<FileProblemDocument>, description = "The problems, by path", headers(
            ("golive-commit" = String, description = "The commit that the answer was made from"))),
        (status = 422, body = super::problem::ProblemDocument, content_type = "application/problem+json", description = "Unknown parameter"),
        HostProblem,
    )
)]
pub(super) async fn problems(State(app): State<App>, _: NoQuery) -> Result<Response, Problem> {
    let snapshot = app.store.snapshot();
    let documents: Vec<_> = snapshot.problems().map(|(path, problem)| document(&snapshot, path, problem)).collect();
    let json = serde_json::to_vec(&documents).map_err(|error| Problem::internal(error.to_string()))?;
    let mut response = json_response(json.into()).into_response();
    response.headers_mut().insert(&COMMIT_HEADER, commit_header(snapshot.commit));
    Ok(response)
}

fn document<'a>(snapshot: &Snapshot, path: &'a str, problem: &'a problem::Problem) -> FileProblemDocument<'a> {
    let (found_in, commit) = match problem.found_in {
        FoundIn::WorkTree => (Place::WorkTree, None),
        FoundIn::Commit(commit) => (Place::Commit, Some(commit.to_string())),
    };
    FileProblemDocument {
        path,
        report_id: snapshot.at_path(path).map(|entry| entry.report.id),
        line: problem.fault.place.map(|(line, _)| line),
        column: problem.fault.place.map(|(_, column)| column),
        rule: problem.fault.rule,
        detail: &problem.fault.detail,
        repair: &problem.fault.repair,
        since: problem.since.trunc_subsecs(0),
        found_in,
        commit,
        last_good_commit: problem.last_good.map(|commit| commit.to_string()),
        excerpt: problem.excerpt.as_deref(),
    }
}
