//! Attack: a person writes into a file right after the service has put it there, within
//! a tick of the file system's clock, as many bytes as there were, and sets its time
//! back. To whoever asks for its size and times it is the file that the service put
//! there. Only the kernel's events tell, and the edit is noticed by them.
//!
//! On ramfs, which has no finer clock than the tick on any kernel.

#![expect(clippy::print_stderr, reason = "tells how many cases there were, or why there were none")]

use std::fs::{self, File, Metadata, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::attack::rounds;
use crate::common::{PATIENCE, Place, decision};

const EMAILS: [&str; 2] = ["alex@example.com", "kimm@example.com"];

/// A repository in memory; unmounted when dropped.
struct InMemory {
    place: Place,
}

impl InMemory {
    /// `None`, with a line that says so, where nothing can be mounted.
    fn new() -> Option<Self> {
        let place = Place::new();
        fs::create_dir(place.repo()).expect("a folder");
        let mounted = place.sh("", "mount -t ramfs -o mode=755 golive-test reports-repo");
        if !mounted.status.success() {
            eprintln!("coarse-clock: skipped: nothing can be mounted here: {}", mounted.stderr.trim());
            return None;
        }
        Some(Self { place })
    }
}

impl Drop for InMemory {
    fn drop(&mut self) {
        let _ = self.place.sh("", "umount -l reports-repo");
    }
}

/// What can be known of a file from outside.
fn signature(metadata: &Metadata) -> (u64, u64, [i64; 4]) {
    let times = [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()];
    (metadata.ino(), metadata.size(), times)
}

/// Waits until there is another file at `path` than `old`, and writes the other
/// address into it at once. Returns whether the file looks as before from outside.
fn write_into_the_next(path: &Path, old: u64) -> bool {
    let start = Instant::now();
    let open = || OpenOptions::new().read(true).write(true).open(path).ok();
    let is_next = |file: &File| file.metadata().expect("an open file").ino() != old;
    let file = loop {
        match open().filter(is_next) {
            Some(file) => break file,
            // Not between two looks: a tick is soon over.
            None => assert!(start.elapsed() < PATIENCE, "no newer file comes to {}", path.display()),
        }
    };
    let before = file.metadata().expect("an open file");
    let mut head = [0; 1024];
    let length = file.read_at(&mut head, 0).expect("read");
    let head = std::str::from_utf8(&head[..length]).expect("a report is text");
    let at = head.find(EMAILS[0]).expect("the address is there");
    file.write_all_at(EMAILS[1].as_bytes(), at as u64).expect("written");
    file.set_modified(before.modified().expect("a time")).expect("set back");
    signature(&before) == signature(&file.metadata().expect("an open file"))
}

#[test]
fn edit_that_leaves_size_and_times_of_a_new_file_is_noticed() {
    let Some(disk) = InMemory::new() else { return };
    let place = &disk.place;
    let service = place.serve();
    let n_files = rounds(24, 240);
    let names: Vec<_> = (0..n_files).map(|n| format!("mcp-{n}")).collect();
    let ids: Vec<_> = names.iter().map(|name| service.submit(name)).collect();
    service.wait_until_settled();
    service.wait_until_clean();
    let mut n_alike = 0;
    let mut edited_at = Vec::new();
    for (name, id) in names.iter().zip(&ids) {
        let file = place.report_file(name);
        let old = fs::metadata(&file).expect("the report's file").ino();
        let is_alike = std::thread::scope(|scope| {
            let person = scope.spawn(|| write_into_the_next(&file, old));
            assert_eq!(service.patch(id, &decision("approved", "Fine")).status, 200);
            person.join().expect("the person has written")
        });
        n_alike += usize::from(is_alike);
        edited_at.push(Instant::now());
    }
    assert!(n_alike > n_files / 8, "{n_alike} of {n_files} files look as before, which is no attack");
    let mut took = Vec::new();
    for (id, start) in ids.iter().zip(edited_at) {
        let report = service.wait_for_email(id, EMAILS[1]);
        assert_eq!(report["status"], "approved");
        took.push(start.elapsed());
    }
    // The last of them waited for nobody.
    let last = took.last().expect("some");
    assert!(*last < Duration::from_secs(4), "{last:?}");
    service.wait_until_settled();
    service.wait_until_clean();
    service.assert_record_is_whole(n_files);
    eprintln!("coarse-clock: {n_files} files written into, {n_alike} of them alike from outside");
}
