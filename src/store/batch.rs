//! What the writer is asked for, and how much of it is done at once.

use std::sync::mpsc::Receiver;

use tokio::sync::oneshot;

use super::draft::{Change, Draft};
use super::message::Via;
use super::problem::Problem;
use super::{WriteError, Written};

/// Bounds of one batch, so that the first command of it is not held up by the last.
const BATCH_MAX: usize = 256;
const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What the writer is asked for.
pub(super) enum Command {
    Write(Write),
    /// What is wrong with a file in the work tree; `None` if nothing is any more.
    Note {
        path: String,
        problem: Option<Box<Problem>>,
    },
    /// The branch may have moved; dropped when it was looked at.
    Look(oneshot::Sender<()>),
}

/// A change that waits for its commit.
pub(super) struct Write {
    pub(super) change: Change,
    pub(super) via: Via,
    /// Made by the caller, unless it could not be.
    pub(super) draft: Option<Box<Draft>>,
    pub(super) reply: oneshot::Sender<Result<Written, WriteError>>,
}

/// What is done at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) writes: Vec<Write>,
    pub(super) notes: Vec<(String, Option<Box<Problem>>)>,
    pub(super) looks: Vec<oneshot::Sender<()>>,
}

impl Batch {
    /// Returns `first` and what waits behind it, within the bounds of a batch.
    pub(super) fn gather(first: Command, commands: &Receiver<Command>) -> Self {
        let mut batch = Self::default();
        let (mut n_bytes, mut next) = (0, Some(first));
        while let Some(command) = next {
            match command {
                Command::Write(write) => {
                    n_bytes += write.draft.as_ref().map_or(0, |draft| draft.file.len());
                    batch.writes.push(write);
                }
                Command::Note { path, problem } => batch.notes.push((path, problem)),
                Command::Look(done) => batch.looks.push(done),
            }
            let has_room = batch.writes.len() < BATCH_MAX && batch.notes.len() < BATCH_MAX && n_bytes < BATCH_BYTES_MAX;
            next = if has_room { commands.try_recv().ok() } else { None };
        }
        batch
    }
}
