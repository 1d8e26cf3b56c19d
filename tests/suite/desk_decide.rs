//! The decision form: what it records, what it refuses, and that whatever was
//! typed comes back.

use crate::common::desk::{Form, value_after};
use crate::common::{Place, decision, submission};
use serde_json::json;

#[test]
fn decision_becomes_a_commit_that_came_in_by_the_page() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let form = service.form(&id);
    let answer = service.send_form(&form.decides("approved", "Fine.\r\nIn every way."), &[]);
    assert_eq!((answer.status, answer.header("location")), (303, format!("/reports/{id}#decided").as_str()));
    let report = service.report(&id);
    assert_eq!((&report["status"], &report["review_notes"]), (&json!("approved"), &json!("Fine.\nIn every way.")));
    let tip = service.tip();
    assert_eq!(place.trailer(&tip, "Via"), "web");
    assert_eq!(place.told(&tip, "%an <%ae>"), "Morgan <morgan@example.com>");
    let html = service.html(&format!("/reports/{id}"));
    let flash = value_after(&html, "id=\"decided\"", "</p>");
    assert!(flash.contains("role=\"status\"") && flash.contains("approved") && flash.contains(&tip[..10]), "{flash}");
    let reopen = service.form(&id).decides("pending_review", "");
    assert_eq!(service.send_form(&reopen, &[]).status, 303);
    assert_eq!(service.report(&id)["status"], "pending_review");
}

#[test]
fn same_decision_sent_twice_is_one_commit() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let form = service.form(&id).decides("approved", "");
    assert_eq!(service.send_form(&form, &[]).status, 303);
    let n_commits = service.commits().len();
    let again = service.form(&id).decides("approved", "");
    assert_eq!(service.send_form(&again, &[]).status, 303);
    assert_eq!(service.commits().len(), n_commits);
}

#[test]
fn stale_decision_is_refused_with_what_happened_and_can_be_sent_again() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let form = service.form(&id).decides("approved", "My <notes> & \"all\"");
    assert_eq!(service.patch(&id, &decision("rejected", "Somebody's reasons.")).status, 200);
    let mut again = submission("mcp-one");
    again["report_data"] = json!("# Report\n\nAnother text.\n");
    assert_eq!(service.post(&again).status, 201);
    let tip = service.tip();
    let html = service.send_form(&form, &[]).assert_page(409);
    let meanwhile = value_after(&html, "id=\"meanwhile\"", "</section>");
    for part in ["Rejected", "Somebody&#39;s reasons.", "Revision 2 submitted", "Another text.", "All well."] {
        assert!(meanwhile.contains(part), "no {part}: {meanwhile}");
    }
    assert_eq!(service.tip(), tip, "nothing was decided");
    assert!(html.contains("My &#60;notes&#62; &#38; &#34;all&#34;</textarea>"), "{html}");
    assert!(html.contains("value=\"Morgan &#60;morgan@example.com&#62;\""), "{html}");
    assert!(html.contains("value=\"approved\" required checked"), "{html}");
    let form = Form::of(&id, &html, form.cookie).decides("approved", "My notes");
    assert_eq!(service.send_form(&form, &[]).status, 303);
}

#[test]
fn decision_on_a_page_from_before_two_steps_that_undo_each_other_is_refused() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let form = service.form(&id).decides("approved", "My notes");
    assert_eq!(service.patch(&id, &decision("rejected", "Somebody's reasons.")).status, 200);
    assert_eq!(service.patch(&id, &json!({"status": "pending_review", "reviewed_by": "Sam"})).status, 200);
    let now = service.form(&id);
    let version = |form: &Form| form.fields.iter().find(|(name, _)| *name == "version").cloned();
    assert_eq!(version(&now), version(&form), "the bytes came back");
    let tip = service.tip();
    let html = service.send_form(&form, &[]).assert_page(409);
    let meanwhile = value_after(&html, "id=\"meanwhile\"", "</section>");
    for part in ["Rejected", "Somebody&#39;s reasons.", "Reopened", "The text is the one you read."] {
        assert!(meanwhile.contains(part), "no {part}: {meanwhile}");
    }
    assert!(!meanwhile.contains("Submitted"), "what was there before: {meanwhile}");
    assert_eq!(service.tip(), tip, "nothing was decided");
    assert!(html.contains("My notes</textarea>"), "{html}");
    let form = Form::of(&id, &html, form.cookie).decides("approved", "My notes");
    assert_eq!(service.send_form(&form, &[]).status, 303);
    assert_eq!(service.report(&id)["status"], "approved");
}

#[test]
fn commit_that_the_report_never_had_tells_nothing() {
    let place = Place::new();
    let service = place.serve();
    let (id, _) = (service.submit("mcp-one"), service.submit("mcp-two"));
    let form = service.form(&id).decides("approved", "Kept.");
    let html = service.send_form(&form.clone().with("commit", &service.tip()), &[]).assert_page(409);
    assert!(!html.contains("mcp-two") && html.contains("Kept.</textarea>"), "{html}");
    for commit in ["", "x", "0123"] {
        service.send_form(&form.clone().with("commit", commit), &[]).assert_page(400);
    }
    assert_eq!(service.report(&id)["status"], "pending_review");
}

#[test]
fn version_that_the_report_never_had_reads_nothing() {
    let place = Place::new();
    let service = place.serve();
    let (id, other) = (service.submit("mcp-one"), service.submit("mcp-two"));
    let other = service.form(&other).fields[0].1.clone();
    for version in [other.as_str(), "0123456789abcdef0123456789abcdef01234567"] {
        let form = service.form(&id).decides("approved", "").with("version", version);
        let html = service.send_form(&form, &[]).assert_page(409);
        assert!(!html.contains("mcp-two"), "{html}");
    }
    for version in ["", "x", "0123"] {
        let form = service.form(&id).decides("approved", "").with("version", version);
        service.send_form(&form, &[]).assert_page(400);
    }
    assert_eq!(service.report(&id)["status"], "pending_review");
}

#[test]
fn faults_are_named_beside_their_fields() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let form = service.form(&id).with("review_notes", "Kept.").with("reviewed_by", " Kim");
    let html = service.send_form(&form, &[]).assert_page(422);
    for part in ["id=\"status-fault\"", "id=\"reviewer-fault\"", "Kept.</textarea>", "value=\" Kim\""] {
        assert!(html.contains(part), "no {part}: {html}");
    }
    assert!(!html.contains("id=\"notes-fault\""), "{html}");
    let long = "a".repeat(32 * 1024 + 1);
    let html = service.send_form(&service.form(&id).decides("approved", &long), &[]).assert_page(422);
    assert!(html.contains("id=\"notes-fault\"") && html.contains(&long), "nothing typed is lost");
    let most = "é".repeat(16 * 1024);
    assert_eq!(service.send_form(&service.form(&id).decides("approved", &most), &[]).status, 303);
}

#[test]
fn forms_of_other_sites_decide_nothing() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let form = service.form(&id).decides("approved", "Kept.");
    let tip = service.tip();
    for header in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        let html = service.send_form(&form, &[header]).assert_page(403);
        assert!(!html.contains("<form id=\"decide\""), "no form to be tricked with: {html}");
    }
    assert_eq!(service.tip(), tip);
    let origin = service.base.clone();
    let own = [("origin", origin.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(service.send_form(&form, &own).status, 303);
}

#[test]
fn form_without_its_token_comes_back_filled_in() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let other = service.submit("mcp-two");
    let form = service.form(&id).decides("rejected", "Kept.");
    let token_of_other = service.form(&other).fields[1].1.clone();
    let foreign = service.form(&id);
    let without_cookie = Form { cookie: "a=b".into(), ..form.clone() };
    for bad in [
        form.clone().with("token", ""),
        form.clone().with("token", &token_of_other),
        foreign_token(&form, &foreign),
        without_cookie,
    ] {
        let html = service.send_form(&bad, &[]).assert_page(403);
        assert!(html.contains("Kept.</textarea>") && html.contains("value=\"rejected\" required checked"), "{html}");
    }
    assert_eq!(service.report(&id)["status"], "pending_review");
}

/// The form of one browser with the token of another.
fn foreign_token(form: &Form, foreign: &Form) -> Form {
    form.clone().with("token", &foreign.fields[1].1)
}

#[test]
fn form_that_outlives_a_restart_is_shown_once_more() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let form = service.form(&id).decides("approved", "Written over an hour.");
    service.stop();
    let service = place.serve();
    let html = service.send_form(&form, &[]).assert_page(403);
    assert!(html.contains("Written over an hour.</textarea>"), "{html}");
    let form = Form::of(&id, &html, form.cookie).decides("approved", "Written over an hour.");
    assert_eq!(service.send_form(&form, &[]).status, 303);
}

#[test]
fn forms_are_read_strictly_and_within_bounds() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let form = service.form(&id).decides("approved", "");
    service.send_form(&form.clone().with("revision", "2"), &[]).assert_page(400);
    service.send_form(&form.clone().with("review_notes", &"a".repeat(300 * 1024)), &[]).assert_page(413);
    let mut twice = form.clone();
    twice.fields.push(("status", "rejected".into()));
    service.send_form(&twice, &[]).assert_page(400);
    let path = format!("/reports/{id}/decision");
    let json = [("content-type", "application/json"), crate::common::desk::BROWSER];
    service.send("POST", &path, &json, "{}").assert_page(415);
    let form_type = [("content-type", "application/x-www-form-urlencoded"), crate::common::desk::BROWSER];
    service.send("POST", &path, &form_type, "status=%ff").assert_page(400);
    let get = service.page(&path);
    assert_eq!((get.status, get.header("location")), (303, format!("/reports/{id}").as_str()));
    assert_eq!(service.report(&id)["status"], "pending_review");
    let missing = path.replace(&id, "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10");
    let gone = Form { id: missing[9..45].to_owned(), ..form };
    service.send_form(&gone, &[]).assert_page(403);
}

#[test]
fn report_with_a_broken_file_cannot_be_decided() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_mirrored();
    let form = service.form(&id).decides("approved", "Kept.");
    place.edit("mcp-one", &[("status: pending_review", "status: aproved")]);
    service.wait_for_problem(&place.report_path("mcp-one"), "unknown-status");
    let html = service.send_form(&form, &[]).assert_page(409);
    assert!(html.contains("role=\"alert\"") && html.contains("Kept.</textarea>"), "{html}");
}
