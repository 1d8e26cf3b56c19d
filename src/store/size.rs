//! Files that are too long to be read: what somebody put there by hand or by a
//! local commit can be of any size, and is not taken into memory to find that out.

use git2::{Oid, Repository};

use crate::report::fault::{Fault, Rule};
use crate::report::validate::BODY_LIMIT_MAX;

/// No report's file is longer: a text of the largest size, and what stands above it.
pub(crate) const FILE_BYTES_MAX: usize = BODY_LIMIT_MAX + 512 * 1024;

/// Returns whether the blob is longer than any report's file, without reading it.
///
/// # Errors
/// libgit2's, if it is missing or broken.
pub(crate) fn is_too_long(git: &Repository, blob: Oid) -> Result<bool, git2::Error> {
    Ok(git.odb()?.read_header(blob)?.0 > FILE_BYTES_MAX)
}

/// What is wrong with it as a report.
pub(super) fn too_long() -> Fault {
    let detail = format!("the file has more than {FILE_BYTES_MAX} bytes");
    Fault::new(Rule::TextTooLong, detail, "shorten the text")
}
