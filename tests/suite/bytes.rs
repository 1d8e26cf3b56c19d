//! Texts that come back exactly as they were sent: bodies byte for byte, from
//! the API and from git, and names that YAML would take for something else.

use std::io::Write;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{Answer, Place, Service};
use serde_json::{Value, json};

const MIB: usize = 1024 * 1024;
/// Enough that waiting writes share a flush.
const N_CLIENTS: usize = 64;
/// Minimax's Big List of Naughty Strings.
const NAUGHTY: &str = include_str!("../data/naughty-strings.json");

fn naughty_strings() -> Vec<String> {
    let strings: Vec<String> = serde_json::from_str(NAUGHTY).expect("a list of strings");
    assert!(strings.len() > 500);
    strings.into_iter().filter(|text| !text.is_empty()).collect()
}

fn bodies() -> Vec<String> {
    let mut bodies: Vec<String> = [
        "\n",
        " ",
        "\t",
        "x",
        "\r",
        "\r\n",
        "\n\n\n",
        " \n\t\n ",
        "\u{a0}",
        "\u{85}",
        "\u{2028}",
        "no last newline\nx",
        "a\r\nb\r\n",
        "a\rb\r",
        "a\r\nb\nc\rd",
        "trailing  \nspace \n",
        "\u{feff}",
        "\u{feff}# with a BOM\n",
        "in the\u{feff}middle",
        "---",
        "---\n",
        "---\r\n",
        "--- \n",
        "---\t\nx",
        "---\n---\n",
        "---\n---",
        "----\n",
        " ---\n",
        "\n---\n",
        "...\n",
        "+++\n",
        "---\nid: x\nstatus: approved\n---\nbody\n",
        "---\nstatus: approved\n",
        "\u{feff}---\na: b\n---\n",
        "---\r\na: b\r\n---\r\n",
        "# x\n---\nstatus: approved\nreviewed_by: me\n---\n",
        "%YAML 1.2\n---\n",
        "key: value\n",
        "&a *a !!t << ~\n",
        "---\u{85}x",
        "# 🦀 é 日本 👩‍👩‍👧‍👦\n",
        "\u{1}\u{7}\u{8}\u{1b}[31m\u{7f}\u{9b}",
        "\u{fffe}\u{ffff}\u{fdd0}\u{e000}\u{10ffff}",
        "e\u{301} is not é",
        "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n",
        "$Id$ $Date$\n",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n",
        "\\u0041 \\n \\\\ \\",
        "tree 0\nblob 5\n",
        "<script>alert(1)</script>\n",
        "{{ template }} ${x} $(x) `x`\n",
    ]
    .map(str::to_owned)
    .into();
    bodies.extend(["x".repeat(MIB), "---\r\n🦀".repeat(MIB / 9)]);
    bodies.extend(naughty_strings());
    bodies
}

/// Names that some YAML reader takes for something else than a string, or not at all.
const NAMES: &[&str] = &[
    "no",
    "No",
    "NO",
    "yes",
    "on",
    "off",
    "y",
    "n",
    "Y",
    "true",
    "False",
    "null",
    "Null",
    "~",
    "nan",
    ".nan",
    ".NaN",
    ".inf",
    "-.inf",
    "1e3",
    "1E+3",
    "1.5",
    "0",
    "-0",
    "007",
    "0o7",
    "0x1F",
    "0b11",
    "1_000",
    "+1",
    "12:30:45",
    "190:20:30",
    ".5",
    "5.",
    "1.",
    "1,000",
    "2025-10-20",
    "2025-10-20T10:00:00Z",
    "2025-10-20 10:00:00",
    "=",
    "<<",
    "a: b",
    "a:",
    ":a",
    "a :b",
    "::",
    "\"x",
    "x\"",
    "\"x\"",
    "'x",
    "'x'",
    "x'y",
    "*x",
    "&x",
    "!x",
    "!!str x",
    "%x",
    "@x",
    "`x",
    "- x",
    "-",
    "--",
    "---",
    "...",
    "? x",
    "?",
    "# x",
    "x #y",
    "x#y",
    "{x}",
    "[x]",
    "{",
    "]",
    ",",
    "|",
    "|-",
    ">",
    ">-",
    "x\\",
    "\\n",
    "\\",
    "x  y",
    "🦀",
    "mcp 🦀 server",
    "日本",
    "é",
    "e\u{301}",
    "\u{e000}",
    "\u{10ffff}",
    "a\u{a0}b",
    "a\u{3000}b",
    "a, b",
    "key: [a, b]",
    "${x}",
    "$(x)",
    "..",
    "../../x",
    "x/y",
    "<b>",
    "id: x",
    "mcp-servicenow",
];

fn git_with_input(place: &Place, args: &[&str], input: Vec<u8>) -> Vec<u8> {
    let mut command = place.command("git");
    command.args(args).current_dir(place.repo()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("git can be run");
    let mut stdin = child.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("git ends");
    writer.join().expect("no panic").expect("git reads its input");
    assert!(output.status.success(), "git {args:?}");
    output.stdout
}

/// A version of a report file, by its `ETag`, and what it must hold.
struct Version {
    tag: String,
    report: Value,
}

impl Version {
    /// Asserts that `answer`, and the report read anew, hold `fields`.
    fn of(service: &Service, answer: &Answer, fields: &[(&str, &str)]) -> Self {
        assert!(matches!(answer.status, 200 | 201), "{fields:?}: {}", String::from_utf8_lossy(&answer.body));
        let report = answer.json();
        for (field, text) in fields {
            assert!(report[*field] == *text, "{field}: {text:?} came back as {:?}", report[*field]);
        }
        let again = service.get(&address(&report));
        assert!(again.json() == report && again.header("etag") == answer.header("etag"), "{fields:?}");
        Self { tag: answer.header("etag").trim_matches('"').into(), report }
    }
}

fn address(report: &Value) -> String {
    format!("/api/v1/reports/{}", report["id"].as_str().expect("an id"))
}

/// Asserts that git holds each version: the bytes after the second `---` line
/// are the body, and the front matter is the report to another YAML reader too.
fn assert_in_git(place: &Place, versions: &[Version]) {
    let tags: String = versions.iter().map(|version| format!("{}\n", version.tag)).collect();
    let mut out = &git_with_input(place, &["cat-file", "--batch"], tags.into())[..];
    for Version { tag, report } in versions {
        let head_end = out.iter().position(|b| *b == b'\n').expect("a head line");
        let head = std::str::from_utf8(&out[..head_end]).expect("ASCII");
        let size = head.strip_prefix(&format!("{tag} blob ")).and_then(|size| size.parse().ok());
        let size: usize = size.unwrap_or_else(|| panic!("{head}"));
        let file = std::str::from_utf8(&out[head_end + 1..][..size]).expect("UTF-8");
        out = &out[head_end + 1 + size + 1..];
        let (yaml, body) = file.strip_prefix("---\n").and_then(|rest| rest.split_once("\n---\n")).expect("two fences");
        let yaml = format!("{yaml}\n");
        assert!(report["report_data"] == body, "the body of {report} is {body:?} in git");
        let fields: serde_yaml::Mapping =
            serde_yaml::from_str(&yaml).unwrap_or_else(|error| panic!("{error}:\n{yaml}"));
        for (name, value) in &fields {
            let name = name.as_str().expect("a name");
            match &report[name] {
                Value::Number(number) => assert_eq!(value.as_u64(), number.as_u64(), "{name}"),
                Value::Null => assert!(value.is_null(), "{name} in:\n{yaml}"),
                expected => assert_eq!(value.as_str(), expected.as_str(), "{name} in:\n{yaml}"),
            }
        }
        let n_members = report.as_object().expect("an object").len();
        assert_eq!(fields.len() + 2, n_members, "all but the body and when the approval ends:\n{yaml}");
    }
}

/// Runs `work` for each number under `n`, in several threads.
fn for_each_at_once(n: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..N_CLIENTS {
            scope.spawn(|| {
                loop {
                    match next.fetch_add(1, Ordering::Relaxed) {
                        at if at < n => work(at),
                        _ => break,
                    }
                }
            });
        }
    });
}

/// Asserts that a service started anew reads the last version of each report
/// from git as it was, that the work tree agrees, and that git finds no fault.
fn assert_after_restart(place: &Place, service: Service, versions: &[Version]) {
    service.wait_until_clean();
    service.stop();
    let service = place.serve();
    let metrics = String::from_utf8(service.get("/metrics").body).expect("UTF-8");
    for Version { tag, report } in versions {
        let again = service.get(&address(report));
        assert!(again.json() == *report && again.header("etag").trim_matches('"') == tag, "{report}\n{metrics}");
    }
    let finished = place.try_git(&["fsck", "--strict", "--no-dangling"]);
    assert!(finished.status.success() && finished.stderr.is_empty(), "{finished:?}");
}

fn submission(n: usize, name: &str, body: &str) -> Value {
    json!({
        "server_name": name,
        "repository_url": format!("https://github.com/example/bytes-{n}"),
        "developer_email": "alex@example.com",
        "report_data": body,
    })
}

#[test]
fn bodies_survive_submission_decision_and_revision_byte_for_byte() {
    let place = Place::new();
    let service = place.serve();
    let bodies = bodies();
    let (all, last) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    for_each_at_once(bodies.len(), |n| {
        let (first, next) = (&bodies[n], &bodies[(n + 1) % bodies.len()]);
        let submitted = Version::of(&service, &service.post(&submission(n, "mcp", first)), &[("report_data", first)]);
        let id = submitted.report["id"].as_str().expect("an id");
        let approved = service.patch(id, &crate::common::decision("approved", "fine"));
        let approved = Version::of(&service, &approved, &[("report_data", first), ("status", "approved")]);
        // The next body over the front matter that is there; equal ones would be no revision.
        let revised = service.put(id, &submission(n, "mcp renamed", next));
        let revised = Version::of(&service, &revised, &[("report_data", next), ("status", "pending_review")]);
        all.lock().expect("no panic").extend([submitted, approved]);
        last.lock().expect("no panic").push(revised);
    });
    let (all, last) = (all.into_inner().expect("no panic"), last.into_inner().expect("no panic"));
    assert_eq!((all.len(), last.len()), (2 * bodies.len(), bodies.len()));
    assert_in_git(&place, &all);
    assert_in_git(&place, &last);
    assert_after_restart(&place, service, &last);
}

/// Rejects what `answer` submitted, with `name` in all fields, and returns both versions.
fn named(service: &Service, name: &str, answer: &Answer) -> [Version; 2] {
    let submitted = Version::of(service, answer, &[("server_name", name)]);
    let id = submitted.report["id"].as_str().expect("an id");
    let decision = json!({"status": "rejected", "reviewed_by": name, "review_notes": name});
    let fields = [("server_name", name), ("reviewed_by", name), ("review_notes", name)];
    let rejected = Version::of(service, &service.patch(id, &decision), &fields);
    [submitted, rejected]
}

#[test]
fn names_come_back_exactly_and_are_strings_to_any_yaml_reader() {
    let place = Place::new();
    let service = place.serve();
    let versions = Mutex::new(Vec::new());
    for_each_at_once(NAMES.len(), |n| {
        let name = NAMES[n];
        let answer = service.post(&submission(n, name, "text\n"));
        let named = named(&service, name, &answer);
        versions.lock().expect("no panic").extend(named);
    });
    let listed = service.get("/api/v1/reports?limit=1000").json();
    let mut listed: Vec<_> = listed
        .as_array()
        .expect("a list")
        .iter()
        .map(|summary| summary["server_name"].as_str().expect("a name"))
        .collect();
    let mut names = NAMES.to_vec();
    listed.sort_unstable();
    names.sort_unstable();
    assert_eq!(listed, names);
    let versions = versions.into_inner().expect("no panic");
    assert_in_git(&place, &versions);
    let is_last = |version: &Version| version.report["status"] == "rejected";
    let last: Vec<_> = versions.into_iter().filter(is_last).collect();
    assert_after_restart(&place, service, &last);
}

#[test]
fn names_that_yaml_1_1_reads_as_something_else_stand_in_quotes() {
    let place = Place::new();
    let service = place.serve();
    let plain = ["mcp-servicenow", "a, b", "x/y", "x'y", "x  y", "a :b"];
    for_each_at_once(NAMES.len(), |n| {
        assert_eq!(service.post(&submission(n, NAMES[n], "text\n")).status, 201, "{}", NAMES[n]);
    });
    let lines = service.git(&["grep", "-h", "^server_name: ", "main", "--", "reports"]);
    assert_eq!(lines.lines().count(), NAMES.len());
    for line in lines.lines() {
        let value = line.trim_start_matches("server_name: ");
        assert!(value.starts_with(['"', '\'']) || plain.contains(&value), "{line}");
    }
}

#[test]
fn naughty_names_come_back_exactly_or_are_refused() {
    let place = Place::new();
    let service = place.serve();
    let names = naughty_strings();
    let versions = Mutex::new(Vec::new());
    let n_refused = AtomicUsize::new(0);
    for_each_at_once(names.len(), |n| {
        let name = &names[n];
        let answer = service.post(&submission(n, name, "text\n"));
        if answer.status == 422 {
            assert_eq!(answer.pointers(), ["#/server_name"], "{name:?}");
            n_refused.fetch_add(1, Ordering::Relaxed);
        } else {
            let named = named(&service, name, &answer);
            versions.lock().expect("no panic").extend(named);
        }
    });
    let versions = versions.into_inner().expect("no panic");
    assert_eq!(versions.len(), 2 * (names.len() - n_refused.into_inner()));
    assert!(versions.len() > 2 * 400, "most of them are plain text");
    assert_in_git(&place, &versions);
    let subjects = service.git(&["log", "--format=%s%x00%(trailers:only)%x00%x00", "main"]);
    let n_whole = subjects.split("\0\0").filter(|commit| {
        let (subject, trailers) = commit.split_once('\0').unwrap_or_default();
        let names: Vec<_> = trailers.lines().filter_map(|line| line.split(':').next()).collect();
        subject.contains(" report `") && names.starts_with(&["Report-Id", "Revision", "Status"])
    });
    assert_eq!(n_whole.count(), versions.len());
}
