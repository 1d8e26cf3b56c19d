//! What happened to a report between the moment a page was loaded and the
//! moment its form came in.

use std::collections::HashSet;

use git2::Oid;

use super::changes::{Changes, Version};
use super::timeline::{self, Step};
use crate::http::App;
use crate::http::problem::Problem;
use crate::store::history::Item;
use crate::store::snapshot::Entry;

pub(super) struct Meanwhile {
    /// The commits since, newest first.
    pub(super) steps: Vec<Step>,
    /// What they changed; `None` if that cannot be told.
    pub(super) changes: Option<Changes>,
}

impl Meanwhile {
    /// Returns what came after `seen`, which was the latest commit of `entry` then.
    /// A commit that the report never had tells nothing, and is not read.
    pub(super) async fn of(
        app: &App,
        entry: &Entry,
        now: &Version,
        items: &[Item],
        seen: Option<Oid>,
    ) -> Result<Self, Problem> {
        let id = now.report.id;
        // Not every commit of the report is a step of its own.
        let known: HashSet<_> = entry.commits.iter().skip_while(|commit| Some(*commit) != seen).collect();
        let Some(commit) = seen.filter(|commit| known.contains(commit)) else {
            return Ok(Self { steps: timeline::steps(id, &items[..items.len().min(1)], None).0, changes: None });
        };
        let n_since = items.iter().position(|item| known.contains(&item.commit)).unwrap_or(items.len());
        let (steps, _) = timeline::steps(id, &items[..n_since], None);
        let Ok(state) = app.store.state(id, commit).await else { return Ok(Self { steps, changes: None }) };
        // What somebody typed goes back, even if this cannot be compared now.
        let changes = Changes::between(app, Some(&Version::from(state)), now).await.ok();
        Ok(Self { steps, changes })
    }
}
