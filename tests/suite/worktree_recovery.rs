//! The work tree, git's index and the mirror are derived: what a crash, a lag or
//! a deletion does to them is made good, and never touches the record.

use std::fs;

use crate::common::edits::place_of_robin;
use crate::common::{Place, decision};

/// Writes until killed in the middle, and returns what was acknowledged.
fn burst_and_kill(place: &Place, round: usize) -> usize {
    let service = place.serve();
    let n_done = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let service = &service;
                scope.spawn(move || {
                    (0..5).map(|n| service.submit(&format!("mcp-{round}-{writer}-{n}"))).collect::<Vec<_>>().len()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().expect("no panic")).sum()
    });
    service.kill_9();
    n_done
}

/// Starts after a crash and asserts that the mirror catches up.
fn assert_catches_up(place: &Place, n_reports: usize) {
    let service = place.serve();
    service.wait_until_clean();
    service.wait_until_mirrored();
    service.assert_record_is_whole(n_reports);
    service.stop();
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    assert!(!place.repo().join(".git/index.lock").exists());
}

#[test]
fn a_mirror_cut_off_by_kill_9_catches_up_at_the_next_start() {
    let place = Place::new();
    let service = place.serve();
    service.wait_until_mirrored();
    service.stop();
    for round in 0..3 {
        assert_catches_up(&place, 20 * round);
        assert_eq!(burst_and_kill(&place, round), 20);
    }
    assert_catches_up(&place, 60);
}

#[test]
fn a_mirror_cut_off_in_the_very_first_start_catches_up() {
    let place = Place::new();
    let n_reports = burst_and_kill(&place, 0);
    assert_catches_up(&place, n_reports);
}

#[test]
fn a_stop_right_after_a_burst_leaves_a_clean_work_tree() {
    let place = Place::new();
    for round in 0..3 {
        let service = place.serve();
        for n in 0..20 {
            service.submit(&format!("mcp-{round}-{n}"));
        }
        service.stop();
        assert_eq!(place.git(&["status", "--porcelain"]), "");
    }
}

#[test]
fn off_the_branch_the_work_tree_is_left_alone_at_the_start() {
    let place = Place::new();
    let service = place.serve();
    service.wait_until_clean();
    service.wait_until_mirrored();
    // The mirror lags behind when the service is killed.
    let lock = place.repo().join(".git/index.lock");
    fs::write(&lock, "").expect("a lock");
    service.submit("mcp-one");
    service.kill_9();
    fs::remove_file(&lock).expect("removed");
    place.git(&["clean", "-fdq"]);
    place.git(&["reset", "-q", "--hard"]);
    place.git(&["switch", "-q", "--detach", "main~1"]);
    let service = place.serve();
    service.wait_until("it is not ready", || service.get("/readyz").status == 503);
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    assert!(!place.report_file("mcp-one").exists());
    service.git(&["switch", "-q", "main"]);
    service.submit("mcp-two");
    service.wait_until_clean();
    service.assert_record_is_whole(2);
}

#[test]
fn a_deleted_index_is_built_anew_and_nothing_is_lost() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_clean();
    fs::remove_file(place.repo().join(".git/index")).expect("removed");
    assert_eq!(service.patch(&id, &decision("approved", "")).status, 200);
    service.submit("mcp-two");
    service.assert_record_is_whole(2);
    service.wait_until_clean();
}

#[test]
fn a_file_that_could_not_be_written_follows_later() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-before");
    service.wait_until_clean();
    // Where files are put together before they go to their place.
    let scratch = place.repo().join(".git/golive/tmp");
    fs::remove_dir_all(&scratch).expect("removed");
    service.submit("mcp-while");
    let file = place.report_file("mcp-while");
    service.wait_until("it was tried", || service.log().contains("\"ERROR\"") || file.exists());
    fs::create_dir_all(&scratch).expect("made again");
    service.submit("mcp-after");
    service.wait_until_clean();
    service.assert_record_is_whole(3);
}

#[test]
fn a_deleted_work_tree_loses_nothing_of_the_record() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.submit("mcp-two");
    service.wait_until_clean();
    for entry in fs::read_dir(place.repo()).expect("a folder").flatten() {
        match entry.file_name().to_str() {
            Some(".git") => {}
            _ if entry.path().is_dir() => fs::remove_dir_all(entry.path()).expect("removed"),
            _ => fs::remove_file(entry.path()).expect("removed"),
        }
    }
    assert_eq!(service.patch(&id, &decision("approved", "")).status, 200);
    service.submit("mcp-three");
    service.assert_record_is_whole(3);
    assert_eq!(service.get("/readyz").status, 200);
    service.stop();
    let service = place.serve();
    service.submit("mcp-four");
    service.assert_record_is_whole(4);
    service.git(&["restore", "."]);
    service.wait_until_clean();
}

/// It was: of a file that waited for a person, the index was brought forward from two
/// versions alone; one that it held from between the two stayed in it for ever.
#[test]
fn index_of_a_file_that_was_edited_while_the_mirror_was_behind_follows() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_mirrored();
    let first = service.git(&["rev-parse", "main"]);
    assert_eq!(service.patch(&id, &decision("rejected", "First")).status, 200);
    service.wait_until_clean();
    service.wait_until_mirrored();
    // The index stays there, and the crash comes before it is noted how far it is.
    let lock = place.repo().join(".git/index.lock");
    fs::write(&lock, "").expect("a lock");
    assert_eq!(service.patch(&id, &decision("rejected", "Second")).status, 200);
    service.wait_until("the file is there", || place.on_disk("mcp-one").contains("Second"));
    service.kill_9();
    fs::remove_file(&lock).expect("removed");
    place.git(&["update-ref", "refs/golive/mirrored", first.trim()]);
    place.edit("mcp-one", &[("All well.", "All well, I say.")]);
    let service = place.serve();
    service.wait_until("it is taken in", || place.committed_report("mcp-one").contains("I say"));
    service.wait_until_clean();
}

/// It was: if it was not known how far the work tree is, it was taken to be at the tip, and
/// what the index lacked stayed out of it.
#[test]
fn index_that_was_behind_follows_if_its_place_is_lost() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_mirrored();
    let lock = place.repo().join(".git/index.lock");
    fs::write(&lock, "").expect("a lock");
    assert_eq!(service.patch(&id, &decision("approved", "")).status, 200);
    service.submit("mcp-two");
    service.wait_until("the files are there", || {
        place.report_file("mcp-two").exists() && place.on_disk("mcp-one").contains("status: approved")
    });
    service.kill_9();
    fs::remove_file(&lock).expect("removed");
    fs::remove_file(place.repo().join(".git/refs/golive/mirrored")).expect("lost");
    let service = place.serve();
    service.wait_until_clean();
    service.assert_record_is_whole(2);
}

/// A crash between the note of what a file was made from and the index, and another one
/// before the file was looked at again: no commit in between says where the index is.
#[test]
fn index_of_a_held_file_follows_wherever_crashes_left_it() {
    let place = Place::new();
    let service = place.serve();
    for name in ["mcp-one", "mcp-two"] {
        let id = service.submit(name);
        assert_eq!(service.patch(&id, &decision("rejected", "Not yet.")).status, 200);
        assert_eq!(service.patch(&id, &decision("approved", "")).status, 200);
    }
    service.wait_until_clean();
    service.stop();
    let [one, two] = ["mcp-one", "mcp-two"].map(|name| place.report_path(name));
    let blob = |path: &str, n: usize| {
        let commits = place.git(&["log", "--format=%h", "--", path]);
        place.git(&["rev-parse", &format!("{}:{path}", commits.lines().nth(n).expect("a commit"))]).trim().to_owned()
    };
    let held = format!("{} {one}\n{} {two}\n", blob(&one, 1), blob(&two, 1));
    fs::write(place.repo().join(".git/golive/held"), held).expect("written");
    place.git(&["update-index", "--force-remove", &one]);
    place.git(&["update-index", "--cacheinfo", &format!("100644,{},{two}", blob(&two, 2))]);
    let service = place.serve();
    service.wait_until_clean();
    service.assert_record_is_whole(2);
}

/// The same, where the second crash comes when the file was the tip's again, and git's
/// index was about to follow.
#[cfg(feature = "failpoints")]
#[test]
fn index_of_a_file_that_was_held_follows_if_the_crash_comes_right_before_it() {
    let place = Place::new();
    let service = place.serve();
    let lock = place.repo().join(".git/index.lock");
    fs::write(&lock, "").expect("a lock");
    service.submit("mcp-one");
    service.wait_until("the file is there", || place.report_file("mcp-one").exists());
    service.kill_9();
    fs::remove_file(&lock).expect("removed");
    place.edit("mcp-one", &[("All well.", "All well, I say.")]);
    // The first time, the index is left without the file, which is the person's.
    let service = place.serve_armed("index.synced=1*off->return(die)", None, &[]).expect("it starts");
    service.wait_until("it dies", || service.has_ended());
    service.kill_9();
    assert!(place.committed_report("mcp-one").contains("I say"));
    let service = place.serve();
    service.wait_until_clean();
    service.assert_record_is_whole(1);
    service.stop();
    assert!(!place.repo().join(".git/golive/held").exists(), "nothing is held any more");
}

#[test]
fn file_that_came_and_went_while_the_mirror_was_behind_is_gone() {
    let place = place_of_robin();
    let service = place.serve();
    service.submit("mcp-one");
    service.wait_until_settled();
    service.wait_until_clean();
    let before = service.tip();
    assert!(place.sh("", "git clone -q reports-repo aside").status.success());
    let commit_aside = |script: &str| {
        let made = place.sh("aside", &format!("{script}; git add -A; git commit -qm Note"));
        assert!(made.status.success(), "{made:?}");
        place.git(&["fetch", "-q", "../aside", "main"]);
        place.move_branch_to("FETCH_HEAD");
    };
    commit_aside("echo theirs > notes.md; echo theirs > kept.md");
    let (notes, kept) = (place.repo().join("notes.md"), place.repo().join("kept.md"));
    service.wait_until("the files are there", || notes.exists() && kept.exists());
    service.wait_until_settled();
    service.stop();
    // It had put the files there, and died before it noted that.
    place.git(&["update-ref", "refs/golive/mirrored", &before]);
    commit_aside("rm notes.md kept.md");
    fs::write(&kept, "mine\n").expect("written");
    let service = place.serve();
    service.wait_until_mirrored();
    service.wait_until("the file is gone", || !notes.exists());
    assert_eq!(fs::read_to_string(&kept).expect("what a person wrote stays"), "mine\n");
    service.wait_until("git knows of neither", || service.git(&["status", "--porcelain"]) == "?? kept.md\n");
}
