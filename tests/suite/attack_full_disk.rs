//! Attack: the disk of the repository is full to the last page, or nearly. A small
//! file system in memory stands for it.

#![expect(clippy::print_stderr, reason = "tells how many cases there were, or why there were none")]

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use crate::common::attack::size;
use crate::common::edits::place_of_robin;
use crate::common::{Answer, Place, Service, decision, submission};

/// A file system of 24 MB where the reports repository is to be.
struct SmallDisk {
    place: Place,
}

impl SmallDisk {
    /// `None`, with a line that says so, where nothing can be mounted.
    fn new() -> Option<Self> {
        let place = place_of_robin();
        fs::remove_dir_all(place.repo()).expect("removed");
        fs::create_dir(place.repo()).expect("a folder");
        let mounted = place.sh("", "mount -t tmpfs -o size=24m,mode=755 golive-test reports-repo");
        if !mounted.status.success() {
            eprintln!("failing-io: skipped: nothing can be mounted here: {}", mounted.stderr.trim());
            return None;
        }
        Some(Self { place })
    }

    fn filler(&self) -> PathBuf {
        self.place.repo().join(".git/filler")
    }

    /// Leaves so many bytes free.
    fn fill(&self, n_left: u64) {
        let mut file = File::create(self.filler()).expect("a file");
        let page = vec![1; 4096];
        while file.write_all(&page).is_ok() {}
        let len = file.metadata().expect("a file").len();
        file.set_len(len.saturating_sub(n_left)).expect("cut");
    }

    fn free(&self) {
        fs::remove_file(self.filler()).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.place.sh("", "umount -l reports-repo");
    }
}

/// Asserts that the answer says that the disk is full, or that it was done.
fn is_done(answer: &Answer) -> bool {
    if matches!(answer.status, 200 | 201) {
        return true;
    }
    let problem = answer.problem(507);
    assert!(!answer.header("retry-after").is_empty(), "{problem}");
    false
}

fn names(service: &Service) -> Vec<String> {
    let list = service.get("/api/v1/reports?limit=1000&sort=name");
    assert_eq!(list.status, 200, "{list:?}");
    let list = list.json();
    list.as_array()
        .expect("a list")
        .iter()
        .map(|report| report["server_name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn a_full_disk_refuses_writes_alone_and_needs_no_restart() {
    let Some(disk) = SmallDisk::new() else { return };
    let place = &disk.place;
    let service = place.serve();
    let id = service.submit("mcp-first");
    let (mut stored, mut status) = (vec!["mcp-first".to_owned()], "pending_review");
    let n_levels = size(8, 48) as u64;
    let mut n_refused = 0;
    for level in 0..n_levels {
        service.wait_until_clean();
        // In the suite further apart, as a page that was free in one is in all.
        disk.fill(level * 4096 * (48 / n_levels));
        for n in 0..3 {
            let mut large = submission(&format!("mcp-{level}-{n}"));
            large["report_data"] = format!("# Large\n\n{}\n", "0123456789abcdef ".repeat(4000)).into();
            if is_done(&service.post(&large)) {
                stored.push(format!("mcp-{level}-{n}"));
            } else {
                n_refused += 1;
            }
        }
        let next = if status == "approved" { "rejected" } else { "approved" };
        if is_done(&service.patch(&id, &decision(next, &format!("At level {level}")))) {
            status = next;
        }
        assert_eq!(service.get(&format!("/api/v1/reports/{id}")).json()["status"], status);
        stored.sort();
        assert_eq!(names(&service), stored, "level {level}\n{}", service.log());
        disk.free();
        service.wait_until("writes are accepted again", || {
            is_done(&service.post(&submission(&format!("mcp-{level}-after"))))
        });
        stored.push(format!("mcp-{level}-after"));
        assert_eq!(service.get("/readyz").status, 200);
    }
    assert!(n_refused > 0, "the disk was never full");
    service.wait_until_clean();
    assert!(!service.log().contains("panicked"), "{}", service.log());
    service.stop();
    let service = place.serve();
    stored.sort();
    assert_eq!(names(&service), stored);
    service.assert_record_is_whole(stored.len());
    service.stop();
    eprintln!("failing-io: {n_levels} levels of a full disk, {n_refused} writes refused");
}
