//! How a report came to be: its commits, revisions and differences over the API
//! are those that git has, whoever made them, and stay so after a restart.

use crate::common::{Answer, Place, Service, decision, submission};
use serde_json::{Value, json};

const ABSENT: &str = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";

fn at(id: &str, at: &str) -> String {
    format!("/api/v1/reports/{id}?at={at}")
}

fn tip(service: &Service) -> String {
    service.git(&["rev-parse", "main"]).trim().to_owned()
}

/// Waits until what others committed is served.
fn wait_until_served(service: &Service) {
    let tip = tip(service);
    service.wait_until("the tip is served", || service.get("/api/v1/reports").header("golive-commit") == tip);
}

/// Changes the report's file in the work tree and commits it, as a person does.
fn commit_by_hand(service: &Service, name: &str, changes: &[(&str, &str)], message: &str) -> String {
    service.wait_until_clean();
    service.wait_until_mirrored();
    let file = service.place.report_file(name);
    let mut text = std::fs::read_to_string(&file).expect("the file");
    for (from, to) in changes {
        assert!(text.contains(from), "no `{from}` in {text}");
        text = text.replace(from, to);
    }
    std::fs::write(&file, text).expect("the file can be written");
    service.git(&["commit", "-q", "-a", "-m", message]);
    wait_until_served(service);
    tip(service)
}

/// Moves the branch to a commit with the tree of the tip and a committer time of its own.
fn commit_at_time(service: &Service, seconds_since_1970: u64) -> String {
    let script = format!(
        "GIT_COMMITTER_DATE='{seconds_since_1970} +0000' git commit-tree main^{{tree}} -p main -m 'At a time' \
         | xargs -I NEW git update-ref refs/heads/main NEW"
    );
    let finished = service.place.sh_in(service.place.repo(), &script);
    assert!(finished.status.success(), "{finished:?}");
    wait_until_served(service);
    tip(service)
}

fn status_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["status"].as_str().expect("a status").to_owned()
}

/// A report with everything that can happen to it; returns its id and its
/// commits, oldest first.
fn eventful(service: &Service) -> (String, Vec<String>) {
    let mut commits = Vec::new();
    let mut note = |answer: Answer| {
        assert!(answer.status < 300, "{answer:?}");
        commits.push(answer.header("golive-commit").to_owned());
        answer
    };
    let id = note(service.post(&submission("eventful"))).json()["id"].as_str().expect("an id").to_owned();
    note(service.patch(&id, &decision("rejected", "not yet\n\nsee FP-31")));
    service.submit("another");
    let mut again = submission("eventful");
    let text = format!("# Go-live report of eventful\n\n{}\n## Phase 2 é\nThe second\n", "a line\n".repeat(20));
    again["report_data"] = json!(text);
    let headers = [("content-type", "application/json"), ("golive-via", "mcp")];
    note(service.send("POST", "/api/v1/reports", &headers, again.to_string()));
    note(service.patch(&id, &decision("approved", "fine")));
    note(service.patch(&id, &decision("approved", "fine indeed")));
    note(service.patch(&id, &decision("pending_review", "a new finding:\n\n- one")));
    let by_hand = [
        ("status: pending_review", "status: approved"),
        ("reviewed_by: null", "reviewed_by: Robin"),
        ("reviewed_at: null", "reviewed_at: 2026-01-31T10:00:00Z"),
        ("review_notes: null", "review_notes: by hand"),
    ];
    commits.push(commit_by_hand(service, "eventful", &by_hand, "Fine with me\n\nVia: web"));
    std::fs::write(service.place.repo().join("README.md"), "ours\n").expect("a file");
    service.git(&["commit", "-q", "-a", "-m", "Change the README"]);
    commits.push(commit_by_hand(service, "eventful", &[("server_name: eventful", "server_name: renamed")], "Rename"));
    again["report_data"] = json!(text.replace("The second\n", "The third, without a line end"));
    let revised = service.put(&id, &again);
    assert_eq!(revised.status, 200, "{revised:?}");
    commits.push(revised.header("golive-commit").to_owned());
    (id, commits)
}

#[test]
fn history_tells_every_commit_of_the_report_and_a_restart_changes_nothing() {
    let place = Place::new();
    let service = place.serve();
    let (id, commits) = eventful(&service);
    let answer = service.get(&format!("/api/v1/reports/{id}/history"));
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.header("golive-commit"), tip(&service));

    let (alex, morgan, test) = ("alex@example.com", "Morgan", "Test");
    let (pending, approved, rejected) = (json!("pending_review"), json!("approved"), json!("rejected"));
    let expected = [
        ("submit", alex, &Value::Null, &pending, 1, Value::Null, json!("api")),
        ("reject", morgan, &pending, &rejected, 1, json!("not yet\n\nsee FP-31"), json!("api")),
        ("resubmit", alex, &rejected, &pending, 2, Value::Null, json!("mcp")),
        ("approve", morgan, &pending, &approved, 2, json!("fine"), json!("api")),
        ("approve", morgan, &approved, &approved, 2, json!("fine indeed"), json!("api")),
        ("reopen", morgan, &approved, &pending, 2, json!("a new finding:\n\n- one"), json!("api")),
        ("approve", test, &pending, &approved, 2, json!("by hand"), Value::Null),
        ("edit", test, &approved, &approved, 2, Value::Null, Value::Null),
        ("resubmit", alex, &approved, &pending, 3, Value::Null, json!("api")),
    ];
    let items = answer.json();
    let items: Vec<&Value> = items.as_array().expect("a list").iter().rev().collect();
    assert_eq!(items.len(), expected.len(), "{items:#?}");
    for (n, (event, name, before, after, revision, notes, via)) in expected.iter().enumerate() {
        let author = service.git(&["log", "-1", "--format=%an|%ae|%ct", &commits[n]]);
        let [author_name, email, seconds] = author.trim().splitn(3, '|').collect::<Vec<_>>()[..] else { panic!() };
        assert_eq!(author_name, *name);
        let time = service.git(&["log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", "--format=%cd", &commits[n]]);
        let time = if std::env::var_os("TZ").is_none() { time.trim().to_owned() } else { utc(seconds) };
        let expected = json!({
            "commit": commits[n], "committed_at": time, "author": {"name": name, "email": email}, "event": event,
            "status_before": before, "status_after": after, "revision": revision, "notes": notes, "via": via,
        });
        assert_eq!(*items[n], expected, "{n}");
    }

    let asked = ["history", "revisions/1", "revisions/2", "revisions/3", "diff", "diff?from=0&to=1"];
    let mut asked: Vec<_> = asked.iter().map(|path| format!("/api/v1/reports/{id}/{path}")).collect();
    asked.extend(commits.iter().map(|commit| at(&id, commit)));
    asked.extend(commits.iter().map(|commit| format!("/api/v1/reports?at={commit}")));
    let before: Vec<_> = asked.iter().map(|path| service.get(path)).collect();
    service.stop();
    let service = place.serve();
    for (path, before) in asked.iter().zip(before) {
        let after = service.get(path);
        assert_eq!((after.status, &after.body), (200, &before.body), "{path}");
        for header in ["golive-commit", "etag", "x-total-count"] {
            assert_eq!(after.header(header), before.header(header), "{path}");
        }
    }
}

/// The machine's git shows local time only; seconds are as good.
fn utc(seconds: &str) -> String {
    let date = Place::new();
    date.sh("", &format!("date -u -d @{seconds} +%Y-%m-%dT%H:%M:%SZ")).stdout.trim().to_owned()
}

#[test]
fn revisions_come_back_as_they_were_answered() {
    let place = Place::new();
    let service = place.serve();
    let bodies = ["# One\r\n\r\n\u{feff}no end", "\n\n# Two\n\n---\nstatus: approved\n---\n", "# Three\t\n\n\n"];
    let mut body = submission("bytes");
    body["report_data"] = json!(bodies[0]);
    let first = service.post(&body);
    let id = first.json()["id"].as_str().expect("an id").to_owned();
    let mut answers = vec![first];
    for text in &bodies[1..] {
        assert_eq!(service.patch(&id, &decision("rejected", "again")).status, 200);
        body["report_data"] = json!(text);
        answers.push(service.post(&body));
    }
    service.patch(&id, &decision("approved", "fine"));
    for (n, answer) in answers.iter().enumerate() {
        let path = format!("/api/v1/reports/{id}/revisions/{}", n + 1);
        let revision = service.get(&path);
        assert_eq!((revision.status, &revision.body), (200, &answer.body), "{n}");
        assert_eq!(revision.json()["report_data"], bodies[n]);
        for header in ["golive-commit", "etag", "content-type"] {
            assert_eq!(revision.header(header), answer.header(header), "{n}");
        }
        assert_eq!(service.send("GET", &path, &[("if-none-match", answer.header("etag"))], []).status, 304);
    }
}

/// A diff from its first hunk on; what stands before names blobs and modes.
fn hunks(diff: &str) -> &str {
    diff.find("@@").map_or("", |at| &diff[at..])
}

#[test]
fn differences_are_those_of_git() {
    let place = Place::new();
    let service = place.serve();
    let (id, commits) = eventful(&service);
    let path = place.report_path("eventful");
    let (first, second, third) = (&commits[0], &commits[2], &commits[8]);
    let short = &commits[6][..7];
    for (query, from, to) in [
        ("", second, third),
        ("?from=1", first, third),
        ("?from=1&to=2", first, second),
        ("?to=2", first, second),
        ("?from=3&to=1", third, first),
        (&format!("?from={}&to={short}", commits[5]), &commits[5], &commits[6]),
        (&format!("?to={short}"), first, &commits[6]),
        ("?from=2&to=2", second, second),
    ] {
        let answer = service.get(&format!("/api/v1/reports/{id}/diff{query}"));
        assert_eq!((answer.status, answer.header("content-type")), (200, "text/plain; charset=utf-8"), "{query}");
        assert_eq!(answer.header("golive-commit"), to, "{query}");
        let ours = String::from_utf8(answer.body).expect("UTF-8");
        let gits = service.git(&["diff", from, to, "--", &path]);
        assert_eq!(hunks(&ours), hunks(&gits), "{query}");
        assert_eq!(ours.is_empty(), gits.is_empty(), "{query}");
        if !gits.is_empty() {
            assert!(ours.starts_with(&format!("diff --git a/{path} b/{path}\n")), "{ours}");
        }

        let accept = [("accept", "application/json")];
        let document = service.send("GET", &format!("/api/v1/reports/{id}/diff{query}"), &accept, []).json();
        assert_eq!((&document["from"]["commit"], &document["to"]["commit"]), (&json!(from), &json!(to)), "{query}");
        let lines: Vec<_> = document["hunks"]
            .as_array()
            .expect("a list")
            .iter()
            .flat_map(|hunk| hunk["lines"].as_array().expect("lines"))
            .map(|line| line.as_str().expect("text").to_owned())
            .collect();
        let expected: Vec<_> = hunks(&gits).lines().filter(|line| !line.starts_with("@@")).collect();
        assert_eq!(lines, expected, "{query}");
        let count = |sign: char| json!(expected.iter().filter(|line| line.starts_with(sign)).count());
        assert_eq!((&document["lines_added"], &document["lines_removed"]), (&count('+'), &count('-')), "{query}");
    }
    let whole = String::from_utf8(service.get(&format!("/api/v1/reports/{id}/diff?to=1")).body).expect("UTF-8");
    let file = service.git(&["show", &format!("{first}:{path}")]);
    assert_eq!(
        whole.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).count(),
        file.lines().count()
    );
}

#[test]
fn diff_is_json_only_for_those_who_ask_for_it() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("accept");
    for (accept, expected) in [
        ("*/*", "text/plain; charset=utf-8"),
        ("text/html", "text/plain; charset=utf-8"),
        ("application/json, text/plain", "text/plain; charset=utf-8"),
        ("application/json;q=0", "text/plain; charset=utf-8"),
        ("text/plain;q=0.5, application/json", "application/json"),
        ("application/json, */*;q=0.1", "application/json"),
    ] {
        let answer = service.send("GET", &format!("/api/v1/reports/{id}/diff"), &[("accept", accept)], []);
        assert_eq!((answer.status, answer.header("content-type")), (200, expected), "{accept}");
        assert_eq!(answer.header("vary"), "accept");
    }
}

/// What was, is not assessed.
fn without_assessment(list: &crate::common::Answer) -> Value {
    let mut list = list.json();
    for report in list.as_array_mut().expect("a list") {
        report.as_object_mut().expect("a summary").remove("assessment").expect("the member");
    }
    list
}

#[test]
fn state_at_a_commit_is_what_was_answered_then() {
    let place = Place::new();
    let service = place.serve();
    let start = tip(&service);
    let first = service.submit("first");
    let submitted = service.get(&format!("/api/v1/reports/{first}"));
    let list = without_assessment(&service.get("/api/v1/reports"));
    service.patch(&first, &decision("approved", "fine"));
    let second = service.submit("second");
    let commit = submitted.header("golive-commit");
    for name in [commit, &commit[..7], &commit.to_uppercase()] {
        let then = service.get(&at(&first, name));
        assert_eq!((then.status, &then.body), (200, &submitted.body), "{name}");
        assert_eq!((then.header("golive-commit"), then.header("etag")), (commit, submitted.header("etag")));
        let then = service.get(&format!("/api/v1/reports?at={name}"));
        assert_eq!((then.status, without_assessment(&then)), (200, list.clone()), "{name}");
        assert_eq!((then.header("golive-commit"), then.header("x-total-count")), (commit, "1"));
    }
    let then = service.send("GET", &at(&first, commit), &[("if-none-match", submitted.header("etag"))], []);
    assert_eq!(then.status, 304);
    assert_eq!(service.get(&format!("/api/v1/reports?at={commit}&status=approved")).json(), json!([]));
    assert_eq!(service.get(&format!("/api/v1/reports?at={start}")).json(), json!([]));
    let problem = service.get(&at(&second, commit)).problem(404);
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("does not exist at commit")), "{problem}");

    // Pages of a time go on at the commit that it meant.
    let tip = tip(&service);
    let page = service.get("/api/v1/reports?at=9999-12-31T23:59:59Z&limit=1");
    assert_eq!(page.json()[0]["id"], second);
    assert!(page.header("link").contains(&format!("at={tip}&")), "{}", page.header("link"));
    service.submit("third");
    let next = page.header("link").split(['<', '>']).nth(1).expect("a link").to_owned();
    assert_eq!(service.get(&next).json()[0]["id"], first);
}

#[test]
fn state_at_a_time_is_that_of_the_commit_that_was_the_tip() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("timed");
    let submitted = tip(&service);
    // 2040-01-01; what the service commits after it has a clock that is behind.
    let first = commit_at_time(&service, 2_208_988_800);
    assert_eq!(service.patch(&id, &decision("approved", "fine")).status, 200);
    let same_second = commit_at_time(&service, 2_208_988_800);
    let back = commit_at_time(&service, 2_177_452_800);
    let later = commit_at_time(&service, 2_240_611_200);
    assert_eq!(service.patch(&id, &decision("pending_review", "a finding")).status, 200);
    let reopened = tip(&service);
    assert_ne!(first, same_second);
    let check = |service: &Service| {
        for (time, commit, status) in [
            ("2039-12-31T23:59:59Z", &submitted, "pending_review"),
            ("2040-01-01T00:00:00Z", &back, "approved"),
            ("2040-01-01T02:00:00%2B02:00", &back, "approved"),
            ("2040-12-31T23:59:59.9Z", &back, "approved"),
            ("2041-01-01T00:00:00Z", &reopened, "pending_review"),
            (later.as_str(), &later, "approved"),
            (first.as_str(), &first, "pending_review"),
        ] {
            let then = service.get(&at(&id, time));
            assert_eq!(status_of(&then), status, "{time}");
            assert_eq!(then.header("golive-commit"), commit, "{time}");
            let list = service.get(&format!("/api/v1/reports?at={time}"));
            assert_eq!((list.header("golive-commit"), &list.json()[0]["status"]), (commit.as_str(), &json!(status)));
        }
        for path in [at(&id, "2001-01-01T00:00:00Z"), "/api/v1/reports?at=2001-01-01T00:00:00Z".into()] {
            service.get(&path).problem(404);
        }
    };
    check(&service);
    service.stop();
    check(&place.serve());
}

#[test]
fn merge_counts_once_and_what_it_brought_can_be_asked_for() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("merged");
    service.wait_until_clean();
    let file = place.report_path("merged");
    let clone = format!(
        "git clone -q reports-repo clone; cd clone
         sed -i 's/^server_name: .*/server_name: one/' {file}; git commit -qam one
         sed -i 's/^server_name: .*/server_name: two/' {file}; git commit -qam two"
    );
    assert!(place.sh("", &clone).status.success());
    service.submit("meanwhile");
    service.wait_until_mirrored();
    service.wait_until_clean();
    service.git(&["pull", "-q", "--no-rebase", "--no-edit", "../clone", "main"]);
    wait_until_served(&service);
    let path = format!("/api/v1/reports/{id}/history");
    let history = service.get(&path);
    let commits: Vec<_> =
        history.json().as_array().expect("a list").iter().map(|item| item["commit"].clone()).collect();
    let log = service.git(&["log", "--first-parent", "-m", "--format=%H", "main", "--", &file]);
    assert_eq!(commits, log.lines().map(|id| json!(id)).collect::<Vec<_>>());
    assert_eq!(commits.len(), 2);
    let inner = service.git(&["rev-parse", "main^2~1"]);
    let then = service.get(&at(&id, inner.trim()));
    assert_eq!((then.status, &then.json()["server_name"]), (200, &json!("one")));
    service.stop();
    assert_eq!(place.serve().get(&path).body, history.body);
}

#[test]
fn broken_file_is_a_commit_of_the_report_too() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("broken");
    let broken = commit_by_hand(&service, "broken", &[("revision: 1", "revision: [")], "Break it");
    let mended = commit_by_hand(&service, "broken", &[("revision: [", "revision: 1"), ("alex@", "kim@")], "Mend it");
    let check = |service: &Service| {
        let items = service.get(&format!("/api/v1/reports/{id}/history")).json();
        let told = |n: usize| {
            ["commit", "event", "status_before", "status_after", "revision"].map(|key| items[n][key].clone())
        };
        let pending = json!("pending_review");
        assert_eq!(items.as_array().map(Vec::len), Some(3), "{items}");
        assert_eq!(told(0), [json!(mended), json!("edit"), pending.clone(), pending.clone(), json!(1)]);
        assert_eq!(told(1), [json!(broken), Value::Null, pending, Value::Null, Value::Null]);
        // What was served then: the last good state.
        let then = service.get(&at(&id, &broken));
        assert_eq!((then.status, &then.json()["developer_email"]), (200, &json!("alex@example.com")), "{then:?}");
        let diff = service.get(&format!("/api/v1/reports/{id}/diff?from={broken}&to={mended}"));
        assert!(String::from_utf8_lossy(&diff.body).contains("-revision: [\n+revision: 1\n"), "{diff:?}");
    };
    check(&service);
    service.stop();
    check(&place.serve());
}

#[test]
fn commit_that_only_claims_to_be_of_the_report_is_not() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("claimed");
    service.wait_until_clean();
    let script = format!(
        "GIT_COMMITTER_EMAIL=golive@invalid git commit -q --allow-empty -m 'Approve report `claimed`' \
         -m 'Report-Id: {id}\nRevision: 1\nStatus: pending_review -> approved\nVia: api'"
    );
    assert!(place.sh_in(place.repo(), &script).status.success());
    wait_until_served(&service);
    let history = service.get(&format!("/api/v1/reports/{id}/history"));
    assert_eq!(history.json().as_array().map(Vec::len), Some(1));
    service.stop();
    assert_eq!(place.serve().get(&format!("/api/v1/reports/{id}/history")).json(), history.json());
}

#[test]
fn what_is_not_there_and_what_cannot_be_read_is_refused() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("asked");
    let blob = service.git(&["rev-parse", &format!("main:{}", place.report_path("asked"))]);
    let aside = service.git(&["commit-tree", "main^{tree}", "-m", "nobody's"]);
    let one = format!("/api/v1/reports/{id}");
    for path in [
        format!("/api/v1/reports/{ABSENT}/history"),
        format!("/api/v1/reports/{ABSENT}/revisions/1"),
        format!("/api/v1/reports/{ABSENT}/diff"),
        at(ABSENT, "9999-12-31T23:59:59Z"),
        "/api/v1/reports/x/history".into(),
        format!("{one}/revisions/0"),
        format!("{one}/revisions/2"),
        format!("{one}/revisions/-1"),
        format!("{one}/revisions/x"),
        format!("{one}/revisions/99999999999999999999"),
        format!("{one}/diff?from=2"),
        format!("{one}/diff?to=2"),
        format!("{one}/diff?from={}", service.git(&["rev-parse", "main~1"]).trim()),
        at(&id, "main~1"),
    ] {
        if path.contains('~') {
            assert_eq!(service.get(&path).pointers(), ["?at"], "{path}");
        } else {
            service.get(&path).problem(404);
        }
    }
    for value in [
        "",
        "x",
        "abc",
        "main",
        "HEAD",
        "yesterday",
        "2025-10-20",
        "2025-10-20T10:00:00",
        "2025-13-01T00:00:00Z",
        "0000000",
        "00000000000000000000000000000000000000000",
        blob.trim(),
        aside.trim(),
    ] {
        assert_eq!(service.get(&at(&id, value)).pointers(), ["?at"], "{value}");
        assert_eq!(service.get(&format!("/api/v1/reports?at={value}")).pointers(), ["?at"], "{value}");
    }
    for (query, pointers) in [
        ("from=x", &["?from"][..]),
        ("to=", &["?to"]),
        ("from=-1&to=1.5", &["?from", "?to"]),
        ("from=0000000&to=1", &["?from"]),
        ("from=0000000&to=fffffff&context=3", &["?context", "?from", "?to"]),
        ("from=1&from=1", &["?from"]),
        ("at=1", &["?at"]),
    ] {
        assert_eq!(service.get(&format!("{one}/diff?{query}")).pointers(), pointers, "{query}");
    }
    assert_eq!(service.get(&format!("{one}?at=x&revision=1")).pointers(), ["?at", "?revision"]);
    assert_eq!(service.get("/api/v1/reports?at=x&limit=0").pointers(), ["?at", "?limit"]);
    for path in [format!("{one}?at=%ff"), format!("{one}/diff?from=%ff"), "/api/v1/reports?at=%ff".into()] {
        service.get(&path).problem(422);
    }
}
