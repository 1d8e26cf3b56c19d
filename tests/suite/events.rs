//! `GET /api/v1/events`: whoever listens hears of each commit once, in order,
//! whoever made it, and can go on where they were cut off.

use std::io::Write;
use std::process::Stdio;
use std::time::Duration;

use crate::common::events::{Event, Stream};
use crate::common::{Place, Service, decision, submission};
use serde_json::{Value, json};

fn tip(service: &Service) -> String {
    service.git(&["rev-parse", "main"]).trim().to_owned()
}

fn after(commit: &str) -> String {
    format!("?last_event_id={commit}")
}

/// The commits that a stream after the first one of `commits` has to tell, which
/// are newest first.
fn told(commits: &[String]) -> Vec<String> {
    commits.iter().rev().skip(1).cloned().collect()
}

fn changed(event: &Event) -> Vec<(String, String, u64)> {
    let text = |report: &Value, name: &str| report[name].as_str().expect("text").to_owned();
    let reports = event.data["reports"].as_array().expect("reports");
    let one = |report| (text(report, "server_name"), text(report, "status"), report["revision"].as_u64().expect("1…"));
    reports.iter().map(one).collect()
}

fn listen(service: &Service) -> Stream {
    let stream = service.events("", &[]);
    assert_eq!((stream.status, stream.header("content-type")), (200, "text/event-stream"));
    assert_eq!((stream.header("cache-control"), stream.header("golive-commit")), ("no-store", tip(service).as_str()));
    stream
}

#[test]
fn each_commit_is_told_once_with_the_reports_as_they_were_after_it() {
    let place = Place::new();
    let service = place.serve();
    let streams = [listen(&service), listen(&service)];
    let id = service.submit("first");
    assert_eq!(service.patch(&id, &decision("rejected", "no")).status, 200);
    assert_eq!(service.post(&submission("first")).status, 201);
    let commits: Vec<String> = service.commits().into_iter().take(3).rev().collect();
    for stream in streams {
        let events = [stream.next(), stream.next(), stream.next()];
        for (event, commit) in events.iter().zip(&commits) {
            assert_eq!((&event.event, &event.id), (&"commit".to_owned(), commit));
            assert_eq!(event.data["commit"], *commit);
            assert_eq!(event.data["reports"][0]["id"], id);
            let at = service.git(&["show", "-s", "--format=%ct", commit]);
            let said = event.data["at"].as_str().expect("a time").parse::<chrono::DateTime<chrono::Utc>>();
            assert_eq!(said.expect("RFC 3339").timestamp().to_string(), at.trim());
        }
        let expected = [("pending_review", 1), ("rejected", 1), ("pending_review", 2)];
        for (event, (status, revision)) in events.iter().zip(expected) {
            assert_eq!(changed(event), [("first".to_owned(), status.to_owned(), revision)]);
        }
    }
}

#[test]
fn commits_of_others_are_told_with_all_reports_that_they_changed() {
    let place = Place::new();
    let service = place.serve();
    for name in ["one", "two"] {
        service.submit(name);
    }
    service.wait_until_clean();
    service.wait_until_mirrored();
    let stream = listen(&service);
    for name in ["one", "two"] {
        let file = place.report_file(name);
        let text = std::fs::read_to_string(&file).expect("a file").replace("pending_review", "approved");
        std::fs::write(file, text).expect("a file");
    }
    service.git(&["commit", "-q", "-a", "-m", "Both"]);
    let both = stream.next();
    assert_eq!(both.id, tip(&service));
    let mut reports = changed(&both);
    reports.sort();
    assert_eq!(reports, ["one", "two"].map(|name| (name.to_owned(), "approved".to_owned(), 1)));
    service.git(&["commit", "-q", "--allow-empty", "-m", "None"]);
    assert_eq!(stream.next().data["reports"], json!([]));
}

#[test]
fn a_listener_that_comes_back_misses_nothing() {
    let place = Place::new();
    let service = place.serve();
    let start = tip(&service);
    let stream = service.events(&after(&start), &[]);
    for n in 0..30 {
        service.submit(&format!("server-{n}"));
    }
    let commits = told(&service.commits());
    assert_eq!(stream.next_commits(30), commits);
    drop(stream);
    // The header is the browser's, which comes back with the address it had.
    let again = service.events(&after(&start), &[("last-event-id", &commits[20])]);
    assert_eq!(again.next_commits(9), commits[21..]);
    service.submit("last");
    assert_eq!(again.next().id, tip(&service));
}

#[test]
fn a_listener_that_comes_back_after_a_restart_misses_nothing() {
    let place = Place::new();
    let service = place.serve();
    let start = tip(&service);
    let id = service.submit("first");
    service.patch(&id, &decision("approved", "yes"));
    service.wait_until_clean();
    service.stop();
    place.git(&["commit", "-q", "--allow-empty", "-m", "Meanwhile"]);
    let service = place.serve();
    service.submit("second");
    let stream = service.events(&after(&start), &[]);
    let events: Vec<_> = (0..4).map(|_| stream.next()).collect();
    assert_eq!(events.iter().map(|event| event.id.clone()).collect::<Vec<_>>(), told(&service.commits()));
    let of = |name: &str, status: &str| vec![(name.to_owned(), status.to_owned(), 1)];
    let expected = [of("first", "pending_review"), of("first", "approved"), vec![], of("second", "pending_review")];
    assert_eq!(events.iter().map(changed).collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_not_on_the_line_resets() {
    let place = Place::new();
    let service = place.serve();
    service.submit("first");
    let zero = "0".repeat(40);
    for (query, header) in [(after(&zero), ""), (String::new(), "nonsense"), (String::new(), zero.as_str())] {
        let stream = service.events(&query, &[("last-event-id", header)]);
        let reset = stream.next();
        let tip = tip(&service);
        assert_eq!((reset.event.as_str(), &reset.id, &reset.data["commit"]), ("reset", &tip, &json!(tip)));
        assert_eq!(stream.header("golive-commit"), tip);
        service.submit(&format!("after-{query}{header}").replace(['?', '='], "-"));
        let mut next = stream.next();
        if next.event == "problems" {
            next = stream.next();
        }
        assert_eq!(next.id, self::tip(&service));
    }
}

/// Adds `n` commits to the branch that change nothing.
fn add_commits(place: &Place, n: usize) {
    let mut import = place.command("git");
    let mut import =
        import.args(["fast-import", "--quiet"]).current_dir(place.repo()).stdin(Stdio::piped()).spawn().expect("git");
    let mut stdin = import.stdin.take().expect("piped");
    for n in 0..n {
        let from = if n == 0 { "from refs/heads/main^0\n" } else { "" };
        let commit = format!("commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 1\nx\n{from}\n");
        stdin.write_all(commit.as_bytes()).expect("git reads");
    }
    drop(stdin);
    assert!(import.wait().expect("git").success());
}

#[test]
fn a_thousand_commits_are_told_and_one_more_resets() {
    let place = Place::new();
    let service = place.serve();
    let start = tip(&service);
    service.stop();
    add_commits(&place, 990);
    // Of these, some are read from git and some were seen.
    let service = place.serve();
    for n in 0..10 {
        service.submit(&format!("server-{n}"));
    }
    assert_eq!(service.events(&after(&start), &[]).next_commits(1000), told(&service.commits()));
    service.submit("one-more");
    let reset = service.events(&after(&start), &[]).next();
    assert_eq!((reset.event.as_str(), reset.id), ("reset", tip(&service)));
}

#[test]
fn a_rewind_that_was_accepted_resets() {
    let place = Place::new();
    let service = place.serve();
    service.submit("kept");
    service.wait_until_clean();
    service.wait_until_mirrored();
    let stream = listen(&service);
    let kept = tip(&service);
    service.submit("lost");
    assert_eq!(stream.next().id, tip(&service));
    service.wait_until_clean();
    service.wait_until_mirrored();
    service.git(&["reset", "-q", "--keep", &kept]);
    service.wait_until("writes stop", || service.get("/readyz").status == 503);
    let accepted = place.golive(&["accept-rewind", "--repo", "reports-repo", &kept]);
    assert!(accepted.status.success(), "{accepted:?}");
    let reset = stream.next();
    assert_eq!((reset.event.as_str(), reset.id), ("reset", tip(&service)));
}

#[test]
fn problems_are_told_when_they_come_and_go() {
    let place = Place::new();
    let service = place.serve();
    service.submit("first");
    service.wait_until_clean();
    service.wait_until_mirrored();
    let start = tip(&service);
    let stream = listen(&service);
    let file = place.report_file("first");
    let good = std::fs::read_to_string(&file).expect("a file");
    std::fs::write(&file, good.replace("pending_review", "perhaps")).expect("a file");
    let problems = |event: Event| (event.event, event.data["n_problems"].as_u64(), event.data["commit"].clone());
    assert_eq!(problems(stream.next()), ("problems".into(), Some(1), json!(start)));
    // Whoever was away while it came hears of it as well.
    let late = service.events(&after(&start), &[]);
    assert_eq!(problems(late.next()), ("problems".into(), Some(1), json!(start)));
    std::fs::write(&file, good).expect("a file");
    for stream in [stream, late] {
        assert_eq!(problems(stream.next()), ("problems".into(), Some(0), json!(start)));
    }
}

#[test]
fn a_listener_that_does_not_read_holds_up_nobody() {
    let place = Place::new();
    let service = place.serve();
    let start = tip(&service);
    let mut deaf = service.connect();
    write!(deaf, "GET /api/v1/events?last_event_id={start} HTTP/1.1\r\nhost: localhost\r\n\r\n").expect("a request");
    let stream = listen(&service);
    for n in 0..200 {
        service.submit(&format!("{n}-{}", "x".repeat(90)));
    }
    assert_eq!(stream.next_commits(200), told(&service.commits()));
}

#[test]
fn streams_end_at_once_when_the_service_stops() {
    let place = Place::new();
    let service = place.serve();
    let streams = [listen(&service), listen(&service), listen(&service)];
    let (status, elapsed, log) = service.stop_with("TERM");
    assert!(status.success() && elapsed < Duration::from_secs(2), "{status} {elapsed:?}\n{log}");
    assert!(!log.contains("were cut off"), "{log}");
    streams.iter().for_each(Stream::assert_over);
}

#[test]
fn streams_that_are_too_many_are_503_and_leave_room_for_others() {
    let place = Place::new();
    let mut command = place.command("sh");
    command.args(["-c", "ulimit -n 80; exec \"$@\"", "sh", crate::common::BINARY, "serve", "--repo"]).arg(place.repo());
    command.args(["--listen", "127.0.0.1:0", "--log-format", "json"]);
    let service = place.start(&mut command).expect("a service");
    // Half of the connections that a process with 80 files has.
    let mut streams: Vec<_> = (0..10).map(|_| listen(&service)).collect();
    let refused = service.get("/api/v1/events");
    assert_eq!(refused.header("retry-after"), "5");
    refused.problem(503);
    let metrics = String::from_utf8(service.get("/metrics").body).expect("text");
    assert!(metrics.contains("golive_event_streams 10\n"), "{metrics}");
    streams.pop();
    // The client sees that nobody reads when it hears of something.
    service.submit("all-the-same");
    service.wait_until("the place is free", || service.send("HEAD", "/api/v1/events", &[], []).status == 200);
}

#[test]
fn parameters_that_are_not_right_are_422() {
    let place = Place::new();
    let service = place.serve();
    for (query, pointer) in
        [("last_event_id=", "?last_event_id"), ("last_event_id=abcdef0", "?last_event_id"), ("since=1", "?since")]
    {
        assert_eq!(service.get(&format!("/api/v1/events?{query}")).pointers(), [pointer], "{query}");
    }
}
