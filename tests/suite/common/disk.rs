//! A disk of the test's own, ext4 in a file, whose power can be cut: what was not
//! synced is gone, as far as the file system had not written it by itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Finished, PATIENCE, Place};

const SIZE: &str = "96M";

/// One way to make and mount ext4.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    mount: &'static str,
    make: &'static [&'static str],
}

/// As Debian mounts it, and as it loses more.
pub(crate) const KINDS: &[Kind] = &[
    Kind { name: "as usual", mount: "loop", make: &[] },
    Kind { name: "data=writeback", mount: "loop,data=writeback,noauto_da_alloc,nobarrier", make: &[] },
    Kind { name: "noauto_da_alloc", mount: "loop,noauto_da_alloc", make: &[] },
    Kind { name: "without a journal", mount: "loop", make: &["-O", "^has_journal"] },
];

/// A mounted disk; unmounted when dropped.
pub(crate) struct Disk {
    kind: Kind,
    folder: TempDir,
    at: PathBuf,
}

impl Disk {
    /// Mounts a new disk at `at`.
    ///
    /// # Errors
    /// Why this machine does not allow it, in a sentence.
    pub(crate) fn mount(kind: Kind, at: &Path) -> Result<Self, String> {
        std::fs::create_dir_all(at).expect("a folder");
        // In memory, if there is room: syncs are then as fast as can be.
        let memory = Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir()).expect("a folder");
        let disk = Self { kind, folder, at: at.into() };
        let image = disk.image();
        run("truncate", &["-s", SIZE, &image])?;
        run("mkfs.ext4", &[&["-q", "-F"], kind.make, &[&*image]].concat())?;
        run("xfs_io", &["-V"])?;
        disk.attach()?;
        Ok(disk)
    }

    fn image(&self) -> String {
        self.folder.path().join("image").display().to_string()
    }

    fn attach(&self) -> Result<(), String> {
        run("mount", &["-o", self.kind.mount, &self.image(), &self.at.display().to_string()])
    }

    /// Nothing gets to the disk from now on; who writes is told of an error.
    pub(crate) fn cut_power(&self) {
        run("xfs_io", &["-x", "-c", "shutdown", &self.at.display().to_string()]).expect("shut down");
    }

    /// Starts again from what is on the disk. Nobody may use it any more.
    pub(crate) fn restore_power(&self) {
        self.detach().expect("unmounted");
        // Without a journal it is e2fsck that makes it one again, as after each power loss.
        let checked = finished("e2fsck", &["-f", "-y", &self.image()]);
        assert!(checked.status.code().is_some_and(|code| code < 4), "{checked:?}");
        self.attach().expect("mounted");
    }

    fn detach(&self) -> Result<(), String> {
        let start = std::time::Instant::now();
        loop {
            let detached = run("umount", &[&self.at.display().to_string()]);
            if detached.is_ok() || start.elapsed() > PATIENCE {
                return detached;
            }
            std::thread::sleep(std::time::Duration::from_millis(10)); // a child of the service may be ending
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.detach().or_else(|_| run("umount", &["-l", &self.at.display().to_string()]));
    }
}

/// A place whose repository is on a disk of its own; `None`, and a line that says why,
/// where that cannot be had.
#[expect(clippy::print_stderr, reason = "the one way to say that a test could not be done")]
pub(crate) fn place_on_disk(kind: Kind) -> Option<(Place, Disk)> {
    let place = Place::new();
    match Disk::mount(kind, &place.repo()) {
        Ok(disk) => Some((place, disk)),
        Err(why) => {
            eprintln!("power-loss: skipped: it needs loop mounts of ext4 (root, mkfs.ext4, xfs_io): {why}");
            None
        }
    }
}

fn run(program: &str, args: &[&str]) -> Result<(), String> {
    let finished = finished(program, args);
    let failed = || format!("`{program} {}`: {}", args.join(" "), finished.stderr.trim());
    if finished.status.success() { Ok(()) } else { Err(failed()) }
}

#[expect(clippy::disallowed_methods, reason = "disks are made and mounted by programs")]
fn finished(program: &str, args: &[&str]) -> Finished {
    let path = format!("/usr/sbin:/sbin:{}", std::env::var("PATH").unwrap_or_default());
    Finished::of(Command::new("env").arg(format!("PATH={path}")).arg("LC_ALL=C").arg(program).args(args))
}
