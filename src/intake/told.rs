//! Whether the kernel tells of all that happens to files, whoever does it.

use std::path::Path;

/// The magic numbers (`statfs(2)`) of file systems that only this kernel writes to: ext2
/// to 4, XFS, Btrfs, tmpfs, F2FS, ZFS, bcachefs, overlayfs. A network's, FUSE's or a
/// virtual machine's can be changed from elsewhere, of which nobody tells.
const LOCAL: [u32; 8] =
    [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0xf2f5_2010, 0x2fc1_2fc1, 0xca45_1a4e, 0x794c_7630];

/// Returns whether `folder` is on a file system that only this kernel writes to.
#[cfg(target_os = "linux")]
pub(super) fn is_local(folder: &Path) -> bool {
    // As wide as a register, and signed on some platforms; the numbers have 32 bits.
    let magic = |found: rustix::fs::StatFs| u32::try_from(i128::from(found.f_type) & 0xffff_ffff).ok();
    rustix::fs::statfs(folder).ok().and_then(magic).is_some_and(|magic| LOCAL.contains(&magic))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_local(_: &Path) -> bool {
    let _ = LOCAL;
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_makes_up_is_no_folder_of_files() {
        assert!(is_local(tempfile::tempdir().unwrap().path()));
        assert!(!is_local(Path::new("/proc/self")));
        assert!(!is_local(Path::new("/nowhere")));
    }
}
