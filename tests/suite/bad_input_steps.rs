//! Well-formed requests that the state of a report refuses, conditions that do
//! not hold, list parameters that cannot be; and requests that ask for what is
//! already so and make no commit.

use crate::common::refusals::Refusals;
use crate::common::{Answer, Place, Service, decision, submission};
use serde_json::{Value, json};

const ABSENT: &str = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";

fn address(id: &str) -> String {
    format!("/api/v1/reports/{id}")
}

/// Submits `name` and takes it to `status`.
fn submit_to(service: &Service, name: &str, status: &str) -> String {
    let id = service.submit(name);
    if status != "pending_review" {
        assert_eq!(service.patch(&id, &decision(status, "because")).status, 200);
    }
    id
}

fn expect_members(refusals: &mut Refusals, name: &str, answer: &Answer, members: &Value) {
    let problem = answer.json();
    for (member, value) in members.as_object().expect("an object") {
        if problem[member] != *value {
            refusals.note(name, &format!("{member} is {}, not {value}", problem[member]));
        }
    }
}

#[test]
fn list_parameters_that_cannot_be_are_422_and_named() {
    let place = Place::new();
    let service = place.serve();
    service.submit("known");
    let mut refusals = Refusals::of(&service);
    for (query, pointers) in [
        ("status=foo", &["?status"][..]),
        ("status=", &["?status"]),
        ("status", &["?status"]),
        ("status=Approved", &["?status"]),
        ("status=approved,rejected", &["?status"]),
        ("status=approved%00", &["?status"]),
        ("status=%20approved", &["?status"]),
        ("status=approved&status=rejected", &["?status"]),
        ("status=all&status=all", &["?status"]),
        ("limit=0", &["?limit"]),
        ("limit=1001", &["?limit"]),
        ("limit=-1", &["?limit"]),
        ("limit=1.5", &["?limit"]),
        ("limit=1e2", &["?limit"]),
        ("limit=abc", &["?limit"]),
        ("limit=", &["?limit"]),
        ("limit=%201", &["?limit"]),
        ("limit=99999999999999999999999", &["?limit"]),
        ("limit=10&limit=20", &["?limit"]),
        ("cursor=", &["?cursor"]),
        ("cursor=abc", &["?cursor"]),
        ("cursor=_", &["?cursor"]),
        ("cursor=1_abc", &["?cursor"]),
        ("cursor=abc_0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10", &["?cursor"]),
        ("cursor=99999999999999999999_0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10", &["?cursor"]),
        ("cursor=..%2f..%2fetc%2fpasswd", &["?cursor"]),
        ("updated_since=", &["?updated_since"]),
        ("updated_since=yesterday", &["?updated_since"]),
        ("updated_since=2025-10-20", &["?updated_since"]),
        ("updated_since=2025-10-20T10:00:00", &["?updated_since"]),
        ("updated_since=2025-13-01T00:00:00Z", &["?updated_since"]),
        ("updated_since=2025-02-30T00:00:00Z", &["?updated_since"]),
        ("updated_since=0", &["?updated_since"]),
        ("page=2", &["?page"]),
        ("Status=all", &["?Status"]),
        ("=x", &["?"]),
        (
            "status=foo&limit=0&cursor=x&updated_since=x&page=2",
            &["?status", "?limit", "?cursor", "?updated_since", "?page"],
        ),
    ] {
        refusals.check(query, &service.send_to("GET", &format!("/api/v1/reports?{query}"), ""), 422, pointers, "");
    }
    refusals.end();
}

#[test]
fn list_parameters_at_the_limits_are_accepted() {
    let place = Place::new();
    let service = place.serve();
    service.submit("known");
    for (query, n) in [
        ("", 1),
        ("status=all&limit=1000", 1),
        ("status=pending_review&limit=1", 1),
        ("status=approved", 0),
        ("cursor=9223372036854775807_ffffffff-ffff-ffff-ffff-ffffffffffff", 1),
        ("cursor=-9223372036854775808_00000000-0000-0000-0000-000000000000", 0),
        ("updated_since=0000-01-01T00:00:00Z", 1),
        ("updated_since=9999-12-31T23:59:59Z", 0),
        ("updated_since=2025-10-20T10:00:00%2B02:00", 1),
    ] {
        let answer = service.get(&format!("/api/v1/reports?{query}"));
        assert_eq!((answer.status, answer.json().as_array().map(Vec::len)), (200, Some(n)), "{query}");
    }
}

#[test]
fn writes_to_reports_that_are_not_there_are_404() {
    let place = Place::new();
    let service = place.serve();
    service.submit("known");
    let mut refusals = Refusals::of(&service);
    refusals.check("GET", &service.get(&address(ABSENT)), 404, &[], ABSENT);
    refusals.check("PUT", &service.put(ABSENT, &submission("known")), 404, &[], ABSENT);
    for status in ["approved", "rejected", "pending_review"] {
        refusals.check(status, &service.patch(ABSENT, &decision(status, "x")), 404, &[], ABSENT);
    }
    refusals.end();
}

#[test]
fn steps_that_the_state_machine_does_not_have_are_409_and_say_what_to_do() {
    let place = Place::new();
    let service = place.serve();
    let pending = submit_to(&service, "pending", "pending_review");
    let approved = submit_to(&service, "approved", "approved");
    let mut refusals = Refusals::of(&service);

    let answer = service.patch(&pending, &decision("pending_review", "again"));
    refusals.check("reopen what is pending", &answer, 409, &[], "approve or reject");
    expect_members(&mut refusals, "reopen", &answer, &json!({"report_id": pending, "report_status": "pending_review"}));

    for (name, id, status) in [("pending", &pending, "pending_review"), ("approved", &approved, "approved")] {
        let mut changed = submission(name);
        changed["report_data"] = json!("another text\n");
        let mut spelled = submission(name);
        spelled["repository_url"] = json!(format!("git@GitHub.com:Example/{}.git", name.to_uppercase()));
        for body in [submission(name), changed, spelled] {
            let answer = service.post(&body);
            refusals.check(name, &answer, 409, &[], &format!("PUT /api/v1/reports/{id}"));
            expect_members(&mut refusals, name, &answer, &json!({"report_id": id, "report_status": status}));
        }
    }
    refusals.end();
}

#[test]
fn a_revision_for_another_repository_is_422() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    service.submit("other");
    let mut refusals = Refusals::of(&service);
    for url in [
        "https://github.com/example/other",
        "https://github.com/example/unheard-of",
        "https://gitlab.com/example/known",
        "https://github.com:8443/example/known",
    ] {
        let mut body = submission("known");
        body["repository_url"] = json!(url);
        refusals.check(url, &service.put(&id, &body), 422, &["#/repository_url"], "repository of this report");
    }
    refusals.end();
    let mut body = submission("known");
    body["repository_url"] = json!("git@github.com:Example/Known.git");
    let report = service.put(&id, &body).json();
    assert_eq!((&report["revision"], &report["repository_url"]), (&json!(2), &body["repository_url"]));
}

#[test]
fn a_condition_that_does_not_hold_is_412_with_the_current_tag() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let stale = service.get(&address(&id)).header("etag").to_owned();
    assert_eq!(service.patch(&id, &decision("rejected", "not yet")).status, 200);
    let current = service.get(&address(&id)).header("etag").to_owned();
    let mut refusals = Refusals::of(&service);
    let upper = format!("\"{}\"", "abcdef0123".repeat(4).to_uppercase());
    for tag in [
        stale.clone(),
        format!("W/{current}"),
        format!("{stale}, W/{current}"),
        current.replace('"', ""),
        current.replace('"', "'"),
        format!("\"{current}\""),
        format!("\" {}\"", current.replace('"', "")),
        "\"\"".into(),
        "\"*\"".into(),
        String::new(),
        "foreign".into(),
        "\"foreign\"".into(),
        upper,
        format!("\"{}\"", "0".repeat(40)),
        format!("\"{}\"", "g".repeat(40)),
        service.git(&["rev-parse", "main"]).trim().into(),
    ] {
        let headers = [("content-type", "application/json"), ("if-match", tag.as_str())];
        let mut revision = submission("known");
        revision["report_data"] = json!("another text\n");
        for (method, path, body) in [
            ("PUT", address(&id), revision),
            ("PATCH", format!("{}/status", address(&id)), decision("approved", "fine")),
        ] {
            let name = format!("{method} If-Match: {tag}");
            let answer = service.send(method, &path, &headers, body.to_string());
            refusals.check(&name, &answer, 412, &[], "read it again");
            expect_members(&mut refusals, &name, &answer, &json!({"current_etag": current}));
        }
    }
    refusals.end();
    for tag in [current.clone(), "*".into(), format!("{stale}, \"x\" ,{current}")] {
        let body = decision("rejected", "not yet").to_string();
        let headers = [("content-type", "application/json"), ("if-match", tag.as_str())];
        assert_eq!(service.send("PATCH", &format!("{}/status", address(&id)), &headers, body).status, 200, "{tag}");
    }
}

#[test]
fn a_tag_in_other_letters_is_another_tag() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    let current = service.get(&address(&id)).header("etag").to_owned();
    let upper = current.to_uppercase();
    let headers = [("content-type", "application/json"), ("if-match", upper.as_str())];
    let body = decision("approved", "fine").to_string();
    let answer = service.send("PATCH", &format!("{}/status", address(&id)), &headers, body);
    refusals.check(&upper, &answer, 412, &[], "");
    refusals.end();
}

#[test]
fn asking_for_what_is_already_so_makes_no_commit() {
    let place = Place::new();
    let service = place.serve();
    for (name, status) in [("a", "pending_review"), ("b", "approved"), ("c", "rejected")] {
        let id = submit_to(&service, name, status);
        let before = (service.get(&address(&id)), service.state());
        let again = service.put(&id, &submission(name));
        assert_eq!((again.status, again.json()), (200, before.0.json()), "PUT on {status}");
        if status != "pending_review" {
            let again = service.patch(&id, &decision(status, "because"));
            assert_eq!((again.status, again.json()), (200, before.0.json()), "PATCH on {status}");
            assert_eq!(again.header("etag"), before.0.header("etag"));
        }
        assert_eq!(service.state(), before.1);
    }
}

#[test]
fn deciding_alike_with_other_words_or_another_name_is_a_commit_of_its_own() {
    let place = Place::new();
    let service = place.serve();
    let id = submit_to(&service, "known", "approved");
    let mut n_commits = service.commits().len();
    for (by, notes) in [
        ("Morgan <morgan@example.com>", json!("other words")),
        ("Kim", json!("other words")),
        ("Kim", Value::Null),
        ("Kim", json!("")),
    ] {
        let body = json!({"status": "approved", "reviewed_by": by, "review_notes": notes});
        let report = service.patch(&id, &body).json();
        assert_eq!((&report["reviewed_by"], &report["review_notes"]), (&json!(by), &notes));
        n_commits += 1;
        assert_eq!(service.commits().len(), n_commits, "{body}");
    }
}

#[test]
fn a_rejected_report_takes_a_new_submission_as_its_next_revision() {
    let place = Place::new();
    let service = place.serve();
    let id = submit_to(&service, "known", "rejected");
    let n_commits = service.commits().len();
    let answer = service.post(&submission("known"));
    let report = answer.json();
    assert_eq!((answer.status, answer.header("location")), (201, address(&id).as_str()));
    assert_eq!(
        (&report["id"], &report["revision"], &report["status"]),
        (&json!(id), &json!(2), &json!("pending_review"))
    );
    for field in ["reviewed_at", "reviewed_by", "review_notes"] {
        assert_eq!(report[field], Value::Null);
    }
    assert_eq!(service.commits().len(), n_commits + 1);
}
