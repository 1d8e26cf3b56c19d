//! What a write comes to: an acknowledged one, and what the work tree hears of it; or why it
//! was not made.

use std::sync::Arc;

use git2::Oid;
use uuid::Uuid;

use super::policy::PolicyInForce;
use super::snapshot::{Entry, Snapshot};
use crate::assess::Finding;
use crate::policy::rules::Breach;
use crate::report::fault::Fault;

/// Why a write was not made. Nothing has changed, but for [`WriteError::Unknown`].
#[derive(Clone, Debug, thiserror::Error)]
pub enum WriteError {
    #[error("report `{0}` not found")]
    NotFound(Uuid),
    /// A plain submission for a repository whose report is not rejected.
    #[error("report `{}` exists and is `{}`", .0.report.id, .0.report.status)]
    Exists(Arc<Entry>),
    /// The new revision names another repository than the report is about.
    #[error("report `{}` is about another repository", .0.report.id)]
    OtherRepository(Arc<Entry>),
    #[error("report `{}` is waiting for a decision already", .0.report.id)]
    NothingToReopen(Arc<Entry>),
    /// The report is not the version that the caller has seen.
    #[error("report `{}` was changed meanwhile", .0.report.id)]
    Stale(Arc<Entry>),
    /// The rules in force do not allow it; at least one of them.
    #[error("the policy does not allow it: {}", .0.first().map_or("", |breach| &breach.detail))]
    NotAllowed(Vec<Breach>),
    /// The report's file, or the file that is to become it, cannot be accepted.
    #[error("`{path}` has a problem: {fault}")]
    Problem { path: String, fault: Box<Fault> },
    /// The new text lacks what the rules of the repository ask for: all findings,
    /// and what else is not allowed.
    #[error("the text of the report lacks what is asked for")]
    Lacking { breaches: Vec<Breach>, findings: Vec<Finding> },
    /// With a sentence that names the repair.
    #[error("{0}")]
    Unavailable(String),
    #[error("the disk is full")]
    Full,
    #[error("too many writes are waiting")]
    Busy,
    /// The repository cannot be read or written; the cause is for the log.
    #[error("the reports repository failed: {0}")]
    Failed(Arc<std::io::Error>),
    /// The commit was made, and it is not known whether it is on disk: the one case
    /// in which something may have changed.
    #[error("it is not known whether the write is stored: {0}")]
    Unknown(Arc<std::io::Error>),
    /// A part of the service is gone; a restart is needed.
    #[error("internal error: {0}")]
    Internal(&'static str),
}

/// An acknowledged write.
#[derive(Clone, Debug)]
pub struct Written {
    /// The commit that holds it; for a write that changed nothing, the tip.
    pub commit: Oid,
    pub entry: Arc<Entry>,
    /// The rules that are in force at `commit`.
    pub policy: Arc<PolicyInForce>,
    /// The report file; `None` if nothing changed.
    pub file: Option<Arc<[u8]>>,
}

/// What the work tree has to be told after a batch.
pub struct Published {
    /// The state of the new tip.
    pub snapshot: Arc<Snapshot>,
    pub changes: Vec<FileChange>,
}

/// One file that a commit changed.
#[derive(Clone, Debug)]
pub struct FileChange {
    pub path: Arc<str>,
    pub commit: Oid,
    /// `None` for a file that is new.
    pub before: Option<Oid>,
    pub blob: Oid,
    /// `None` if it is to be read: [`super::Store::peek`].
    pub file: Option<Arc<[u8]>>,
}
