//! `golive.yaml` in force: read, changed by a commit or a push, broken and repaired,
//! the same after a restart; and when approvals end.

use crate::common::edits::restarted_the_same;
use crate::common::{Place, Service, decision};
use serde_json::{Value, json};

fn policy(service: &Service) -> Value {
    let answer = service.get("/api/v1/policy");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("etag"), format!("\"{}\"", answer.json()["policy"].as_str().expect("an id")));
    assert_eq!(answer.header("golive-commit"), service.tip());
    answer.json()
}

#[test]
fn policy_of_a_new_repository_asks_for_nothing() {
    let place = Place::new();
    let service = place.serve();
    let mut found = policy(&service);
    assert_eq!(found["policy"], service.rules_at("main"));
    // What reports must hold is told elsewhere.
    assert_eq!((&found["report"]["enforcement"], &found["report"]["max_bytes"]), (&json!("warn"), &Value::Null));
    found.as_object_mut().expect("an object").retain(|name, _| name == "submission" || name == "review");
    assert_eq!(
        found,
        json!({
            "submission": {"repository_hosts": [], "repository_owners": [], "email_domains": []},
            "review": {
                "reviewers": [], "four_eyes": false, "notes_required_on_reject": false,
                "overdue_days": 7, "approval_days": 0,
            },
        })
    );
    let tag = format!("\"{}\"", service.rules_at("main"));
    assert_eq!(service.send("GET", "/api/v1/policy", &[("if-none-match", &tag)], []).status, 304);
    assert_eq!(service.get("/api/v1/policy?x=1").pointers(), ["?x"]);
}

#[test]
fn policy_changes_with_a_commit_and_is_the_same_after_a_restart() {
    let place = Place::new();
    let service = place.serve();
    let first = policy(&service);
    let rules = "report:\n  enforcement: refuse\n  fields: [Owner]\n  phases:\n    - name: Only\n      sections: [{heading: One}]\nreview: {overdue_days: 3}\n";
    let changed = service.commit_rules(rules);
    let second = policy(&service);
    assert_eq!(second["policy"], service.rules_at(&changed));
    assert_ne!(second["policy"], first["policy"]);
    let only = json!([{"name": "Only", "verdict": false,
        "sections": [{"heading": "One", "fields": [], "columns": [], "rows": []}]}]);
    assert_eq!(
        second["report"],
        json!({"enforcement": "refuse", "max_bytes": null, "fields": ["Owner"], "phases": only})
    );
    assert_eq!(second["review"]["overdue_days"], 3);
    let service = restarted_the_same(service);
    assert_eq!(policy(&service), second);
    // Pushed.
    assert!(place.sh("", "git clone -q reports-repo clone").status.success());
    let pushed = place.sh("clone", "echo 'golive: 1' > golive.yaml; git commit -qam Back; git push -q");
    assert!(pushed.status.success(), "{pushed:?}");
    service.wait_until_settled();
    assert_eq!(policy(&service)["review"]["overdue_days"], 7);
}

#[test]
fn approvals_end_by_the_policy_and_are_found_by_it() {
    let place = Place::new();
    let service = place.serve();
    let approved = service.submit("mcp-approved");
    let rejected = service.submit("mcp-rejected");
    service.submit("mcp-pending");
    service.patch(&approved, &decision("approved", ""));
    service.patch(&rejected, &decision("rejected", ""));
    let one = |id: &str| service.get(&format!("/api/v1/reports/{id}")).json()["approval_expires_at"].clone();
    let list = |query: &str| {
        let answer = service.get(&format!("/api/v1/reports?{query}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let names = answer.json().as_array().expect("a list").clone();
        assert_eq!(answer.header("x-total-count"), names.len().to_string());
        names.iter().map(|report| report["server_name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(one(&approved), Value::Null);
    assert_eq!(list("expires_before=2999-01-01T00:00:00Z"), [""; 0]);
    let before = service.tip();
    let tag = service.get(&format!("/api/v1/reports/{approved}")).header("etag").to_owned();

    service.commit_rules("review: {approval_days: 30}\n");
    let reviewed_at = service.report(&approved)["reviewed_at"].as_str().expect("a time").to_owned();
    let at = |days: i64| {
        let at = reviewed_at.parse::<chrono::DateTime<chrono::Utc>>().expect("a time") + chrono::TimeDelta::days(days);
        at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    assert_eq!(one(&approved), at(30));
    assert_eq!(one(&rejected), Value::Null);
    assert_eq!(service.get(&format!("/api/v1/reports/{approved}")).header("etag"), tag);
    let summaries = service.get("/api/v1/reports?sort=name").json();
    let ends: Vec<_> = summaries.as_array().expect("a list").iter().map(|one| &one["approval_expires_at"]).collect();
    assert_eq!(ends, [&json!(at(30)), &Value::Null, &Value::Null]);
    // Before is before.
    assert_eq!(list(&format!("expires_before={}", at(30))), [""; 0]);
    assert_eq!(list(&format!("expires_before={}", at(31))), ["mcp-approved"]);
    assert_eq!(list(&format!("expires_before={}&status=rejected", at(31))), [""; 0]);
    assert_eq!(list(&format!("expires_before={}&q=other", at(31))), [""; 0]);
    assert_eq!(service.get("/api/v1/reports?expires_before=soon").pointers(), ["?expires_before"]);
    // As it was.
    let then = service.get(&format!("/api/v1/reports/{approved}?at={before}")).json();
    assert_eq!(then["approval_expires_at"], Value::Null);
    let then = service.get(&format!("/api/v1/reports/{approved}?at={}", service.tip())).json();
    assert_eq!(then["approval_expires_at"], at(30));
    assert_eq!(list(&format!("expires_before={}&at={before}", at(31))), [""; 0]);
    // A decision answers with it, and a change of the days counts for all approvals.
    let anew = service.patch(&rejected, &decision("approved", "")).json();
    assert!(anew["approval_expires_at"].is_string(), "{anew}");
    service.commit_rules("review: {approval_days: 7}\n");
    assert_eq!(one(&approved), at(7));
    assert_eq!(list(&format!("expires_before={}", at(29))).len(), 2);
}

#[test]
fn pages_of_what_expires_keep_their_query() {
    let place = Place::new();
    let service = place.serve();
    for name in ["a", "b", "c"] {
        service.patch(&service.submit(name), &decision("approved", ""));
    }
    service.commit_rules("review: {approval_days: 1}\n");
    let mut next = Some("/api/v1/reports?expires_before=2999-01-01T00:00:00%2B01:00&limit=2".to_owned());
    let mut sizes = Vec::new();
    while let Some(address) = next.take() {
        let answer = service.get(&address);
        assert_eq!((answer.status, answer.header("x-total-count")), (200, "3"), "{address}: {answer:?}");
        sizes.push(answer.json().as_array().expect("a list").len());
        next = answer.header("link").strip_prefix('<').and_then(|rest| Some(rest.split_once('>')?.0.to_owned()));
    }
    assert_eq!(sizes, [2, 1]);
}

#[test]
fn report_is_found_by_any_spelling_of_its_repository() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.submit("mcp-two");
    for url in [
        "https://github.com/example/mcp-one",
        "git@github.com:Example/MCP-one.git",
        "http://github.com/example/mcp-one/",
    ] {
        let found =
            service.get(&format!("/api/v1/reports?repository_url={}", url.replace(':', "%3A").replace('/', "%2F")));
        assert_eq!((found.header("x-total-count"), &found.json()[0]["id"]), ("1", &json!(id)), "{url}");
    }
    for query in [
        "repository_url=https://github.com/example/mcp-three",
        "repository_url=https://github.com/example/mcp-one&status=approved",
    ] {
        assert_eq!(service.get(&format!("/api/v1/reports?{query}")).json(), json!([]), "{query}");
    }
    assert_eq!(service.get("/api/v1/reports?repository_url=nonsense").pointers(), ["?repository_url"]);
}
