//! Device nodes, sockets and pipes where a report, a folder of reports, or a file of the
//! service's own would be: nothing opens them. To open one can block, drive a machine,
//! or read without an end (`/dev/zero`, for which these stand).

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use notify::event::{AccessKind, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};

use super::cases::{Case, Expected, case};
use crate::common::{PATIENCE, Place};
use walkdir::WalkDir;

/// Each puts a node at every path that it names; `node PATH` makes one.
pub(super) const CASES: &[Case] = &[
    case(
        "a device in place of a report",
        Expected::Works(3),
        "f=$(ls reports/*/*/*/*-mcp-a-*); rm $f; node $f; node reports/stray.md; mkdir reports/x; node reports/x/y.md",
    ),
    case(
        "a device in place of a folder of reports",
        Expected::Works(3),
        "d=$(ls -d reports/*/*/*/*-mcp-a-* | cut -d/ -f-2); rm -r $d; node $d; node reports/fff; mkdir -p reports/ab; node reports/ab/cd",
    ),
    case("a device in place of all reports", Expected::Works(3), "rm -r reports; node reports"),
    case(
        "devices in place of other files of the branch",
        Expected::Works(3),
        "rm golive.yaml README.md; node golive.yaml; node README.md; node .golive-new-1",
    ),
    case(
        "devices in place of files of the service",
        Expected::Works(3),
        "cd .git/golive; for f in served snapshot snapshot.new assessed assessed.new held held.new owner probe stopped mounted; do rm -rf $f; node $f; done",
    ),
    case(
        "devices in place of folders of the service",
        Expected::Works(3),
        "cd .git/golive; for f in tips new tmp set-aside; do rm -rf $f; node $f; done",
    ),
    case("a device in place of the folder of the service", Expected::Works(3), "rm -rf .git/golive; node .git/golive"),
];

/// How one is made.
pub(super) const KINDS: &[(&str, &str)] = &[
    ("characters", "node() { mknod \"$1\" c 1 5; }"),
    ("blocks", "node() { mknod \"$1\" b 7 0; }"),
    ("socket", "node() { python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \"$1\"; }"),
    ("pipe", "node() { mkfifo \"$1\"; }"),
];

/// Hears of each node of a place that somebody opens.
pub(super) struct Opened {
    _watcher: RecommendedWatcher,
    /// What comes last: the news is told in the order in which it happens.
    fence: PathBuf,
    opened: Arc<Mutex<Vec<PathBuf>>>,
}

impl Opened {
    /// Begins to listen at all that is neither a file, nor a folder, nor a link.
    pub(super) fn watch(place: &Place) -> Self {
        let opened: Arc<Mutex<Vec<PathBuf>>> = Arc::default();
        let noted = opened.clone();
        let hear = move |event: notify::Result<Event>| {
            let event = event.expect("the watch goes on");
            if matches!(event.kind, EventKind::Access(AccessKind::Open(_))) {
                noted.lock().expect("no panic").extend(event.paths);
            }
        };
        let mut watcher = notify::recommended_watcher(hear).expect("a watch");
        let is_node =
            |kind: fs::FileType| kind.is_char_device() || kind.is_block_device() || kind.is_socket() || kind.is_fifo();
        for entry in WalkDir::new(place.path()).into_iter().flatten().filter(|entry| is_node(entry.file_type())) {
            watcher.watch(entry.path(), RecursiveMode::NonRecursive).expect("watched");
        }
        let fence = place.path().join("fence");
        fs::write(&fence, "").expect("written");
        watcher.watch(&fence, RecursiveMode::NonRecursive).expect("watched");
        Self { _watcher: watcher, fence, opened }
    }

    /// Returns what was opened up to now.
    pub(super) fn paths(&self) -> Vec<PathBuf> {
        fs::File::open(&self.fence).expect("there");
        let start = Instant::now();
        loop {
            let mut opened = self.opened.lock().expect("no panic").clone();
            if opened.pop_if(|last| *last == self.fence).is_some() {
                return opened;
            }
            assert!(start.elapsed() < PATIENCE, "the watch hears nothing");
            std::thread::sleep(Duration::from_millis(1)); // between two looks
        }
    }
}
