//! What lies among the reports and is none: left alone and not followed. What
//! was a report's file and is gone: brought back.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::edits::{APPROVE, CHANGE_EMAIL, changed, place_of_robin, restarted_the_same};
use crate::common::{Service, decision};
use serde_json::{Value, json};

fn submitted(service: &Service, name: &str) -> String {
    let id = service.submit(name);
    service.wait_until_settled();
    service.wait_until_clean();
    id
}

#[test]
fn deleted_files_are_restored_and_nothing_is_committed() {
    let place = place_of_robin();
    let service = place.serve();
    let ids = ["mcp-one", "mcp-two"].map(|name| submitted(&service, name));
    let tip = service.tip();
    for _ in 0..3 {
        fs::remove_file(place.report_file("mcp-one")).expect("removed");
        service.wait_until("the file is back", || place.report_file("mcp-one").exists());
        assert_eq!(place.on_disk("mcp-one"), place.committed_report("mcp-one"));
    }
    // With `git rm`, and all of them with their folders.
    service.git(&["rm", "-q", &place.report_path("mcp-two")]);
    service.wait_until("the file is back", || place.report_file("mcp-two").exists());
    fs::remove_dir_all(place.repo().join("reports")).expect("removed");
    service.wait_until("the files are back", || {
        ["mcp-one", "mcp-two"].iter().all(|name| place.report_file(name).exists())
    });
    service.wait_until_clean();
    assert_eq!((service.tip(), service.problems()), (tip, Vec::<Value>::new()));
    // And they are files like before.
    place.edit("mcp-two", APPROVE);
    service.wait_for_status(&ids[1], "approved");
    service.wait_until_clean();
    restarted_the_same(service);
}

#[test]
fn renamed_file_is_restored_and_its_copy_told_where_it_belongs() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let (tip, path, file) = (service.tip(), place.report_path("mcp-one"), place.report_file("mcp-one"));
    let moved = file.with_file_name("my-report.md");
    let moved_path = format!("{}/my-report.md", path.rsplit_once('/').expect("a folder").0);
    let bytes = fs::read(&file).expect("a file");
    fs::rename(&file, &moved).expect("renamed");
    service.wait_until("the file is back", || file.exists());
    assert_eq!(place.on_disk("mcp-one"), place.committed_report("mcp-one"));
    let problem = service.wait_for_problem(&moved_path, "wrong-path");
    assert!(problem.to_string().contains(&path), "{problem}");
    assert_eq!(fs::read(&moved).expect("still there"), bytes);
    // The report itself has no problem.
    assert_eq!(service.problem_at(&path), None);
    assert_eq!(service.patch(&id, &decision("approved", "Fine")).status, 200);
    assert_eq!(fs::read(&moved).expect("still there"), bytes);
    fs::remove_file(moved).expect("removed");
    service.wait_until_no_problem();
    service.wait_until_clean();
    assert_eq!(service.git(&["rev-parse", "main~1"]).trim(), tip);
}

#[test]
fn report_in_the_wrong_place_counts_once_it_is_moved() {
    let place = place_of_robin();
    let service = place.serve();
    let old = submitted(&service, "mcp-one");
    let id = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";
    let text = changed(&place.on_disk("mcp-one").replace("mcp-one", "mcp-new"), &[(old.as_str(), id)]);
    let (path, file) = (place.report_path("mcp-new"), place.report_file("mcp-new"));
    let tip = service.tip();
    let last = "reports/a/b/c/d/e/mcp-new.md";
    for wrong in ["reports/mcp-new.md", "reports/a/mcp-new.md", last] {
        let stray = place.repo().join(wrong);
        fs::create_dir_all(stray.parent().expect("a folder")).expect("a folder");
        fs::write(&stray, &text).expect("written");
        let problem = service.wait_for_problem(wrong, "wrong-path");
        let told = format!("{} {}", problem["detail"], problem["repair"]);
        assert!(told.contains(&path), "{problem}");
        assert_eq!((&problem["found_in"], &problem["commit"]), (&json!("work-tree"), &Value::Null));
        assert_eq!(service.tip(), tip);
        assert_eq!(fs::read_to_string(&stray).expect("still there"), text);
        if wrong == last {
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::rename(&stray, &file).expect("moved");
        } else {
            fs::remove_file(&stray).expect("removed");
        }
        service.wait_until_no_problem();
    }
    service.wait_until("it counts", || service.get(&format!("/api/v1/reports/{id}")).status == 200);
    service.wait_until_settled();
    service.wait_until_clean();
}

#[test]
fn strays_are_left_alone_and_no_problem() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let (tip, reports) = (service.tip(), place.repo().join("reports"));
    let outside = place.path().join("outside");
    fs::create_dir(&outside).expect("a folder");
    fs::write(outside.join("report.md"), place.on_disk("mcp-one")).expect("written");
    fs::write(reports.join("notes.md"), "# Notes\n").expect("written");
    fs::write(reports.join("TODO"), "read mcp-one\n").expect("written");
    fs::write(reports.join("photo.png"), b"\x89PNG\r\n\x1a\n\0\0").expect("written");
    fs::create_dir_all(reports.join("empty/folder.md")).expect("folders");
    symlink(&outside, reports.join("linked")).expect("a link");
    symlink(outside.join("report.md"), reports.join("linked.md")).expect("a link");
    symlink(&reports, reports.join("loop")).expect("a link");
    symlink("nowhere", reports.join("dangling.md")).expect("a link");
    symlink("/dev/zero", reports.join("zero.md")).expect("a link");
    assert!(place.sh_in(&reports, "mkfifo fifo fifo.md").status.success());
    let path = place.report_path("mcp-one");
    assert!(place.sh_in(&reports, &format!("mkfifo ../{}.fifo.md", path.trim_end_matches(".md"))).status.success());
    let before = place.git(&["status", "--porcelain", "--untracked-files=all"]);
    // It has looked at them once this is there.
    place.edit("mcp-one", APPROVE);
    service.wait_for_status(&id, "approved");
    service.wait_until_settled();
    assert_eq!(service.problems(), Vec::<Value>::new());
    assert_eq!(service.git(&["rev-parse", "main~1"]).trim(), tip);
    service
        .wait_until("only they are there", || place.git(&["status", "--porcelain", "--untracked-files=all"]) == before);
    assert!(reports.join("empty/folder.md").is_dir() && reports.join("loop").is_symlink());
    let service = restarted_the_same(service);
    // Those of the outside stay those of the outside.
    fs::write(outside.join("report.md"), changed(&place.on_disk("mcp-one"), CHANGE_EMAIL)).expect("written");
    assert_eq!(service.patch(&id, &decision("rejected", "")).status, 200);
    service.wait_until_settled();
    assert_eq!(service.report(&id)["developer_email"], "alex@example.com");
}

/// Puts something else in the place of the report's file; the service may tell or
/// bring the file back, and does not follow it, nor hang, nor commit it.
fn is_left_alone(put: impl Fn(&Path), is_there: impl Fn(&Path) -> bool) {
    let place = place_of_robin();
    let service = place.serve();
    let ids = ["mcp-one", "mcp-two"].map(|name| submitted(&service, name));
    let (tip, file, path) = (service.tip(), place.report_file("mcp-one"), place.report_path("mcp-one"));
    let before = service.report(&ids[0]);
    fs::remove_file(&file).expect("removed");
    put(&file);
    place.edit("mcp-two", APPROVE);
    service.wait_for_status(&ids[1], "approved");
    service.wait_until_settled();
    service.wait_for_problem(&path, "not-a-file");
    assert!(is_there(&file));
    assert_eq!(service.report(&ids[0]), before);
    let problem = service.patch(&ids[0], &decision("approved", "")).problem(409);
    assert_eq!(problem["path"], path.as_str());
    assert_eq!(service.git(&["rev-parse", "main~1"]).trim(), tip);
    if file.is_dir() && !file.is_symlink() { fs::remove_dir(&file) } else { fs::remove_file(&file) }.expect("removed");
    service.wait_until("the file is back", || file.is_file());
    service.wait_until_no_problem();
    service.wait_until_clean();
    assert_eq!(service.patch(&ids[0], &decision("approved", "")).status, 200);
}

#[test]
fn link_in_place_of_a_report_is_told_and_not_followed() {
    let outside = crate::common::Place::new();
    let target = outside.path().join("target.md");
    fs::write(&target, "---\nid: x\n---\n").expect("written");
    is_left_alone(|file| symlink(&target, file).expect("a link"), Path::is_symlink);
    assert_eq!(fs::read_to_string(&target).expect("still there"), "---\nid: x\n---\n");
}

#[test]
fn fifo_in_place_of_a_report_is_told_and_not_opened() {
    let make = |file: &Path| {
        let made = crate::common::Place::new().sh("", &format!("mkfifo '{}'", file.display()));
        assert!(made.status.success(), "{made:?}");
    };
    is_left_alone(make, |file| fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()));
}

#[test]
fn folder_in_place_of_a_report_is_told() {
    is_left_alone(|file| fs::create_dir(file).expect("a folder"), Path::is_dir);
}

#[test]
fn mode_of_a_file_is_no_edit() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let (path, file) = (place.report_path("mcp-one"), place.report_file("mcp-one"));
    assert!(place.sh_in(place.repo(), &format!("chmod +x '{path}'")).status.success());
    fs::write(&file, changed(&place.on_disk("mcp-one"), APPROVE)).expect("written in place");
    service.wait_for_status(&id, "approved");
    service.wait_until_settled();
    assert!(service.git(&["ls-tree", "main", &path]).starts_with("100644 "));
    assert_eq!(service.problems(), Vec::<Value>::new());
}
