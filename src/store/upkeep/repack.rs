//! Has git itself join packs, of any kind.

use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::failpoint::failpoint;
use crate::store::repository::Location;

/// A repack that takes longer is ended; it is tried again later.
const PATIENCE: Duration = Duration::from_secs(600);

/// Runs `git repack`. Ends it when the sender of `stop` is gone.
///
/// # Errors
/// What went wrong, in words.
pub(super) fn repack(location: &Location, stop: &Receiver<()>) -> Result<(), String> {
    #[expect(clippy::disallowed_methods, reason = "joining packs is git's own business; libgit2 cannot")]
    let mut child = Command::new("git")
        .args([
            "-c",
            "core.fsync=all",
            "-c",
            "pack.window=0",
            "-c",
            "pack.threads=1",
            "-c",
            "repack.writeBitmaps=false",
        ])
        .args(["repack", "--geometric=2", "-d", "-q"])
        .current_dir(&location.work_dir)
        .env_remove("GIT_DIR")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("git cannot be run: {error}"))?;
    failpoint!("repack.begun");
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("it ended with {status}")),
            Ok(None) => {}
            Err(error) => return Err(error.to_string()),
        }
        let is_asked_to_stop = stop.recv_timeout(Duration::from_millis(20)) != Err(RecvTimeoutError::Timeout);
        if is_asked_to_stop || start.elapsed() > PATIENCE {
            // An unfinished repack leaves only temporary files.
            let _ = child.kill();
            let _ = child.wait();
            return Err("it was ended before it was done".into());
        }
    }
}
