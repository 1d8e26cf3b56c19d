//! News as events of a stream: lines, and an empty one.

use axum::body::Bytes;
use git2::Oid;
use serde::Serialize;

use super::{ChangedDocument, CommittedDocument, ProblemsDocument, ResetDocument};
use crate::store::feed::News;
use crate::store::snapshot::Committed;

/// Keeps a connection that has nothing to say from looking dead.
pub(super) const HEARTBEAT: &str = ":\n\n";

/// Returns what a stream begins with: when to come back, and after which commit,
/// if nothing is heard until then.
pub(super) fn start(after: Oid) -> Bytes {
    format!("retry: 1000\nid: {after}\n\n").into()
}

pub(super) fn event(news: &News) -> Bytes {
    match news {
        News::Commit(commit) => event_of(Some(commit.commit), "commit", &committed(commit)),
        News::Reset { commit } => event_of(Some(*commit), "reset", &ResetDocument { commit: commit.to_string() }),
        News::Problems { commit, n_problems } => {
            let document = ProblemsDocument { commit: commit.to_string(), n_problems: *n_problems };
            event_of(None, "problems", &document)
        }
    }
}

fn committed(committed: &Committed) -> CommittedDocument<'_> {
    let changed = committed.reports.iter().map(|report| ChangedDocument {
        id: report.id,
        server_name: &report.server_name,
        status: report.status,
        revision: report.revision,
    });
    CommittedDocument { commit: committed.commit.to_string(), at: committed.at, reports: changed.collect() }
}

fn event_of(id: Option<Oid>, name: &str, data: &impl Serialize) -> Bytes {
    // JSON of one line: a line end within a text is `\n` there.
    let data = serde_json::to_string(data).expect("news are plain data");
    let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
    format!("{id}event: {name}\ndata: {data}\n\n").into()
}
