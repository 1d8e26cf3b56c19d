//! The calls on what was: a report's commits, its revisions, what differs
//! between them, and a report as it was at an earlier commit.

use axum::extract::{Path, State, rejection::PathRejection};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use git2::Oid;
use uuid::Uuid;

use super::answers::{HistoryProblems, ReadProblems};
use super::extract::ReportId;
use super::history_api::{DifferenceDocument, HistoryDocument};
use super::problem::Problem;
use super::query::{Parameters, RawQuery};
use super::report_json::render_file;
use super::reports::{json_response, names, tagged};
use super::{App, COMMIT_HEADER, api::ReportDocument, commit_header};
use crate::report::validate::Faults;
use crate::store::history::{At, CommitName, HistoryError, State as ReportState, Version};

/// Read the history of a report
///
/// Every commit that changed it, newest first.
#[utoipa::path(
    get, path = "/api/v1/reports/{id}/history", operation_id = "get_history", tag = "history",
    params(("id" = Uuid, Path, description = "Id of the report")),
    responses(
        (status = 200, body = Vec<HistoryDocument>, description = "The commits", headers(
            ("golive-commit" = String, description = "The commit up to which"))),
        ReadProblems,
    )
)]
pub(super) async fn history(State(app): State<App>, ReportId(id): ReportId) -> Result<Response, Problem> {
    let (commit, items) = app.store.history(id).await?;
    let items: Vec<_> = items.iter().map(HistoryDocument::new).collect();
    Ok(with_commit(json(&items)?, commit))
}

/// Read a revision of a report
///
/// The report as it was submitted then, waiting for a decision.
#[utoipa::path(
    get, path = "/api/v1/reports/{id}/revisions/{n}", operation_id = "get_revision", tag = "history",
    params(
        ("id" = Uuid, Path, description = "Id of the report"),
        ("n" = u32, Path, description = "Number of the revision, from 1", minimum = 1),
        ("if-none-match" = Option<String>, Header, description = "An `ETag`; 304 if it is still that version"),
    ),
    responses(
        (status = 200, body = ReportDocument, description = "The report as submitted", headers(
            ("etag" = String, description = "Version of the report then: the blob id of its file"),
            ("golive-commit" = String, description = "The commit of the submission"))),
        (status = 304, description = "Not changed"),
        ReadProblems,
    )
)]
pub(super) async fn revision(
    State(app): State<App>,
    ReportId(id): ReportId,
    path: Result<Path<(String, String)>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let revision = path.ok().and_then(|Path((_, n))| read_number(&n)).ok_or_else(|| {
        Problem::not_found(format!("report `{id}` has no such revision; revisions are numbered from 1"))
    })?;
    answer(&app.store.revision(id, revision).await?, &headers)
}

/// Compare two versions of a report
///
/// A unified diff of the report's file; of revision 1, the whole file is new.
/// As JSON, if `Accept` says so.
#[utoipa::path(
    get, path = "/api/v1/reports/{id}/diff", operation_id = "get_diff", tag = "history",
    params(
        ("id" = Uuid, Path, description = "Id of the report"),
        ("from" = Option<String>, Query, description = "Number of a revision, as submitted (0: nothing), or a commit id, at least its first 7 digits; the revision before `to` if left out"),
        ("to" = Option<String>, Query, description = "Likewise; the current revision if left out"),
        ("accept" = Option<String>, Header, description = "`text/plain`, or `application/json` for the lines one by one"),
    ),
    responses(
        (status = 200, description = "What differs; no text at all if nothing does",
            content((String = "text/plain"), (DifferenceDocument = "application/json")),
            headers(("golive-commit" = String, description = "The commit of `to`"))),
        HistoryProblems,
    )
)]
pub(super) async fn diff(
    State(app): State<App>,
    ReportId(id): ReportId,
    query: RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut parameters = Parameters::read(query)?;
    let mut faults = Faults::default();
    let from = parameters.take("from", &mut faults, read_side);
    let to = parameters.take("to", &mut faults, read_side);
    parameters.refuse_others(&mut faults, "`from`, `to`");
    let from = resolve(&app, "from", from, &mut faults).await?;
    let to = resolve(&app, "to", to, &mut faults).await?;
    if !faults.0.is_empty() {
        return Err(Problem::invalid(faults, "?"));
    }
    let difference = app.store.difference(id, from, to).await?;
    let commit = difference.to.commit;
    let mut response = if wants_json(&headers) {
        json(&DifferenceDocument::new(&difference))?
    } else {
        ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], difference.text).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(match commit {
        Some(commit) => with_commit(response, commit),
        None => response,
    })
}

/// Answers with the report `id` as it was at `at`.
pub(super) async fn report_at(app: &App, id: Uuid, at: At, headers: &HeaderMap) -> Result<Response, Problem> {
    let commit = commit_at(app, at).await?;
    let _turn = app.room.turn().await;
    answer(&app.store.state(id, commit).await?, headers)
}

/// Returns the commit that the parameter `at` names.
pub(super) async fn commit_at(app: &App, at: At) -> Result<Oid, Problem> {
    app.store.commit_at(at).await.map_err(|error| match error {
        HistoryError::UnknownCommit | HistoryError::Ambiguous => {
            let mut faults = Faults::default();
            faults.push("at", error.to_string());
            Problem::invalid(faults, "?")
        }
        other => other.into(),
    })
}

/// One end of a comparison, as given.
pub(super) enum Side {
    Revision(u32),
    Commit(CommitName),
}

/// A number is short, a commit id is not.
pub(super) fn read_side(text: &str) -> Result<Side, String> {
    let side = read_number(text).map(Side::Revision).or_else(|| CommitName::parse(text).map(Side::Commit));
    side.ok_or_else(|| "must be the number of a revision or a commit id (at least its first 7 digits)".into())
}

fn read_number(text: &str) -> Option<u32> {
    let is_number = (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}

async fn resolve(app: &App, name: &str, side: Option<Side>, faults: &mut Faults) -> Result<Option<Version>, Problem> {
    match side {
        None => Ok(None),
        Some(Side::Revision(revision)) => Ok(Some(Version::Revision(revision))),
        Some(Side::Commit(commit)) => match app.store.commit_at(At::Commit(commit)).await {
            Ok(commit) => Ok(Some(Version::Commit(commit))),
            Err(error @ (HistoryError::UnknownCommit | HistoryError::Ambiguous)) => {
                faults.push(name, error.to_string());
                Ok(None)
            }
            Err(error) => Err(error.into()),
        },
    }
}

fn answer(state: &ReportState, headers: &HeaderMap) -> Result<Response, Problem> {
    if headers.get_all(header::IF_NONE_MATCH).iter().any(|value| names(value, state.blob)) {
        return Ok(tagged(StatusCode::NOT_MODIFIED.into_response(), state.blob, state.commit));
    }
    Ok(tagged(
        json_response(render_file(&state.report, &state.file, state.approval_expires_at)?),
        state.blob,
        state.commit,
    ))
}

/// Returns whether `Accept` asks for JSON, and not for text just as much.
fn wants_json(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<_> = values.flat_map(|text| text.split(',')).map(weighted).collect();
    let weight = |names: &[&str]| {
        ranges.iter().filter(|(name, _)| names.contains(&name.as_str())).map(|(_, weight)| *weight).fold(0.0, f32::max)
    };
    let json = weight(&["application/json"]);
    json > 0.0 && json > weight(&["text/plain", "text/x-diff", "text/*"])
}

/// Reads one media range of `Accept` with its weight, 1 if none is given.
fn weighted(range: &str) -> (String, f32) {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok());
    (name, weight.unwrap_or(0.0))
}

fn json(document: &impl serde::Serialize) -> Result<Response, Problem> {
    let body = serde_json::to_vec(document).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(json_response(body.into()))
}

fn with_commit(mut response: Response, commit: Oid) -> Response {
    response.headers_mut().insert(&COMMIT_HEADER, commit_header(commit));
    response
}
