//! What happened last: the commits of the branch, whatever they were about.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::page::{self, Frame, Place};
use super::show::{Moment, Shown};
use super::timeline::{self, Commit};
use crate::http::App;
use crate::http::history::commit_at;
use crate::http::problem::Problem;
use crate::http::query::{Parameters, RawQuery};
use crate::report::validate::Faults;
use crate::store::activity::Activity;
use crate::store::history::{At, CommitName};

/// Commits on a page.
const ROWS: usize = 50;
/// Texts are shown in full on the report's own page.
const NAME_MAX: usize = 160;
const NOTES_MAX: usize = 400;

#[derive(Template)]
#[template(path = "activity.html", whitespace = "minimize")]
struct ActivityPage {
    frame: Frame,
    rows: Vec<Row>,
    is_first: bool,
    next: Option<String>,
}

struct Row {
    commit: Commit,
    at: Moment,
    what: String,
    class: &'static str,
    /// Address and name of the report.
    report: Option<(String, Shown)>,
    /// What stands there if it is not about one report.
    subject: Shown,
    author: Shown,
    way: &'static str,
    notes: Option<Shown>,
}

/// Answers with the latest commits.
pub(super) async fn activity(State(app): State<App>, query: RawQuery) -> Result<Response, Problem> {
    let mut parameters = Parameters::read(query)?;
    let mut faults = Faults::default();
    let cursor = parameters.take("cursor", &mut faults, |text| {
        CommitName::parse(text).ok_or_else(|| "must be taken from the link to the next page".into())
    });
    parameters.refuse_others(&mut faults, "`cursor`");
    if !faults.0.is_empty() {
        return Err(Problem::invalid(faults, "?"));
    }
    let before = match cursor {
        Some(commit) => Some(commit_at(&app, At::Commit(commit)).await.map_err(|problem| problem.about("cursor"))?),
        None => None,
    };
    let found = app.store.activity(before, ROWS).await?;
    let page = ActivityPage {
        frame: Frame::new(&app, &app.store.snapshot(), Place::Activity),
        rows: found.items.iter().map(Row::new).collect(),
        is_first: before.is_none(),
        next: found.next.map(|next| format!("/activity?cursor={next}")),
    };
    page::answer(&page, found.commit)
}

impl Row {
    fn new(item: &Activity) -> Self {
        let name = item.server_name.as_deref().unwrap_or_default();
        let report = item.report_id.map(|id| (format!("/reports/{id}"), Shown::shortened(name, NAME_MAX)));
        let (what, class) = match (&report, item.n_reports) {
            (Some(_), _) => (timeline::what(item.event, item.revision), timeline::class(item.event)),
            (None, 0 | 1) => (String::new(), "other"),
            (None, n) => (format!("{n} reports changed"), "other"),
        };
        Self {
            commit: Commit::new(item.commit),
            at: Moment::new(item.at),
            what,
            class,
            report,
            subject: Shown::shortened(&item.subject, NAME_MAX),
            author: timeline::person(&item.author_name, &item.author_email),
            way: timeline::way(item.via),
            notes: item.notes.as_deref().map(|notes| Shown::shortened(notes, NOTES_MAX)),
        }
    }
}
