//! Keeps the number of packs small, in the background: each flush leaves a pack,
//! and git slows down with their number.
//!
//! `git repack --geometric` joins the small ones and leaves the large ones be, so
//! the work is proportional to what is new. Readers that lose a pack under their
//! feet look again ([`super::blobs`]). Without git on the machine, nothing is
//! repacked, and that is said once.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::Shared;
use super::repository::Location;

/// Repack from so many packs on: 0.1 s of work each time.
const PACKS_MAX: usize = 50;
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// A repack that takes longer is ended; it is tried again later.
const PATIENCE: Duration = Duration::from_secs(600);

/// Works until the sender of `stop` is gone.
pub(super) fn run(location: &Location, shared: &Arc<Shared>, stop: &Receiver<()>) {
    let mut may_warn = true;
    while stop.recv_timeout(LOOK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
        if count_packs(location) < PACKS_MAX {
            continue;
        }
        let start = Instant::now();
        let outcome = repack(location, stop);
        let seconds = start.elapsed().as_secs_f64();
        match outcome {
            Ok(()) => {
                may_warn = true;
                shared.metrics.upkeep_seconds.observe(seconds);
                tracing::info!(duration_ms = seconds * 1000.0, "Repacked to {} packs", count_packs(location));
            }
            Err(detail) if may_warn => {
                may_warn = false;
                tracing::warn!("Packs pile up, and `git repack` cannot join them: {detail}");
            }
            Err(_) => {}
        }
    }
}

fn count_packs(location: &Location) -> usize {
    let is_pack = |entry: &fs::DirEntry| entry.path().extension().is_some_and(|extension| extension == "idx");
    fs::read_dir(location.pack_dir()).map_or(0, |entries| entries.flatten().filter(is_pack).count())
}

fn repack(location: &Location, stop: &Receiver<()>) -> Result<(), String> {
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
