//! The calls on one report: submit, read, revise, decide. Each handler reads the
//! input, calls the store and maps the result; no rule is decided here.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use git2::Oid;
use uuid::Uuid;

use super::allowed::{self, Sent};
use super::answers::{BodyProblems, DecisionProblems, HistoryProblems, VersionProblems, WriteProblems};
use super::api::{DecisionBody, ReportDocument, SubmissionBody};
use super::extract::{AtQuery, ReportId};
use super::history::report_at;
use super::input::Fields;
use super::problem::Problem;
use super::report_json::render_file;
use super::{App, COMMIT_HEADER, commit_header};
use crate::assess::About;
use crate::hex::Hex;
use crate::policy::{Enforcement, Policy, lacking};
use crate::report::validate::{self, Faults, Invalid};
use crate::report::{Decision, Submission};
use crate::store::snapshot::Entry;
use crate::store::{Change, Expected, Via, Written};

/// JSON may spell each byte of a report as up to 6 (`\u000a`); with room for the rest.
pub(super) const REQUEST_PER_BODY: usize = 8;

/// Submit a report
///
/// For a repository that has no report yet, or a rejected one, which this
/// makes the next revision of.
#[utoipa::path(
    post, path = "/api/v1/reports", operation_id = "submit_report", tag = "reports",
    request_body = SubmissionBody,
    params(("golive-via" = Option<String>, Header, description = "`mcp` if an assistant submits through the MCP server")),
    responses(
        (status = 201, body = ReportDocument, description = "Stored: its commit is at the tip, on disk", headers(
            ("location" = String, description = "Address of the report"),
            ("etag" = String, description = "Version of the report, for `If-Match`"),
            ("golive-commit" = String, description = "The commit that holds it"))),
        BodyProblems, WriteProblems,
    )
)]
pub(super) async fn submit(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let via = via(request.headers());
    let submission = read_submission(&app, None, request).await?;
    let written = app.store.write(Change::Submit(submission), via).await?;
    let location = format!("/api/v1/reports/{}", written.entry.report.id);
    let mut response = answer(&app, &written).await?;
    *response.status_mut() = StatusCode::CREATED;
    let location = HeaderValue::try_from(location).expect("a path with a UUID is ASCII");
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// Read a report
#[utoipa::path(
    get, path = "/api/v1/reports/{id}", operation_id = "get_report", tag = "reports",
    params(
        ("id" = Uuid, Path, description = "Id of the report"),
        ("at" = Option<String>, Query, description = "The state as it was at this commit (id, at least its first 7 digits) or time (RFC 3339); now if left out"),
        ("if-none-match" = Option<String>, Header, description = "An `ETag`; 304 if the report is still that version"),
    ),
    responses(
        (status = 200, body = ReportDocument, description = "The report", headers(
            ("etag" = String, description = "Version of the report: the blob id of its file"),
            ("golive-commit" = String, description = "The commit that the answer was made from"))),
        (status = 304, description = "Not changed"),
        HistoryProblems,
    )
)]
pub(super) async fn get(
    State(app): State<App>,
    ReportId(id): ReportId,
    AtQuery(at): AtQuery,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers();
    if let Some(at) = at {
        return report_at(&app, id, at, headers).await;
    }
    let snapshot = app.store.snapshot();
    let entry = snapshot.get(id).ok_or_else(|| Problem::not_found(format!("there is no report `{id}`")))?;
    let is_known = |value| names(value, entry.blob) && is_whole(entry);
    if headers.get_all(header::IF_NONE_MATCH).iter().any(is_known) {
        return Ok(tagged(StatusCode::NOT_MODIFIED.into_response(), entry.blob, snapshot.commit));
    }
    let json = render(&app, entry, &snapshot.policy.policy).await?;
    Ok(tagged(json_response(json), entry.blob, snapshot.commit))
}

/// Submit a new revision
///
/// Whatever the report's status, it waits for a decision again. Nothing
/// happens if all four fields are as they are.
#[utoipa::path(
    put, path = "/api/v1/reports/{id}", operation_id = "revise_report", tag = "reports",
    request_body = SubmissionBody,
    params(
        ("id" = Uuid, Path, description = "Id of the report"),
        ("if-match" = Option<String>, Header, description = "An `ETag`; 412 unless the report is still that version"),
        ("golive-via" = Option<String>, Header, description = "`mcp` if an assistant submits through the MCP server"),
    ),
    responses(
        (status = 200, body = ReportDocument, description = "The report as it is now", headers(
            ("etag" = String, description = "Version of the report"),
            ("golive-commit" = String, description = "The commit that holds it"))),
        BodyProblems, WriteProblems, VersionProblems,
    )
)]
pub(super) async fn revise(
    State(app): State<App>,
    ReportId(id): ReportId,
    request: Request,
) -> Result<Response, Problem> {
    let (expected, via) = (expected(request.headers()), via(request.headers()));
    let submission = read_submission(&app, Some(id), request).await?;
    let written = app.store.write(Change::Revise { id, submission, expected }, via).await?;
    answer(&app, &written).await
}

/// Decide on a report
///
/// Approve, reject, change a decision, or reopen. Nothing happens if status,
/// notes and reviewer are those in force.
#[utoipa::path(
    patch, path = "/api/v1/reports/{id}/status", operation_id = "decide_report", tag = "reports",
    request_body = DecisionBody,
    params(
        ("id" = Uuid, Path, description = "Id of the report"),
        ("if-match" = Option<String>, Header, description = "An `ETag`; 412 unless the report is still that version"),
    ),
    responses(
        (status = 200, body = ReportDocument, description = "The report as it is now", headers(
            ("etag" = String, description = "Version of the report"),
            ("golive-commit" = String, description = "The commit that holds the decision"))),
        BodyProblems, WriteProblems, VersionProblems, DecisionProblems,
    )
)]
pub(super) async fn decide(
    State(app): State<App>,
    ReportId(id): ReportId,
    request: Request,
) -> Result<Response, Problem> {
    let (expected, via) = (expected(request.headers()), via(request.headers()));
    let decision = read_decision(&app, request).await?;
    let written = app.store.write(Change::Decide { id, decision, expected }, via).await?;
    answer(&app, &written).await
}

/// Reads a submission, for the report `id` if it names one.
async fn read_submission(app: &App, id: Option<Uuid>, request: Request<Body>) -> Result<Submission, Problem> {
    let (faults, texts) = read_fields(app, request).await?;
    match validate::submission(faults, texts, app.body_limit_bytes) {
        Ok(submission) => Ok(submission),
        Err(invalid) => Err(refused(app, id, invalid).await),
    }
}

/// Returns everything that is wrong with a submission, for the report `id` if it
/// names one: what the policy says of it, and what its text lacks, included.
pub(super) async fn refused(app: &App, id: Option<Uuid>, invalid: Invalid) -> Problem {
    let Invalid { mut faults, fields } = invalid;
    let [_, repository_url, developer_email, body] = fields.each_ref().map(Option::as_deref);
    allowed::add_submission(app, id, Sent { repository_url, developer_email, body }, &mut faults).await;
    let policy = app.store.snapshot().policy.clone();
    if policy.policy.enforcement != Enforcement::Refuse {
        return Problem::invalid(faults, "#/");
    }
    let lacking = app.assessments.in_turn(move || {
        let [name, url, _, body] = fields.each_ref().map(Option::as_deref);
        let about = About { server_name: name.unwrap_or_default(), repository_url: url.unwrap_or_default() };
        body.map(|body| lacking::found(&policy.policy, about, body)).unwrap_or_default()
    });
    match lacking.await {
        Ok(findings) => Problem::lacking(faults, &findings),
        Err(error) => error.into(),
    }
}

/// Reads the four fields of a submission; `None` for one that the faults name.
pub(super) async fn read_fields(app: &App, request: Request<Body>) -> Result<(Faults, [Option<String>; 4]), Problem> {
    let mut fields = Fields::read(request, app.body_limit_bytes * REQUEST_PER_BODY).await?;
    let mut faults = Faults::default();
    let texts = ["server_name", "repository_url", "developer_email", "report_data"]
        .map(|name| fields.string(name, true, &mut faults));
    fields.refuse_others(&mut faults);
    Ok((faults, texts))
}

async fn read_decision(app: &App, request: Request<Body>) -> Result<Decision, Problem> {
    let mut fields = Fields::read(request, app.body_limit_bytes * REQUEST_PER_BODY).await?;
    let mut faults = Faults::default();
    let status = fields.string("status", true, &mut faults);
    let by = fields.string("reviewed_by", true, &mut faults);
    let notes = fields.string("review_notes", false, &mut faults);
    fields.refuse_others(&mut faults);
    let (word, has_notes) = (status.clone(), notes.as_ref().is_some_and(|notes| !notes.trim().is_empty()));
    validate::decision(faults, status, by, notes).map_err(|mut faults| {
        allowed::add_notes(app, word.as_deref(), has_notes, &mut faults);
        Problem::invalid(faults, "#/")
    })
}

fn via(headers: &HeaderMap) -> Via {
    match headers.get("golive-via").map(HeaderValue::as_bytes) {
        Some(b"mcp") => Via::Mcp,
        _ => Via::Api,
    }
}

/// Reads `If-Match`. Tags that are not ours, weak ones included, match nothing.
fn expected(headers: &HeaderMap) -> Expected {
    let mut values = headers.get_all(header::IF_MATCH).iter().peekable();
    if values.peek().is_none() {
        return Expected::Any;
    }
    let tags: Vec<&str> =
        values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(',')).map(str::trim).collect();
    if tags.contains(&"*") {
        return Expected::Any;
    }
    // Letter for letter: `Oid::from_str` would take other spellings of an id.
    let id = |tag: &&str| Oid::from_str(tag.trim_matches('"')).ok().filter(|id| self::tag(*id) == **tag);
    Expected::OneOf(tags.iter().filter_map(id).collect())
}

/// Returns whether an `If-None-Match` value names `blob` (weak comparison).
pub(super) fn names(value: &HeaderValue, blob: Oid) -> bool {
    names_tag(value, &tag(blob))
}

/// Returns whether an `If-None-Match` value names `tag` (weak comparison).
pub(super) fn names_tag(value: &HeaderValue, tag: &str) -> bool {
    value.to_str().is_ok_and(|text| {
        text.split(',').map(str::trim).any(|found| found == "*" || found.strip_prefix("W/").unwrap_or(found) == tag)
    })
}

async fn answer(app: &App, written: &Written) -> Result<Response, Problem> {
    let json = match &written.file {
        Some(file) => {
            render_file(&written.entry.report, file, written.policy.policy.approval_expires_at(&written.entry.report))?
        }
        None => render(app, &written.entry, &written.policy.policy).await?,
    };
    if is_whole(&written.entry) {
        let key = (written.entry.blob, written.policy.policy.approval_days);
        app.rendered.keep_written(key, &json, app.store.snapshot().len());
    }
    Ok(tagged(json_response(json), written.entry.blob, written.commit))
}

/// Returns whether the file says the whole state, so that its blob id names that too.
fn is_whole(entry: &Entry) -> bool {
    entry.file_says.is_none()
}

/// Returns the report as JSON: from memory, or from git.
async fn render(app: &App, entry: &Entry, policy: &Policy) -> Result<Bytes, Problem> {
    let (key, expires_at) = ((entry.blob, policy.approval_days), policy.approval_expires_at(&entry.report));
    if !is_whole(entry) {
        return render_file(&entry.report, &app.store.file(entry.blob).await?, expires_at);
    }
    if let Some(json) = app.rendered.get(key) {
        return Ok(json);
    }
    let _turn = app.room.turn().await;
    let json = render_file(&entry.report, &app.store.file(entry.blob).await?, expires_at)?;
    app.rendered.keep(key, &json, app.store.snapshot().len());
    Ok(json)
}

pub(super) fn json_response(json: Bytes) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

/// Returns the `ETag` of a version.
fn tag(blob: Oid) -> String {
    ["\"", &Hex::of(blob), "\""].concat()
}

pub(super) fn tagged(mut response: Response, blob: Oid, commit: Oid) -> Response {
    let tag = HeaderValue::from_str(&tag(blob)).expect("hex is ASCII");
    response.headers_mut().insert(header::ETAG, tag);
    response.headers_mut().insert(&COMMIT_HEADER, commit_header(commit));
    response
}
