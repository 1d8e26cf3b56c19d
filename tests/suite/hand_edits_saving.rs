//! However an editor saves, whatever it leaves beside, with or without `git add`,
//! with the service up or down: the edit is taken in, and soon.

use std::fs::{self, OpenOptions};
use std::io::{Seek, Write};
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use crate::common::edits::{APPROVE, CHANGE_EMAIL, CHANGE_TEXT, REJECT, changed, place_of_robin, restarted_the_same};
use crate::common::{Place, Service};
use serde_json::{Value, json};

fn submitted(service: &Service, name: &str) -> String {
    let id = service.submit(name);
    service.wait_until_settled();
    service.wait_until_clean();
    id
}

/// The file's state for git and for the service is one, and nobody complains.
fn assert_at_rest(service: &Service, name: &str) {
    service.wait_until_settled();
    service
        .wait_until("the file is as committed", || service.place.on_disk(name) == service.place.committed_report(name));
    service.wait_until_clean();
    assert_eq!(service.problems(), Vec::<Value>::new());
}

#[test]
fn edit_is_there_within_two_seconds() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    // The best of a few, as the machine has other work too.
    let mut best = Duration::MAX;
    for n in 0..5 {
        let (from, to) = (service.report(&id)["developer_email"].clone(), format!("kim{n}@example.com"));
        let start = Instant::now();
        place.edit("mcp-one", &[(from.as_str().expect("text"), &to)]);
        service.wait_for_email(&id, &to);
        best = best.min(start.elapsed());
        assert_at_rest(&service, "mcp-one");
    }
    assert!(best < Duration::from_secs(2), "{best:?}");
}

#[test]
fn every_way_of_saving_is_one_edit() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let file = place.report_file("mcp-one");
    type Save = fn(&std::path::Path, &str);
    let ways: [(&str, Save); 6] = [
        ("in place", |file, text| fs::write(file, text).expect("written")),
        ("renamed over", |file, text| crate::common::edits::save_by_rename(file, text)),
        ("deleted first", |file, text| {
            fs::remove_file(file).expect("removed");
            fs::write(file, text).expect("written");
        }),
        ("old one moved away first", |file, text| {
            let backup = file.with_extension("md~");
            fs::rename(file, &backup).expect("renamed");
            fs::write(file, text).expect("written");
            fs::remove_file(backup).expect("removed");
        }),
        ("cut, then written, the file held open", |file, text| {
            let mut file = OpenOptions::new().write(true).truncate(true).open(file).expect("opened");
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).expect("written");
        }),
        ("over itself, then cut to length", |file, text| {
            let mut file = OpenOptions::new().write(true).open(file).expect("opened");
            file.rewind().and_then(|()| file.write_all(text.as_bytes())).expect("written");
            file.set_len(text.len() as u64).expect("cut");
        }),
    ];
    for (n, (way, save)) in ways.into_iter().enumerate() {
        let n_commits = service.commits().len();
        let email = format!("kim{n}@example.com");
        let old = service.report(&id)["developer_email"].clone();
        let text = changed(&place.on_disk("mcp-one"), &[(old.as_str().expect("text"), &email)]);
        save(&file, &text);
        service.wait_for_email(&id, &email);
        assert_at_rest(&service, "mcp-one");
        assert_eq!(place.on_disk("mcp-one"), text, "{way}");
        assert_eq!(service.commits().len(), n_commits + 1, "{way}");
    }
    restarted_the_same(service);
}

#[test]
fn file_written_in_pieces_is_taken_in_whole() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let n_commits = service.commits().len();
    let text = format!("{}{}", place.on_disk("mcp-one"), "A line of the second look.\n".repeat(400));
    let mut file = OpenOptions::new().write(true).truncate(true).open(place.report_file("mcp-one")).expect("opened");
    for piece in text.as_bytes().chunks(1000) {
        file.write_all(piece).and_then(|()| file.flush()).expect("written");
        std::thread::sleep(Duration::from_millis(20)); // a slow writer is what this is about
    }
    drop(file);
    service.wait_for(&id, "the last piece is there", |report| {
        report["report_data"].as_str().is_some_and(|body| text.ends_with(body))
    });
    assert_at_rest(&service, "mcp-one");
    // A piece of a text may be taken for an edit once, not each of them.
    assert!(service.commits().len() <= n_commits + 2, "{}", service.git(&["log", "--stat", "main"]));
    assert!(service.get(&format!("/api/v1/reports/{id}/revisions/1")).json()["report_data"] != json!(""));
}

#[test]
fn what_editors_leave_beside_stays_and_is_no_problem() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let (file, old) = (place.report_file("mcp-one"), place.on_disk("mcp-one"));
    let name = file.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    let beside = [
        (format!("{name}~"), old.clone()),
        (format!(".{name}.swp"), "b0VIM 9.1".to_owned()),
        (format!("#{name}#"), old.clone()),
        (format!("{name}.bak"), old.clone()),
        (format!("{name}.orig"), old),
        (format!(".{name}.un~"), String::new()),
        ("4913".to_owned(), String::new()),
        (".DS_Store".to_owned(), "\0\0\0\u{1}Bud1".to_owned()),
    ];
    for (name, content) in &beside {
        fs::write(file.with_file_name(name), content).expect("written");
    }
    let lock = file.with_file_name(format!(".#{name}"));
    symlink("robin@desk.4711:1", &lock).expect("a link to nothing");
    place.edit("mcp-one", APPROVE);
    service.wait_for_status(&id, "approved");
    service.wait_until_settled();
    assert_eq!(service.problems(), Vec::<Value>::new());
    for (name, content) in &beside {
        assert_eq!(fs::read_to_string(file.with_file_name(name)).expect("still there"), *content, "{name}");
    }
    assert_eq!(fs::read_link(lock).expect("still a link"), std::path::Path::new("robin@desk.4711:1"));
    let committed = place.git(&["ls-tree", "-r", "--name-only", "main", "reports"]);
    assert_eq!(committed, format!("{}\n", place.report_path("mcp-one")));
    assert_eq!(service.get("/api/v1/reports").header("x-total-count"), "1");
}

#[test]
fn line_ends_and_bom_alone_are_no_new_revision() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    assert_eq!(service.patch(&id, &crate::common::decision("approved", "Fine")).status, 200);
    service.wait_until_settled();
    service.wait_until_clean();
    let before = service.report(&id);
    let lf = place.on_disk("mcp-one");
    let crlf = lf.replace('\n', "\r\n");
    let forms = [
        ("CRLF", crlf.clone()),
        ("BOM before the fence", format!("\u{feff}{crlf}")),
        ("LF again", lf.clone()),
        ("BOM before the text", lf.replace("---\n# Go", "---\n\u{feff}# Go")),
        ("CRLF in the text alone", {
            let (front, body) = lf.split_at(lf.find("# Go").expect("a text"));
            format!("{front}{}", body.replace('\n', "\r\n"))
        }),
    ];
    for (form, text) in forms {
        fs::write(place.report_file("mcp-one"), &text).expect("written");
        service.wait_until(form, || place.committed_report("mcp-one") == text);
        let report = service
            .wait_for(&id, "it is served", |report| text.ends_with(report["report_data"].as_str().expect("text")));
        for same in ["status", "revision", "reviewed_by", "reviewed_at", "review_notes", "submitted_at"] {
            assert_eq!(report[same], before[same], "{form}: {same}");
        }
        assert_at_rest(&service, "mcp-one");
        assert!(place.told("main", "%s").starts_with("Edit "), "{form}");
    }
    // A text that changes beside is a new revision all the same.
    place.edit("mcp-one", &[("All well.\r\n", "All well, still.\n")]);
    service.wait_for(&id, "there is a new revision", |report| report["revision"] == 2);
    restarted_the_same(service);
}

#[test]
fn crlf_file_keeps_its_line_ends_where_fields_are_filled() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let text = changed(&place.on_disk("mcp-one"), APPROVE).replace('\n', "\r\n");
    fs::write(place.report_file("mcp-one"), &text).expect("written");
    service.wait_for_status(&id, "approved");
    assert_at_rest(&service, "mcp-one");
    let file = place.on_disk("mcp-one");
    assert_eq!(file.matches('\n').count(), file.matches("\r\n").count(), "{file:?}");
    assert!(file.contains("reviewed_by: \"Robin <robin@example.com>\"\r\n"), "{file:?}");
}

#[test]
fn edits_made_while_the_service_was_down_are_taken_in() {
    let place = place_of_robin();
    let service = place.serve();
    let ids = ["mcp-one", "mcp-two", "mcp-three", "mcp-four"].map(|name| submitted(&service, name));
    service.stop();
    place.edit("mcp-one", APPROVE);
    place.edit("mcp-two", CHANGE_TEXT);
    place.edit("mcp-three", &[("status: pending_review", "status: aproved")]);
    fs::remove_file(place.report_file("mcp-four")).expect("removed");
    let service = place.serve();
    assert_eq!(service.wait_for_status(&ids[0], "approved")["reviewed_by"], crate::common::edits::ROBIN);
    service.wait_for(&ids[1], "there is a new revision", |report| report["revision"] == 2);
    let problem = service.wait_for_problem(&place.report_path("mcp-three"), "unknown-status");
    assert_eq!((&problem["line"], &problem["column"]), (&json!(6), &json!(9)));
    service.wait_until("the file is back", || place.report_file("mcp-four").exists());
    assert_eq!(place.on_disk("mcp-four"), place.committed_report("mcp-four"));
    assert_eq!(service.commits().len(), 1 + 4 + 2);
    restarted_the_same(service);
}

#[test]
fn staging_before_or_after_saving_makes_no_difference() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let path = place.report_path("mcp-one");
    // Staged in the moment of saving.
    service.at_once(|| {
        place.edit("mcp-one", APPROVE);
        place.git(&["add", &path]);
    });
    service.wait_for_status(&id, "approved");
    assert_at_rest(&service, "mcp-one");
    // Saved, and staged whenever the service has got to.
    place.edit("mcp-one", &[("status: approved", "status: rejected")]);
    let added = place.try_git(&["add", &path]);
    assert!(added.status.success() || added.stderr.contains("index.lock"), "{added:?}");
    service.wait_for_status(&id, "rejected");
    assert_at_rest(&service, "mcp-one");
    // Staged in one form, saved in the next.
    service.at_once(|| {
        place.edit("mcp-one", &[("status: rejected", "status: pending_review")]);
        place.git(&["add", &path]);
        place.edit("mcp-one", CHANGE_EMAIL);
    });
    service.wait_for_email(&id, "kim@example.com");
    service.wait_for_status(&id, "pending_review");
    assert_eq!(service.problems(), Vec::<Value>::new());
}

#[test]
fn many_files_saved_at_once_are_all_taken_in() {
    const N: usize = 200;
    let place = place_of_robin();
    let service = place.serve();
    for n in 0..N {
        service.submit(&format!("mcp-{n}"));
    }
    service.wait_until_settled();
    service.wait_until_clean();
    let sed = "find reports -name '*.md' | xargs sed -i 's/^status: pending_review$/status: rejected/'";
    assert!(place.sh_in(place.repo(), sed).status.success());
    service.wait_until("all are taken in", || {
        service.get("/api/v1/reports?status=rejected&limit=1").header("x-total-count") == "200"
    });
    service.wait_until_settled();
    service.wait_until_clean();
    assert_eq!(service.problems(), Vec::<Value>::new());
    assert_eq!(service.commits().len(), 1 + 2 * N);
    service.assert_record_is_whole(N);
    assert_eq!(service.git(&["log", "--format=%an", "-200", "main"]), "Robin\n".repeat(N));
}

/// `REJECT` and friends are for one report; this is for the place as a whole.
#[test]
fn edit_of_a_file_that_is_no_report_belongs_to_the_person() {
    let place: Place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let n_commits = service.commits().len();
    fs::write(place.repo().join("README.md"), "Ours\n").expect("written");
    fs::write(place.repo().join("draft.md"), place.on_disk("mcp-one")).expect("written");
    place.edit("mcp-one", REJECT);
    service.wait_for_status(&id, "rejected");
    service.wait_until_settled();
    assert_eq!(service.commits().len(), n_commits + 1);
    assert_eq!(service.git(&["status", "--porcelain"]), " M README.md\n?? draft.md\n");
    assert_eq!(service.problems(), Vec::<Value>::new());
}
