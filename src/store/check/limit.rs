//! `golive.bodyLimitBytes` in the repository's config: how long a report may be,
//! for the hook, which git starts without the service's settings.

use git2::{ConfigLevel, ErrorCode, Repository};

use super::entries::Item;
use crate::report::validate::BODY_LIMIT_BYTES;
use crate::store::repository::Location;
use crate::store::walk::is_regular;

const NAME: &str = "golive.bodyLimitBytes";

/// What a report file may have beside its text: the front matter, and as much again.
const HEAD_BYTES: usize = 512 * 1024;

/// Returns the limit that the repository was served with.
pub fn read(git: &Repository) -> usize {
    let limit = git.config().and_then(|config| config.get_i64(NAME)).ok();
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(BODY_LIMIT_BYTES)
}

/// Notes the limit that the repository is served with; the default needs no note.
///
/// # Errors
/// libgit2's, if the config cannot be written.
pub(in crate::store) fn note(location: &Location, limit_bytes: usize) -> Result<(), git2::Error> {
    let git = location.open()?;
    if read(&git) == limit_bytes {
        return Ok(());
    }
    let mut config = git.config()?.open_level(ConfigLevel::Local)?;
    if limit_bytes != BODY_LIMIT_BYTES {
        return config.set_i64(NAME, i64::try_from(limit_bytes).unwrap_or(i64::MAX));
    }
    match config.remove(NAME) {
        Err(error) if error.code() != ErrorCode::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns the bytes that a file may have, whatever it is.
pub(super) const fn of_file(body_limit_bytes: usize) -> usize {
    body_limit_bytes + HEAD_BYTES
}

/// Returns the bytes that a file may have that was `before`: a long text that is in the
/// record already can be decided on as any other.
///
/// # Errors
/// libgit2's, if that file is missing.
pub(super) fn of_next(git: &Repository, body_limit_bytes: usize, before: Option<Item>) -> Result<usize, git2::Error> {
    let Some(before) = before.filter(|before| is_regular(before.mode)) else { return Ok(of_file(body_limit_bytes)) };
    let (size, _) = git.odb()?.read_header(before.id)?;
    Ok(of_file(body_limit_bytes.max(size)))
}
