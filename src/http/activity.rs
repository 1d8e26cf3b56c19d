//! `GET /api/v1/activity`: the latest commits, whatever report they were about.

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use git2::Oid;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answers::HistoryProblems;
use super::history_api::PersonDocument;
use super::problem::Problem;
use super::query::{Parameters, RawQuery, read_commit, read_limit};
use super::reports::json_response;
use super::{App, COMMIT_HEADER, commit_header};
use crate::report::validate::Faults;
use crate::report::{Event, Status};
use crate::store::activity::Activity;
use crate::store::history::HistoryError;

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 200;

/// One commit of the branch.
#[derive(Serialize, ToSchema)]
#[schema(as = Activity)]
pub(super) struct ActivityDocument<'a> {
    commit: String,
    /// Committer time; UTC.
    at: DateTime<Utc>,
    author: PersonDocument<'a>,
    /// The first line of the message.
    subject: &'a str,
    /// How many report files it changed; what follows is about the one, and
    /// `null` if there is none, or more.
    n_reports: usize,
    report_id: Option<Uuid>,
    /// The report's name today.
    server_name: Option<&'a str>,
    /// `null` if the file does not tell.
    event: Option<Event>,
    /// After the commit; `null` if the file was deleted or could not be read.
    status: Option<Status>,
    /// `null` like `status`.
    revision: Option<u32>,
    /// The reviewer's, of a decision or a reopening.
    notes: Option<&'a str>,
    /// The way in (`api`, `mcp`, `web`, …); `null` for commits of others.
    via: Option<&'a str>,
}

impl<'a> ActivityDocument<'a> {
    fn new(activity: &'a Activity) -> Self {
        Self {
            commit: activity.commit.to_string(),
            at: activity.at,
            author: PersonDocument::new(&activity.author_name, &activity.author_email),
            subject: &activity.subject,
            n_reports: activity.n_reports,
            report_id: activity.report_id,
            server_name: activity.server_name.as_deref(),
            event: activity.event,
            status: activity.status,
            revision: activity.revision,
            notes: activity.notes.as_deref(),
            via: activity.via,
        }
    }
}

/// List the latest commits
///
/// Newest first, whatever report they were about, or none. Follow the `Link`
/// header with `rel="next"` for older ones.
#[utoipa::path(
    get, path = "/api/v1/activity", operation_id = "list_activity", tag = "history",
    params(
        ("limit" = Option<usize>, Query, description = "At most so many; 50 if left out", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "Where to go on, from the `Link` header of the page before"),
    ),
    responses(
        (status = 200, body = Vec<ActivityDocument>, description = "The commits", headers(
            ("link" = String, description = "`<…>; rel=\"next\"` if there are older ones"),
            ("golive-commit" = String, description = "The commit up to which"))),
        HistoryProblems,
    )
)]
pub(super) async fn activity(State(app): State<App>, query: RawQuery) -> Result<Response, Problem> {
    let mut parameters = Parameters::read(query)?;
    let mut faults = Faults::default();
    let limit = parameters.take("limit", &mut faults, |text| read_limit(text, LIMIT_MAX)).unwrap_or(LIMIT_DEFAULT);
    let cursor = parameters.take("cursor", &mut faults, |text| read_commit(text).ok_or_else(bad_cursor));
    parameters.refuse_others(&mut faults, "`limit`, `cursor`");
    if !faults.0.is_empty() {
        return Err(Problem::invalid(faults, "?"));
    }
    let page = app.store.activity(cursor, limit).await.map_err(|error| match error {
        HistoryError::UnknownCommit => {
            let mut faults = Faults::default();
            faults.push("cursor", bad_cursor());
            Problem::invalid(faults, "?")
        }
        other => other.into(),
    })?;
    let documents: Vec<_> = page.items.iter().map(ActivityDocument::new).collect();
    let json = serde_json::to_vec(&documents).map_err(|error| Problem::internal(error.to_string()))?;
    let mut response = json_response(json.into());
    let headers = response.headers_mut();
    headers.insert(&COMMIT_HEADER, commit_header(page.commit));
    if let Some(next) = page.next {
        headers.insert(header::LINK, next_link(limit, next));
    }
    Ok(response)
}

fn bad_cursor() -> String {
    "must be taken from the `Link` header of the page before".into()
}

fn next_link(limit: usize, next: Oid) -> HeaderValue {
    let link = format!("</api/v1/activity?limit={limit}&cursor={next}>; rel=\"next\"");
    HeaderValue::try_from(link).expect("numbers are ASCII")
}
