//! What the running service takes of the machine, as `/proc` tells.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{BINARY, PATIENCE, Place, Service};

impl Place {
    /// Starts the service with at most `n` open files.
    pub(crate) fn serve_with_files(&self, n: usize) -> Service<'_> {
        let mut command: Command = self.command("sh");
        command.args(["-c", &format!("ulimit -n {n}; exec \"$@\""), "sh", BINARY, "serve", "--repo"]).arg(self.repo());
        command.args(["--listen", "127.0.0.1:0", "--log-format", "json"]);
        self.start(&mut command).unwrap_or_else(|finished| panic!("golive ended: {}", finished.stderr))
    }
}

impl Service<'_> {
    /// How many sockets are open.
    pub(crate) fn n_sockets(&self) -> usize {
        self.n_files(|name| name.starts_with("socket:"))
    }

    /// How many files are open that are no longer in any folder.
    pub(crate) fn n_deleted_files(&self) -> usize {
        self.n_files(|name| name.ends_with(" (deleted)"))
    }

    fn n_files(&self, is_one: impl Fn(&str) -> bool) -> usize {
        let files = fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("a process");
        let links = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        links.filter(|link| is_one(&link.to_string_lossy())).count()
    }

    /// Waits until no more sockets are open than there were, and those of the client
    /// that tests have.
    pub(crate) fn wait_until_sockets_are(&self, n_before: usize) {
        let start = Instant::now();
        while self.n_sockets() > n_before + 4 {
            // Streams of events see that nobody listens when there is something to hear.
            assert!(start.elapsed() < 3 * PATIENCE, "{} sockets; there were {n_before}", self.n_sockets());
            std::thread::sleep(Duration::from_millis(10)); // between two looks; nothing to be woken by
        }
    }

    /// The most memory that was resident since [`Service::forget_peak`], in MiB.
    pub(crate) fn peak_mib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
    }

    /// Lets the peak be what is resident now, and returns that.
    pub(crate) fn forget_peak(&self) -> u64 {
        fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("a process of ours");
        self.peak_mib()
    }
}
