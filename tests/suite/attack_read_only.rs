//! Attack: the repository, or a part of it, cannot be written to, from the start or from
//! one moment to the next. What can be done is done, and all of it once it is writable
//! again. A bind mount over itself stands for it, as root writes to any file.

#![expect(clippy::print_stderr, reason = "tells how many cases there were, or why there were none")]

use std::path::PathBuf;

use crate::common::attack::rounds;
use crate::common::edits::{CHANGE_EMAIL, place_of_robin};
use crate::common::{Answer, Place, Service, decision, submission};

/// A folder that is read-only as long as this is there.
struct ReadOnly<'a> {
    place: &'a Place,
    folder: PathBuf,
}

impl<'a> ReadOnly<'a> {
    /// `None`, with a line that says so, where nothing can be mounted.
    fn begin(place: &'a Place, folder: &str) -> Option<Self> {
        let folder = place.repo().join(folder);
        let at = folder.display();
        // Made read-only beside it, as a mount with files that are open for writing cannot be.
        let mounted = place.sh(
            "",
            &format!(
                "mkdir -p beside; mount --bind '{at}' beside; trap 'umount -l beside' EXIT; \
                 mount -o remount,bind,ro beside; mount --bind beside '{at}'"
            ),
        );
        let mount = Self { place, folder };
        if !mounted.status.success() {
            eprintln!("hostile-repository: skipped: nothing can be mounted here: {}", mounted.stderr.trim());
            return None;
        }
        Some(mount)
    }
}

impl Drop for ReadOnly<'_> {
    fn drop(&mut self) {
        let _ = self.place.sh("", &format!("umount -l '{}'", self.folder.display()));
    }
}

fn assert_refused(answer: &Answer) {
    let problem = answer.problem(if answer.status == 507 { 507 } else { 503 });
    assert!(!answer.header("retry-after").is_empty(), "{problem}");
    assert_ne!(problem["type"], "urn:golive:problem:unknown-outcome", "nothing was written: {problem}");
}

/// Asserts that all that needs no write is answered.
fn assert_is_read(service: &Service, id: &str) {
    for path in ["", "/history", "/diff", "/revisions/1", "/file", "/assessment"] {
        let answer = service.get(&format!("/api/v1/reports/{id}{path}"));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
    for path in ["/api/v1/reports", "/api/v1/problems", "/healthz", "/"] {
        assert_eq!(service.get(path).status, 200, "{path}");
    }
    let cloned = service.place.sh("", &format!("rm -rf clone; git clone -q {}/reports.git clone", service.base));
    assert!(cloned.status.success(), "{cloned:?}");
}

/// A repository with a report that has two revisions, which is not served.
fn place() -> (Place, String) {
    let place = place_of_robin();
    let service = place.serve();
    let id = service.submit("mcp-first");
    let mut again = submission("mcp-first");
    again["report_data"] = "# Another text\n".into();
    assert_eq!(service.put(&id, &again).status, 200);
    service.wait_until_clean();
    service.stop();
    (place, id)
}

#[test]
fn a_repository_that_is_read_only_is_refused_in_a_sentence_and_left_as_it_is() {
    let (place, id) = place();
    let files = || place.sh("reports-repo", "find . -type f -not -path './.git/golive/new/*' | sort | xargs sha256sum");
    for folder in ["", ".git", ".git/objects", ".git/refs", ".git/golive"] {
        let before = files().stdout;
        let Some(read_only) = ReadOnly::begin(&place, folder) else { return };
        let repo = place.repo();
        match place.try_serve_with(&[]) {
            Err(ended) => ended.assert_refused(&["Read-only file system", &repo.display().to_string()]),
            // Which is not needed before the first write.
            Ok(service) => {
                assert_is_read(&service, &id);
                assert_refused(&service.post(&submission("mcp-refused")));
            }
        }
        assert!(place.golive(&["verify", "reports-repo"]).status.success(), "what only reads goes on");
        drop(read_only);
        if folder.is_empty() {
            assert_eq!(files().stdout, before);
        }
        let service = place.serve();
        service.assert_record_is_whole(1);
        service.stop();
    }
    let empty = Place::new();
    std::fs::create_dir(empty.repo()).expect("a folder");
    let Some(_read_only) = ReadOnly::begin(&empty, "") else { return };
    let repo = empty.repo().display().to_string();
    empty.golive(&["init", &repo]).assert_refused(&["Read-only file system", &repo]);
    empty.try_serve_with(&[]).err().expect("it ends").assert_refused(&["Read-only file system", &repo]);
}

/// One part that turns read-only while the service runs, and what becomes of a write.
struct Part {
    folder: &'static str,
    /// What a person can save meanwhile is taken in afterwards.
    is_edited: bool,
    is_written: bool,
}

const PARTS: &[Part] = &[
    Part { folder: "", is_edited: false, is_written: false },
    Part { folder: ".git", is_edited: true, is_written: false },
    Part { folder: ".git/objects", is_edited: true, is_written: false },
    Part { folder: ".git/refs", is_edited: true, is_written: false },
    Part { folder: "reports", is_edited: false, is_written: true },
];

#[test]
fn a_repository_that_turns_read_only_is_read_and_needs_no_restart() {
    let (place, id) = place();
    let service = place.serve();
    let (mut n_reports, mut n_refused) = (1, 0);
    let mut status = ["approved", "rejected"].into_iter().cycle();
    for round in 0..rounds(1, 8) {
        for Part { folder, is_edited, is_written } in PARTS {
            let case = format!("{folder:?}, round {round}");
            let edited = format!("mcp-edited-{n_reports}");
            let edited_id = service.submit(&edited);
            service.wait_until_settled();
            service.wait_until_clean();
            let n_lines = service.log().lines().count();
            let n_commits = service.commits().len();
            let Some(read_only) = ReadOnly::begin(&place, folder) else { return };
            if *is_edited {
                place.edit(&edited, CHANGE_EMAIL);
            }
            let body = submission(&format!("mcp-meanwhile-{n_reports}"));
            let note = decision(status.next().expect("one"), "Fine");
            if *is_written {
                assert_eq!(service.post(&body).status, 201, "{case}\n{}", service.log());
                assert_eq!(service.patch(&id, &note).status, 200, "{case}\n{}", service.log());
                assert_eq!(service.get("/readyz").status, 200, "{case}");
            } else {
                for _ in 0..3 {
                    assert_refused(&service.post(&body));
                    assert_refused(&service.patch(&id, &note));
                    n_refused += 2;
                }
                service.get("/readyz").problem(503);
                assert_eq!(service.commits().len(), n_commits, "{case}");
            }
            assert_is_read(&service, &id);
            drop(read_only);
            service.wait_until("writes are accepted again", || matches!(service.post(&body).status, 201 | 409));
            assert_eq!(service.patch(&id, &note).status, 200, "{case}");
            if *is_edited {
                service.wait_for_email(&edited_id, "kim@example.com");
            }
            service.wait_until_settled();
            service.wait_until_clean();
            n_reports += 2;
            let log: Vec<_> = service.log().lines().skip(n_lines).map(str::to_owned).collect();
            assert!(log.len() < 60 && !log.concat().contains("panicked"), "{case}: {log:#?}");
            assert_eq!(service.get("/readyz").status, 200, "{case}");
        }
    }
    service.assert_record_is_whole(n_reports);
    service.stop();
    let service = place.serve();
    service.assert_record_is_whole(n_reports);
    eprintln!("hostile-repository: {} times read-only, {n_refused} writes refused", PARTS.len() * rounds(1, 8));
}
