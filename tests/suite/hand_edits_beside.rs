//! A hand edit beside a change of the same report by somebody else: what does
//! not touch each other merges, and of the rest the person is told.

use crate::common::edits::{APPROVE, CHANGE_EMAIL, CHANGE_TEXT, REJECT, ROBIN, place_of_robin, restarted_the_same};
use crate::common::{Place, Service, decision, submission};
use serde_json::{Value, json};

/// A change of the file, as pairs of texts.
type Changes<'a> = &'a [(&'a str, &'a str)];

/// Serves a report whose file has been edited by hand and whose branch was
/// changed by a commit, both from the same state and before the service looked.
fn both<'a>(place: &'a Place, by_hand: Changes, committed: Changes) -> (Service<'a>, String, String) {
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_settled();
    service.wait_until_clean();
    service.stop();
    let commit = place.commit_aside("mcp-one", committed);
    let saved = place.edit("mcp-one", by_hand);
    place.move_branch_to(&commit);
    (place.serve(), id, saved)
}

const APPROVED_BY_KIM: Changes =
    &[("status: pending_review", "status: approved"), ("reviewed_by: null", "reviewed_by: Kim")];

#[test]
fn edit_of_one_field_merges_with_a_decision() {
    let place = place_of_robin();
    let (service, id, _) = both(&place, CHANGE_EMAIL, APPROVED_BY_KIM);
    let report = service.wait_for_email(&id, "kim@example.com");
    assert_eq!((&report["status"], &report["reviewed_by"]), (&json!("approved"), &json!("Kim")));
    assert_eq!(place.told("main", "%s"), "Edit report `mcp-one`");
    service.wait_until_clean();
    assert_eq!(place.on_disk("mcp-one"), place.committed_report("mcp-one"));
    restarted_the_same(service);
}

#[test]
fn decision_merges_with_an_edit_of_another_field() {
    let place = place_of_robin();
    let (service, id, _) = both(&place, APPROVE, CHANGE_EMAIL);
    let report = service.wait_for_status(&id, "approved");
    assert_eq!((&report["developer_email"], &report["reviewed_by"]), (&json!("kim@example.com"), &json!(ROBIN)));
    service.wait_until_clean();
    restarted_the_same(service);
}

#[test]
fn comments_and_unknown_keys_of_both_sides_survive() {
    let place = place_of_robin();
    let theirs = [("---\nid", "---\n# by hand\nid"), ("reviewed_at: null", "reviewed_at: null # by hand")];
    let ours = [("review_notes: null\n", "review_notes: null\nx-team: blue # committed\n")];
    let (service, id, _) = both(&place, &theirs, &ours);
    service.wait_until("both are there", || {
        let file = place.committed_report("mcp-one");
        file.contains("# by hand\nid") && file.contains("null # by hand") && file.contains("x-team: blue # committed\n")
    });
    service.wait_until_clean();
    assert_eq!(service.report(&id)["revision"], 1);
    assert_eq!(service.problems(), Vec::<Value>::new());
}

#[test]
fn new_text_by_hand_voids_a_decision_made_meanwhile() {
    let place = place_of_robin();
    let (service, id, _) = both(&place, CHANGE_TEXT, APPROVED_BY_KIM);
    let report = service.wait_for(&id, "there is a new revision", |report| report["revision"] == 2);
    assert_eq!((&report["status"], &report["reviewed_by"]), (&json!("pending_review"), &Value::Null));
    let events: Vec<_> = service.history(&id).iter().map(|item| item["event"].clone()).collect();
    assert_eq!(events, ["resubmit", "approve", "submit"]);
    service.wait_until_clean();
    restarted_the_same(service);
}

/// The edit stays and is told by `rule`; what was committed is served.
fn is_told(by_hand: Changes, committed: Changes, rule: &str) {
    let place = place_of_robin();
    let (service, id, saved) = both(&place, by_hand, committed);
    let path = place.report_path("mcp-one");
    let problem = service.wait_for_problem(&path, rule);
    assert_eq!((&problem["found_in"], &problem["report_id"]), (&json!("work-tree"), &json!(id)));
    service.wait_until_settled();
    assert_eq!(place.on_disk("mcp-one"), saved);
    assert_ne!(place.told("main", "%(trailers:key=Via,valueonly)").trim(), "hand-edit");
    service.patch(&id, &decision("rejected", "")).problem(409);
    let service = restarted_the_same(service);
    assert_eq!(place.on_disk("mcp-one"), saved);
    // Given up, the file follows again.
    service.git(&["restore", "--source=main", "--worktree", "."]);
    service.wait_until_no_problem();
    service.wait_until_clean();
    assert_eq!(service.patch(&id, &decision("rejected", "")).status, 200);
}

#[test]
fn decision_on_a_text_that_was_changed_meanwhile_is_stale() {
    is_told(APPROVE, CHANGE_TEXT, "stale-decision");
}

#[test]
fn decision_with_notes_on_a_text_that_was_changed_meanwhile_is_stale() {
    is_told(&[REJECT[0], ("review_notes: null", "review_notes: Not yet")], CHANGE_TEXT, "stale-decision");
}

#[test]
fn one_field_changed_by_both_is_told() {
    is_told(CHANGE_EMAIL, &[("alex@example.com", "lee@example.com")], "both-changed");
}

#[test]
fn two_decisions_that_differ_are_told() {
    is_told(REJECT, APPROVED_BY_KIM, "both-changed");
}

/// The editor's notes stood over the other's decision, in the other's name: that both
/// say `rejected` was taken as a sign that the editor had seen it.
#[test]
fn two_decisions_that_differ_in_their_notes_alone_are_told() {
    let rejected = |notes: &'static str| [REJECT[0], ("review_notes: null", notes)];
    is_told(&rejected("review_notes: Mine"), &rejected("review_notes: Theirs"), "both-changed");
}

/// It was refused for an hour, as nothing in the file says that what was pushed had been seen.
#[test]
fn decision_that_was_pushed_is_changed_by_hand() {
    let place = place_of_robin();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_settled();
    service.wait_until_clean();
    let commit = place.commit_aside("mcp-one", APPROVE);
    place.move_branch_to(&commit);
    service.wait_for_status(&id, "approved");
    service.wait_until_settled();
    service.wait_until_clean();
    place.edit("mcp-one", &[("status: approved", "status: rejected")]);
    let report = service.wait_for_status(&id, "rejected");
    assert_eq!(report["reviewed_by"], ROBIN);
    assert_eq!(service.problems(), Vec::<Value>::new());
    restarted_the_same(service);
}

#[test]
fn text_changed_by_both_is_told() {
    is_told(CHANGE_TEXT, &[("All well.", "All is lost.")], "both-changed");
}

#[test]
fn the_same_change_by_both_is_no_problem() {
    let place = place_of_robin();
    let (service, id, _) = both(&place, CHANGE_EMAIL, CHANGE_EMAIL);
    service.wait_for_email(&id, "kim@example.com");
    service.wait_until_settled();
    service.wait_until_clean();
    assert_eq!(service.problems(), Vec::<Value>::new());
    assert_eq!(service.commits().len(), 3);
}

/// Serves a report that was approved while an editor had it open; returns what the
/// editor shows.
fn approved_while_open(place: &Place) -> (Service<'_>, String, String) {
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_settled();
    service.wait_until_clean();
    let open_in_the_editor = place.on_disk("mcp-one");
    assert_eq!(service.patch(&id, &decision("approved", "Fine")).status, 200);
    service.wait_until_settled();
    service.wait_until_clean();
    (service, id, open_in_the_editor)
}

#[test]
fn edit_of_a_version_that_was_replaced_is_told_also_after_a_restart() {
    let place = place_of_robin();
    let (service, id, open_in_the_editor) = approved_while_open(&place);
    let path = place.report_path("mcp-one");
    let saved = open_in_the_editor.replace("status: pending_review", "status: rejected");
    std::fs::write(place.report_file("mcp-one"), &saved).expect("written");
    service.wait_for_problem(&path, "both-changed");
    let service = restarted_the_same(service);
    assert_eq!(place.on_disk("mcp-one"), saved);
    // As the problem says: the record's version, and the change anew, in one moment.
    let script = format!("git restore --source=HEAD -- {path} && sed -i 's/^status: .*/status: rejected/' {path}");
    service.sh_at_once(&script);
    service.wait_for_status(&id, "rejected");
    service.wait_until_no_problem();
    service.wait_until_clean();
    restarted_the_same(service);
}

#[test]
fn edit_of_a_version_that_was_replaced_before_the_service_stopped_is_told() {
    let place = place_of_robin();
    let (service, id, open_in_the_editor) = approved_while_open(&place);
    service.stop();
    let saved = open_in_the_editor.replace("status: pending_review", "status: rejected");
    std::fs::write(place.report_file("mcp-one"), &saved).expect("written");
    let service = place.serve();
    service.wait_for_problem(&place.report_path("mcp-one"), "both-changed");
    assert_eq!((service.report(&id)["status"].as_str(), place.on_disk("mcp-one")), (Some("approved"), saved));
}

/// Lets the API and a person act in the same moment: the request waits at the
/// service, and so does the saved file.
fn at_the_same_moment(service: &Service, id: &str, changes: Changes) -> (u16, String) {
    service.signal("STOP");
    let (answer, saved) = std::thread::scope(|scope| {
        let request = scope.spawn(|| service.patch(id, &decision("approved", "Fine")));
        let saved = service.place.edit("mcp-one", changes);
        std::thread::sleep(std::time::Duration::from_millis(50)); // for the request to reach the socket
        service.signal("CONT");
        (request.join().expect("an answer"), saved)
    });
    (answer.status, saved)
}

#[test]
fn edit_and_approval_over_the_api_in_one_moment_both_survive() {
    for _ in 0..5 {
        let place = place_of_robin();
        let service = place.serve();
        let id = service.submit("mcp-one");
        service.wait_until_settled();
        service.wait_until_clean();
        let (status, _) = at_the_same_moment(&service, &id, CHANGE_EMAIL);
        assert_eq!(status, 200);
        let report = service.wait_for_email(&id, "kim@example.com");
        assert_eq!((&report["status"], &report["review_notes"]), (&json!("approved"), &json!("Fine")));
        service.wait_until_clean();
        assert_eq!(service.commits().len(), 4);
    }
}

#[test]
fn two_decisions_in_one_moment_are_both_in_history_or_the_later_is_told() {
    for _ in 0..5 {
        let place = place_of_robin();
        let service = place.serve();
        let id = service.submit("mcp-one");
        service.wait_until_settled();
        service.wait_until_clean();
        let path = place.report_path("mcp-one");
        let (status, saved) = at_the_same_moment(&service, &id, REJECT);
        let has = |event: &str| service.history(&id).iter().any(|item| item["event"] == event);
        let is_told = || service.problem_at(&path).is_some_and(|problem| problem["rule"] == "both-changed");
        service.wait_until("both are heard", || has("reject") || is_told());
        assert_eq!(has("approve"), status == 200, "{status}");
        if is_told() {
            assert_eq!(place.on_disk("mcp-one"), saved);
            assert_eq!(service.report(&id)["status"], "approved");
        } else {
            service.wait_until_settled();
            service.wait_until_clean();
        }
    }
}

#[test]
fn edit_of_what_the_api_revised_meanwhile_is_told_or_came_first() {
    let place = place_of_robin();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_settled();
    service.wait_until_clean();
    let mut revision = submission("mcp-one");
    revision["developer_email"] = "lee@example.com".into();
    let saved = place.edit("mcp-one", CHANGE_EMAIL);
    let answer = service.put(&id, &revision);
    assert_eq!(answer.status, 200, "{answer:?}");
    let path = place.report_path("mcp-one");
    let came_first = || service.history(&id).iter().any(|item| item["event"] == "edit");
    let is_told = || service.problem_at(&path).is_some_and(|problem| problem["rule"] == "both-changed");
    service.wait_until("it was heard", || came_first() || is_told());
    assert_eq!(service.report(&id)["developer_email"], "lee@example.com");
    if !came_first() {
        assert_eq!(place.on_disk("mcp-one"), saved);
    }
}
