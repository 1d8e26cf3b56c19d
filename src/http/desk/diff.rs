//! What is different between any two states of a report.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::changes::{Changes, Version};
use super::page::{self, Frame, Place};
use super::report::find;
use super::show::Shown;
use super::timeline::{self, Commit};
use crate::http::App;
use crate::http::extract::ReportId;
use crate::http::history::{Side, commit_at, read_side};
use crate::http::problem::Problem;
use crate::http::query::{Parameters, RawQuery};
use crate::report::validate::Faults;
use crate::store::history::{At, Item};

/// States that one can pick from.
const CHOICES_MAX: usize = 200;

#[derive(Template)]
#[template(path = "diff.html", whitespace = "minimize")]
struct DiffPage {
    frame: Frame,
    id: Uuid,
    name: Shown,
    from: Vec<Choice>,
    to: Vec<Choice>,
    changes: Changes,
}

/// A state to compare.
struct Choice {
    value: String,
    text: Shown,
    is_chosen: bool,
}

/// One end of the comparison; the nothing before the first revision has none.
struct End {
    commit: Option<Commit>,
    version: Option<Version>,
}

/// Answers with the differences of two states; by itself, of the last two revisions.
pub(super) async fn diff(State(app): State<App>, ReportId(id): ReportId, query: RawQuery) -> Result<Response, Problem> {
    let mut parameters = Parameters::read(query)?;
    parameters.forget_empty();
    let mut faults = Faults::default();
    let from = parameters.take("from", &mut faults, read_side);
    let to = parameters.take("to", &mut faults, read_side);
    parameters.refuse_others(&mut faults, "`from`, `to`");
    if !faults.0.is_empty() {
        return Err(Problem::invalid(faults, "?"));
    }
    let snapshot = app.store.snapshot();
    let entry = find(&snapshot, id)?;
    let to = end(&app, id, to.unwrap_or(Side::Revision(entry.report.revision)), "to").await?;
    let previous = to.version.as_ref().map_or(0, |version| version.report.revision.saturating_sub(1));
    let from = end(&app, id, from.unwrap_or(Side::Revision(previous)), "from").await?;
    let Some(after) = &to.version else {
        let mut faults = Faults::default();
        faults.push("to", "must be a state of the report");
        return Err(Problem::invalid(faults, "?"));
    };
    let (_, items) = app.store.history(id).await?;
    let page = DiffPage {
        frame: Frame::new(&app, &snapshot, Place::Elsewhere),
        id,
        name: Shown::new(&entry.report.server_name),
        changes: Changes::between(&app, from.version.as_ref(), after).await?,
        from: choices(&items, &from, true),
        to: choices(&items, &to, false),
    };
    page::answer(&page, snapshot.commit)
}

async fn end(app: &App, id: Uuid, side: Side, name: &str) -> Result<End, Problem> {
    let state = match side {
        Side::Revision(0) => return Ok(End { commit: None, version: None }),
        Side::Revision(revision) => app.store.revision(id, revision).await?,
        Side::Commit(commit) => {
            let commit = commit_at(app, At::Commit(commit)).await.map_err(|problem| problem.about(name))?;
            app.store.state(id, commit).await?
        }
    };
    Ok(End { commit: Some(Commit::new(state.commit)), version: Some(state.into()) })
}

fn choices(items: &[Item], end: &End, has_nothing: bool) -> Vec<Choice> {
    let chosen = end.commit.as_ref().map(Commit::whole);
    let choice = |item: &Item| {
        let commit = Commit::new(item.commit);
        let at = item.committed_at.format("%-d %b %Y, %H:%M UTC");
        let text = format!("{}, {at} ({})", timeline::what(item.event, item.revision), commit.short());
        Choice { text: Shown::new(&text), is_chosen: chosen == Some(commit.whole()), value: commit.whole().to_owned() }
    };
    let mut choices: Vec<_> = items.iter().take(CHOICES_MAX).map(choice).collect();
    if let Some(commit) = end.commit.as_ref().filter(|_| !choices.iter().any(|choice| choice.is_chosen)) {
        let text = Shown::new(&format!("Commit {}", commit.short()));
        choices.insert(0, Choice { value: commit.whole().to_owned(), text, is_chosen: true });
    }
    if has_nothing {
        let text = Shown::new("Nothing, before it was submitted");
        choices.push(Choice { value: "0".to_owned(), text, is_chosen: chosen.is_none() });
    }
    choices
}
