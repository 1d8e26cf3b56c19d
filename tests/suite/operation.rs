//! What operators rely on: an orderly end, a log that tells enough and nothing
//! confidential, metrics and health.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::common::{BINARY, PATIENCE, Place, Service, decision, submission};
use serde_json::{Value, json};

/// A connection by which a request can be sent in pieces.
fn connect(service: &Service) -> TcpStream {
    let stream = TcpStream::connect(service.base.trim_start_matches("http://")).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
    stream
}

fn head(length: usize, more: &str) -> String {
    format!(
        "POST /api/v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{more}\r\n"
    )
}

/// Reads until the head of an answer is there, and returns it.
fn read_head(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        assert_eq!(stream.read(&mut byte).expect("an answer"), 1, "cut off: {}", String::from_utf8_lossy(&bytes));
        bytes.push(byte[0]);
    }
    String::from_utf8(bytes).expect("UTF-8")
}

fn assert_ends_well(signal: &str) {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-one");
    let _silent = connect(&service);
    let mut idle = connect(&service);
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    assert!(read_head(&mut idle).starts_with("HTTP/1.1 200"));
    let mut half_head = connect(&service);
    half_head.write_all(b"POST /api/v1/reports HTTP/1.1\r\nHost: loc").expect("sent");
    let mut half_body = connect(&service);
    half_body.write_all(head(1000, "Expect: 100-continue\r\n").as_bytes()).expect("sent");
    assert!(read_head(&mut half_body).starts_with("HTTP/1.1 100"));
    half_body.write_all(b"{\"server_name\":").expect("sent");
    let (status, elapsed, log) = service.stop_with(signal);
    assert_eq!(status.code(), Some(0), "{signal}\n{log}");
    assert!(elapsed < Duration::from_secs(5), "{signal} took {elapsed:?}");
    assert!(log.contains("\"Stopped\""), "{log}");
    assert!(place.try_git(&["fsck", "--strict"]).status.success());
    assert_eq!(place.git(&["rev-list", "--count", "main"]), "2\n");
    assert_eq!(place.git(&["status", "--porcelain"]), "");
    place.serve().submit("mcp-two");
}

#[test]
fn sigterm_ends_the_service_well_whatever_is_connected() {
    assert_ends_well("TERM");
}

#[test]
fn ctrl_c_ends_the_service_well_whatever_is_connected() {
    assert_ends_well("INT");
}

#[test]
fn a_signal_without_connections_ends_the_service() {
    for signal in ["TERM", "INT"] {
        let place = Place::new();
        let (status, elapsed, log) = place.serve().stop_with(signal);
        assert_eq!(status.code(), Some(0), "{log}");
        assert!(elapsed < Duration::from_secs(2), "{signal} took {elapsed:?}");
    }
}

#[test]
fn requests_in_flight_get_their_answer_and_their_commit() {
    let place = Place::new();
    let service = place.serve();
    let mut in_flight: Vec<_> = (0..8)
        .map(|n| {
            let body = submission(&format!("mcp-{n}")).to_string();
            let mut stream = connect(&service);
            stream.write_all(head(body.len(), "Expect: 100-continue\r\n").as_bytes()).expect("sent");
            // By this the request is known to be under way.
            assert!(read_head(&mut stream).starts_with("HTTP/1.1 100"));
            (stream, body)
        })
        .collect();
    service.signal("TERM");
    let address = service.base.trim_start_matches("http://").to_owned();
    service.wait_until("connections are refused", || TcpStream::connect(&address).is_err());
    let mut commits = HashSet::new();
    for (stream, body) in &mut in_flight {
        stream.write_all(body.as_bytes()).expect("sent");
        let answer = read_head(stream);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        let commit = answer.lines().find_map(|line| line.strip_prefix("golive-commit: ")).expect("a commit");
        commits.insert(commit.to_owned());
    }
    service.stop();
    let service = place.serve();
    let at_tip: HashSet<_> = service.commits().into_iter().collect();
    assert!(commits.len() == 8 && commits.is_subset(&at_tip), "{commits:?}");
    assert_eq!(service.get("/api/v1/reports").header("x-total-count"), "8");
}

fn lines(log: &str) -> Vec<Value> {
    log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn one_line_on_start_says_what_is_served_where() {
    let place = Place::new();
    place.serve().submit("mcp-one");
    let service = place.serve();
    service.submit("mcp-two");
    let tip = service.git(&["rev-parse", "main"]);
    service.stop();
    let service = place.serve();
    let repo = fs::canonicalize(place.repo()).expect("a path");
    let log = lines(&service.log());
    let start = log.iter().find(|line| line["address"].is_string()).expect("a start line");
    assert_eq!(start["address"], service.base.as_str());
    assert_eq!(start["repository"], repo.to_str().expect("UTF-8"));
    assert_eq!(start["reports"], 2);
    assert_eq!(start["tip"], tip.trim());
    service.stop();

    let text = place
        .start(place.command(BINARY).args(["serve", "--listen", "127.0.0.1:0", "--repo", "reports-repo"]))
        .expect("a start");
    let log = text.log();
    for part in [&text.base, repo.to_str().expect("UTF-8"), "2 reports", &tip[..12]] {
        assert!(log.contains(part), "no {part}: {log}");
    }
    assert_eq!(log.lines().count(), 1, "{log}");
    assert!(!log.contains('\u{1b}'), "colours in a file: {log:?}");
}

#[test]
fn log_lines_carry_the_request_id_of_the_answer() {
    let place = Place::new();
    let service = place.serve_with(&["--log", "debug"]);
    let answers = [
        ("POST", 201, service.post(&submission("mcp-one"))),
        ("POST", 422, service.post(&json!({}))),
        ("GET", 200, service.get("/api/v1/reports")),
        ("GET", 404, service.get("/nothing/here")),
        ("GET", 421, service.send("GET", "/healthz", &[("host", "evil.example")], [])),
    ];
    let ids: HashSet<_> = answers.iter().map(|(_, _, answer)| answer.header("x-request-id").to_owned()).collect();
    assert_eq!(ids.len(), answers.len());
    for (method, status, answer) in &answers {
        assert_eq!(answer.status, *status);
        let id = answer.header("x-request-id");
        if *status >= 400 {
            assert_eq!(answer.problem(*status)["request_id"], id);
        }
        service.wait_until("the request is logged", || {
            lines(&service.log()).iter().any(|line| {
                line["request.id"] == id
                    && line["method"] == *method
                    && line["status"] == *status
                    && line["duration_ms"].is_f64()
            })
        });
    }
}

/// Runs whatever handles confidential words, and asserts that the log holds none.
fn assert_log_is_discreet(service: &Service) {
    let mark = |what: &str| format!("zq{what}zq");
    let mut report = submission("mcp-discreet");
    report["report_data"] = json!(format!("# {}\n", mark("body")));
    report["developer_email"] = json!(format!("{}@example.com", mark("developer")));
    let verdict = |status: &str| {
        json!({"status": status, "review_notes": mark("notes"),
            "reviewed_by": format!("{} <{}@example.com>", mark("name"), mark("reviewer"))})
    };
    let answer = service.post(&report);
    let id = answer.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(service.post(&report).status, 409);
    assert_eq!(service.patch(&id, &verdict("approved")).status, 200);
    let patch = format!("/api/v1/reports/{id}/status");
    let stale = [("content-type", "application/json"), ("if-match", "\"zqtagzq\"")];
    assert_eq!(service.send("PATCH", &patch, &stale, verdict("rejected").to_string()).status, 412);
    assert_eq!(service.patch(&id, &verdict("pending_review")).status, 200);
    assert_eq!(service.put(&id, &report).status, 200);
    report["repository_url"] = json!(format!("https://me:{}@github.com/a/b", mark("password")));
    report["developer_email"] = json!(format!("{} no address", mark("developer")));
    assert_eq!(service.put(&id, &report).status, 422);
    assert_eq!(service.post(&report).status, 422);
    assert_eq!(service.patch(&id, &json!({"status": mark("body"), "reviewed_by": "\u{0}zqnamezq"})).status, 422);
    assert_eq!(service.send_json("POST", "/api/v1/reports", &json!(mark("body"))).status / 100, 4);
    let broken = format!("{{\"server_name\": {}", mark("body"));
    assert_eq!(service.send("POST", "/api/v1/reports", &[("content-type", "application/json")], broken).status, 400);
    let authorization = [("authorization", "Bearer zqtokenzq"), ("cookie", "a=zqcookiezq")];
    service.send("GET", "/api/v1/reports?status=zqquery@example.comzq", &authorization, []);
    service.send("GET", "/api/v1/reports/zqpath@example.comzq", &authorization, []);
    // And a file that people broke: its fault is logged, not its words.
    service.wait_until_clean();
    let path = service.git(&["ls-files", "reports"]);
    let file = service.place.repo().join(path.trim());
    let whole = fs::read_to_string(&file).expect("a file");
    for (field, broken) in
        [("status: ", "zqbodyzq"), ("developer_email: ", "zqdeveloper@@example.comzq"), ("reviewed_at: ", "zqnamezq")]
    {
        let broken: Vec<_> = whole
            .lines()
            .map(|line| if line.starts_with(field) { format!("{field}{broken}") } else { line.into() })
            .collect();
        fs::write(&file, broken.join("\n")).expect("written");
        // The service brings the index forward now and then, and has it locked for that.
        service.wait_until("it is committed", || {
            service.place.try_git(&["commit", "-q", "-a", "-m", "zqnoteszq"]).status.success()
        });
        let tip = service.git(&["rev-parse", "main"]);
        service.wait_until("it is taken in", || service.get("/healthz").header("golive-commit") == tip.trim());
        let answer = service.patch(&id, &verdict("approved"));
        assert!(matches!(answer.status, 200 | 409), "{answer:?}");
    }
    service.submit("mcp-last");
    service.wait_until("the last request is logged", || service.log().contains("POST /api/v1/reports 201"));
    for word in
        ["body", "developer", "notes", "name", "reviewer", "password", "tag", "token", "cookie", "query", "path"]
    {
        let log = service.log();
        let line = log.lines().find(|line| line.contains(&format!("zq{word}")));
        assert_eq!(line, None, "{word} is in the log");
    }
    // But for the example in a message.
    assert!(!service.log().replace("like `alex@example.com`", "").contains("@example.com"));
}

#[test]
fn the_json_log_holds_nothing_confidential() {
    let place = Place::new();
    assert_log_is_discreet(&place.serve_with(&["--log", "debug"]));
}

#[test]
fn the_text_log_holds_nothing_confidential() {
    let place = Place::new();
    let mut command = place.command(BINARY);
    command.args(["serve", "--listen", "127.0.0.1:0", "--repo", "reports-repo", "--log", "debug"]);
    assert_log_is_discreet(&place.start(&mut command).expect("a start"));
}

#[test]
fn it_is_alive_and_ready() {
    let place = Place::new();
    let service = place.serve();
    for path in ["/healthz", "/readyz"] {
        let answer = service.get(path);
        assert_eq!((answer.status, answer.body.as_slice()), (200, b"OK".as_slice()), "{path}");
        assert_eq!(service.send("HEAD", path, &[], []).status, 200);
        assert_eq!(service.send_json("POST", path, &json!({})).status, 405);
    }
}

/// A sample of the metrics: its name, labels and value.
struct Sample {
    name: String,
    labels: HashMap<String, String>,
    value: f64,
}

/// Reads OpenMetrics text, strictly.
fn read_metrics(service: &Service) -> Vec<Sample> {
    let answer = service.get("/metrics");
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    let text = String::from_utf8(answer.body).expect("UTF-8");
    let text = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("no end: {text}"));
    let (mut types, mut samples, mut seen) = (HashMap::new(), Vec::new(), HashSet::new());
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let parts: Vec<_> = comment.splitn(3, ' ').collect();
            assert!(matches!(parts[0], "HELP" | "TYPE" | "UNIT"), "{line}");
            if parts[0] == "TYPE" {
                assert!(types.insert(parts[1].to_owned(), parts[2].to_owned()).is_none(), "twice: {line}");
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        assert!(seen.insert(series.to_owned()), "twice: {series}");
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let labels = labels.strip_suffix('}').expect("closed").split("\",").filter(|label| !label.is_empty());
        let labels = labels.map(|label| label.split_once("=\"").expect("a label"));
        let labels = labels.map(|(name, value)| (name.to_owned(), value.trim_end_matches('"').to_owned())).collect();
        let suffixes: &[(&str, &[&str])] =
            &[("counter", &["_total"]), ("gauge", &[""]), ("histogram", &["_bucket", "_sum", "_count"])];
        let is_declared = suffixes.iter().any(|(kind, suffixes)| {
            suffixes.iter().any(|suffix| {
                name.strip_suffix(suffix).and_then(|name| types.get(name)).is_some_and(|found| found == kind)
            })
        });
        assert!(is_declared, "no TYPE before: {line}");
        samples.push(Sample { name: name.into(), labels, value: value.parse().expect("a number") });
    }
    samples
}

/// The sum of the samples that have these labels.
fn sum(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let of_name = samples.iter().filter(|sample| sample.name == name);
    let matching = of_name
        .filter(|sample| labels.iter().all(|(name, value)| sample.labels.get(*name).is_some_and(|v| v == value)));
    matching.map(|sample| sample.value).reduce(|a, b| a + b)
}

#[test]
fn metrics_count_reports_by_status_from_zero() {
    let place = Place::new();
    let service = place.serve();
    let by_status = || {
        let samples = read_metrics(&service);
        ["pending_review", "approved", "rejected"].map(|status| sum(&samples, "golive_reports", &[("status", status)]))
    };
    assert_eq!(by_status(), [Some(0.0); 3]);
    let ids: Vec<_> = (0..4).map(|n| service.submit(&format!("mcp-{n}"))).collect();
    service.patch(&ids[0], &decision("approved", ""));
    service.patch(&ids[1], &decision("rejected", ""));
    assert_eq!(by_status(), [Some(2.0), Some(1.0), Some(1.0)]);
    service.patch(&ids[1], &decision("approved", ""));
    assert_eq!(by_status(), [Some(2.0), Some(2.0), Some(0.0)]);
    service.stop();
    let service = place.serve();
    assert_eq!(sum(&read_metrics(&service), "golive_reports", &[]), Some(4.0));
}

#[test]
fn metrics_tell_of_requests_and_the_writer() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.submit("mcp-two");
    service.post(&submission("mcp-one"));
    service.get(&format!("/api/v1/reports/{id}"));
    service.get(&format!("/api/v1/reports/{id}?email=alex@example.com"));
    service.get(&format!("/{id}/https://github.com/example/mcp-one"));
    let mut brewer = connect(&service);
    brewer
        .write_all(format!("BREW /api/v1/reports/{id} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
        .expect("sent");
    assert!(read_head(&mut brewer).starts_with("HTTP/1.1 405"));
    service.send("GET", "/healthz", &[("host", "evil.example")], []);
    service.patch(&id, &decision("approved", "Well done"));
    let samples = read_metrics(&service);
    let requests = |labels: &[(&str, &str)]| sum(&samples, "golive_http_requests_total", labels);
    let list = ("route", "/api/v1/reports");
    assert_eq!(requests(&[list, ("method", "POST"), ("status", "201")]), Some(2.0));
    assert_eq!(requests(&[list, ("method", "POST"), ("status", "409")]), Some(1.0));
    assert_eq!(requests(&[("route", "/api/v1/reports/{id}"), ("method", "GET"), ("status", "200")]), Some(1.0));
    assert_eq!(requests(&[("route", "/api/v1/reports/{id}"), ("method", "GET"), ("status", "422")]), Some(1.0));
    assert_eq!(requests(&[("status", "404")]), Some(1.0));
    assert_eq!(requests(&[("status", "421")]), Some(1.0));
    let posts = sum(&samples, "golive_http_request_duration_seconds_count", &[list, ("method", "POST")]);
    assert_eq!(posts, Some(3.0));
    assert_eq!(sum(&samples, "golive_write_queue_length", &[]), Some(0.0));
    assert_eq!(sum(&samples, "golive_write_batch_size_sum", &[]), Some(3.0));
    assert_eq!(sum(&samples, "golive_write_flush_duration_seconds_count", &[]), Some(3.0));
    assert!(sum(&samples, "golive_write_flush_duration_seconds_sum", &[]).is_some_and(|sum| sum > 0.0));
    for sample in &samples {
        for value in sample.labels.values() {
            let is_private =
                [id.as_str(), "@", "://", "github", "mcp-", "BREW", "evil"].iter().any(|word| value.contains(word));
            assert!(!is_private, "{}: {value}", sample.name);
        }
    }
}

/// The allocator told of it, before every command.
#[test]
fn command_that_may_use_one_core_says_nothing_else() {
    let place = Place::new();
    let mut command = place.command("taskset");
    command.args(["-c", "0", BINARY, "path", "https://example.com/owner/mcp-one"]);
    let output = command.output().expect("taskset, of util-linux");
    assert!(output.status.success() && output.stdout.starts_with(b"reports/"), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
