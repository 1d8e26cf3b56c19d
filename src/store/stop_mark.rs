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
/// the machine runs on with the same file system as when the work tree was whole. A
/// process that is killed cuts nobody's file.
pub(super) fn take(location: &Location) -> bool {
    // The mark must not come back after a power loss.
    let is_there = fs::remove_file(path(location)).is_ok();
    failpoint!("start.unmarked");
    let synced = File::open(location.own_dir()).and_then(|folder| folder.sync_all());
    let (before, now) = (fs::read_to_string(mount_path(location)).unwrap_or_default(), mounted(location));
    let is_well = is_there && synced.is_ok();
    if is_well && before != now {
        let _ = fs::write(mount_path(location), &now);
    }
    is_well || (!now.is_empty() && before == now)
}

/// Notes that the work tree is whole again. Not before: a crash in the midst of the
/// repairs must not make the rest of them a person's edits.
pub(super) fn is_repaired(location: &Location) {
    let _ = fs::write(mount_path(location), mounted(location));
}

/// `STATX_MNT_ID_UNIQUE` (Linux 6.8): the other number is given again to the next mount.
const MNT_ID_UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);

/// Returns what is another after a restart of the machine, or once the file system
/// was mounted anew; empty where that cannot be told.
fn mounted(location: &Location) -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    match statx(CWD, &location.git_dir, AtFlags::empty(), MNT_ID_UNIQUE) {
        Ok(found) if !boot.is_empty() && found.stx_mask & MNT_ID_UNIQUE.bits() != 0 => {
            format!("{} {}", boot.trim(), found.stx_mnt_id)
        }
        _ => String::new(),
    }
}

fn mount_path(location: &Location) -> PathBuf {
    location.own_dir().join("mounted")
}

fn path(location: &Location) -> PathBuf {
    location.own_dir().join("stopped")
}
