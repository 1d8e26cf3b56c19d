//! Hand edits seen from the work tree: what is taken in, when, and what is left
//! for the person.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::time::{Duration, Instant};

use crate::common::edits::{APPROVE, CHANGE_EMAIL, CHANGE_TEXT, changed, place_of_robin, save_by_rename};
use crate::common::{Service, decision};
use serde_json::Value;

fn submitted(service: &Service, name: &str) -> String {
    let id = service.submit(name);
    service.wait_until_settled();
    service.wait_until_clean();
    id
}

fn staged(service: &Service, path: &str) -> String {
    service.git(&["ls-files", "--stage", path])
}

#[test]
fn save_is_committed_in_less_than_a_second() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let (path, file) = (place.report_path("mcp-one"), place.report_file("mcp-one"));
    let mut times: Vec<Duration> = (0..10)
        .map(|n| {
            let text = place.on_disk("mcp-one");
            let from = service.report(&id)["developer_email"].as_str().expect("text").to_owned();
            let text = changed(&text, &[(&from, &format!("kim{n}@example.com"))]);
            let (start, tip) = (Instant::now(), service.tip());
            if n % 2 == 0 {
                fs::write(&file, &text).expect("written");
            } else {
                save_by_rename(&file, &text);
            }
            service.wait_until("it is committed", || service.tip() != tip);
            let took = start.elapsed();
            assert_eq!(place.committed_report("mcp-one"), text);
            service.wait_until_settled();
            service.wait_until_clean();
            took
        })
        .collect();
    times.sort();
    println!("from save to commit: median {:?}, longest {:?}", times[5], times[9]);
    assert!(times[5] < Duration::from_secs(1), "{times:?}");
    assert_eq!(service.log().matches(&format!("Took in `{path}` as saved by hand")).count(), 10);
}

#[test]
fn file_that_is_held_open_is_waited_for() {
    let place = place_of_robin();
    let service = place.serve();
    let (id, other) = (submitted(&service, "mcp-one"), submitted(&service, "mcp-other"));
    let text = changed(&place.on_disk("mcp-one"), CHANGE_TEXT);
    let mut file = OpenOptions::new().write(true).truncate(true).open(place.report_file("mcp-one")).expect("opened");
    let (first, last) = text.split_at(text.len() - 10);
    file.write_all(first.as_bytes()).expect("written");
    // Others are not held up by it.
    place.edit("mcp-other", APPROVE);
    service.wait_for_status(&other, "approved");
    place.edit("mcp-other", &[("status: approved", "status: pending_review")]);
    service.wait_for_status(&other, "pending_review");
    assert_eq!(service.report(&id)["revision"], 1);
    file.write_all(last.as_bytes()).expect("written");
    drop(file);
    service.wait_for(&id, "there is a new revision", |report| report["revision"] == 2);
    service.wait_until_clean();
    assert_eq!(service.problems(), Vec::<Value>::new());
}

#[test]
fn editor_that_does_not_reload_loses_nothing_and_takes_nothing_back() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let mut buffer = changed(&place.on_disk("mcp-one"), APPROVE);
    fs::write(place.report_file("mcp-one"), &buffer).expect("saved");
    let decided = service.wait_for_status(&id, "approved");
    service.wait_until_clean();
    for n in 0..3 {
        buffer = buffer.replace("review_notes: null", "review_notes: More").replace("More", &format!("More {n}"));
        buffer = buffer.replace(&format!("More {n} {}", n - 1), &format!("More {n}"));
        fs::write(place.report_file("mcp-one"), &buffer).expect("saved again");
        let notes = format!("More {n}");
        let report = service.wait_for(&id, "the notes are there", |report| {
            report["review_notes"].as_str().is_some_and(|found| found.starts_with(&notes))
        });
        assert_eq!((&report["status"], &report["reviewed_by"]), (&decided["status"], &decided["reviewed_by"]));
        service.wait_until_clean();
    }
    // Reloaded, what was set before can be set again.
    for (from, to) in [("approved", "rejected"), ("rejected", "approved"), ("approved", "rejected")] {
        place.edit("mcp-one", &[(&format!("status: {from}"), &format!("status: {to}"))]);
        service.wait_for_status(&id, to);
        service.wait_until_clean();
    }
    assert_eq!(service.problems(), Vec::<Value>::new());
}

#[test]
fn file_with_a_problem_keeps_its_base_in_the_index_and_over_a_restart() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let (path, before) = (place.report_path("mcp-one"), place.on_disk("mcp-one"));
    let entry = staged(&service, &path);
    let broken = changed(&changed(&before, CHANGE_EMAIL), &[("status: pending_review", "status: fine")]);
    fs::write(place.report_file("mcp-one"), &broken).expect("saved");
    service.wait_for_problem(&path, "unknown-status");
    service.patch(&id, &decision("approved", "")).problem(409);
    // The tip moves on by a push.
    let commit = place.commit_aside("mcp-one", CHANGE_TEXT);
    place.move_branch_to(&commit);
    service.wait_for(&id, "it is served", |report| report["revision"] == 2);
    service.wait_until_settled();
    assert_eq!(place.on_disk("mcp-one"), broken);
    assert_eq!(staged(&service, &path), entry);
    let diff = place.git(&["diff", "-U0", "--", &path]);
    assert_eq!(diff.lines().filter(|line| line.starts_with(['+', '-'])).count(), 6, "{diff}");
    service.stop();
    let service = place.serve();
    service.wait_for_problem(&path, "unknown-status");
    assert_eq!((place.on_disk("mcp-one"), staged(&service, &path)), (broken, entry));
    // Repaired, it merges with what came meanwhile.
    fs::write(place.report_file("mcp-one"), changed(&before, CHANGE_EMAIL)).expect("repaired");
    let report = service.wait_for_email(&id, "kim@example.com");
    assert!(report["report_data"].as_str().expect("text").contains("says the second look"), "{report}");
    service.wait_until_no_problem();
    service.wait_until_clean();
    assert!(!place.repo().join(".git/golive/held").exists());
}

#[test]
fn file_given_up_with_git_restore_follows_again() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    fs::write(place.report_file("mcp-one"), "nothing\n").expect("saved");
    service.wait_for_problem(&place.report_path("mcp-one"), "missing-fence");
    let commit = place.commit_aside("mcp-one", CHANGE_EMAIL);
    place.move_branch_to(&commit);
    service.wait_for_email(&id, "kim@example.com");
    service.wait_until_settled();
    // From the index, which holds what the file was made from.
    service.git(&["restore", "."]);
    service.wait_until("it is the tip's", || place.on_disk("mcp-one") == place.committed_report("mcp-one"));
    service.wait_until_no_problem();
    service.wait_until_clean();
    assert_eq!(service.commits().len(), 3);
}

#[test]
fn nothing_is_taken_in_while_a_merge_waits_for_the_person() {
    let place = place_of_robin();
    let service = place.serve();
    let (id, other) = (submitted(&service, "mcp-one"), submitted(&service, "mcp-other"));
    let merge_head = place.repo().join(".git/MERGE_HEAD");
    fs::write(&merge_head, service.tip()).expect("a merge");
    let tip = service.tip();
    place.edit("mcp-one", APPROVE);
    // An API write of another report goes on, and the file follows.
    assert_eq!(service.patch(&other, &decision("approved", "")).status, 200);
    service.wait_until("the file follows", || place.on_disk("mcp-other") == place.committed_report("mcp-other"));
    assert_eq!(service.git(&["rev-parse", "main~1"]).trim(), tip);
    assert_eq!(service.report(&id)["status"], "pending_review");
    fs::remove_file(merge_head).expect("over");
    service.wait_for_status(&id, "approved");
    service.wait_until_clean();
}

#[test]
fn where_the_mirror_was_is_lost_and_old_files_are_behind() {
    let place = place_of_robin();
    let service = place.serve();
    let ids = ["mcp-one", "mcp-two"].map(|name| submitted(&service, name));
    let old = place.on_disk("mcp-one");
    for id in &ids {
        assert_eq!(service.patch(id, &decision("approved", "Fine")).status, 200);
    }
    service.wait_until_settled();
    service.wait_until_clean();
    let tip = service.tip();
    service.stop();
    fs::write(place.repo().join(".git/refs/golive/mirrored"), "").expect("cut");
    fs::write(place.report_file("mcp-one"), old).expect("as before");
    place.edit("mcp-two", CHANGE_EMAIL);
    let service = place.serve();
    service.wait_until("it is the tip's", || {
        place.on_disk("mcp-one") == place.git(&["show", &format!("{tip}:{}", place.report_path("mcp-one"))])
    });
    service.wait_for_email(&ids[1], "kim@example.com");
    assert_eq!(service.report(&ids[0])["status"], "approved");
    assert_eq!(service.git(&["rev-parse", "main~1"]).trim(), tip);
    service.wait_until_clean();
}

#[test]
fn what_a_crash_left_of_a_file_is_set_aside_until_somebody_looked() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let whole = place.on_disk("mcp-one");
    service.kill_9();
    // As after a restart of the machine: a process that is killed cuts nobody's file.
    fs::remove_file(place.repo().join(".git/golive/mounted")).expect("noted at the start");
    fs::write(place.report_file("mcp-one"), &whole[..200]).expect("cut");
    let service = place.serve();
    service.wait_for_problem(&place.report_path("mcp-one"), "cut-file");
    assert_eq!(place.on_disk("mcp-one"), whole);
    service.stop();
    let service = place.serve();
    service.wait_for_problem(&place.report_path("mcp-one"), "cut-file");
    let aside: Vec<_> = fs::read_dir(place.repo().join(".git/golive/set-aside")).expect("a folder").flatten().collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read_to_string(aside[0].path()).expect("a file"), whole[..200]);
    fs::remove_file(aside[0].path()).expect("removed");
    service.wait_until_no_problem();
    assert_eq!(service.patch(&id, &decision("approved", "")).status, 200);
}

/// It was: the first start after a power loss noted at once that all is well, so that a
/// crash in the midst of the repairs made a person's edit of each file that was cut.
#[test]
fn file_that_a_power_loss_cut_is_restored_also_if_the_first_start_after_it_crashes() {
    let place = place_of_robin();
    let service = place.serve();
    submitted(&service, "mcp-one");
    let whole = place.on_disk("mcp-one");
    service.kill_9();
    fs::remove_file(place.repo().join(".git/golive/mounted")).expect("noted at the start");
    fs::write(place.report_file("mcp-one"), &whole[..whole.len() - 5]).expect("cut");
    place.serve_with(&["--without", "work-tree"]).kill_9();
    let service = place.serve();
    service.wait_for_problem(&place.report_path("mcp-one"), "cut-file");
    assert_eq!(place.on_disk("mcp-one"), whole);
    assert_eq!(service.commits().len(), 2, "nobody edited it");
}

/// It was: only an empty file, or the beginning of the one that was there, was known as cut.
/// A file system that knew how long it is, and not what is in it, left a problem for ever.
#[test]
fn file_of_zeros_after_a_power_loss_is_restored() {
    let place = place_of_robin();
    let service = place.serve();
    for name in ["mcp-one", "mcp-two"] {
        submitted(&service, name);
    }
    let whole = ["mcp-one", "mcp-two"].map(|name| place.on_disk(name));
    service.kill_9();
    fs::remove_file(place.repo().join(".git/golive/mounted")).expect("noted at the start");
    fs::write(place.report_file("mcp-one"), vec![0; whole[0].len()]).expect("zeros");
    let half = [&whole[1].as_bytes()[..100], &vec![0; whole[1].len() - 100]].concat();
    fs::write(place.report_file("mcp-two"), half).expect("half of it zeros");
    let service = place.serve();
    service.wait_for_problem(&place.report_path("mcp-two"), "cut-file");
    service.wait_until("both are restored", || ["mcp-one", "mcp-two"].map(|name| place.on_disk(name)) == whole);
    assert_eq!(service.commits().len(), 3, "nobody edited them");
    assert_eq!(service.problem_at(&place.report_path("mcp-one")), None, "nothing of it was left to look at");
}
