//! `GET /api/v1/events`: each commit as it is made, as server-sent events.
//!
//! A stream has a task of its own that hears of news and hands on what the
//! client takes. A client that takes little is told later of more at once, as
//! the store keeps its place, not a queue; it holds up nobody.

mod stream;
mod text;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use git2::Oid;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::problem::{Problem, ProblemDocument};
use super::query::{Parameters, RawQuery, read_commit};
use super::{App, COMMIT_HEADER, commit_header};
use crate::report::Status;
use crate::report::validate::Faults;
pub(super) use stream::Streams;

const LAST_EVENT_ID: &str = "last-event-id";

/// Data of an event `commit`. Its `id` is the commit.
#[derive(Serialize, ToSchema)]
#[schema(as = CommitEvent)]
pub(super) struct CommittedDocument<'a> {
    commit: String,
    /// Committer time; UTC.
    at: DateTime<Utc>,
    /// The reports that it changed, as they were after it.
    reports: Vec<ChangedDocument<'a>>,
}

/// A report that a commit changed.
#[derive(Serialize, ToSchema)]
#[schema(as = ChangedReport)]
struct ChangedDocument<'a> {
    id: Uuid,
    server_name: &'a str,
    status: Status,
    #[schema(minimum = 1)]
    revision: u32,
}

/// Data of an event `reset`: what was missed cannot be told, so read everything
/// anew. Its `id` is the commit.
#[derive(Serialize, ToSchema)]
#[schema(as = ResetEvent)]
pub(super) struct ResetDocument {
    /// The tip.
    commit: String,
}

/// Data of an event `problems`: the list of `GET /api/v1/problems` is another.
#[derive(Serialize, ToSchema)]
#[schema(as = ProblemsEvent)]
pub(super) struct ProblemsDocument {
    /// The tip.
    commit: String,
    n_problems: usize,
}

/// One event of the stream: the values of its lines.
#[derive(ToSchema)]
#[schema(as = StreamEvent)]
#[expect(dead_code, reason = "describes the lines; `text` writes them")]
pub(super) struct EventDocument {
    event: EventKind,
    /// The commit, of `commit` and `reset`; to come back with as `Last-Event-ID`.
    #[schema(pattern = "^[0-9a-f]{40}$")]
    id: Option<String>,
    /// `CommitEvent`, `ResetEvent` or `ProblemsEvent` as JSON.
    #[schema(content_media_type = "application/json")]
    data: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the lines; `text` writes them")]
enum EventKind {
    Commit,
    Reset,
    Problems,
}

/// Hear of each commit
///
/// Server-sent events, one for each commit from now on: `commit`, whose `id` is
/// the commit's. `problems` says that the list of problems is another. After
/// `Last-Event-ID`, first come the commits since that one, oldest first; if it
/// is not in the branch's history, or more than 1000 commits back, `reset`.
#[utoipa::path(
    get, path = "/api/v1/events", operation_id = "stream_events", tag = "history",
    params(
        ("last-event-id" = Option<String>, Header, description = "The commit that was heard of last; it wins over the parameter"),
        ("last_event_id" = Option<String>, Query, description = "The same, for the first connection of a page", pattern = "^[0-9a-f]{40}$"),
    ),
    responses(
        (status = 200, description = "The events, until the service stops; a comment at least each 15 s",
            content((EventDocument = "text/event-stream")),
            headers(("golive-commit" = String, description = "The commit after which the events are"))),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json", description = "The query cannot be read"),
        (status = 421, body = ProblemDocument, content_type = "application/problem+json", description = "Wrong host"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json", description = "Invalid parameter"),
        (status = 503, body = ProblemDocument, content_type = "application/problem+json", description = "Too many streams are open"),
    )
)]
pub(super) async fn events(State(app): State<App>, query: RawQuery, headers: HeaderMap) -> Result<Response, Problem> {
    let mut parameters = Parameters::read(query)?;
    let mut faults = Faults::default();
    let after = parameters.take("last_event_id", &mut faults, |text| {
        read_commit(text).ok_or_else(|| "must be a whole commit id, 40 hex digits in lower case".into())
    });
    parameters.refuse_others(&mut faults, "`last_event_id`");
    if !faults.0.is_empty() {
        return Err(Problem::invalid(faults, "?"));
    }
    let place = app.streams.enter(&app.metrics).ok_or_else(|| {
        Problem::unavailable(
            "too many streams of events are open; try again, or ask `GET /api/v1/activity` now and then",
        )
    })?;
    let feed = app.store.feed(last_event_id(&headers).or(after));
    let commit = commit_header(feed.last());
    let mut response = stream::start(&app, feed, place).into_response();
    let headers = response.headers_mut();
    headers.insert(&COMMIT_HEADER, commit);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Proxies that collect answers would hold back each event for the next.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// Returns the commit that a client says it heard of last. What is no commit of
/// ours is on no line, and so leads to a reset.
fn last_event_id(headers: &HeaderMap) -> Option<Oid> {
    let value = headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty())?;
    Some(value.to_str().ok().and_then(read_commit).unwrap_or(Oid::ZERO_SHA1))
}
