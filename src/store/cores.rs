//! Work shared out among threads, which may be had or not: where the system has
//! no more of them, the caller does it alone.

use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use git2::Repository;

use super::repository::Location;

/// Fewer items than these are not worth a thread.
const SHARE_MIN: usize = 16;

/// Returns what comes of `here`, and of `aside` beside it.
pub(super) fn both<A, B: Send>(here: impl FnOnce() -> A, aside: impl FnOnce() -> B + Send) -> (A, B) {
    let aside = Mutex::new(Some(aside));
    thread::scope(|scope| {
        let thread = start(scope, &aside);
        (here(), finish(thread, &aside))
    })
}

/// Returns what comes of each of `jobs`, in their order, done side by side.
pub(crate) fn all<T: Send>(jobs: impl IntoIterator<Item: FnOnce() -> T + Send>) -> Vec<T> {
    let jobs: Vec<_> = jobs.into_iter().map(|job| Mutex::new(Some(job))).collect();
    thread::scope(|scope| {
        let threads: Vec<_> = jobs.iter().map(|job| start(scope, job)).collect();
        threads.into_iter().zip(&jobs).map(|(thread, job)| finish(thread, job)).collect()
    })
}

type Job<F> = Mutex<Option<F>>;

fn start<'scope, T: Send + 'scope, F: FnOnce() -> T + Send>(
    scope: &'scope thread::Scope<'scope, '_>,
    job: &'scope Job<F>,
) -> Option<ScopedJoinHandle<'scope, T>> {
    thread::Builder::new().spawn_scoped(scope, || run(job)).ok()
}

fn finish<T, F: FnOnce() -> T>(thread: Option<ScopedJoinHandle<'_, T>>, job: &Job<F>) -> T {
    match thread {
        Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        None => run(job),
    }
}

fn run<T, F: FnOnce() -> T>(job: &Job<F>) -> T {
    let job = job.lock().unwrap_or_else(PoisonError::into_inner).take();
    job.expect("a job is done once")()
}

/// Returns what `read` makes of each of `items`, in their order, each thread with a
/// handle of its own: libgit2's are not shared.
///
/// # Errors
/// One that `read` returned, or libgit2's, if the repository is gone.
pub(super) fn map<T: Sync, R: Send>(
    location: &Location,
    items: &[T],
    read: impl Fn(&Repository, &T) -> Result<R, git2::Error> + Sync,
) -> Result<Vec<R>, git2::Error> {
    let n_threads = thread::available_parallelism().map_or(1, usize::from);
    let share = items.len().div_ceil(n_threads).max(SHARE_MIN);
    let read = &read;
    let parts = all(items.chunks(share).map(|items| {
        move || {
            let git = location.open()?;
            items.iter().map(|item| read(&git, item)).collect::<Result<Vec<_>, git2::Error>>()
        }
    }));
    let mut all = Vec::with_capacity(items.len());
    for part in parts {
        all.extend(part?);
    }
    Ok(all)
}
