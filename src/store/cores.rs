//! Reading shared out among all cores, each with a handle of its own: libgit2's
//! are not shared between threads.

use std::thread;

use git2::Repository;

use super::repository::Location;

/// Fewer items than these are not worth a thread.
const SHARE_MIN: usize = 16;

/// Returns what `read` makes of each of `items`, in their order.
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
    thread::scope(|scope| {
        let readers: Vec<_> = items
            .chunks(share)
            .map(|items| {
                scope.spawn(move || {
                    let git = location.open()?;
                    items.iter().map(|item| read(&git, item)).collect::<Result<Vec<_>, git2::Error>>()
                })
            })
            .collect();
        let mut all = Vec::with_capacity(items.len());
        for reader in readers {
            all.extend(reader.join().expect("reading does not panic")?);
        }
        Ok(all)
    })
}
