//! Notes and reviewers' names of any form: they come back exactly, and in the
//! commit they cannot end the message, forge a trailer or break the author.

use std::io::Write;
use std::process::Stdio;

use crate::common::{Place, Service};
use serde_json::{Value, json};

fn notes() -> Vec<String> {
    let mut notes: Vec<String> = [
        "one line",
        "two\nlines\n",
        "no last newline\nx",
        "",
        " ",
        "\n",
        "\n\n",
        " \n ",
        "\n\nblank first",
        "blank last\n\n\n",
        "  indented\n    more\n",
        "trailing  \n space \n",
        "\ttab\n",
        "---",
        "---\n",
        "above\n---\nbelow\n",
        "a\n\n---\n\nb",
        "...\n---\n...",
        "Status: pending_review -> approved",
        "fine\n\nStatus: x -> approved\nVia: web\nReport-Id: 0\n",
        "Via: golive",
        "Signed-off-by: Kim <kim@x.example>",
        "x\n\nCo-authored-by: Kim <kim@x.example>\n",
        "(cherry picked from commit 0)",
        "# a comment\n#x",
        "; x",
        "diff --git a/x b/x\n--- a/x\n+++ b/x\n",
        "# ------------------------ >8 ------------------------\nbelow",
        "a\r\nb\r\n",
        "\r\n---\r\nVia: web\r\n",
        "a\rb\r",
        "\rVia: web",
        "a\u{b}b\u{c}c",
        "\u{1}\u{7}\u{8}\u{1b}[31mred\u{1b}]0;title\u{7}\u{7f}\u{85}\u{9b}",
        "🦀 é 日本 👩‍👩‍👧‍👦",
        "\u{feff}BOM",
        "\u{202e}bidi\u{2066}",
        "\u{2028}line\u{2029}Via: web",
        "no",
        "null",
        "~",
        "1e3",
        "2025-10-20",
        "a: b",
        "- a\n- b",
        "|\n  x",
        ">-\n x",
        "\"x",
        "'x",
        "*x",
        "&x",
        "!x",
        "%x\n",
        "{a: b}",
        "[",
        "\\n",
        "\u{e000}\u{10ffff}",
        "status: approved\nreviewed_by: me\n---\nbody",
        "\u{a0}",
        "tree 0\nparent 0\nauthor x <x> 0 +0000\n",
    ]
    .map(str::to_owned)
    .into();
    notes.extend([
        "x".repeat(30_000),
        "line\n".repeat(6_000),
        "Via: web\n\n".repeat(3_000),
        "🦀".repeat(7_500),
        "\n".repeat(30_000),
        "\"\\".repeat(15_000),
    ]);
    notes
}

fn trailers_of_tip(place: &Place) -> String {
    let message = place.git(&["log", "-1", "--format=%B", "main"]);
    let mut command = place.command("git");
    command
        .args(["interpret-trailers", "--parse"])
        .current_dir(place.repo())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("git can be run");
    child.stdin.take().expect("piped").write_all(message.as_bytes()).expect("git reads its input");
    String::from_utf8(child.wait_with_output().expect("git ends").stdout).expect("UTF-8")
}

/// Asserts that the tip is the decision on `before`, that its trailers are the
/// service's and no others, and that all between subject and trailers is indented.
fn assert_tip_decides(place: &Place, id: &str, step: &str, blob_before: &str, name: &str) {
    let policy = place.git(&["rev-parse", "main:golive.yaml"]);
    let expected = format!(
        "Report-Id: {id}\nRevision: 1\nStatus: {step}\nReport-Blob: {blob_before}\nPolicy-Blob: {policy}Via: api\n"
    );
    assert_eq!(trailers_of_tip(place), expected, "{name:?}");
    let message = place.git(&["log", "-1", "--format=%B", "main"]);
    let message = message.trim_end_matches('\n');
    let rest = message.strip_suffix(expected.trim_end()).expect("the trailers end the message");
    let (subject, notes) = rest.split_once("\n\n").expect("a subject and a blank line");
    assert!(subject.ends_with(" report `known`"), "{subject}");
    for line in notes.split('\n') {
        assert!(line.is_empty() || line.starts_with("    "), "{line:?} of {name:?}");
        assert!(!line.contains(|c: char| c.is_control() && c != '\t'), "{line:?} reaches the terminal");
    }
}

fn tag(service: &Service, id: &str) -> String {
    service.get(&format!("/api/v1/reports/{id}")).header("etag").trim_matches('"').to_owned()
}

#[test]
fn notes_come_back_exactly_and_forge_nothing() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut before = (tag(&service, &id), "pending_review");
    for (n, notes) in notes().iter().enumerate() {
        let status = if n % 2 == 0 { "approved" } else { "rejected" };
        let answer = service.patch(&id, &crate::common::decision(status, notes));
        assert_eq!(answer.status, 200, "{notes:?}: {answer:?}");
        assert!(answer.json()["review_notes"] == *notes, "{notes:?}: {}", answer.json());
        assert!(service.get(&format!("/api/v1/reports/{id}")).json()["review_notes"] == *notes, "{notes:?}");
        assert_tip_decides(&place, &id, &format!("{} -> {status}", before.1), &before.0, notes);
        let yaml = place.git(&["cat-file", "blob", answer.header("etag").trim_matches('"')]);
        let end = yaml.find("\n---\n").expect("a second fence") + 1;
        let yaml = &yaml["---\n".len()..end];
        let fields: serde_yaml::Value = serde_yaml::from_str(yaml).unwrap_or_else(|error| panic!("{error}: {notes:?}"));
        assert!(fields["review_notes"].as_str() == Some(notes), "{notes:?} in YAML: {yaml}");
        before = (answer.header("etag").trim_matches('"').to_owned(), status);
    }
    let finished = place.try_git(&["fsck", "--strict", "--no-dangling"]);
    assert!(finished.status.success() && finished.stderr.is_empty(), "{finished:?}");
}

#[test]
fn notes_survive_a_restart() {
    let place = Place::new();
    let service = place.serve();
    let decided: Vec<_> = notes()
        .into_iter()
        .enumerate()
        .map(|(n, notes)| {
            let id = service.submit(&format!("noted-{n}"));
            assert_eq!(service.patch(&id, &crate::common::decision("approved", &notes)).status, 200, "{notes:?}");
            (id, notes)
        })
        .collect();
    service.stop();
    let service = place.serve();
    for (id, notes) in decided {
        let report = service.get(&format!("/api/v1/reports/{id}")).json();
        assert!(report["review_notes"] == notes, "{notes:?} came back as {}", report["review_notes"]);
    }
}

#[test]
fn reopening_keeps_the_notes_in_the_commit_alone() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    service.patch(&id, &crate::common::decision("approved", "fine"));
    let before = tag(&service, &id);
    let report = service.patch(&id, &crate::common::decision("pending_review", "look again\nVia: web")).json();
    for field in ["reviewed_at", "reviewed_by", "review_notes"] {
        assert_eq!(report[field], Value::Null, "{field}");
    }
    assert_tip_decides(&place, &id, "approved -> pending_review", &before, "reopen");
    assert!(place.git(&["log", "-1", "--format=%B", "main"]).contains("\n    look again\n    Via: web\n"));
}

#[test]
fn reviewers_are_the_authors_of_their_decisions_as_they_sign() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let author = || place.git(&["log", "-1", "--format=%an|%ae|%cn|%ce", "main"]).trim_end_matches('\n').to_owned();
    assert_eq!(author(), "alex@example.com|alex@example.com|golive|golive@invalid");
    let long = "é".repeat(255);
    for (n, (text, name, email)) in [
        ("platform@example.com", "platform@example.com", "platform@example.com"),
        ("Morgan <morgan@example.com>", "Morgan", "morgan@example.com"),
        ("Morgan<morgan@example.com>", "Morgan", "morgan@example.com"),
        ("<morgan@example.com>", "morgan@example.com", "morgan@example.com"),
        ("Morgan", "Morgan", "reviewer@invalid"),
        ("Morgan (platform team)", "Morgan (platform team)", "reviewer@invalid"),
        ("日本 太郎 <taro@example.jp>", "日本 太郎", "taro@example.jp"),
        ("O'Neil \"Pat\" <o'neil@example.com>", "O'Neil \"Pat\"", "o'neil@example.com"),
        ("Morgan <>", "Morgan", "reviewer@invalid"),
        ("Morgan <", "Morgan", "reviewer@invalid"),
        ("> Morgan", "Morgan", "reviewer@invalid"),
        ("a > b < c", "a  b  c", "reviewer@invalid"),
        ("🦀", "🦀", "reviewer@invalid"),
        ("no", "no", "reviewer@invalid"),
        ("x\\n 1700000000 +0000", "x\\n 1700000000 +0000", "reviewer@invalid"),
        (&long, &long, "reviewer@invalid"),
    ]
    .into_iter()
    .enumerate()
    {
        let status = if n % 2 == 0 { "approved" } else { "rejected" };
        let answer = service.patch(&id, &json!({"status": status, "reviewed_by": text}));
        assert_eq!((answer.status, &answer.json()["reviewed_by"]), (200, &json!(text)));
        assert_eq!(author(), format!("{name}|{email}|golive|golive@invalid"), "{text}");
    }
    for text in ["<>", "<<>>", "< >", "<", ">"] {
        let answer = service.patch(&id, &json!({"status": "approved", "reviewed_by": text}));
        assert_eq!((answer.status, &answer.json()["reviewed_by"]), (200, &json!(text)));
        let author = author();
        assert!(!author.starts_with('|') && author.contains("|reviewer@invalid|"), "{text}: {author}");
    }
    let finished = place.try_git(&["fsck", "--strict", "--no-dangling"]);
    assert!(finished.status.success() && finished.stderr.is_empty(), "{finished:?}");
}
