//! The git commands that show a report, ready to copy.

use axum::http::HeaderMap;

use super::queue::base;
use super::timeline::Commit;
use crate::http::App;
use crate::store::history::Item;

pub(super) struct Command {
    pub(super) what: &'static str,
    pub(super) line: String,
}

/// Returns the commands for the report at `path`; `decided` is the commit of the
/// last decision, if the text came in again since. A path has no character that
/// a shell would read.
pub(super) fn of(app: &App, headers: &HeaderMap, path: &str, decided: Option<&Commit>, items: &[Item]) -> Vec<Command> {
    let command = |what, line| Command { what, line };
    let clone = app.git.is_on().then(|| command("Get the record", format!("git clone {}/reports.git", base(headers))));
    let changed = decided.map(|commit| {
        command("What changed since the last decision", format!("git diff --word-diff {} -- {path}", commit.short()))
    });
    let last = items
        .first()
        .map(|item| command("The latest commit", format!("git show {}", Commit::new(item.commit).short())));
    let history = command("The whole story", format!("git log --patch -- {path}"));
    let blame = command("Who wrote which line", format!("git blame -- {path}"));
    clone.into_iter().chain(changed).chain(last).chain([history, blame]).collect()
}
