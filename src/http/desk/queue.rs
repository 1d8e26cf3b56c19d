//! The queue: what waits for a decision, the longest waiting first, and every
//! other report behind its tab.

use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::check::{self, Mark};
use super::facts::Expiry;
use super::owners;
use super::page::{self, Frame, Place};
use super::queue_view::{ORDERS, View, status_word};
use super::show::{self, Markup, Moment, Pill, Shown};
use crate::assessments::{Progress, is_on};
use crate::http::App;
use crate::http::problem::Problem;
use crate::http::query::RawQuery;
use crate::render;
use crate::report::Status;
use crate::store::snapshot::{Counts, Entry, ListQuery, Order, Snapshot, WeekCount};

/// The picture shows half a year.
const WEEKS: usize = 26;
/// Ages that the filter offers, in days.
const AGES: [u32; 5] = [1, 3, 7, 14, 30];
/// Within how many days an approval ends; 0 has ended.
const EXPIRIES: [u32; 4] = [0, 7, 30, 90];
/// Texts are shown in full on the report's own page.
const NAME_MAX: usize = 200;
/// The page waits so long for reports that were not assessed yet.
const PATIENCE: Duration = Duration::from_millis(500);
const ADDRESS_MAX: usize = 120;

#[derive(Template)]
#[template(path = "queue.html", whitespace = "minimize")]
struct QueuePage<'a> {
    frame: Frame,
    view: &'a View,
    /// The hidden field of the search form.
    status_word: &'static str,
    tabs: [Tab; 4],
    owners: Vec<Choice>,
    ages: Vec<Choice>,
    /// None if approvals do not end.
    expiries: Vec<Choice>,
    risks: Vec<Choice>,
    findings: Vec<Choice>,
    /// The rules ask for the check.
    is_checked: bool,
    /// How far the filter got, if reports are missing from the list.
    progress: Option<Progress>,
    orders: Vec<Choice>,
    rows: Vec<Row>,
    n_matching: usize,
    n_all: usize,
    next: Option<String>,
    chart: Markup<'a>,
    /// Where this service is, as the reader calls it.
    base: Shown,
}

struct Tab {
    href: String,
    name: &'static str,
    n: usize,
    is_current: bool,
}

/// One choice of a filter.
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) text: Shown,
    pub(super) is_chosen: bool,
}

struct Row {
    id: Uuid,
    name: Shown,
    repository: Shown,
    developer: Shown,
    status: Pill,
    revision: u32,
    submitted: Moment,
    /// How long it has waited, or how long ago it was decided.
    span: String,
    is_overdue: bool,
    decided: Option<Moment>,
    expiry: Option<Expiry>,
    reviewer: Shown,
    has_problem: bool,
    /// What the check found; `None` if it was not read yet.
    mark: Option<Mark>,
}

/// Answers with the queue.
pub(super) async fn queue(State(app): State<App>, query: RawQuery, headers: HeaderMap) -> Result<Response, Problem> {
    let view = View::read(query)?;
    let snapshot = app.store.snapshot();
    let now = Utc::now();
    // By all statuses, as the tabs count them.
    let probe = |snapshot: &Snapshot, query: &ListQuery| {
        let _ = snapshot.counts(query);
    };
    let (query, progress) = app.assessments.narrow(&snapshot, view.query(now), view.narrowed, probe).await?;
    let found = snapshot.page(&query);
    let policy = &snapshot.policy;
    app.assessments.fill(&found.entries, policy, PATIENCE).await?;
    let mark = |entry: &Entry| app.assessments.short(entry, policy).map(Mark::of);
    let weeks: Vec<_> = snapshot.weeks(now, WEEKS).iter().map(week).collect();
    let page = QueuePage {
        frame: Frame::new(&app, &snapshot, Place::Queue),
        status_word: status_word(view.status),
        tabs: tabs(&view, snapshot.counts(&query)),
        owners: owners::choices(&snapshot.owners(), &view.owner),
        ages: ages(&view),
        expiries: expiries(&view, &snapshot),
        risks: check::risks(&view),
        findings: check::findings(&view),
        is_checked: is_on(policy),
        progress: Some(progress).filter(|progress| !progress.is_whole()),
        orders: orders(&view),
        rows: found.entries.iter().map(|entry| Row::new(entry, &snapshot, now, mark(entry))).collect(),
        n_matching: found.n_matching,
        n_all: snapshot.len(),
        next: found.next.map(|next| view.starting(Some(next)).href()),
        chart: Markup(render::weeks(&weeks).into()),
        base: Shown::new(&base(&headers)),
        view: &view,
    };
    page::answer(&page, snapshot.commit)
}

impl QueuePage<'_> {
    fn last_column(&self) -> &'static str {
        match self.view.status {
            Some(Status::PendingReview) => "Waiting",
            Some(_) => "Decided",
            None => "Waiting or decided",
        }
    }
}

impl Row {
    fn new(entry: &Entry, snapshot: &Snapshot, now: DateTime<Utc>, mark: Option<Mark>) -> Self {
        let (report, policy) = (&entry.report, &snapshot.policy.policy);
        let waits = report.status == Status::PendingReview;
        let since = report.reviewed_at.filter(|_| !waits).unwrap_or(report.submitted_at);
        Self {
            id: report.id,
            name: Shown::shortened(&report.server_name, NAME_MAX),
            repository: Shown::shortened(show::repository(&report.repository_url), ADDRESS_MAX),
            developer: Shown::shortened(&report.developer_email, ADDRESS_MAX),
            status: Pill(report.status),
            revision: report.revision,
            submitted: Moment::day(report.submitted_at),
            span: show::span(now - since),
            is_overdue: waits && policy.is_overdue(now - since),
            decided: report.reviewed_at.filter(|_| !waits).map(Moment::day),
            expiry: policy.approval_expires_at(report).map(|expires_at| Expiry::new(expires_at, now)),
            reviewer: Shown::shortened(report.reviewed_by.as_deref().unwrap_or_default(), ADDRESS_MAX),
            has_problem: snapshot.problem(&entry.path).is_some(),
            mark,
        }
    }
}

fn week(week: &WeekCount) -> render::Week {
    render::Week { start: week.start, waiting: week.waiting, approved: week.approved, rejected: week.rejected }
}

fn tabs(view: &View, counts: Counts) -> [Tab; 4] {
    let tab = |name, status: Option<Status>, n| Tab {
        href: view.with_status(status).href(),
        name,
        n,
        is_current: view.status == status,
    };
    [
        tab("Pending", Some(Status::PendingReview), counts.pending),
        tab("Approved", Some(Status::Approved), counts.approved),
        tab("Rejected", Some(Status::Rejected), counts.rejected),
        tab("All", None, counts.pending + counts.approved + counts.rejected),
    ]
}

fn ages(view: &View) -> Vec<Choice> {
    let mut ages: Vec<u32> = AGES.into_iter().chain(view.age_days).collect();
    ages.sort_unstable();
    ages.dedup();
    let text = |days| if days == 1 { "1 day or more".to_owned() } else { format!("{days} days or more") };
    let choice = |days| Choice {
        value: format!("{days}"),
        text: Shown::new(&text(days)),
        is_chosen: view.age_days == Some(days),
    };
    ages.into_iter().map(choice).collect()
}

fn expiries(view: &View, snapshot: &Snapshot) -> Vec<Choice> {
    let has_approved = matches!(view.status, None | Some(Status::Approved));
    if view.expires_days.is_none() && (!has_approved || snapshot.policy.policy.approval_days == 0) {
        return Vec::new();
    }
    let mut all: Vec<u32> = EXPIRIES.into_iter().chain(view.expires_days).collect();
    all.sort_unstable();
    all.dedup();
    let text = |days| match days {
        0 => "Has ended".to_owned(),
        1 => "Ends within a day".to_owned(),
        days => format!("Ends within {days} days"),
    };
    let choice = |days| Choice {
        value: format!("{days}"),
        text: Shown::new(&text(days)),
        is_chosen: view.expires_days == Some(days),
    };
    all.into_iter().map(choice).collect()
}

fn orders(view: &View) -> Vec<Choice> {
    let choice = |(order, text): &(Order, &str)| Choice {
        value: order.as_str().to_owned(),
        text: Shown::new(text),
        is_chosen: view.order_in_force() == *order,
    };
    ORDERS.iter().map(choice).collect()
}

/// Returns the address under which the reader called this service.
pub(super) fn base(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost:8080");
    format!("http://{host}")
}
