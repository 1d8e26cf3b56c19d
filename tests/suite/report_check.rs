//! `POST /api/v1/reports/check`: what it says of a submission is what becomes of
//! it when it is made, and nothing of it stays.

use crate::common::{Place, Service, decision, submission};
use serde_json::{Value, json};

const JSON: (&str, &str) = ("content-type", "application/json");

fn check(service: &Service, body: &Value) -> Value {
    let answer = service.send_json("POST", "/api/v1/reports/check", body);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{answer:?}");
    assert_eq!(answer.header("golive-commit").len(), 40);
    answer.json()
}

/// Status and sorted pointers of each problem.
fn problems(checked: &Value) -> Vec<(u64, Vec<String>)> {
    let pointers = |problem: &Value| {
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let mut pointers: Vec<_> =
            errors.iter().map(|error| error["pointer"].as_str().expect("a pointer").to_owned()).collect();
        pointers.sort();
        pointers
    };
    let problems = checked["problems"].as_array().expect("problems");
    problems.iter().map(|problem| (problem["status"].as_u64().expect("a status"), pointers(problem))).collect()
}

#[test]
fn check_says_what_a_submission_would_be_and_stores_nothing() {
    let place = Place::new();
    let service = place.serve();
    let body = submission("mcp-checked");
    let before = service.commits();
    let checked = check(&service, &body);
    assert_eq!(
        (&checked["accepted"], &checked["event"], &checked["report"]),
        (&json!(true), &json!("submit"), &json!(null))
    );
    assert_eq!((&checked["enforcement"], &checked["problems"]), (&json!("warn"), &json!([])));
    assert_eq!(checked["policy"].as_str().map(str::len), Some(40));
    assert!(checked["assessment"]["findings"].is_array(), "{checked}");
    assert_eq!(service.commits(), before, "nothing was committed");
    assert_eq!(service.get("/api/v1/reports").json(), json!([]));

    let id = service.submit("mcp-checked");
    let pending = check(&service, &body);
    assert_eq!(
        (&pending["accepted"], &pending["event"], &pending["problems"]),
        (&json!(true), &json!("revise"), &json!([]))
    );
    assert_eq!(pending["report"], json!({"id": id, "status": "pending_review", "revision": 1}));
    assert_eq!(service.post(&body).status, 409, "by POST it is refused");
    assert_eq!(service.put(&id, &body).status, 200, "and by PUT taken");

    service.patch(&id, &decision("rejected", "Not yet."));
    let rejected = check(&service, &body);
    assert_eq!((&rejected["accepted"], &rejected["event"]), (&json!(true), &json!("resubmit")));
    assert_eq!(rejected["report"], json!({"id": id, "status": "rejected", "revision": 1}));
    let again = service.post(&body);
    assert_eq!((again.status, &again.json()["revision"]), (201, &json!(2)));

    service.patch(&id, &decision("approved", "Fine."));
    assert_eq!(check(&service, &body)["event"], "revise");
}

#[test]
fn check_names_every_fault_that_a_submission_is_refused_for() {
    let place = Place::new();
    let service = place.serve();
    let broken = json!({"server_name": " x", "repository_url": "nowhere", "report_data": "", "status": "approved"});
    for body in [json!({}), broken, json!({"report_data": 1})] {
        let checked = check(&service, &body);
        let answer = service.post(&body);
        let refused = answer.problem(422);
        assert_eq!((&checked["accepted"], &checked["event"]), (&json!(false), &json!(null)), "{body}");
        assert_eq!(problems(&checked), [(422, answer.pointers())], "{body}");
        let problem = &checked["problems"][0];
        for member in ["type", "title", "detail", "errors"] {
            assert_eq!(problem[member], refused[member], "{body}");
        }
        assert_eq!(problem.get("request_id"), None, "it did not occur");
    }
    assert_eq!(service.commits().len(), 1);
}

#[test]
fn check_knows_whose_report_it_is_though_other_fields_are_wrong() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-known");
    let checked =
        check(&service, &json!({"repository_url": "git@github.com:Example/MCP-known.git", "report_data": "# A\n"}));
    assert_eq!(problems(&checked), [(422, vec!["#/developer_email".to_owned(), "#/server_name".to_owned()])]);
    assert_eq!((&checked["event"], &checked["report"]["id"]), (&json!("revise"), &json!(id)));
    assert!(checked["assessment"].is_object(), "{checked}");
    assert!(check(&service, &json!({"server_name": "x"}))["assessment"].is_null());
}

#[test]
fn check_of_a_report_whose_file_is_broken_says_so_beside_all_else() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-broken");
    service.wait_until_mirrored();
    std::fs::write(place.report_file("mcp-broken"), "no front matter\n").expect("a file");
    service.wait_until("the problem is known", || service.get("/api/v1/problems").json() != json!([]));
    let mut body = submission("mcp-broken");
    assert_eq!(problems(&check(&service, &body)), [(409, vec![])]);
    assert_eq!(check(&service, &body)["problems"][0]["path"], place.report_path("mcp-broken"));
    assert_eq!(service.post(&body).status, 409);
    body["developer_email"] = json!("nobody");
    assert_eq!(problems(&check(&service, &body)), [(422, vec!["#/developer_email".to_owned()]), (409, vec![])]);
}

#[test]
fn check_refuses_what_is_no_submission_as_a_submission_is_refused() {
    let place = Place::new();
    let service = place.serve_with(&["--body-limit-bytes", "1000"]);
    let long = json!({"report_data": "a".repeat(9000)}).to_string();
    for (headers, body, status) in [
        (&[JSON][..], "{", 400),
        (&[JSON], "[]", 422),
        (&[JSON], r#"{"server_name":"a","server_name":"b"}"#, 400),
        (&[JSON], &long, 413),
        (&[("content-type", "text/plain")], "{}", 415),
        (&[], "{}", 415),
    ] {
        let answers =
            ["/api/v1/reports", "/api/v1/reports/check"].map(|path| service.send("POST", path, headers, body));
        for answer in &answers {
            answer.problem(status);
        }
        let [made, checked] = answers.map(|answer| answer.json()["detail"].clone());
        assert_eq!(made, checked);
    }
    let get = service.get("/api/v1/reports/check");
    assert_eq!((get.status, get.header("allow")), (405, "POST"));
}
