//! What the commits of a line brought, read on all cores ahead of whoever takes
//! it, and taken in the order of the line.
//!
//! The line is cut into parts that the readers share out among them. Each holds
//! a few parts at most, so memory does not grow with the history.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use git2::Repository;

use super::read::{Commit, Content, Reader};

/// Commits that are handed over at once: enough that the threads hardly wait for one another.
const PART: usize = 256;
/// Parts that wait to be taken, for each reader.
const AHEAD_MAX: usize = 2;

/// Hands each of `commits` to `take`, with the commit before it and what it brought.
///
/// # Errors
/// The first that reading or `take` returns; the readers stop then.
pub(super) fn each(
    git_dir: &Path,
    commits: &[Commit],
    mut take: impl FnMut(&Commit, Option<&Commit>, Content) -> Result<(), git2::Error>,
) -> Result<(), git2::Error> {
    let n_readers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..n_readers)
            .map(|reader| {
                let (sender, parts) = sync_channel(AHEAD_MAX);
                let own = (reader..commits.len().div_ceil(PART)).step_by(n_readers);
                scope.spawn(move || read(git_dir, commits, own, &sender));
                parts
            })
            .collect();
        for (n, part) in commits.chunks(PART).enumerate() {
            let contents = readers[n % n_readers].recv().expect("a reader sends each part, or why there is none")?;
            for (at, content) in contents.into_iter().enumerate() {
                take(&part[at], before(commits, n * PART + at), content)?;
            }
        }
        Ok(())
    })
}

/// Reads the parts of one reader.
fn read(
    git_dir: &Path,
    commits: &[Commit],
    parts: impl Iterator<Item = usize>,
    sender: &SyncSender<Result<Vec<Content>, git2::Error>>,
) {
    // A handle for each thread: libgit2's are not shared.
    let git = match Repository::open(git_dir) {
        Ok(git) => git,
        Err(error) => return sender.send(Err(error)).unwrap_or_default(),
    };
    let mut reader = Reader::new(&git);
    for part in parts {
        let range = part * PART..commits.len().min((part + 1) * PART);
        let contents = range.map(|at| reader.content(before(commits, at), &commits[at])).collect();
        let is_last = Result::is_err(&contents);
        // Nobody takes it: the replay ended with an error.
        if sender.send(contents).is_err() || is_last {
            return;
        }
    }
}

fn before(commits: &[Commit], at: usize) -> Option<&Commit> {
    at.checked_sub(1).and_then(|at| commits.get(at))
}
