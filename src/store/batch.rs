//! What the writer is asked for, and how much of it is done at once.

use crossbeam_channel::Receiver;
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
    /// Dropped with the batch, when the branch was looked at.
    looks: Vec<oneshot::Sender<()>>,
    n_bytes: usize,
}

impl Batch {
    /// Returns `first` and what waits behind it, within the bounds of a batch.
    pub(super) fn gather(first: Command, commands: &Receiver<Command>) -> Self {
        let mut batch = Self::default();
        batch.push(first);
        while let Some(command) = batch.has_room().then(|| commands.try_recv().ok()).flatten() {
            batch.push(command);
        }
        batch
    }

    pub(super) fn push(&mut self, command: Command) {
        match command {
            Command::Write(write) => {
                self.n_bytes += write.draft.as_ref().map_or(0, |draft| draft.file.len());
                self.writes.push(write);
            }
            Command::Note { path, problem } => self.notes.push((path, problem)),
            Command::Look(done) => self.looks.push(done),
        }
    }

    /// Returns whether one more is within the bounds.
    pub(super) fn has_room(&self) -> bool {
        self.writes.len() < BATCH_MAX && self.notes.len() < BATCH_MAX && self.n_bytes < BATCH_BYTES_MAX
    }

    /// Returns whether nobody asked for anything.
    pub(super) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.notes.is_empty() && self.looks.is_empty()
    }

    /// Adds what `other` holds behind what is here.
    pub(super) fn append(&mut self, other: &mut Self) {
        self.writes.append(&mut other.writes);
        self.notes.append(&mut other.notes);
        self.looks.append(&mut other.looks);
        self.n_bytes += std::mem::take(&mut other.n_bytes);
    }

    /// Returns what was pushed: writes and notes each in their order.
    pub(super) fn into_commands(self) -> impl Iterator<Item = Command> {
        let notes = self.notes.into_iter().map(|(path, problem)| Command::Note { path, problem });
        notes.chain(self.writes.into_iter().map(Command::Write)).chain(self.looks.into_iter().map(Command::Look))
    }
}
