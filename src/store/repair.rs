//! Sets a report's file right after a person's commit left it saying something
//! false: that it is decided though its text is another, that it is another
//! report, or nothing, being deleted.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use git2::Oid;

use super::WriteError;
use super::draft::{self, Outcome, unreadable};
use super::message::{Identity, Message, Via};
use super::snapshot::{Entry, Repair, Snapshot};
use crate::report::{Event, front_matter};

/// Returns the commit that makes the file of `entry` say the state in force.
///
/// # Errors
/// [`WriteError`], if its last good file cannot be read.
pub(super) fn draft(
    snapshot: &Snapshot,
    entry: &Entry,
    repair: &Repair,
    read: &dyn Fn(Oid) -> Result<Arc<[u8]>, WriteError>,
    now: DateTime<Utc>,
) -> Result<Outcome, WriteError> {
    let file = read(entry.blob)?;
    let said = entry.file_report();
    let file = front_matter::edit(&file, said, &entry.report, None).map_err(unreadable(&entry.path))?;
    let message = Message::new(Event::Restore, Some(said.status), &entry.report, Via::Golive);
    let message = Message { answers: Some(repair.answers), ..message }.text();
    let base = snapshot.blob_at(&entry.path);
    Ok(draft::commit(snapshot, base, entry.path.clone(), entry.report.clone(), file, Identity::service(), now, message))
}
