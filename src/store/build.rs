//! Which program this is. What one build derived from the record and put on disk,
//! another one can take for something else, so each trusts its own alone.

use std::fs;
use std::io;
use std::time::UNIX_EPOCH;

/// Returns a line, without its end, that no other build has.
///
/// # Errors
/// The file system's, if the program's file is gone.
pub fn mark() -> io::Result<String> {
    let program = fs::metadata(std::env::current_exe()?)?;
    let built = program.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
    Ok(format!("{}, {} bytes, {}", env!("CARGO_PKG_VERSION"), program.len(), built.as_nanos()))
}
