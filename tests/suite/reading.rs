//! What readers of the API rely on: which commit an answer was made from, tags
//! that say whether a report changed, and lists that hold each report once.

use std::collections::HashSet;
use std::fs;

use crate::common::{Answer, Place, Service, decision, submission};
use serde_json::{Value, json};

fn report(id: &str) -> String {
    format!("/api/v1/reports/{id}")
}

fn tag_at_tip(service: &Service, name: &str) -> String {
    format!("\"{}\"", service.git(&["rev-parse", &format!("main:{}", service.place.report_path(name))]).trim())
}

#[test]
fn every_answer_names_the_commit_it_was_made_from() {
    let place = Place::new();
    let service = place.serve_with(&["--body-limit-bytes", "1000"]);
    let start = service.git(&["rev-parse", "main"]);
    assert_eq!(service.get("/api/v1/reports").header("golive-commit"), start.trim());
    let created = service.post(&submission("mcp-one"));
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    let tag = created.header("etag").to_owned();
    let json_type = ("content-type", "application/json");
    let valid = submission("mcp-two").to_string();
    let send =
        |method: &str, path: &str, headers: &[(&str, &str)], body: &str| service.send(method, path, headers, body);
    let stale = [json_type, ("if-match", "\"0000\"")];
    let answers: Vec<(u16, Answer)> = vec![
        (201, created),
        (200, service.get("/api/v1/reports")),
        (200, service.get(&report(&id))),
        (200, send("HEAD", &report(&id), &[], "")),
        (200, send("HEAD", "/api/v1/reports", &[], "")),
        (304, send("GET", &report(&id), &[("if-none-match", &tag)], "")),
        (304, send("HEAD", &report(&id), &[("if-none-match", &tag)], "")),
        (200, service.get("/healthz")),
        (200, service.get("/readyz")),
        (200, service.get("/metrics")),
        (200, service.get("/openapi.json")),
        (400, send("POST", "/api/v1/reports", &[json_type], "{")),
        (404, service.get("/nothing")),
        (404, service.get(&report("00000000-0000-0000-0000-000000000000"))),
        (405, send("DELETE", &report(&id), &[], "")),
        (405, send("OPTIONS", "/api/v1/reports", &[], "")),
        (409, service.post(&submission("mcp-one"))),
        (412, send("PATCH", &format!("{}/status", report(&id)), &stale, &decision("approved", "").to_string())),
        (413, send("POST", "/api/v1/reports", &[json_type], &"x".repeat(20_000))),
        (415, send("POST", "/api/v1/reports", &[("content-type", "text/plain")], &valid)),
        (421, send("GET", "/api/v1/reports", &[("host", "evil.example")], "")),
        (422, service.post(&json!({}))),
        (422, service.get("/api/v1/reports?status=maybe")),
        (200, service.patch(&id, &decision("approved", ""))),
        (200, service.patch(&id, &decision("approved", ""))),
        (200, service.put(&id, &submission("mcp-one"))),
    ];
    let commits: HashSet<_> = service.commits().into_iter().collect();
    for (status, answer) in &answers {
        assert_eq!(answer.status, *status, "{answer:?}");
        assert!(commits.contains(answer.header("golive-commit")), "{answer:?}");
        assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
    }
    assert!(answers.iter().filter(|(status, _)| *status == 304).all(|(_, answer)| answer.body.is_empty()));
}

#[test]
fn a_write_names_its_own_commit() {
    let place = Place::new();
    let service = place.serve();
    let answer = service.post(&submission("mcp-one"));
    let submitted = answer.header("golive-commit").to_owned();
    assert_eq!(submitted, service.git(&["rev-parse", "main"]).trim());
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    let decided = service.patch(&id, &decision("approved", "Fine")).header("golive-commit").to_owned();
    assert_eq!(service.commits()[..2], [decided.clone(), submitted]);
    // Nothing changed: the tip, and no new commit.
    assert_eq!(service.patch(&id, &decision("approved", "Fine")).header("golive-commit"), decided);
    assert_eq!(service.commits().len(), 3);
}

#[test]
fn a_tag_is_the_blob_of_the_file_and_only_changes_with_it() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let first = service.get(&report(&id)).header("etag").to_owned();
    assert_eq!(first, tag_at_tip(&service, "mcp-one"));
    let other = service.submit("mcp-other");
    service.patch(&other, &decision("approved", ""));
    let get = |tag: &str| service.send("GET", &report(&id), &[("if-none-match", tag)], []);
    for tag in [first.clone(), format!("W/{first}"), format!("\"other\", {first}"), "*".into()] {
        let answer = get(&tag);
        assert_eq!((answer.status, answer.header("etag")), (304, first.as_str()), "{tag}");
        assert_eq!(answer.header("golive-commit"), service.git(&["rev-parse", "main"]).trim());
    }
    for tag in [first.trim_matches('"'), "\"\"", "\"other\"", ""] {
        assert_eq!(get(tag).status, 200, "{tag}");
    }
    let decided = service.patch(&id, &decision("approved", ""));
    let second = decided.header("etag").to_owned();
    assert_ne!(second, first);
    assert_eq!(second, tag_at_tip(&service, "mcp-one"));
    assert_eq!(get(&first).header("etag"), second);
    assert_eq!(get(&second).status, 304);
    service.stop();
    let service = place.serve();
    assert_eq!(service.get(&report(&id)).header("etag"), second);
}

#[test]
fn head_says_what_get_says_without_a_body() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    for path in [report(&id), "/api/v1/reports".into(), "/healthz".into()] {
        let (get, head) = (service.get(&path), service.send("HEAD", &path, &[], []));
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        for name in ["content-type", "content-length", "etag", "golive-commit", "x-total-count"] {
            assert_eq!(head.header(name), get.header(name), "{path}: {name}");
        }
    }
}

/// The address in `Link` with `rel="next"`, if there is one.
fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("link");
    let (address, rest) = link.strip_prefix('<')?.split_once('>')?;
    assert!(rest.contains("rel=\"next\""), "{link}");
    Some(address.to_owned())
}

/// Follows `Link` from `path`; runs `between` before each further page.
fn pages(service: &Service, path: &str, mut between: impl FnMut()) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut path = Some(path.to_owned());
    while let Some(here) = path {
        let answer = service.get(&here);
        assert_eq!(answer.status, 200, "{answer:?}");
        pages.push(answer.json().as_array().expect("a list").clone());
        path = next(&answer);
        assert!(pages.len() < 100, "the pages never end");
        between();
    }
    pages
}

fn ids(summaries: &[Value]) -> Vec<String> {
    summaries.iter().map(|summary| summary["id"].as_str().expect("an id").to_owned()).collect()
}

fn assert_in_order(summaries: &[Value]) {
    let key = |summary: &Value| {
        let text = |name: &str| summary[name].as_str().expect("text").to_owned();
        (text("submitted_at"), text("id"))
    };
    assert!(summaries.windows(2).all(|pair| key(&pair[0]) > key(&pair[1])), "not newest first");
}

#[test]
fn pages_hold_each_report_once_in_order() {
    const N: usize = 250;
    let place = Place::new();
    let service = place.serve();
    let submitted: HashSet<_> = std::thread::scope(|scope| {
        let service = &service;
        let submit = move |n: usize| (0..N / 5).map(|m| service.submit(&format!("mcp-{n}-{m}"))).collect::<Vec<_>>();
        let threads: Vec<_> = (0..5).map(|n| scope.spawn(move || submit(n))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    for path in ["/api/v1/reports?limit=100", "/api/v1/reports", "/api/v1/reports?status=pending_review&limit=100"] {
        let found = pages(&service, path, || {});
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50], "{path}");
        assert_in_order(&found.concat());
        assert_eq!(ids(&found.concat()).into_iter().collect::<HashSet<_>>(), submitted, "{path}");
    }
    assert_eq!(service.get("/api/v1/reports?limit=100").header("x-total-count"), "250");
    assert_eq!(pages(&service, "/api/v1/reports?limit=125", || {}).len(), 2);
    let whole = service.get("/api/v1/reports?limit=1000");
    assert_eq!((whole.json().as_array().map(Vec::len), next(&whole)), (Some(N), None));

    // Reports that come in meanwhile are newer than every page that follows.
    let mut n_more = 0;
    let found = pages(&service, "/api/v1/reports?limit=100&status=all", || {
        service.submit(&format!("mcp-more-{n_more}"));
        n_more += 1;
    });
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(ids(&found.concat()).into_iter().collect::<HashSet<_>>(), submitted);
    // A decision between pages moves a report nowhere.
    let mut to_decide = submitted.iter();
    let found = pages(&service, "/api/v1/reports?limit=100&status=all", || {
        let id = to_decide.next().expect("enough");
        assert_eq!(service.patch(id, &decision("approved", "")).status, 200);
    });
    assert_eq!(ids(&found.concat()).len(), N + n_more);
    assert_in_order(&found.concat());
    assert_eq!(service.get("/api/v1/reports?status=approved&limit=1").header("x-total-count"), "3");

    service.wait_until_assessed();
    let before = service.get("/api/v1/reports?limit=1000").body;
    service.stop();
    let service = place.serve();
    service.wait_until_assessed();
    assert_eq!(service.get("/api/v1/reports?limit=1000").body, before, "a restart changes nothing");
}

#[test]
fn updated_since_gives_what_changed_at_that_time_or_later() {
    let place = Place::new();
    let service = place.serve();
    let old = service.submit("mcp-old");
    let decided = service.submit("mcp-decided");
    let summary = |id: &str| {
        let list = service.get("/api/v1/reports").json();
        list.as_array().expect("a list").iter().find(|summary| summary["id"] == id).expect("there").clone()
    };
    let time = |id: &str| summary(id)["updated_at"].as_str().expect("a time").to_owned();
    let (first, submitted_at) = (time(&old), summary(&decided)["submitted_at"].clone());
    assert!(first.ends_with('Z') && first.len() == "2025-10-20T10:00:00Z".len(), "{first}");
    // The next second of the clock: times are whole seconds.
    let mut status = ["approved", "rejected"].into_iter().cycle();
    service.wait_until("the change has a later time", || {
        service.patch(&decided, &decision(status.next().expect("endless"), ""));
        time(&decided) > first && time(&decided) > time(&old)
    });
    let since = |time: &str| {
        let answer = service.get(&format!("/api/v1/reports?updated_since={time}"));
        let list = answer.json().as_array().expect("a list").clone();
        assert_eq!(answer.header("x-total-count"), list.len().to_string());
        ids(&list)
    };
    assert_eq!(since(&first), [decided.as_str(), old.as_str()]);
    assert_eq!(since(&time(&decided)), [decided.as_str()]);
    assert_eq!(since(&time(&decided).replace('Z', "%2B00:00")), [decided.as_str()]);
    assert_eq!(since("2100-01-01T00:00:00Z"), Vec::<String>::new());
    assert_eq!(summary(&decided)["submitted_at"], submitted_at, "a decision is no submission");
    service.get("/api/v1/reports?updated_since=yesterday").problem(422);

    let later = time(&decided);
    service.stop();
    let service = place.serve();
    let ids = ids(service.get(&format!("/api/v1/reports?updated_since={later}")).json().as_array().expect("a list"));
    assert_eq!(ids, [decided]);
}

#[test]
fn an_outside_commit_counts_as_a_change_at_its_time() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-one");
    let changed = service.submit("mcp-two");
    service.wait_until_clean();
    let file = place.report_file("mcp-two");
    let text = fs::read_to_string(&file).expect("a file");
    fs::write(&file, text.replace("alex@example.com", "kim@example.com")).expect("written");
    let mut commit = place.command("git");
    commit.args(["commit", "-q", "-a", "-m", "Kim takes over"]).current_dir(place.repo());
    assert!(commit.env("GIT_COMMITTER_DATE", "2090-01-01T00:00:00Z").status().expect("git").success());
    let found =
        || ids(service.get("/api/v1/reports?updated_since=2089-01-01T00:00:00Z").json().as_array().expect("a list"));
    service.wait_until("the change is found", || found() == [changed.clone()]);
    assert_eq!(service.get("/api/v1/reports?limit=2").json()[0]["developer_email"], "kim@example.com");
}
