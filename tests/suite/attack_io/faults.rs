//! A service whose system calls on its repository fail on demand.
//!
//! By a small program in C (`refuse.c`, compiled here), which has the kernel ask it
//! about each such call. A preload library would miss those that rustix makes
//! without libc, and `strace` costs every call of the process a stop.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;

use rustix::io::Errno;

use crate::common::{BINARY, Finished, Place, Service};

/// A kind of call, by its bit in `refuse.c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub(super) name: &'static str,
    bit: u32,
    /// What it fails with.
    pub(super) errors: &'static [Errno],
}

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "write", bit: 1, errors: &[Errno::NOSPC, Errno::IO] },
    Kind { name: "sync", bit: 2, errors: &[Errno::IO, Errno::NOSPC] },
    Kind { name: "rename", bit: 4, errors: &[Errno::IO, Errno::NOSPC] },
    Kind { name: "open", bit: 8, errors: &[Errno::MFILE, Errno::IO] },
    Kind { name: "mmap", bit: 16, errors: &[Errno::NOMEM] },
    Kind { name: "link", bit: 32, errors: &[Errno::IO] },
    Kind { name: "unlink", bit: 64, errors: &[Errno::IO] },
    Kind { name: "mkdir", bit: 128, errors: &[Errno::NOSPC, Errno::IO] },
    Kind { name: "truncate", bit: 256, errors: &[Errno::IO, Errno::NOSPC] },
    Kind { name: "read", bit: 512, errors: &[Errno::IO] },
    // Of a new thread or program; not of the repository, but as scarce as files.
    Kind { name: "thread", bit: 1024, errors: &[Errno::AGAIN] },
];

/// What is to fail: the `first` call of a kind from now on, and with `for_ever`
/// all after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault<'a> {
    pub(super) kinds: &'a [Kind],
    pub(super) error: Errno,
    pub(super) first: u32,
    pub(super) for_ever: bool,
    /// Part of the path; empty: any file of the repository.
    pub(super) only: &'a str,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Met {
    /// Calls of the kind, from when the fault was in force.
    pub(super) n_calls: u32,
    pub(super) n_refused: u32,
    /// The call that was refused last: its number, and the path in the repository.
    pub(super) last: String,
}

/// Holds a place's service by its system calls.
pub(super) struct Faults<'a> {
    place: &'a Place,
    program: PathBuf,
    control: File,
    control_path: PathBuf,
}

/// `struct control` of `refuse.c`.
const HEAD: usize = 32;
const ONLY: usize = 128;
const LAST: usize = 384;

impl<'a> Faults<'a> {
    /// `None`, with a line that says so, where the kernel cannot do it.
    pub(super) fn at(place: &'a Place) -> Option<Self> {
        let (program, control_path) = (place.path().join("refuse"), place.path().join("control"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/attack_io/refuse.c");
        let compiled = Finished::of(place.command("cc").args(["-O1", "-o"]).arg(&program).arg(source));
        assert!(compiled.status.success(), "{compiled:?}");
        fs::write(&control_path, [0; HEAD + ONLY + LAST]).expect("a file");
        let control = File::options().read(true).write(true).open(&control_path).expect("a file");
        let faults = Self { place, program, control, control_path };
        let tried = Finished::of(&mut faults.command("/bin/true"));
        if !tried.status.success() {
            eprintln!("failing-io: skipped: calls cannot be refused here: {}", tried.stderr.trim());
            return None;
        }
        Some(faults)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.place.command(self.program.to_str().expect("UTF-8"));
        command.arg(&self.control_path).arg(self.place.repo()).arg(program);
        command
    }

    /// Starts the service under the fault that is in force, if one is.
    pub(super) fn try_serve(&self) -> Result<Service<'a>, Finished> {
        let mut command = self.command(BINARY);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--repo"]).arg(self.place.repo());
        self.place.start(&mut command)
    }

    pub(super) fn serve(&self) -> Service<'a> {
        self.try_serve().unwrap_or_else(|finished| panic!("golive ended: {}", finished.stderr))
    }

    /// Puts `fault` in force.
    pub(super) fn begin(&self, fault: Fault<'_>) {
        let write = |word: u32, at: u64| self.control.write_all_at(&word.to_ne_bytes(), at * 4).expect("written");
        write(0, 0);
        let mut only = [0; ONLY];
        only[..fault.only.len()].copy_from_slice(fault.only.as_bytes());
        self.control.write_all_at(&only, HEAD as u64).expect("written");
        let error = fault.error.raw_os_error().cast_unsigned();
        for (at, word) in [(1, fault.first), (2, u32::from(fault.for_ever)), (3, error), (4, 0), (5, 0)] {
            write(word, at);
        }
        write(fault.kinds.iter().map(|kind| kind.bit).sum(), 0);
    }

    /// Ends the fault that is in force, and returns what it met.
    pub(super) fn end(&self) -> Met {
        self.control.write_all_at(&[0; 4], 0).expect("written");
        let mut bytes = [0; HEAD + ONLY + LAST];
        self.control.read_exact_at(&mut bytes, 0).expect("read");
        let word = |at: usize| u32::from_ne_bytes(bytes[at * 4..at * 4 + 4].try_into().expect("four bytes"));
        let last = bytes[HEAD + ONLY..].split(|byte| *byte == 0).next().unwrap_or_default();
        Met { n_calls: word(4), n_refused: word(5), last: String::from_utf8_lossy(last).into_owned() }
    }
}
