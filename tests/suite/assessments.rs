//! What the check found, over HTTP: whole for one report, in short in lists, and
//! narrowed by it; derived from the report and the rules in force, both as they are.

use crate::common::texts::example;
use crate::common::{Place, Service, decision, submission};
use serde_json::{Value, json};
use std::fs;

const SAVED: &str = ".git/golive/assessed";

fn post(service: &Service, body: &Value) -> String {
    let answer = service.post(body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().expect("an id").to_owned()
}

fn assessment(service: &Service, id: &str) -> Value {
    let answer = service.get(&format!("/api/v1/reports/{id}/assessment"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The ids that a list has, once all that it asks about was read.
fn listed(service: &Service, query: &str) -> Vec<String> {
    let path = format!("/api/v1/reports?{query}");
    service.wait_until("the list can be narrowed", || service.get(&path).status == 200);
    let answer = service.get(&path);
    let list = answer.json();
    let ids: Vec<_> = list.as_array().expect("a list").iter().map(|report| report["id"].to_string()).collect();
    assert_eq!(answer.header("x-total-count"), ids.len().to_string(), "{query}");
    ids.into_iter().map(|id| id.trim_matches('"').to_owned()).collect()
}

/// Returns the list once each report in it was assessed.
fn assessed_list(service: &Service) -> Value {
    let list = || service.get("/api/v1/reports").json();
    service.wait_until("all are assessed", || {
        list().as_array().expect("a list").iter().all(|report| !report["assessment"].is_null())
    });
    list()
}

#[test]
fn assessment_is_of_the_report_and_the_policy_as_they_are() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-assessed");
    let path = format!("/api/v1/reports/{id}/assessment");
    let answer = service.get(&path);
    let tag = answer.header("etag").to_owned();
    let first = answer.json();
    let expected =
        format!("\"{}-{}\"", first["report"].as_str().expect("a blob"), first["policy"].as_str().expect("a blob"));
    assert_eq!(tag, expected);
    assert_eq!(
        format!("\"{}\"", first["report"].as_str().expect("a blob")),
        service.get(&format!("/api/v1/reports/{id}")).header("etag")
    );
    assert_eq!(first["policy"], place.git(&["rev-parse", "main:golive.yaml"]).trim_end());
    assert_eq!(
        (&first["report_id"], &first["revision"], &first["enforcement"]),
        (&json!(id), &json!(1), &json!("warn"))
    );
    let n = |severity: &str| {
        let findings = first["findings"].as_array().expect("findings").iter();
        findings.filter(|finding| finding["severity"] == severity).count()
    };
    assert_eq!((&first["errors"], &first["warnings"]), (&json!(n("error")), &json!(n("warning"))));
    assert!(n("error") > 0, "a text of one paragraph lacks something: {first}");
    for tags in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".into()] {
        let same = service.send("GET", &path, &[("if-none-match", &tags)], []);
        assert_eq!((same.status, same.header("etag"), same.body.len()), (304, &*tag, 0), "{tags}");
    }

    let mut body = submission("mcp-assessed");
    body["report_data"] = json!(format!("{}\nMore.\n", body["report_data"].as_str().expect("a text")));
    service.put(&id, &body);
    let second = service.send("GET", &path, &[("if-none-match", &tag)], []);
    assert_eq!((second.status, &second.json()["revision"]), (200, &json!(2)));
    assert_ne!(second.header("etag"), tag);

    service.commit_rules("report:\n  enforcement: off\n");
    let off = service.send("GET", &path, &[("if-none-match", second.header("etag"))], []);
    let off = off.json();
    assert_eq!((&off["enforcement"], &off["findings"], &off["phases"]), (&json!("off"), &json!([]), &json!([])));
    assert!(service.get("/api/v1/reports").json()[0]["assessment"].is_null());
    assert!(service.send_json("POST", "/api/v1/reports/check", &body).json()["assessment"].is_null());

    service.commit_rules("report:\n  fields: []\n  phases: []\n");
    assert_eq!(assessment(&service, &id)["phases"], json!([]), "none are asked for");
    assert_eq!(assessed_list(&service)[0]["assessment"]["errors"], assessment(&service, &id)["errors"]);
}

#[test]
fn check_says_of_a_text_what_the_assessment_says_when_it_is_in() {
    let place = Place::new();
    let service = place.serve();
    for body in [submission("mcp-same"), example("same")] {
        let checked = service.send_json("POST", "/api/v1/reports/check", &body).json();
        let stored = assessment(&service, &post(&service, &body));
        for member in ["risk_level", "phases", "findings"] {
            assert_eq!(checked["assessment"][member], stored[member]);
        }
        assert_eq!(checked["policy"], stored["policy"]);
    }
}

#[test]
fn lists_show_findings_in_short_and_are_narrowed_by_them() {
    let place = Place::new();
    let service = place.serve();
    let clean = post(&service, &example("clean"));
    let mut doubtful = example("doubtful");
    // The report is about another server: a doubt, or a contradiction.
    doubtful["report_data"] = json!(doubtful["report_data"].as_str().expect("a text").replace("LOW", "HIGH"));
    let doubtful = post(&service, &doubtful);
    let broken = service.submit("mcp-broken");
    service.patch(&broken, &decision("rejected", "It lacks all but the first phase."));

    let list = assessed_list(&service);
    let in_list = |id: &str| {
        let found = list.as_array().expect("a list").iter().find(|report| report["id"] == id).expect("the report");
        found["assessment"].clone()
    };
    for id in [&clean, &doubtful, &broken] {
        let whole = assessment(&service, id);
        let short =
            json!({"risk_level": whole["risk_level"], "errors": whole["errors"], "warnings": whole["warnings"]});
        assert_eq!(in_list(id), short);
    }
    assert_eq!((&in_list(&clean)["errors"], &in_list(&clean)["warnings"]), (&json!(0), &json!(0)));
    assert!(in_list(&broken)["risk_level"].is_null());

    let all = [&clean, &doubtful, &broken];
    let worst = |short: &Value| match (short["errors"].as_u64(), short["warnings"].as_u64()) {
        (Some(0), Some(0)) => "none",
        (Some(0), _) => "warnings",
        _ => "errors",
    };
    let matching = |is_it: &dyn Fn(&Value) -> bool| {
        let mut ids: Vec<String> = all.iter().filter(|id| is_it(&in_list(id))).map(|id| (*id).clone()).collect();
        ids.sort();
        ids
    };
    let found = |query: &str| {
        let mut ids = listed(&service, query);
        ids.sort();
        ids
    };
    for word in ["none", "warnings", "errors"] {
        assert_eq!(found(&format!("findings={word}")), matching(&|short| worst(short) == word), "{word}");
    }
    for word in ["low", "medium", "high", "none"] {
        let risk = |short: &Value| short["risk_level"].as_str().unwrap_or("none") == word;
        assert_eq!(found(&format!("risk={word}")), matching(&risk), "{word}");
    }
    assert_eq!(found("findings=errors&status=rejected"), std::slice::from_ref(&broken));
    assert_eq!(found("findings=errors&q=mcp-broken&sort=name"), std::slice::from_ref(&broken));
    assert!(!found("findings=none").contains(&broken));

    for (query, pointer) in [
        ("risk=HIGH", "?risk"),
        ("findings=", "?findings"),
        ("risk=low&risk=high", "?risk"),
        ("risk=low&at=2030-01-01T00:00:00Z", "?at"),
    ] {
        assert_eq!(service.get(&format!("/api/v1/reports?{query}")).pointers(), [pointer], "{query}");
    }
    let commit = place.git(&["rev-parse", "main"]);
    let then = service.get(&format!("/api/v1/reports?at={}", commit.trim_end())).json();
    assert!(then[0]["assessment"].is_null(), "what was, is not assessed");
}

#[test]
fn filter_over_reports_that_were_not_read_says_how_far_it_is_and_gets_there() {
    const N: usize = 600;
    let place = Place::new();
    let service = place.serve_with(&["--without", "assessments"]);
    std::thread::scope(|scope| {
        for n in 0..10 {
            let service = &service;
            scope.spawn(move || (0..N / 10).for_each(|m| drop(service.submit(&format!("mcp-{n}-{m}")))));
        }
    });
    let first = service.get("/api/v1/reports?findings=errors&limit=1");
    let problem = first.problem(503);
    assert_eq!(first.header("retry-after"), "2");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains(&format!(" of {N} reports were read")), "{detail}");
    let queue = String::from_utf8(service.get("/?findings=errors").body).expect("UTF-8");
    let progress = queue.split_once("id=\"progress\"").expect("the page says how far it is").1;
    assert!(progress.contains(&format!("Of {N} reports the check has read")), "{progress}");
    assert!(queue.contains("data-report="), "and shows what is known");
    service.wait_until("all were read", || service.get("/api/v1/reports?findings=errors&limit=1").status == 200);
    let answer = service.get("/api/v1/reports?findings=errors&limit=1");
    assert_eq!(answer.header("x-total-count"), N.to_string());
    assert!(answer.header("link").contains("findings=errors"), "{}", answer.header("link"));
    assert!(!service.log().contains("Assessed"), "nothing worked in the background");
}

#[test]
fn every_report_is_read_in_the_background_and_the_log_says_how_long_it_took() {
    let place = Place::new();
    let service = place.serve();
    for n in 0..3 {
        service.submit(&format!("mcp-{n}"));
    }
    service.stop();
    let _ = fs::remove_file(place.repo().join(SAVED));
    let service = place.serve();
    let line = || {
        let log = service.log();
        log.lines().find(|line| line.contains("Assessed 3 reports")).map(str::to_owned)
    };
    service.wait_until("all were read", || line().is_some());
    let line: Value = serde_json::from_str(&line().expect("the line")).expect("JSON");
    assert!(line["duration_ms"].as_f64().is_some_and(|duration| duration > 0.0), "{line}");
}

/// Stops the service, changes what it saved, and starts it again.
fn restarted<'a>(place: &'a Place, service: Service<'a>, change: impl FnOnce(&mut Vec<u8>)) -> Service<'a> {
    service.stop();
    let mut saved = fs::read(place.repo().join(SAVED)).expect("what was saved");
    change(&mut saved);
    fs::write(place.repo().join(SAVED), saved).expect("written");
    place.serve()
}

#[test]
fn what_was_read_is_there_after_a_restart() {
    let place = Place::new();
    let service = place.serve();
    (0..3).for_each(|n| drop(service.submit(&format!("mcp-{n}"))));
    let before = assessed_list(&service);
    let service = restarted(&place, service, |_| ());
    service.wait_until("it is taken over", || service.log().contains("Took over 3 assessments"));
    assert_eq!(assessed_list(&service), before);
    let (_, _, log) = service.stop_with("TERM");
    assert!(!log.contains("Assessed"), "{log}");
}

#[test]
fn what_was_read_is_not_believed_if_it_is_cut_or_changed_or_of_other_rules() {
    let place = Place::new();
    let mut service = place.serve();
    (0..3).for_each(|n| drop(service.submit(&format!("mcp-{n}"))));
    let before = assessed_list(&service);
    let damages: [fn(&mut Vec<u8>); 5] = [
        |saved| saved.truncate(saved.len() / 2),
        |saved| *saved.last_mut().expect("a byte") ^= 1,
        |saved| *saved.iter_mut().rev().nth(6).expect("a byte") ^= 1,
        |saved| saved[20] ^= 1,
        |saved| saved.clear(),
    ];
    for (n, damage) in damages.into_iter().enumerate() {
        service = restarted(&place, service, damage);
        service.wait_until("all are read", || service.log().contains("Assessed 3 reports"));
        assert_eq!(assessed_list(&service), before, "{n}");
        assert!(!service.log().contains("Took over"), "{n}: {}", service.log());
    }
    service.stop();
    let rules = place.repo().join("golive.yaml");
    let other = fs::read_to_string(&rules).expect("rules") + "# Others.\n";
    fs::write(rules, other).expect("written");
    place.git(&["commit", "-q", "-a", "-m", "Change the rules"]);
    let service = place.serve();
    service.wait_until("all are read by them", || service.log().contains("Assessed 3 reports"));
    assert!(!service.log().contains("Took over"), "{}", service.log());
}

#[test]
fn template_is_that_of_the_repository_or_else_the_built_in_one() {
    let place = Place::new();
    let service = place.serve();
    let first = service.get("/api/v1/template");
    assert_eq!((first.status, first.header("content-type")), (200, "text/markdown; charset=utf-8"));
    let built_in = include_str!("../../reports-repo-template/TEMPLATE.md");
    assert_eq!(String::from_utf8_lossy(&first.body), built_in);
    let same = service.send("GET", "/api/v1/template", &[("if-none-match", first.header("etag"))], []);
    assert_eq!((same.status, same.body.len()), (304, 0));

    let write = |text: &[u8], message: &str| {
        service.wait_until_clean();
        std::fs::write(place.repo().join("TEMPLATE.md"), text).expect("a file");
        place.git(&["add", "TEMPLATE.md"]);
        place.git(&["commit", "-qm", message]);
        let tip = place.git(&["rev-parse", "main"]).trim_end().to_owned();
        service.wait_until("it is served", || service.get("/api/v1/reports").header("golive-commit") == tip);
        service.get("/api/v1/template")
    };
    let own = write("# Our form\n\nblåbær\n".as_bytes(), "Write a form of our own");
    assert_eq!(String::from_utf8_lossy(&own.body), "# Our form\n\nblåbær\n");
    assert_eq!(own.header("etag"), format!("\"{}\"", place.git(&["rev-parse", "main:TEMPLATE.md"]).trim_end()));
    let broken = write(b"\xff\xfe no text", "Break it");
    assert_eq!(String::from_utf8_lossy(&broken.body), built_in, "what is no text is passed over");
}
