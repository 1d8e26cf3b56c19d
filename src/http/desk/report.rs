//! The page of one report: its text, what changed since somebody decided on it,
//! the form to decide with, its history, and the commands that show it in git.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use git2::Oid;
use uuid::Uuid;

use super::changes::{Changes, Since, Version};
use super::check::Panel;
use super::commands::{self, Command};
use super::facts::Facts;
use super::form::{Filled, Form, Read};
use super::guard::Session;
use super::meanwhile::Meanwhile;
use super::page::{self, Frame, Place};
use super::show::{Markup, Moment, Prose, Shown};
use super::texts::File;
use super::timeline::{self, Commit, Step};
use crate::http::App;
use crate::http::extract::{AtQuery, ReportId};
use crate::http::history::commit_at;
use crate::http::problem::Problem;
use crate::policy::Policy;
use crate::render::{Heading, Rendered};
use crate::report::validate::Faults;
use crate::store::history::{At, Item};
use crate::store::snapshot::{Entry, Snapshot};

/// Of HTML that a finding becomes, about.
const FINDING_BYTES: usize = 600;
/// Headings that the contents show; deeper ones only if they are few.
const CONTENTS_MAX: usize = 60;

#[derive(Template)]
#[template(path = "report.html", whitespace = "minimize")]
struct ReportPage {
    frame: Frame,
    facts: Facts,
    text: Arc<Rendered>,
    /// The commit whose state this is, if it is not the tip's.
    earlier: Option<(Commit, Moment)>,
    /// What is wrong with the report's file.
    problem: Option<Prose>,
    alert: Option<Alert>,
    meanwhile: Option<Meanwhile>,
    /// What the check found in the text.
    check: Option<Panel>,
    since: Option<Since>,
    form: Option<Form>,
    /// The latest step, told when somebody just took it.
    decided: Option<Step>,
    steps: Vec<Step>,
    n_more_steps: usize,
    commands: Vec<Command>,
}

impl ReportPage {
    fn html(&self) -> Markup<'_> {
        Markup(self.text.html.as_str().into())
    }

    /// Returns how much of the page can be long.
    fn n_bytes(&self) -> usize {
        let since = self.since.as_ref().map(|since| &since.changes);
        let meanwhile = self.meanwhile.as_ref().and_then(|meanwhile| meanwhile.changes.as_ref());
        let n_changes: usize = since.into_iter().chain(meanwhile).map(Changes::n_bytes).sum();
        let notes = self.steps.iter().filter_map(|step| step.notes.as_ref());
        let findings = self.check.iter().flat_map(|check| &check.findings).count() * FINDING_BYTES;
        self.text.html.len() + findings + n_changes + notes.map(Shown::n_bytes).sum::<usize>()
    }

    /// Returns the headings that the contents show, each with how deep it is.
    fn contents(&self) -> Vec<(u8, &str, Shown)> {
        let all = &self.text.contents;
        let top = all.iter().map(|heading| heading.level).min().unwrap_or(2);
        let deepest =
            (top..=top + 2).rev().find(|level| all.iter().filter(|h| h.level <= *level).count() <= CONTENTS_MAX);
        let deepest = deepest.unwrap_or(top);
        let entry = |heading: &'_ Heading| heading.level <= deepest;
        let found = all.iter().filter(|heading| entry(heading)).take(CONTENTS_MAX);
        found.map(|heading| (heading.level - top, heading.anchor.as_str(), Shown::new(&heading.text))).collect()
    }
}

/// What went wrong with a decision, above the form that comes back.
pub(super) struct Alert {
    pub(super) title: &'static str,
    pub(super) text: Prose,
}

/// The form that came in and could not be taken.
#[derive(Default)]
pub(super) struct Returned {
    pub(super) filled: Filled,
    pub(super) faults: Faults,
    pub(super) alert: Option<Alert>,
    /// The report is not what the form was about.
    pub(super) is_stale: bool,
}

/// Answers with a report, as it is or as it was.
pub(super) async fn report(
    State(app): State<App>,
    ReportId(id): ReportId,
    AtQuery(at): AtQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match at {
        Some(at) => earlier(&app, id, at, &headers).await,
        None => {
            let session = Session::of(&headers);
            let (html, snapshot) = current(&app, id, &headers, &session, Returned::default()).await?;
            let mut response = page::guarded(html, snapshot.commit);
            if let Some(cookie) = session.cookie().and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
                response.headers_mut().insert(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
    }
}

/// Returns the page of a report as it is, with the form as it was `returned`.
pub(super) async fn current(
    app: &App,
    id: Uuid,
    headers: &HeaderMap,
    session: &Session,
    returned: Returned,
) -> Result<(String, Arc<Snapshot>), Problem> {
    let snapshot = app.store.snapshot();
    let entry = find(&snapshot, id)?;
    let version = current_version(app, &entry).await?;
    let (_, items) = app.store.history(id).await?;
    let since = match Since::of(app, &entry, &version, &items).await {
        // What somebody typed goes back, whatever else cannot be shown.
        Err(_) if returned.is_stale || returned.alert.is_some() => None,
        since => since?,
    };
    let meanwhile = if returned.is_stale {
        Some(Meanwhile::of(app, &entry, &version, &items, returned.filled.commit()).await?)
    } else {
        None
    };
    let text = app.desk.texts.rendered(&version.file).await?;
    let check = match app.assessments.whole(&entry, &snapshot.policy).await {
        Ok(found) => Panel::new(&found, &text.contents, snapshot.policy.policy.enforcement),
        // The text can be read without it, and what somebody typed goes back.
        Err(error) => {
            tracing::warn!(report.id = %id, "Report `{id}` cannot be assessed: {error}");
            None
        }
    };
    let problem = snapshot.problem(&entry.path).map(|problem| Prose::sentence(&problem.fault.to_string()));
    let (steps, n_more_steps) = timeline::steps(id, &items, None);
    let page = ReportPage {
        frame: Frame::new(app, &snapshot, Place::Elsewhere),
        facts: Facts::new(&entry.report, &snapshot.policy.policy),
        text,
        check,
        earlier: None,
        // What came in goes back, even if it can't be taken until the file is repaired.
        form: (problem.is_none() || returned.alert.is_some())
            .then(|| form(app, &entry, &snapshot.policy.policy, session, &returned)),
        problem,
        alert: returned.alert,
        meanwhile,
        decided: items.first().filter(|item| is_decision(item)).map(|item| timeline::step(id, item, None)),
        commands: commands::of(app, headers, &entry.path, since.as_ref().map(|since| &since.commit), &items),
        since,
        steps,
        n_more_steps,
    };
    Ok((render(app, page).await?, snapshot))
}

/// Answers with a report as it was; nothing can be decided there.
async fn earlier(app: &App, id: Uuid, at: At, headers: &HeaderMap) -> Result<Response, Problem> {
    let commit = commit_at(app, at).await?;
    let snapshot = app.store.snapshot();
    let entry = find(&snapshot, id)?;
    let version = Version::from(app.store.state(id, commit).await?);
    let (_, items) = app.store.history(id).await?;
    let (steps, n_more_steps) = timeline::steps(id, &items, Some(commit));
    let page = ReportPage {
        frame: Frame::new(app, &snapshot, Place::Elsewhere),
        facts: Facts::then(&version.report),
        text: app.desk.texts.rendered(&version.file).await?,
        earlier: Some((Commit::new(commit), Moment::new(app.store.committed_at(commit).await?))),
        problem: None,
        alert: None,
        check: None,
        meanwhile: None,
        since: None,
        form: None,
        decided: None,
        commands: commands::of(app, headers, &entry.path, None, &items),
        steps,
        n_more_steps,
    };
    Ok(page::guarded(render(app, page).await?, snapshot.commit))
}

/// A page with a long text takes a while to put together.
async fn render(app: &App, page: ReportPage) -> Result<String, Problem> {
    app.desk
        .texts
        .page(page.n_bytes(), move || page.render().map_err(|error| Problem::internal(error.to_string())))
        .await
}

pub(super) fn find(snapshot: &Snapshot, id: Uuid) -> Result<Arc<Entry>, Problem> {
    let entry = snapshot.get(id).cloned();
    entry.ok_or_else(|| Problem::not_found(format!("there is no report `{id}`")))
}

pub(super) async fn current_version(app: &App, entry: &Entry) -> Result<Version, Problem> {
    let bytes = app.store.file(entry.blob).await?;
    Ok(Version { report: entry.report.clone(), file: File { blob: entry.blob, bytes } })
}

fn form(app: &App, entry: &Entry, policy: &Policy, session: &Session, returned: &Returned) -> Form {
    let id = entry.report.id;
    // A form that comes back for another reason is still about what was read.
    let before = returned.filled.version().zip(returned.filled.commit()).filter(|_| !returned.is_stale);
    let latest = || (entry.blob, entry.commits.iter().next().unwrap_or(Oid::ZERO_SHA1));
    let (version, commit) = before.unwrap_or_else(latest);
    let token = app.desk.guard.token(session, id);
    let form =
        Form::new(id, entry.report.status, Read { version, commit }, token, returned.filled.clone(), &returned.faults);
    form.under(policy)
}

fn is_decision(item: &Item) -> bool {
    item.event.is_some_and(crate::report::Event::is_decision)
}
