//! `GET /api/v1/activity`: the commits of the branch as git has them, whoever
//! made them, and what each did, as the history of its report says it.

use crate::common::{Place, Service, decision, submission};
use serde_json::{Value, json};

fn activity(service: &Service, query: &str) -> Vec<Value> {
    let answer = service.get(&format!("/api/v1/activity{query}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().as_array().expect("a list").clone()
}

fn wait_until_served(service: &Service) {
    let tip = service.git(&["rev-parse", "main"]).trim().to_owned();
    service.wait_until("the tip is served", || service.get("/api/v1/reports").header("golive-commit") == tip);
}

/// Changes files of reports in the work tree.
fn edit(service: &Service, names: &[&str], from: &str, to: &str) {
    service.wait_until_clean();
    service.wait_until_mirrored();
    for name in names {
        let file = service.place.report_file(name);
        let text = std::fs::read_to_string(&file).expect("the file");
        assert!(text.contains(from), "{text}");
        std::fs::write(&file, text.replace(from, to)).expect("the file can be written");
    }
}

fn commit_all(service: &Service, message: &str) {
    service.git(&["commit", "-q", "-a", "-m", message]);
    wait_until_served(service);
}

/// A record with commits of every kind; returns the id of the report `one`.
fn eventful(service: &Service) -> String {
    service.git(&["config", "user.name", "Robin"]);
    service.git(&["config", "user.email", "robin@example.com"]);
    let id = service.submit("one");
    service.submit("two");
    service.patch(&id, &decision("rejected", "Say who is on call.\n\nAnd when."));
    let headers = [("content-type", "application/json"), ("golive-via", "mcp")];
    assert_eq!(service.send("POST", "/api/v1/reports", &headers, submission("one").to_string()).status, 201);
    service.patch(&id, &decision("approved", "Good"));
    service.patch(&id, &json!({"status": "pending_review", "reviewed_by": "Kim", "review_notes": "Once more"}));
    edit(service, &["one"], "All well.", "All is well.");
    commit_all(service, "Reword\n\nBy hand.");
    edit(service, &["one", "two"], "status: pending_review", "status: approved");
    commit_all(service, "Approve both");
    service.git(&["commit", "-q", "--allow-empty", "-m", "Nothing"]);
    wait_until_served(service);
    edit(service, &["two"], "status: approved", "status: rejected");
    service.wait_until("the hand edit is in", || service.git(&["log", "-1", "--format=%s"]).starts_with("Reject"));
    wait_until_served(service);
    id
}

#[test]
fn all_commits_are_there_newest_first_as_git_has_them() {
    let place = Place::new();
    let service = place.serve();
    eventful(&service);
    let found = activity(&service, "");
    let text = |item: &Value, name: &str| item[name].as_str().expect("text").to_owned();
    let lines: Vec<_> = found
        .iter()
        .map(|item| {
            let at: chrono::DateTime<chrono::Utc> = text(item, "at").parse().expect("RFC 3339");
            let (name, email) = (text(&item["author"], "name"), text(&item["author"], "email"));
            format!("{} {} {name} <{email}> {}", text(item, "commit"), at.timestamp(), text(item, "subject"))
        })
        .collect();
    let log = service.git(&["log", "--format=%H %ct %an <%ae> %s", "main"]);
    assert_eq!(lines, log.lines().collect::<Vec<_>>());
}

#[test]
fn each_commit_says_what_it_did_and_how_it_came_in() {
    let place = Place::new();
    let service = place.serve();
    let id = eventful(&service);
    let found = activity(&service, "");
    let said: Vec<_> = found
        .iter()
        .map(|item| {
            json!([
                item["server_name"],
                item["event"],
                item["status"],
                item["revision"],
                item["via"],
                item["n_reports"],
                item["notes"]
            ])
        })
        .collect();
    let expected = [
        json!(["two", "reject", "rejected", 1, "hand-edit", 1, null]),
        json!([null, null, null, null, null, 0, null]),
        json!([null, null, null, null, null, 2, null]),
        json!(["one", "resubmit", "pending_review", 3, null, 1, null]),
        json!(["one", "reopen", "pending_review", 2, "api", 1, "Once more"]),
        json!(["one", "approve", "approved", 2, "api", 1, "Good"]),
        json!(["one", "resubmit", "pending_review", 2, "mcp", 1, null]),
        json!(["one", "reject", "rejected", 1, "api", 1, "Say who is on call.\n\nAnd when."]),
        json!(["two", "submit", "pending_review", 1, "api", 1, null]),
        json!(["one", "submit", "pending_review", 1, "api", 1, null]),
        json!([null, null, null, null, null, 0, null]),
    ];
    assert_eq!(said, expected);
    // What the report's own history says of the same commits.
    let history = service.get(&format!("/api/v1/reports/{id}/history")).json();
    for item in history.as_array().expect("a list") {
        let same = found.iter().find(|found| found["commit"] == item["commit"]).expect("in both");
        if same["report_id"] != json!(id) {
            assert_eq!(same["n_reports"], 2);
            continue;
        }
        for (name, other) in [
            ("event", "event"),
            ("status", "status_after"),
            ("revision", "revision"),
            ("notes", "notes"),
            ("via", "via"),
            ("author", "author"),
            ("at", "committed_at"),
        ] {
            assert_eq!(same[name], item[other], "{name} of {item}");
        }
    }
}

#[test]
fn it_is_the_same_after_a_restart_and_in_pages() {
    let place = Place::new();
    let service = place.serve();
    eventful(&service);
    let whole = activity(&service, "?limit=200");
    service.wait_until_clean();
    service.stop();
    let service = place.serve();
    assert_eq!(activity(&service, ""), whole);
    for limit in [1, 3, whole.len()] {
        let (mut found, mut address) = (Vec::new(), format!("?limit={limit}"));
        loop {
            let answer = service.get(&format!("/api/v1/activity{address}"));
            found.extend(answer.json().as_array().expect("a list").clone());
            match answer.header("link").split_once('?').and_then(|(_, rest)| rest.split_once('>')) {
                Some((query, _)) => address = format!("?{query}"),
                None => break,
            }
        }
        assert_eq!(found, whole, "{limit}");
    }
}

#[test]
fn a_report_that_cannot_be_read_is_named_without_an_event() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("one");
    edit(&service, &["one"], "status: pending_review", "status: perhaps");
    // A hand edit like that is a problem; committed, it is one all the same.
    service.git(&["commit", "-q", "-a", "-m", "Break it"]);
    wait_until_served(&service);
    let broken = &activity(&service, "?limit=1")[0];
    assert_eq!((&broken["report_id"], &broken["event"], &broken["status"]), (&json!(id), &Value::Null, &Value::Null));
}

#[test]
fn parameters_that_are_not_right_are_422() {
    let place = Place::new();
    let service = place.serve();
    let zero = "0".repeat(40);
    let tip = service.git(&["rev-parse", "main"]).trim().to_uppercase();
    for (query, pointers) in [
        ("limit=0".to_owned(), &["?limit"][..]),
        ("limit=201".into(), &["?limit"]),
        ("cursor=".into(), &["?cursor"]),
        ("cursor=abcdef0".into(), &["?cursor"]),
        (format!("cursor={zero}"), &["?cursor"]),
        (format!("cursor={tip}x"), &["?cursor"]),
        ("at=x&limit=x".into(), &["?at", "?limit"]),
    ] {
        assert_eq!(service.get(&format!("/api/v1/activity?{query}")).pointers(), pointers, "{query}");
    }
}
