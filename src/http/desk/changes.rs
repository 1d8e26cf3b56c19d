//! What is different between two states of a report: since the last decision,
//! since a page was loaded, or between any two that somebody picks.

use std::sync::Arc;

use super::facts::{self, FieldChange};
use super::show::{Markup, Moment, Shown};
use super::texts::File;
use super::timeline::{self, Commit};
use crate::http::App;
use crate::http::problem::Problem;
use crate::render;
use crate::report::{Event, Report, Status};
use crate::store::history::{Item, State};
use crate::store::snapshot::Entry;

/// A state of a report, with its file.
pub(super) struct Version {
    pub(super) report: Report,
    pub(super) file: File,
}

impl From<State> for Version {
    fn from(state: State) -> Self {
        Self { file: File { blob: state.blob, bytes: state.file.into() }, report: state.report }
    }
}

/// The differences of two states.
pub(super) struct Changes {
    text: Arc<render::Changes>,
    pub(super) fields: Vec<FieldChange>,
}

impl Changes {
    pub(super) async fn between(app: &App, before: Option<&Version>, after: &Version) -> Result<Self, Problem> {
        let text = app.desk.texts.changes(before.map(|before| &before.file), &after.file).await?;
        Ok(Self {
            text,
            fields: before.map(|before| facts::changes(&before.report, &after.report)).unwrap_or_default(),
        })
    }

    pub(super) fn html(&self) -> Markup<'_> {
        Markup(self.text.html.as_str().into())
    }

    /// Of HTML.
    pub(super) fn n_bytes(&self) -> usize {
        self.text.html.len()
    }

    pub(super) fn n_added(&self) -> usize {
        self.text.n_added
    }

    pub(super) fn n_removed(&self) -> usize {
        self.text.n_removed
    }

    pub(super) fn is_of_text(&self) -> bool {
        self.n_added() + self.n_removed() > 0
    }
}

/// What changed since somebody decided on this report.
pub(super) struct Since {
    pub(super) changes: Changes,
    /// What the comparison is with, as the end of a sentence.
    pub(super) base: String,
    pub(super) commit: Commit,
    pub(super) decision: Option<LastDecision>,
}

pub(super) struct LastDecision {
    pub(super) what: String,
    pub(super) class: &'static str,
    pub(super) reviewer: Shown,
    pub(super) at: Moment,
    pub(super) notes: Option<Shown>,
}

impl Since {
    /// Returns what `entry`, a text that came in again, has that the one decided
    /// on last has not; or the one before it, if there was no decision.
    pub(super) async fn of(
        app: &App,
        entry: &Entry,
        current: &Version,
        items: &[Item],
    ) -> Result<Option<Self>, Problem> {
        let report = &entry.report;
        if report.status != Status::PendingReview || report.revision == 1 {
            return Ok(None);
        }
        let decision = items.iter().find(|item| matches!(item.event, Some(Event::Approve | Event::Reject)));
        let state = match decision {
            Some(item) => app.store.state(report.id, item.commit).await?,
            None => app.store.revision(report.id, report.revision - 1).await?,
        };
        let base = match decision {
            Some(_) => format!("revision {}, the last one that was decided on", state.report.revision),
            None => format!("revision {}; nobody decided on it", state.report.revision),
        };
        let commit = Commit::new(state.commit);
        let before = Version::from(state);
        let mut changes = Changes::between(app, Some(&before), current).await?;
        // Told beside it already.
        changes.fields.retain(|field| !matches!(field.name, "Status" | "Revision" | "Reviewer" | "Notes"));
        Ok(Some(Self { changes, base, commit, decision: decision.map(LastDecision::new) }))
    }
}

impl LastDecision {
    fn new(item: &Item) -> Self {
        Self {
            what: timeline::what(item.event, item.revision),
            class: timeline::class(item.event),
            reviewer: timeline::person(&item.author_name, &item.author_email),
            at: Moment::new(item.committed_at),
            notes: item.notes.as_deref().map(Shown::new),
        }
    }
}
