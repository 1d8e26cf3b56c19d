//! What happened to a report between the moment a page was loaded and the
//! moment its form came in.

use super::changes::{Changes, Version};
use super::texts::File;
use super::timeline::{self, Step};
use crate::http::App;
use crate::http::problem::Problem;
use crate::report::change;
use crate::store::history::Item;
use git2::Oid;

pub(super) struct Meanwhile {
    /// The commits since, newest first.
    pub(super) steps: Vec<Step>,
    /// What they changed; `None` if it is not known what was read.
    pub(super) changes: Option<Changes>,
}

impl Meanwhile {
    /// Returns what came after the state with the file `seen`. A version that the
    /// report never had tells nothing, and is not read.
    pub(super) async fn of(app: &App, now: &Version, items: &[Item], seen: Option<Oid>) -> Result<Self, Problem> {
        let id = now.report.id;
        let commit = match seen {
            Some(blob) => app.store.commit_of_version(id, blob).await?,
            None => None,
        };
        let (Some(commit), Some(blob)) = (commit, seen) else {
            return Ok(Self { steps: timeline::steps(id, &items[..items.len().min(1)]).0, changes: None });
        };
        let n_since = items.iter().position(|item| item.commit == commit).unwrap_or(items.len());
        let (steps, _) = timeline::steps(id, &items[..n_since]);
        let bytes = app.store.file(blob).await?;
        let Ok(report) = change::says(&bytes) else { return Ok(Self { steps, changes: None }) };
        let before = Version { report, file: File { blob, bytes } };
        Ok(Self { steps, changes: Some(Changes::between(app, Some(&before), now).await?) })
    }
}
