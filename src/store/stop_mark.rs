//! Whether anything can have been lost since the last service ran here.

use std::fs::{self, File};
use std::path::PathBuf;

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};

use super::repository::Location;
use crate::failpoint::failpoint;

/// Notes that the service ended by itself. Derived like all else here: without it
/// the next start is a little more careful.
pub(super) fn set(location: &Location) {
    let _ = fs::write(path(location), "");
}

/// Returns whether nothing can have been lost: the last service ended by itself, or
/// the machine runs on with the same file system. A process that is killed cuts
/// nobody's file.
pub(super) fn take(location: &Location) -> bool {
    // The mark must not come back after a power loss.
    let is_there = fs::remove_file(path(location)).is_ok();
    failpoint!("start.unmarked");
    let synced = File::open(location.own_dir()).and_then(|folder| folder.sync_all());
    let path = location.own_dir().join("mounted");
    let (before, now) = (fs::read_to_string(&path).unwrap_or_default(), mounted(location));
    if before != now {
        let _ = fs::write(&path, &now);
    }
    (is_there && synced.is_ok()) || (!now.is_empty() && before == now)
}

/// Returns what is another after a restart of the machine, or once the file system
/// was mounted anew; empty where that cannot be told.
fn mounted(location: &Location) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    match statx(CWD, &location.git_dir, AtFlags::empty(), StatxFlags::MNT_ID) {
        Ok(found) if !boot.is_empty() => format!("{} {}", boot.trim(), found.stx_mnt_id),
        _ => String::new(),
    }
}

fn path(location: &Location) -> PathBuf {
    location.own_dir().join("stopped")
}
