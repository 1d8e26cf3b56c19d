//! The work tree follows the branch, and what a person put there stays.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::common::{Answer, PATIENCE, Place, Service, decision, submission};

fn written(answer: &Answer) {
    assert!(matches!(answer.status, 200 | 201), "{answer:?}");
}

/// What `git status` says about one file, such as ` M`; empty if it is clean.
fn state_of(place: &Place, path: &str) -> String {
    place.git(&["status", "--porcelain", "--untracked-files=all", "--", path]).chars().take(2).collect()
}

#[test]
fn files_follow_every_kind_of_write() {
    let place = Place::new();
    let service = place.serve();
    let ids = ["mcp-one", "mcp-two", "mcp-three"].map(|name| service.submit(name));
    service.wait_until_clean();
    written(&service.patch(&ids[0], &decision("approved", "Well done")));
    let mut revision = submission("mcp-two");
    revision["report_data"] = "\u{feff}# Anew\r\n\r\nNo last newline".into();
    written(&service.put(&ids[1], &revision));
    service.wait_until_clean();
    service.wait_until_mirrored();
    for name in ["mcp-one", "mcp-two", "mcp-three"] {
        assert_eq!(fs::read_to_string(place.report_file(name)).expect("a file"), place.committed_report(name));
    }
    let revised = fs::read_to_string(place.report_file("mcp-two")).expect("a file");
    assert!(revised.ends_with("\n---\n\u{feff}# Anew\r\n\r\nNo last newline"), "{revised:?}");
    assert_eq!(place.git(&["ls-files", "reports"]), place.git(&["ls-tree", "-r", "--name-only", "main", "reports"]));
}

/// What was committed before the comparison that made missed news good was followed after
/// it: the mirror went back, and stayed there until the next write.
#[cfg(feature = "failpoints")]
#[test]
fn mirror_that_missed_news_is_at_the_tip_when_all_is_quiet() {
    /// More batches than wait for the work tree's thread.
    const WRITES: usize = 160;
    let place = Place::new();
    let held = place.path().join("held");
    let service = place.serve_armed("mirrored.noted=1*return(stay)", Some(&held), &[]).expect("it starts");
    service.submit("mcp-first");
    service.wait_until_mirrored();
    fs::write(&held, "").expect("written");
    let id = service.submit("mcp-one");
    service.wait_until("the thread is held", || held.with_extension("held").exists());
    for n in 0..WRITES {
        let status = ["approved", "rejected"][n % 2];
        written(&service.patch(&id, &decision(status, "Seen")));
    }
    assert_ne!(place.git(&["rev-parse", "main"]), place.git(&["rev-parse", "refs/golive/mirrored"]), "it is held");
    fs::remove_file(&held).expect("removed");
    service.wait_until_mirrored();
    service.wait_until_clean();
}

#[test]
fn a_file_with_a_problem_is_never_overwritten() {
    let place = Place::new();
    let service = place.serve();
    let (mine, other) = (service.submit("mcp-mine"), service.submit("mcp-other"));
    service.wait_until_clean();
    let (path, file) = (place.report_path("mcp-mine"), place.report_file("mcp-mine"));
    // Of the same length, so that only the bytes tell.
    let edited = fs::read_to_string(&file).expect("a file").replace("status: ", "Status: ");
    fs::write(&file, &edited).expect("written");
    service.wait_for_problem(&path, "missing-field|key-form");
    for status in ["approved", "rejected", "pending_review", "approved"] {
        service.patch(&mine, &decision(status, "Seen")).problem(409);
        written(
            &service.patch(&other, &decision(if status == "pending_review" { "approved" } else { status }, status)),
        );
        service.wait_until_mirrored();
        assert_eq!(fs::read_to_string(&file).expect("a file"), edited);
        assert_eq!(state_of(&place, &path), " M");
        assert_eq!(
            fs::read_to_string(place.report_file("mcp-other")).expect("a file"),
            place.committed_report("mcp-other")
        );
        assert_eq!(state_of(&place, &place.report_path("mcp-other")), "");
    }
    service.stop();
    let service = place.serve();
    service.submit("mcp-third");
    service.wait_until_mirrored();
    assert_eq!(fs::read_to_string(&file).expect("a file"), edited);
    assert_eq!(place.git(&["status", "--porcelain"]), format!(" M {path}\n"));
    // Given up, it follows again.
    service.git(&["restore", "."]);
    service.wait_until_no_problem();
    written(&service.patch(&mine, &decision("rejected", "After all")));
    service.wait_until_clean();
    assert_eq!(fs::read_to_string(file).expect("a file"), place.committed_report("mcp-mine"));
}

#[test]
fn an_untracked_file_in_the_way_of_a_new_report_survives() {
    let place = Place::new();
    let service = place.serve();
    let (path, file) = (place.report_path("mcp-new"), place.report_file("mcp-new"));
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, "My notes\n").expect("written");
    // Nobody has looked yet, or the way is known to be blocked.
    let is_submitted = service.post(&submission("mcp-new")).status == 201;
    service.submit("mcp-other");
    service.wait_for_problem(&path, "missing-fence");
    service.wait_until_mirrored();
    service.post(&submission("mcp-new")).problem(409);
    assert_eq!(fs::read(&file).expect("a file"), b"My notes\n");
    assert_ne!(state_of(&place, &path), "");
    service.wait_until("the other is clean", || state_of(&place, &place.report_path("mcp-other")).is_empty());
    fs::remove_file(&file).expect("removed");
    service.wait_until_no_problem();
    if !is_submitted {
        service.submit("mcp-new");
    }
    service.wait_until_clean();
    assert_eq!(fs::read_to_string(file).expect("a file"), place.committed_report("mcp-new"));
}

#[test]
fn what_a_person_stages_stays_staged_beside_many_writes() {
    const N_WRITES: usize = 200;
    let place = Place::new();
    let service = place.serve();
    let is_writing = AtomicBool::new(true);
    let n_staged = std::thread::scope(|scope| {
        let person = scope.spawn(|| {
            let mut n = 0;
            while is_writing.load(Ordering::Relaxed) {
                let name = format!("note-{n}.md");
                fs::write(place.repo().join(&name), format!("Note {n}\n")).expect("written");
                let start = Instant::now();
                loop {
                    let added = place.try_git(&["add", &name]);
                    if added.status.success() {
                        break;
                    }
                    // As for any two gits at once.
                    assert!(added.stderr.contains("index.lock"), "{added:?}");
                    assert!(start.elapsed() < PATIENCE, "the index is never free");
                }
                n += 1;
            }
            n
        });
        for n in 0..N_WRITES {
            service.submit(&format!("mcp-{n}"));
        }
        is_writing.store(false, Ordering::Relaxed);
        person.join().expect("no panic")
    });
    assert!(n_staged > 5);
    let mut staged: Vec<_> = (0..n_staged).map(|n| format!("A  note-{n}.md\n")).collect();
    staged.sort();
    service.wait_until("only the notes are staged", || place.git(&["status", "--porcelain"]) == staged.concat());
    assert_eq!(service.commits().len(), N_WRITES + 1);
}

#[test]
fn a_report_that_a_person_staged_and_changed_again_stays_staged() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_clean();
    let (path, file) = (place.report_path("mcp-one"), place.report_file("mcp-one"));
    let edited = format!("{}\nA line of mine.\n", fs::read_to_string(&file).expect("a file"));
    fs::write(&file, &edited).expect("written");
    service.git(&["add", &path]);
    let staged = service.git(&["ls-files", "--stage", &path]);
    let edited = format!("{edited}Another.\n");
    fs::write(&file, &edited).expect("written");
    service.wait_until("it is taken in", || place.committed_report("mcp-one").ends_with("Another.\n"));
    written(&service.patch(&id, &decision("approved", "")));
    service.wait_until_mirrored();
    assert_eq!(service.git(&["ls-files", "--stage", &path]), staged);
    // What was staged and is in the record as it was saved is no person's any more.
    service.git(&["add", &path]);
    service.wait_until_clean();
}

/// Git writes the kinds that it is told to; each is brought forward as what it is, and what git
/// remembers of folders in it agrees with what the service changed.
#[test]
fn index_of_every_version_follows_and_git_commits_what_it_says() {
    let place = Place::new();
    let service = place.serve();
    let ids = ["mcp-one", "mcp-two"].map(|name| service.submit(name));
    service.wait_until_clean();
    for (n, version) in [2, 4, 3, 2].into_iter().enumerate() {
        service.git(&["update-index", "--index-version", &version.to_string()]);
        std::fs::write(place.repo().join("mine.txt"), format!("mine, {n}\n")).expect("written");
        if version == 3 {
            // Only with such an entry it is.
            service.git(&["add", "--intent-to-add", "mine.txt"]);
        }
        let found = || std::fs::read(place.repo().join(".git/index")).expect("an index")[7];
        assert_eq!(found(), version);
        written(&service.patch(&ids[n % 2], &decision("rejected", &format!("Because {n}"))));
        let id = service.submit(&format!("mcp-new-{n}"));
        let status = if version == 3 { " A mine.txt\0" } else { "?? mine.txt\0" };
        service.wait_until("only the person's is left", || service.git(&["status", "-z"]) == status);
        assert_eq!(found(), version);
        // From here on git remembers the tree of each folder.
        service.git(&["add", "mine.txt"]);
        service.git(&["commit", "-qm", "Note"]);
        assert_eq!(service.git(&["show", "--format=", "--name-only"]), "mine.txt\n");
        written(&service.patch(&id, &decision("approved", "")));
        service.wait_until_clean();
        assert_eq!(service.git(&["write-tree"]), service.git(&["rev-parse", "HEAD^{tree}"]), "version {version}");
        service.git(&["rm", "-q", "mine.txt"]);
        service.git(&["commit", "-qm", "Away with it"]);
        service.wait_until_clean();
    }
}

#[test]
fn an_index_lock_holds_up_only_the_index() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-before");
    service.wait_until_clean();
    let lock = place.repo().join(".git/index.lock");
    fs::write(&lock, "").expect("a lock");
    let id = service.submit("mcp-while");
    written(&service.patch(&id, &decision("approved", "")));
    assert!(place.committed_report("mcp-while").contains("status: approved"));
    assert_eq!(service.get("/readyz").status, 200);
    let file = place.report_file("mcp-while");
    service.wait_until("the file follows", || {
        fs::read_to_string(&file).is_ok_and(|text| text == place.committed_report("mcp-while"))
    });
    assert_eq!(fs::read(&lock).expect("the lock"), b"");
    assert_ne!(service.git(&["--no-optional-locks", "status", "--porcelain"]), "");
    fs::remove_file(&lock).expect("removed");
    service.wait_until_clean();
    service.wait_until_mirrored();
}

/// Submits with a link to a folder outside at `at` and asserts that nothing
/// went there; back in order, the work tree is clean.
fn link_is_not_followed(place: &Place, service: &Service, at: &Path, name: &str) {
    let (outside, aside) = (place.path().join("outside"), place.path().join("aside"));
    fs::create_dir(&outside).expect("a folder");
    let had_folder = at.exists();
    if had_folder {
        fs::rename(at, &aside).expect("moved");
    }
    fs::create_dir_all(at.parent().expect("a folder")).expect("a folder");
    symlink(&outside, at).expect("a link");
    let id = service.submit(name);
    service.wait_until_mirrored();
    written(&service.patch(&id, &decision("approved", "")));
    service.wait_until_mirrored();
    assert_eq!(fs::read_dir(&outside).expect("a folder").count(), 0, "{}", at.display());
    assert_eq!(fs::read_link(at).expect("still a link"), outside);
    assert!(place.committed_report(name).contains("status: approved"));
    fs::remove_file(at).expect("removed");
    if had_folder {
        fs::rename(&aside, at).expect("moved back");
    }
    fs::remove_dir(&outside).expect("removed");
    service.git(&["restore", "."]);
    service.wait_until_clean();
}

#[test]
fn links_in_place_of_folders_and_files_are_never_followed() {
    let place = Place::new();
    let service = place.serve();
    let reports = place.repo().join("reports");
    link_is_not_followed(&place, &service, &reports, "mcp-one");
    link_is_not_followed(&place, &service, &reports, "mcp-two");
    for (n, depth) in [(3, 1), (4, 2), (5, 3)] {
        let name = format!("mcp-{n}");
        let shard: PathBuf = Path::new(&place.report_path(&name)).components().take(1 + depth).collect();
        link_is_not_followed(&place, &service, &place.repo().join(shard), &name);
    }
    // In place of the file itself.
    let (file, outside) = (place.report_file("mcp-six"), place.path().join("outside.md"));
    let id = service.submit("mcp-six");
    service.wait_until_clean();
    fs::rename(&file, &outside).expect("moved");
    symlink(&outside, &file).expect("a link");
    let before = fs::read(&outside).expect("a file");
    written(&service.patch(&id, &decision("approved", "")));
    service.wait_until_mirrored();
    assert_eq!(fs::read_link(&file).expect("still a link"), outside);
    assert_eq!(fs::read(&outside).expect("a file"), before);
    service.assert_record_is_whole(6);
}

#[test]
fn what_is_pushed_appears_in_the_work_tree() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-one");
    service.wait_until_clean();
    let clone = Place::new();
    let cloned = clone.command("git").args(["clone", "-q"]).arg(place.repo()).arg(clone.repo()).status();
    assert!(cloned.expect("git").success());
    fs::write(clone.repo().join("README.md"), "Anew\n").expect("written");
    fs::write(clone.repo().join("guide.md"), "How we review\n").expect("written");
    clone.git(&["add", "."]);
    clone.git(&["commit", "-q", "-m", "Say more"]);
    clone.git(&["push", "-q", "origin", "main"]);
    service.wait_until("the files are there", || {
        fs::read(place.repo().join("guide.md")).is_ok_and(|text| text == b"How we review\n")
            && fs::read(place.repo().join("README.md")).is_ok_and(|text| text == b"Anew\n")
    });
    service.wait_until_clean();
    assert_eq!(service.get("/readyz").status, 200);
}
