//! The history of a report as a list of steps, newest first.

use git2::Oid;
use uuid::Uuid;

use super::show::{Moment, Shown};
use crate::report::Event;
use crate::store::history::Item;

/// Steps that a page shows; git and the API have all.
const STEPS_MAX: usize = 200;
/// Characters of its notes; the page of that state has all.
const NOTES_MAX: usize = 2000;

/// One commit of a report.
pub(super) struct Step {
    pub(super) commit: Commit,
    /// What happened, as a sentence begins.
    pub(super) what: String,
    /// Of a decision: what the report is by it.
    pub(super) done: &'static str,
    /// The class that colours it.
    pub(super) class: &'static str,
    pub(super) author: Shown,
    pub(super) at: Moment,
    /// How it came in.
    pub(super) way: &'static str,
    pub(super) notes: Option<Shown>,
    pub(super) has_more_notes: bool,
    pub(super) state: String,
    /// What it changed, unless it was the first.
    pub(super) difference: Option<String>,
}

/// A commit id, whole and as people read it.
#[derive(Clone, Debug)]
pub(super) struct Commit(String);

impl Commit {
    pub(super) fn new(commit: Oid) -> Self {
        Self(commit.to_string())
    }

    pub(super) fn whole(&self) -> &str {
        &self.0
    }

    pub(super) fn short(&self) -> &str {
        &self.0[..10]
    }
}

/// Returns the steps of `items`, newest first, and how many more there are. The
/// notes of the one `in_full` are not shortened.
pub(super) fn steps(id: Uuid, items: &[Item], in_full: Option<Oid>) -> (Vec<Step>, usize) {
    let step = |(n, item): (usize, &Item)| {
        let step = step(id, item, items.get(n + 1));
        if in_full != Some(item.commit) {
            return step;
        }
        Step { notes: item.notes.as_deref().map(Shown::new), has_more_notes: false, ..step }
    };
    let steps: Vec<_> = items.iter().enumerate().take(STEPS_MAX).map(step).collect();
    let n_more = items.len() - steps.len();
    (steps, n_more)
}

/// Returns the step of `item`, which followed on `before`.
pub(super) fn step(id: Uuid, item: &Item, before: Option<&Item>) -> Step {
    Step {
        commit: Commit::new(item.commit),
        what: what(item.event, item.revision),
        done: done(item.event),
        class: class(item.event),
        author: person(&item.author_name, &item.author_email),
        at: Moment::new(item.committed_at),
        way: way(item.via),
        notes: item.notes.as_deref().map(|notes| Shown::shortened(notes, NOTES_MAX)),
        has_more_notes: item.notes.as_ref().is_some_and(|notes| notes.chars().nth(NOTES_MAX).is_some()),
        state: format!("/reports/{id}?at={}", item.commit),
        difference: before.map(|before| format!("/reports/{id}/diff?from={}&to={}", before.commit, item.commit)),
    }
}

/// Returns what happened, as a sentence begins.
pub(super) fn what(event: Option<Event>, revision: Option<u32>) -> String {
    match (event, revision) {
        (Some(Event::Submit), _) => "Submitted".to_owned(),
        (Some(Event::Resubmit), Some(revision)) => format!("Revision {revision} submitted"),
        (Some(Event::Resubmit), None) => "Submitted again".to_owned(),
        (Some(Event::Approve), _) => "Approved".to_owned(),
        (Some(Event::Reject), _) => "Rejected".to_owned(),
        (Some(Event::Reopen), _) => "Reopened".to_owned(),
        (Some(Event::Edit), _) => "Edited".to_owned(),
        (Some(Event::Restore), _) => "Restored".to_owned(),
        (None, _) => "Changed, not accepted".to_owned(),
    }
}

const fn done(event: Option<Event>) -> &'static str {
    match event {
        Some(Event::Approve) => "approved",
        Some(Event::Reject) => "rejected",
        Some(Event::Reopen) => "reopened",
        _ => "",
    }
}

/// Returns the class that colours an event.
pub(super) const fn class(event: Option<Event>) -> &'static str {
    match event {
        Some(Event::Submit | Event::Resubmit | Event::Reopen) => "pending",
        Some(Event::Approve) => "approved",
        Some(Event::Reject) => "rejected",
        Some(Event::Edit | Event::Restore) => "other",
        None => "other broken",
    }
}

/// Returns how a commit came in, as the end of a sentence.
pub(super) fn way(via: Option<&str>) -> &'static str {
    match via {
        Some("api") => "through the API",
        Some("mcp") => "by an assistant (MCP)",
        Some("web") => "at the desk",
        Some("hand-edit") => "by an edited file",
        Some("golive") => "by golive itself",
        _ => "with git",
    }
}

/// Returns a name with its address, which is not repeated and not invented.
pub(super) fn person(name: &str, email: &str) -> Shown {
    if name == email || email.is_empty() || email.ends_with("@invalid") {
        Shown::new(name)
    } else {
        Shown::new(&format!("{name} <{email}>"))
    }
}
