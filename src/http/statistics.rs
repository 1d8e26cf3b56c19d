//! `GET /api/v1/statistics`: the queue in numbers.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::answers::HostProblem;
use super::extract::NoQuery;
use super::problem::Problem;
use super::reports::json_response;
use super::{App, COMMIT_HEADER, commit_header};
use crate::report::Status;
use crate::store::snapshot::{ListQuery, Owner, WeekCount};

/// Half a year.
const N_WEEKS: usize = 26;

/// The queue in numbers.
#[derive(Serialize, ToSchema)]
#[schema(as = Statistics)]
pub(super) struct StatisticsDocument {
    /// The last 26, oldest first, with the one that is not over yet.
    weeks: Vec<WeekDocument>,
    counts: CountsDocument,
    /// When the report was submitted that has waited longest; `null` if none waits.
    oldest_pending_at: Option<DateTime<Utc>>,
    /// Whose repositories the reports are about, by name; of more than 200,
    /// those with the most reports.
    owners: Vec<OwnerDocument>,
}

/// One week, from Monday, UTC. Of a report that was decided more than once, the
/// decision that is in force counts.
#[derive(Serialize, ToSchema)]
#[schema(as = Week)]
struct WeekDocument {
    start: NaiveDate,
    /// Submitted before the week's end, and not decided by then.
    waiting: usize,
    /// Decided in this week.
    approved: usize,
    rejected: usize,
}

/// How many reports are in each status.
#[derive(Serialize, ToSchema)]
#[schema(as = Counts)]
struct CountsDocument {
    pending_review: usize,
    approved: usize,
    rejected: usize,
}

/// An owner of source repositories.
#[derive(Serialize, ToSchema)]
#[schema(as = Owner)]
struct OwnerDocument {
    /// The path of a repository without its name, for the parameter `owner` of the list.
    name: String,
    n_reports: usize,
}

impl From<&WeekCount> for WeekDocument {
    fn from(week: &WeekCount) -> Self {
        Self { start: week.start, waiting: week.waiting, approved: week.approved, rejected: week.rejected }
    }
}

/// Read the queue in numbers
#[utoipa::path(
    get, path = "/api/v1/statistics", operation_id = "get_statistics", tag = "reports",
    responses(
        (status = 200, body = StatisticsDocument, description = "The numbers", headers(
            ("golive-commit" = String, description = "The commit that the answer was made from"))),
        (status = 422, body = super::problem::ProblemDocument, content_type = "application/problem+json", description = "Unknown parameter"),
        HostProblem,
    )
)]
pub(super) async fn statistics(State(app): State<App>, _: NoQuery) -> Result<Response, Problem> {
    let snapshot = app.store.snapshot();
    let counts = snapshot.counts(&ListQuery::default());
    let owner = |Owner { name, n_reports }| OwnerDocument { name, n_reports };
    let document = StatisticsDocument {
        weeks: snapshot.weeks(Utc::now(), N_WEEKS).iter().map(WeekDocument::from).collect(),
        counts: CountsDocument {
            pending_review: counts.of(Status::PendingReview),
            approved: counts.of(Status::Approved),
            rejected: counts.of(Status::Rejected),
        },
        oldest_pending_at: snapshot.oldest_pending().map(|entry| entry.report.submitted_at),
        owners: snapshot.owners().into_iter().map(owner).collect(),
    };
    let json = serde_json::to_vec(&document).map_err(|error| Problem::internal(error.to_string()))?;
    let mut response = json_response(json.into());
    response.headers_mut().insert(&COMMIT_HEADER, commit_header(snapshot.commit));
    Ok(response)
}
