//! The files that could not be accepted: what is wrong, where, and the repair.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::page::{self, Frame, Place};
use super::show::{Moment, Prose, Shown};
use super::timeline::Commit;
use crate::http::App;
use crate::http::extract::NoQuery;
use crate::http::problem::Problem;
use crate::store::problem::{self, FoundIn};
use crate::store::snapshot::Snapshot;

#[derive(Template)]
#[template(path = "problems.html", whitespace = "minimize")]
struct ProblemsPage {
    frame: Frame,
    problems: Vec<FileProblem>,
}

struct FileProblem {
    path: Shown,
    /// Address and name of the report that is served in its place.
    report: Option<(String, Shown)>,
    place: Option<(usize, usize)>,
    rule: String,
    detail: Prose,
    repair: Prose,
    since: Moment,
    /// The commit that brought it; `None` for a file in the work tree.
    commit: Option<Commit>,
    last_good: Option<Commit>,
    excerpt: Option<Shown>,
}

/// Answers with the list of problems.
pub(super) async fn problems(State(app): State<App>, _: NoQuery) -> Result<Response, Problem> {
    let snapshot = app.store.snapshot();
    let problems = snapshot.problems().map(|(path, problem)| FileProblem::new(&snapshot, path, problem)).collect();
    let page = ProblemsPage { frame: Frame::new(&app, &snapshot, Place::Problems), problems };
    page::answer(&page, snapshot.commit)
}

impl FileProblem {
    fn new(snapshot: &Snapshot, path: &str, problem: &problem::Problem) -> Self {
        let report = snapshot.at_path(path).map(|entry| &entry.report);
        Self {
            path: Shown::new(path),
            report: report.map(|report| (format!("/reports/{}", report.id), Shown::new(&report.server_name))),
            place: problem.fault.place,
            rule: problem.fault.rule.as_str(),
            detail: Prose::sentence(&problem.fault.detail),
            repair: Prose::sentence(&problem.fault.repair),
            since: Moment::new(problem.since),
            commit: match problem.found_in {
                FoundIn::WorkTree => None,
                FoundIn::Commit(commit) => Some(Commit::new(commit)),
            },
            last_good: problem.last_good.map(Commit::new),
            excerpt: problem.excerpt.as_deref().map(Shown::new),
        }
    }
}
