//! `GET /api/v1/reports`: summaries, searched, narrowed and sorted, page by page.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::response::Response;
use git2::Oid;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::answers::HistoryProblems;
use super::api::{FindingsFilter, RiskFilter, Sort, StatusFilter, SummaryDocument};
use super::history::commit_at;
use super::problem::Problem;
use super::query::{Parameters, read_at, read_limit, read_time};
use super::reports::json_response;
use super::{App, COMMIT_HEADER, commit_header};
use crate::assess::Risk;
use crate::assessments::{Findings, Narrowed, Progress, RISKS, is_on, risk_word};
use crate::report::Status;
use crate::report::validate::{self, Faults};
use crate::store::history::At;
use crate::store::snapshot::{Cursor, Entry, ListQuery, Order, Snapshot, words};

const LIMIT_DEFAULT: usize = 100;
const LIMIT_MAX: usize = 1000;
/// A search is some words, not a text.
pub(super) const SEARCH_MAX: usize = 255;
const KNOWN: &str = "`status`, `q`, `owner`, `repository_url`, `submitted_before`, `updated_since`, `expires_before`, `risk`, \
                     `findings`, `sort`, `limit`, `cursor`, `at`";
/// A page of which some were not assessed yet is made anew after this. It does not
/// assess them itself: lists are asked for more often than reports come in.
const UNREAD_MAX: Duration = Duration::from_secs(1);
/// What a value of a query does not spell as it is.
pub(super) const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');
static TOTAL_HEADER: HeaderName = HeaderName::from_static("x-total-count");

/// List reports
///
/// Newest submission first, unless `sort` says otherwise. Follow the `Link`
/// header with `rel="next"` for more.
#[utoipa::path(
    get, path = "/api/v1/reports", operation_id = "list_reports", tag = "reports",
    params(
        ("status" = Option<StatusFilter>, Query, description = "Only reports in this status; all if left out"),
        ("q" = Option<String>, Query, description = "Only reports in which all of these words stand, in any case, each in the server's name, the repository's URL, the developer's address or the review notes; at most 255 characters"),
        ("owner" = Option<String>, Query, description = "Only reports about repositories of this owner, in any case: the path of the repository without its name"),
        ("repository_url" = Option<String>, Query, description = "Only the report about this repository, however its address is spelled; at most one"),
        ("submitted_before" = Option<DateTime<Utc>>, Query, description = "Only reports submitted at this time or before"),
        ("sort" = Option<Sort>, Query, description = "`newest` submission first if left out"),
        ("limit" = Option<usize>, Query, description = "At most so many; 100 if left out", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "Where to go on, from the `Link` header of the page before; fits the `sort` it came from alone"),
        ("updated_since" = Option<DateTime<Utc>>, Query, description = "Only reports changed at this time or later"),
        ("expires_before" = Option<DateTime<Utc>>, Query, description = "Only approved reports whose approval ends before this time"),
        ("risk" = Option<RiskFilter>, Query, description = "Only reports that name this risk; not with `at`"),
        ("findings" = Option<FindingsFilter>, Query, description = "Only reports in which the check found this at worst; not with `at`"),
        ("at" = Option<String>, Query, description = "The state as it was at this commit (id, at least its first 7 digits) or time (RFC 3339); now if left out"),
    ),
    responses(
        (status = 200, body = Vec<SummaryDocument>, description = "A page of summaries", headers(
            ("x-total-count" = u64, description = "Number of reports on all pages"),
            ("link" = String, description = "`<…>; rel=\"next\"` if there is another page"),
            ("golive-commit" = String, description = "The commit that the answer was made from"))),
        HistoryProblems,
    )
)]
pub(super) async fn list(State(app): State<App>, uri: Uri) -> Result<Response, Problem> {
    let text = uri.query().unwrap_or_default();
    let is_current = |page: &Page| {
        page.commit == app.store.snapshot().commit && page.until.is_none_or(|until| Instant::now() < until)
    };
    if let Some(page) = app.pages.get(text).filter(is_current) {
        return Ok(page.response());
    }
    let parameters = Parameters::read(Query::try_from_uri(&uri))?.into_pairs();
    let Asked { query, narrowed, at } = read(&parameters).map_err(|faults| Problem::invalid(faults, "?"))?;
    let is_at_tip = at.is_none();
    let snapshot = match at {
        Some(at) => app.store.snapshot_at(commit_at(&app, at).await?).await?,
        None => app.store.snapshot(),
    };
    let query = narrow(&app, &snapshot, query, narrowed).await?;
    let found = snapshot.page(&query);
    let policy = &snapshot.policy;
    let short = |entry: &Entry| app.assessments.short(entry, policy).filter(|_| is_at_tip);
    let summaries: Vec<_> =
        found.entries.iter().map(|entry| SummaryDocument::new(entry, &policy.policy, short(entry))).collect();
    let is_whole = !is_on(policy) || summaries.iter().all(SummaryDocument::is_assessed);
    let until = (!is_whole).then(|| Instant::now() + UNREAD_MAX);
    let body = serde_json::to_vec(&summaries).map_err(|error| Problem::internal(error.to_string()))?;
    let link = found.next.map(|next| next_link(&parameters, snapshot.commit, &next));
    let link = link.and_then(|link| HeaderValue::try_from(link).ok());
    let page = Page { commit: snapshot.commit, until, body: body.into(), n_matching: found.n_matching, link };
    if is_at_tip {
        app.pages.insert(text.to_owned(), page.clone());
    }
    Ok(page.response())
}

/// Narrows a query by what the check found.
///
/// # Errors
/// 503 while more reports were not read than can be read at once.
async fn narrow(
    app: &App,
    snapshot: &Arc<Snapshot>,
    query: ListQuery,
    narrowed: Narrowed,
) -> Result<ListQuery, Problem> {
    let probe = |snapshot: &Snapshot, query: &ListQuery| {
        let _ = snapshot.page(query);
    };
    let (query, progress) = app.assessments.narrow(snapshot, query, narrowed, probe).await?;
    if progress.is_whole() {
        return Ok(query);
    }
    let Progress { n_read, n_all } = progress;
    Err(Problem::unavailable(format!("{n_read} of {n_all} reports were read; ask again in a moment")).retry_after(2))
}

/// A page as it was made from the state at a commit; whoever asks for the same
/// before the next commit gets it as it is.
#[derive(Clone)]
pub(super) struct Page {
    commit: Oid,
    /// `None` as long as the commit is the tip.
    until: Option<Instant>,
    body: Bytes,
    /// How many reports match, on all pages.
    n_matching: usize,
    link: Option<HeaderValue>,
}

impl Page {
    fn response(self) -> Response {
        let mut response = json_response(self.body);
        let headers = response.headers_mut();
        headers.insert(&COMMIT_HEADER, commit_header(self.commit));
        headers.insert(&TOTAL_HEADER, HeaderValue::from(self.n_matching));
        if let Some(link) = self.link {
            headers.insert(header::LINK, link);
        }
        response
    }
}

#[derive(Clone)]
pub(super) struct PageWeight;

impl quick_cache::Weighter<String, Page> for PageWeight {
    fn weight(&self, query: &String, page: &Page) -> u64 {
        (query.len() + page.body.len()) as u64 + 256
    }
}

/// What the parameters ask for.
struct Asked {
    query: ListQuery,
    narrowed: Narrowed,
    at: Option<At>,
}

fn read(parameters: &[(String, String)]) -> Result<Asked, Faults> {
    let mut at = None;
    let mut narrowed = Narrowed::default();
    let mut cursor = None;
    let mut query = ListQuery { limit: LIMIT_DEFAULT, ..ListQuery::default() };
    let mut faults = Faults::default();
    for (n, (name, value)) in parameters.iter().enumerate() {
        if parameters[..n].iter().any(|(other, _)| other == name) {
            faults.push(name, "must be given once");
            continue;
        }
        match name.as_str() {
            "status" => query.status = faults.take(name, read_status(value)).flatten(),
            "q" => query.words = faults.take(name, read_search(value)).unwrap_or_default(),
            "owner" => query.owner = faults.take(name, read_owner(value)),
            "repository_url" => query.path = faults.take(name, read_repository(value)),
            "expires_before" => query.expires_before = faults.take(name, read_time(value)),
            "submitted_before" => query.submitted_before = faults.take(name, read_time(value)),
            "updated_since" => query.updated_since = faults.take(name, read_time(value)),
            "risk" => narrowed.risk = faults.take(name, read_risk(value)),
            "findings" => narrowed.findings = faults.take(name, read_findings(value)),
            "sort" => query.order = faults.take(name, read_sort(value)).unwrap_or_default(),
            "limit" => query.limit = faults.take(name, read_limit(value, LIMIT_MAX)).unwrap_or(LIMIT_DEFAULT),
            "cursor" => cursor = Some(value),
            "at" => at = faults.take(name, read_at(value)),
            _ => faults.push(name, format!("is not known here; use {KNOWN}")),
        }
    }
    // Of the order, which may be named after it.
    query.after = cursor.and_then(|text| faults.take("cursor", read_cursor(query.order, text)));
    if at.is_some() && !narrowed.is_idle() {
        faults.push("at", "cannot be asked for together with `risk` or `findings`: what was, is not assessed");
    }
    if faults.0.is_empty() { Ok(Asked { query, narrowed, at }) } else { Err(faults) }
}

pub(super) fn read_risk(text: &str) -> Result<Option<Risk>, String> {
    let risk = RISKS.into_iter().find(|risk| risk_word(*risk) == text);
    risk.ok_or_else(|| "must be `low`, `medium`, `high` or `none`".into())
}

pub(super) fn read_findings(text: &str) -> Result<Findings, String> {
    Findings::from_word(text).ok_or_else(|| "must be `none`, `warnings` or `errors`".into())
}

pub(super) fn read_status(text: &str) -> Result<Option<Status>, String> {
    match Status::from_word(text) {
        Some(status) => Ok(Some(status)),
        None if text == "all" => Ok(None),
        None => Err("must be `pending_review`, `approved`, `rejected` or `all`".into()),
    }
}

fn read_cursor(order: Order, text: &str) -> Result<Cursor, String> {
    let cursor = Cursor::read(order, text);
    cursor.ok_or_else(|| "must be taken from the `Link` header of the page before, with the same `sort`".into())
}

pub(super) fn read_sort(text: &str) -> Result<Order, String> {
    Order::from_word(text).ok_or_else(|| "must be `newest`, `oldest`, `updated` or `name`".into())
}

fn read_search(text: &str) -> Result<Vec<String>, String> {
    if text.chars().count() > SEARCH_MAX {
        return Err(format!("must be at most {SEARCH_MAX} characters long"));
    }
    Ok(words(text))
}

fn read_owner(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("must not be empty; leave it out for all".into()) } else { Ok(text.into()) }
}

fn read_repository(text: &str) -> Result<String, String> {
    validate::repository_url(text).map(|key| key.path())
}

/// Returns the `Link` to the next page: the same query with another cursor. A
/// time becomes the commit it meant, so that all pages are of one state.
fn next_link(parameters: &[(String, String)], commit: Oid, next: &Cursor) -> String {
    let cursor = next.to_string();
    let cursor = utf8_percent_encode(&cursor, VALUE);
    let mut query = String::new();
    for (name, value) in parameters.iter().filter(|(name, _)| name != "cursor") {
        let commit = commit.to_string();
        let value = if name == "at" { &commit } else { value };
        query.push_str(&format!("{name}={}&", utf8_percent_encode(value, VALUE)));
    }
    format!("</api/v1/reports?{query}cursor={cursor}>; rel=\"next\"")
}
