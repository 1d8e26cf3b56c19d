//! A submission that is not made: what would come of it now, by the code that
//! makes one. Nothing is stored, nothing committed.

use std::sync::Arc;

use super::draft::{Change, Expected, Outcome};
use super::message::Via;
use super::shared::AtHand;
use super::snapshot::{Entry, Snapshot};
use super::{Store, WriteError};
use crate::report::Submission;

/// What would come of a submission.
#[derive(Debug)]
pub struct Preview {
    /// The report that the repository has.
    pub entry: Option<Arc<Entry>>,
    /// Why it would be refused; a report that waits or is approved is none, but
    /// then it takes a revision.
    pub refused: Option<WriteError>,
}

impl Store {
    /// Returns what would come of `submission` in the state of `snapshot`: as the
    /// first of its repository, as the next after a rejected one, or else as a
    /// revision. Blocks.
    pub fn preview(&self, snapshot: &Snapshot, submission: Submission) -> Preview {
        let entry = snapshot.at_path(&submission.key.path()).cloned();
        let draft = |change: Change| self.shared.draft(&change, snapshot, Via::Api, &AtHand::No).map(|_: Outcome| ());
        let drafted = match draft(Change::Submit(submission.clone())) {
            Err(WriteError::Exists(entry)) => {
                draft(Change::Revise { id: entry.report.id, submission, expected: Expected::Any })
            }
            drafted => drafted,
        };
        Preview { entry, refused: drafted.err() }
    }
}
