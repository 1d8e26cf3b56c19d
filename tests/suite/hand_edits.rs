//! A person saves a report's file, and it counts: a decision, a new text, an
//! edit, a new report. The commit holds what was saved and what had to be filled.

use std::fs;

use crate::common::edits::{
    APPROVE, CHANGE_EMAIL, CHANGE_TEXT, REJECT, ROBIN, changed, place_of_robin, restarted_the_same,
};
use crate::common::{Place, Service, decision, submission};
use serde_json::{Value, json};

/// Submits `mcp-one` and waits for its file.
fn submitted(service: &Service) -> String {
    let id = service.submit("mcp-one");
    service.wait_until_settled();
    service.wait_until_clean();
    id
}

fn decided(service: &Service, id: &str, status: &str, notes: &str) {
    let answer = service.patch(id, &decision(status, notes));
    assert_eq!(answer.status, 200, "{answer:?}");
    service.wait_until_settled();
    service.wait_until_clean();
}

fn text<'a>(report: &'a Value, member: &str) -> &'a str {
    report[member].as_str().unwrap_or_else(|| panic!("no {member}: {report}"))
}

/// A line `name: value` of the file that holds `report`, quoted where it must be.
fn line(name: &str, value: &Value) -> String {
    match value.as_str() {
        Some(value) if value.contains('<') => format!("{name}: \"{value}\""),
        Some(value) => format!("{name}: {value}"),
        None => format!("{name}: {value}"),
    }
}

/// Asserts that the saved file was taken in and got these fields of `report` as
/// it was before, and no others, from the service.
fn assert_filled(service: &Service, saved: &str, before: &Value, fields: &[&str], subject: &str) {
    let after = service.report(text(before, "id"));
    let lines: Vec<_> = fields.iter().map(|name| (line(name, &before[name]), line(name, &after[name]))).collect();
    let filled: Vec<_> = lines.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    service.assert_taken_in("mcp-one", saved, &filled, subject);
}

#[test]
fn approval_and_rejection_by_hand_are_signed_by_the_user_of_the_repository() {
    for (change, status, subject, event) in
        [(APPROVE, "approved", "Approve", "approve"), (REJECT, "rejected", "Reject", "reject")]
    {
        let place = place_of_robin();
        let service = place.serve();
        let id = submitted(&service);
        let before = service.report(&id);
        let blob = service.git(&["rev-parse", &format!("main:{}", place.report_path("mcp-one"))]);
        let saved = place.edit("mcp-one", change);
        let report = service.wait_for_status(&id, status);
        assert_eq!(report["reviewed_by"], ROBIN);
        assert_eq!(report["reviewed_at"], service.history(&id)[0]["committed_at"]);
        assert_filled(&service, &saved, &before, &["reviewed_at", "reviewed_by"], subject);
        let tip = service.tip();
        assert_eq!(place.told(&tip, "%an <%ae>, %cn <%ce>"), format!("{ROBIN}, golive <golive@invalid>"));
        assert_eq!(place.trailer(&tip, "Report-Id"), id);
        assert_eq!(place.trailer(&tip, "Revision"), "1");
        assert_eq!(place.trailer(&tip, "Status"), format!("pending_review -> {status}"));
        assert_eq!(place.trailer(&tip, "Report-Blob"), blob.trim());
        let item = &service.history(&id)[0];
        assert_eq!((&item["event"], &item["via"]), (&json!(event), &json!("hand-edit")));
        assert_eq!(service.commits().len(), 3);
        restarted_the_same(service);
    }
}

#[test]
fn reviewer_and_notes_given_by_hand_are_those_of_the_decision() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service);
    let before = service.report(&id);
    let changes = [
        ("status: pending_review", "status:   'rejected'  # see FP-31"),
        ("reviewed_by: null", "reviewed_by: Kim <kim@example.com>"),
        ("review_notes: null", "review_notes: |\n  Not yet.\n\n  Via: web"),
    ];
    let saved = place.edit("mcp-one", &changes);
    let report = service.wait_for_status(&id, "rejected");
    assert_eq!(report["reviewed_by"], "Kim <kim@example.com>");
    assert_eq!(report["review_notes"], "Not yet.\n\nVia: web\n");
    assert_filled(&service, &saved, &before, &["reviewed_at"], "Reject");
    let tip = service.tip();
    assert_eq!(place.told(&tip, "%an <%ae>"), "Kim <kim@example.com>");
    assert!(place.told(&tip, "%b").starts_with("    Not yet.\n\n    Via: web\n"), "{}", place.told(&tip, "%b"));
    assert_eq!(place.trailer(&tip, "Via"), "hand-edit");
}

#[test]
fn decision_changed_and_reopened_by_hand_is_signed_anew() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service);
    decided(&service, &id, "approved", "Fine");
    let before = service.report(&id);
    let saved = place.edit("mcp-one", &[("status: approved", "status: rejected")]);
    let report = service.wait_for_status(&id, "rejected");
    assert_eq!((&report["reviewed_by"], &report["review_notes"]), (&json!(ROBIN), &json!("Fine")));
    // Both decisions may be of one second.
    let fields: &[&str] =
        if before["reviewed_at"] == report["reviewed_at"] { &["reviewed_by"] } else { &["reviewed_at", "reviewed_by"] };
    assert_filled(&service, &saved, &before, fields, "Reject");
    assert_eq!(place.trailer(&service.tip(), "Status"), "approved -> rejected");

    let before = service.report(&id);
    let saved = place.edit("mcp-one", &[("status: rejected", "status: pending_review")]);
    let report = service.wait_for_status(&id, "pending_review");
    for field in ["reviewed_at", "reviewed_by", "review_notes"] {
        assert_eq!(report[field], Value::Null, "{field}");
    }
    assert_filled(&service, &saved, &before, &["reviewed_at", "reviewed_by", "review_notes"], "Reopen");
    assert_eq!(place.told(&service.tip(), "%an <%ae>"), ROBIN);
    assert_eq!((&report["revision"], &service.history(&id)[0]["event"]), (&json!(1), &json!("reopen")));
    restarted_the_same(service);
}

#[test]
fn changed_text_is_a_new_revision_whatever_was_decided() {
    for status in ["pending_review", "approved", "rejected"] {
        let place = place_of_robin();
        let service = place.serve();
        let id = submitted(&service);
        if status != "pending_review" {
            decided(&service, &id, status, "Seen");
        }
        let before = service.report(&id);
        let saved = place.edit("mcp-one", CHANGE_TEXT);
        let report = service.wait_for(&id, "there is a new revision", |report| report["revision"] == 2);
        assert_eq!((&report["status"], &report["id"]), (&json!("pending_review"), &json!(id)));
        for field in ["reviewed_at", "reviewed_by", "review_notes"] {
            assert_eq!(report[field], Value::Null, "{field}");
        }
        assert!(text(&report, "report_data").contains("second look"), "{report}");
        assert!(text(&report, "submitted_at") >= text(&before, "submitted_at"), "{report}");
        let mut fields = vec!["revision", "status", "reviewed_at", "reviewed_by", "review_notes", "submitted_at"];
        fields.retain(|name| before[name] != report[name]);
        assert_filled(&service, &saved, &before, &fields, "Resubmit");
        let tip = service.tip();
        assert_eq!(place.told(&tip, "%an <%ae>"), ROBIN);
        assert_eq!(place.trailer(&tip, "Status"), format!("{status} -> pending_review"));
        assert_eq!(place.trailer(&tip, "Revision"), "2");
        let revisions = [1, 2].map(|n| service.get(&format!("/api/v1/reports/{id}/revisions/{n}")).json());
        assert!(text(&revisions[0], "report_data").contains("All well.\n"), "{status}");
        assert!(text(&revisions[1], "report_data").contains("second look"), "{status}");
        assert_eq!(service.history(&id)[0]["event"], "resubmit");
        restarted_the_same(service);
    }
}

#[test]
fn text_changed_and_set_back_to_pending_in_one_edit_is_a_new_revision() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service);
    decided(&service, &id, "rejected", "Not yet");
    place.edit("mcp-one", &[CHANGE_TEXT[0], ("status: rejected", "status: pending_review")]);
    let report = service.wait_for(&id, "there is a new revision", |report| report["revision"] == 2);
    assert_eq!((&report["status"], &report["reviewed_by"]), (&json!("pending_review"), &Value::Null));
    service.wait_until_clean();
}

#[test]
fn edits_of_other_fields_leave_the_decision_alone() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service);
    decided(&service, &id, "approved", "Fine");
    let before = service.report(&id);
    type Edit<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);
    let edits: [Edit; 6] = [
        (&[("server_name: mcp-one", "server_name: mcp-eins")], "server_name", "mcp-eins"),
        (&[("server_name: mcp-eins", "server_name: mcp-one")], "server_name", "mcp-one"),
        (CHANGE_EMAIL, "developer_email", "kim@example.com"),
        (&[("review_notes: Fine", "review_notes: Fine indeed")], "review_notes", "Fine indeed"),
        (&[("status: approved", "x-team: [a, b]\nstatus:  \"approved\" # by Morgan")], "status", "approved"),
        (&[("example/mcp-one", "Example/mcp-one.git")], "repository_url", "https://github.com/Example/mcp-one.git"),
    ];
    for (changes, field, value) in edits {
        let n_commits = service.commits().len();
        let saved = place.edit("mcp-one", changes);
        service.wait_until("it is committed", || service.commits().len() == n_commits + 1);
        let report = service.wait_for(&id, field, |report| report[field] == value);
        for same in ["id", "status", "revision", "submitted_at", "reviewed_at", "reviewed_by", "report_data"] {
            assert_eq!(report[same], before[same], "{same}");
        }
        service.wait_until_clean();
        assert_eq!(place.committed_report("mcp-one"), saved);
        let tip = service.tip();
        assert_eq!(place.told(&tip, "%s"), format!("Edit report `{}`", text(&report, "server_name")));
        assert_eq!(place.told(&tip, "%an <%ae>"), ROBIN);
        let trailers = ["Via", "Status", "Report-Blob"].map(|name| place.trailer(&tip, name));
        assert_eq!(trailers, ["hand-edit", "approved -> approved", ""]);
        assert_eq!(service.history(&id)[0]["event"], "edit");
    }
    // And a comment alone, above the fields.
    let saved = place.edit("mcp-one", &[("---\nid:", "---\n# Ours since May\nid:")]);
    service.wait_until("it is committed", || place.committed_report("mcp-one") == saved);
    restarted_the_same(service);
}

#[test]
fn revision_and_time_written_by_hand_are_set_right() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service);
    let before = service.report(&id);
    let submitted_at = line("submitted_at", &before["submitted_at"]);
    let changes = [
        ("revision: 1", "revision: 41 # counted"),
        (submitted_at.as_str(), "submitted_at: 2001-01-01T00:00:00Z"),
        CHANGE_EMAIL[0],
    ];
    place.edit("mcp-one", &changes);
    let report = service.wait_for_email(&id, "kim@example.com");
    assert_eq!((&report["revision"], &report["submitted_at"]), (&json!(1), &before["submitted_at"]));
    service.wait_until_clean();
    let file = place.on_disk("mcp-one");
    assert!(file.contains("\nrevision: 1 # counted\n") && file.contains(&submitted_at), "{file}");

    place.edit("mcp-one", &[("revision: 1 #", "revision: 7 #"), CHANGE_TEXT[0]]);
    let report = service.wait_for(&id, "it counts on", |report| report["revision"] == 2);
    service.wait_until_clean();
    assert!(place.on_disk("mcp-one").contains("\nrevision: 2 # counted\n"), "{report}");
}

#[test]
fn new_report_at_its_path_is_a_submission() {
    let place = place_of_robin();
    let service = place.serve();
    submitted(&service);
    let id = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";
    let other = place.on_disk("mcp-one");
    let old_id = text(&service.get("/api/v1/reports").json()[0], "id").to_owned();
    let written =
        changed(&other.replace("mcp-one", "mcp-new"), &[(old_id.as_str(), id), ("---\n", "---\n# by hand\n")]);
    let file = place.report_file("mcp-new");
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, &written).expect("written");
    service.wait_until("it is there", || service.get(&format!("/api/v1/reports/{id}")).status == 200);
    let report = service.report(id);
    assert_eq!((&report["status"], &report["revision"]), (&json!("pending_review"), &json!(1)));
    assert!(report["report_data"].as_str().is_some_and(|body| body.starts_with("# Go-live report of mcp-new")));
    let submitted_at =
        (line("submitted_at", &json!(written_time(&written))), line("submitted_at", &report["submitted_at"]));
    service.assert_taken_in("mcp-new", &written, &[(&submitted_at.0, &submitted_at.1)], "Submit");
    assert_eq!(place.told(&service.tip(), "%an <%ae>"), ROBIN);
    assert_eq!(service.history(id)[0]["event"], "submit");
    // It is a report like any other.
    service.post(&submission("mcp-new")).problem(409);
    assert_eq!(service.patch(id, &decision("approved", "")).status, 200);
    restarted_the_same(service);
}

fn written_time(file: &str) -> &str {
    let line = file.lines().find_map(|line| line.strip_prefix("submitted_at: "));
    line.expect("a time")
}

/// What a person may have made of a report's file.
const ODD: &[(&str, &str)] = &[
    ("---\nid:", "---\n# kept: top\n\"id\":  "),
    ("status: pending_review", "status:    'pending_review'   # waiting for Kim"),
    ("server_name: mcp-one\n", "x-team: [a, b]   # unknown\nnested:\n  a:\n    - 1\n\n"),
    ("review_notes: null\n", ""),
    ("reviewed_by: null", "reviewed_by: ~ # nobody yet"),
    ("reviewed_at: null", "reviewed_at:"),
    ("revision: 1\n", "revision: 1\nserver_name: \"mcp-\\x6fne\"   # the name\n# last words\n"),
];

#[test]
fn a_decision_over_the_api_changes_only_its_lines_of_an_odd_file() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service);
    let saved = place.edit("mcp-one", ODD);
    service.wait_until("it is committed", || place.committed_report("mcp-one") == saved);
    service.wait_until_clean();
    let answer = service.patch(&id, &decision("approved", "Fine"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let at = text(&answer.json(), "reviewed_at").to_owned();
    let lines = place.changed_lines("main", "mcp-one");
    let expected = [
        "-status:    'pending_review'   # waiting for Kim".to_owned(),
        "+status:    approved   # waiting for Kim".to_owned(),
        "-reviewed_at:".to_owned(),
        "-reviewed_by: ~ # nobody yet".to_owned(),
        format!("+reviewed_at: {at}"),
        "+reviewed_by: \"Morgan <morgan@example.com>\" # nobody yet".to_owned(),
        "+review_notes: Fine".to_owned(),
    ];
    assert_eq!(lines, expected, "{lines:#?}");
    service.wait_until_clean();
}

#[test]
fn user_of_the_repository_is_asked_for_at_each_edit() {
    let place = Place::new();
    let service = place.serve();
    let id = submitted(&service);
    // Nobody is known, and an edit needs nobody.
    place.edit("mcp-one", CHANGE_EMAIL);
    service.wait_for_email(&id, "kim@example.com");
    assert_eq!(place.told("main", "%an <%ae>"), "golive <golive@invalid>");
    // A decision does.
    service.wait_until_clean();
    let saved = place.edit("mcp-one", APPROVE);
    let problem = service.wait_for_problem(&place.report_path("mcp-one"), "unknown-reviewer");
    assert!(problem.to_string().contains("user.name"), "{problem}");
    assert_eq!(place.on_disk("mcp-one"), saved);
    // Saved once more, with the name known.
    service.at_once(|| {
        place.git(&["config", "user.name", "Robin"]);
        place.git(&["config", "user.email", "robin@example.com"]);
        place.edit("mcp-one", &[]);
    });
    assert_eq!(service.wait_for_status(&id, "approved")["reviewed_by"], ROBIN);
    service.wait_until_no_problem();
    service.wait_until_clean();
}
