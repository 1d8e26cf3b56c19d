//! Fields that are wrong, in submissions (POST and PUT) and decisions (PATCH):
//! every row is refused with 422, names its field, and changes nothing.

use crate::common::refusals::Refusals;
use crate::common::{Place, decision, submission};
use serde_json::{Map, Value, json};

/// What is wrong with a field, its value (`None`: missing), a part of the sentence.
type Row = (&'static str, Option<Value>, &'static str);

/// What no text field takes.
fn wrong_types() -> Vec<Row> {
    vec![
        ("missing", None, "is missing"),
        ("null", Some(Value::Null), "not null"),
        ("a number", Some(json!(7)), "not a number"),
        ("a fraction", Some(json!(-1.5e300)), "not a number"),
        ("true", Some(json!(true)), "not a boolean"),
        ("an array", Some(json!(["x"])), "not an array"),
        ("an object", Some(json!({"x": "y"})), "not an object"),
    ]
}

/// What no one-line field takes; `valid` is the start of a value that would do.
fn bad_lines(valid: &str) -> Vec<Row> {
    let text = |text: String| Some(Value::String(text));
    let mut rows = wrong_types();
    for (name, blank) in
        [("empty", ""), ("a space", " "), ("a tab", "\t"), ("a line end", "\n"), ("no-break", "\u{a0}")]
    {
        rows.push((name, text(blank.into()), "must not be blank"));
    }
    for (c, part) in [
        ('\0', "control character U+0000"),
        ('\u{1}', "control character U+0001"),
        ('\t', "control character U+0009"),
        ('\n', "control character U+000A"),
        ('\r', "control character U+000D"),
        ('\u{1b}', "control character U+001B"),
        ('\u{7f}', "control character U+007F"),
        ('\u{85}', "control character U+0085"),
        ('\u{9b}', "control character U+009B"),
        ('\u{ad}', "invisible character U+00AD"),
        ('\u{200b}', "invisible character U+200B"),
        ('\u{200e}', "invisible character U+200E"),
        ('\u{2028}', "invisible character U+2028"),
        ('\u{2029}', "invisible character U+2029"),
        ('\u{202e}', "invisible character U+202E"),
        ('\u{2066}', "invisible character U+2066"),
        ('\u{feff}', "invisible character U+FEFF"),
        ('\u{e0041}', "invisible character U+E0041"),
    ] {
        rows.push(("inside", text(format!("{valid}{c}{valid}")), part));
        rows.push(("at the end", text(format!("{valid}{c}")), part));
    }
    for c in [' ', '\u{a0}', '\u{2003}', '\u{3000}'] {
        rows.push(("space before", text(format!("{c}{valid}")), "white space"));
        rows.push(("space after", text(format!("{valid}{c}")), "white space"));
    }
    rows
}

fn bad_submissions() -> Vec<(&'static str, Row)> {
    let mut rows = Vec::new();
    for (field, valid) in [
        ("server_name", "mcp"),
        ("repository_url", "https://github.com/example/known"),
        ("developer_email", "alex@example.com"),
    ] {
        rows.extend(bad_lines(valid).into_iter().map(|row| (field, row)));
    }
    rows.extend(wrong_types().into_iter().map(|row| ("report_data", row)));
    let over = |n: usize| Some(json!("é".repeat(n)));
    let long_email =
        format!("{}@{}.example", "a".repeat(64), ["b".repeat(60), "c".repeat(60), "d".repeat(61)].join("."));
    assert_eq!(long_email.len(), 256);
    rows.extend([
        ("server_name", ("256 characters", over(256), "at most 255 characters, has 256")),
        ("repository_url", ("501 characters", Some(json!(url_of(501))), "at most 500 characters, has 501")),
        ("developer_email", ("256 characters", Some(json!(long_email)), "at most 255 characters, has 256")),
        ("report_data", ("empty", Some(json!("")), "must not be empty")),
        ("report_data", ("NUL", Some(json!("a\0b")), "U+0000")),
    ]);
    for url in BAD_URLS {
        rows.push(("repository_url", (url, Some(json!(url)), "")));
    }
    for email in BAD_EMAILS {
        rows.push(("developer_email", (email, Some(json!(email)), "must be an e-mail address")));
    }
    rows
}

const BAD_URLS: [&str; 45] = [
    "https://me@github.com/a/b",
    "https://me:secret@github.com/a/b",
    "https://:@github.com/a/b",
    "https://github.com@evil.example/a/b",
    "ssh://me:secret@github.com/a/b",
    "ssh://@github.com/a/b",
    "me:secret@github.com:a/b",
    "https://github.com/a/b?x=1",
    "https://github.com/a/b?",
    "https://github.com/a/b#readme",
    "https://github.com/a/b#",
    "https:///a/b",
    "https://",
    "https://:8443/a/b",
    "https://github.com",
    "https://github.com/",
    "https://github.com/a//b",
    "https://github.com/a/b//",
    "https://git.acme.example/a/./b",
    "https://git.acme.example/a/../b",
    "https://git.acme.example/a/%2e%2E/b",
    "git@git.acme.example:../../etc/passwd",
    "https://git.acme.example/a%2Fb",
    "https://git.acme.example/a%5Cb",
    "https://git.acme.example/a/%00",
    "https://git.acme.example/a/%0a",
    "https://git.acme.example/a/%4",
    "https://git.acme.example/a/%zz",
    "https://git.acme.example/a/.git",
    "https://github.com/a b/c",
    "ftp://github.com/a/b",
    "git://github.com/a/b",
    "file:///srv/git/a",
    "javascript:alert(1)",
    "data:text/html,hello",
    "https:/github.com/a/b",
    "//github.com/a/b",
    "github.com/a/b",
    "/srv/git/a",
    "C:\\git\\a",
    "https:\\\\github.com\\a\\b",
    "https://git.acme.example:99999/a/b",
    "https://git.acme.example:http/a/b",
    "https://[::zz]/a/b",
    "https://gïthub.com/a/b",
];

const BAD_EMAILS: [&str; 13] = [
    "alex",
    "@example.com",
    "alex@",
    "alex@example.com@example.com",
    "alex smith@example.com",
    "Alex <alex@example.com>",
    "<alex@example.com>",
    "alex@example..com",
    "alex@-example.com",
    "alex@example.com.",
    "alex@example.com,b@example.com",
    "mailto:alex@example.com",
    "álex@example.com",
];

fn bad_decisions() -> Vec<(&'static str, Row)> {
    let mut rows: Vec<_> = bad_lines("Morgan").into_iter().map(|row| ("reviewed_by", row)).collect();
    rows.push(("reviewed_by", ("256 characters", Some(json!("é".repeat(256))), "at most 255 characters, has 256")));
    rows.extend(wrong_types().into_iter().map(|row| ("status", row)));
    for word in
        ["", "all", "approve", "Approved", "APPROVED", " approved", "approved\n", "pending", "pending-review", "0"]
    {
        rows.push(("status", (word, Some(json!(word)), "must be one of `pending_review`, `approved`, `rejected`")));
    }
    // Notes may be left out or null.
    rows.extend(wrong_types().into_iter().skip(2).map(|row| ("review_notes", row)));
    rows.extend([
        ("review_notes", ("NUL", Some(json!("a\0b")), "U+0000")),
        ("review_notes", ("32 KiB + 1", Some(json!("x".repeat(32 * 1024 + 1))), "at most 32768 bytes")),
        ("review_notes", ("over 32 KiB of UTF-8", Some(json!("é".repeat(16 * 1024 + 1))), "at most 32768 bytes")),
    ]);
    rows
}

/// Returns `body` with one field set, or without it.
fn with(mut body: Value, field: &str, value: Option<&Value>) -> Value {
    let members = body.as_object_mut().expect("an object");
    match value {
        Some(value) => members.insert(field.into(), value.clone()),
        None => members.remove(field),
    };
    body
}

/// A valid URL of `n` characters.
fn url_of(n: usize) -> String {
    let start = "https://git.acme.example/team/";
    format!("{start}{}", "x".repeat(n - start.len()))
}

#[test]
fn each_wrong_field_of_a_submission_is_named_and_nothing_changes() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    for (field, (name, value, part)) in bad_submissions() {
        let pointer = format!("#/{field}");
        let answer = service.post(&with(submission("new"), field, value.as_ref()));
        refusals.check(&format!("POST {field} {name} {part}"), &answer, 422, &[&pointer], part);
        let answer = service.put(&id, &with(submission("known"), field, value.as_ref()));
        refusals.check(&format!("PUT {field} {name} {part}"), &answer, 422, &[&pointer], part);
    }
    refusals.end();
}

#[test]
fn each_wrong_field_of_a_decision_is_named_and_nothing_changes() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    for (field, (name, value, part)) in bad_decisions() {
        let answer = service.patch(&id, &with(decision("approved", "fine"), field, value.as_ref()));
        refusals.check(&format!("{field} {name} {part}"), &answer, 422, &[&format!("#/{field}")], part);
    }
    refusals.end();
}

#[test]
fn fields_that_are_not_the_clients_to_set_are_refused() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    let other_id = json!("0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10");
    let of_submissions = [
        ("id", other_id.clone(), "#/id"),
        ("status", json!("approved"), "#/status"),
        ("status", json!("pending_review"), "#/status"),
        ("revision", json!(7), "#/revision"),
        ("submitted_at", json!("2020-01-01T00:00:00Z"), "#/submitted_at"),
        ("reviewed_at", Value::Null, "#/reviewed_at"),
        ("reviewed_by", json!("Morgan"), "#/reviewed_by"),
        ("review_notes", json!("fine"), "#/review_notes"),
        ("Server_Name", json!("x"), "#/Server_Name"),
        ("__proto__", json!({"status": "approved"}), "#/__proto__"),
        ("a/b~c", json!(1), "#/a~1b~0c"),
        ("", json!(1), "#/"),
    ];
    for (field, value, pointer) in &of_submissions {
        let answer = service.post(&with(submission("new"), field, Some(value)));
        refusals.check(&format!("POST {field}"), &answer, 422, &[pointer], "remove it");
        let answer = service.put(&id, &with(submission("known"), field, Some(value)));
        refusals.check(&format!("PUT {field}"), &answer, 422, &[pointer], "remove it");
    }
    let of_decisions = [
        ("id", other_id),
        ("revision", json!(7)),
        ("reviewed_at", json!("2020-01-01T00:00:00Z")),
        ("report_data", json!("x")),
    ];
    for (field, value) in &of_decisions {
        let answer = service.patch(&id, &with(decision("approved", "fine"), field, Some(value)));
        refusals.check(&format!("PATCH {field}"), &answer, 422, &[&format!("#/{field}")], "remove it");
    }
    refusals.end();
}

#[test]
fn all_faults_of_a_request_are_named_at_once() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    let body = json!({
        "server_name": 7, "repository_url": "https://me@github.com/a/b", "developer_email": " ", "report_data": "",
        "id": "x", "status": "approved", "revision": 2,
    });
    let pointers = ["server_name", "repository_url", "developer_email", "report_data", "id", "status", "revision"];
    let pointers = pointers.map(|field| format!("#/{field}"));
    let pointers: Vec<_> = pointers.iter().map(String::as_str).collect();
    refusals.check("POST", &service.post(&body), 422, &pointers, "");
    refusals.check("PUT", &service.put(&id, &body), 422, &pointers, "");
    refusals.check("POST {}", &service.post(&Value::Object(Map::new())), 422, &pointers[..4], "is missing");
    let body = json!({"status": "fine", "reviewed_by": "a\u{202e}b", "review_notes": 5, "id": "x", "revision": 2});
    let pointers = ["#/status", "#/reviewed_by", "#/review_notes", "#/id", "#/revision"];
    refusals.check("PATCH", &service.patch(&id, &body), 422, &pointers, "");
    refusals.check("PATCH {}", &service.patch(&id, &json!({})), 422, &pointers[..2], "is missing");
    refusals.end();
}

#[test]
fn values_at_the_limits_are_accepted_as_they_are() {
    let place = Place::new();
    let service = place.serve();
    let email = format!("{}@{}.example", "a".repeat(64), ["b".repeat(60), "c".repeat(60), "d".repeat(60)].join("."));
    assert_eq!(email.len(), 255);
    let rows = [
        ("server_name", "x".to_owned()),
        ("server_name", "é".repeat(255)),
        ("server_name", "🦀".repeat(255)),
        ("server_name", "two  words".to_owned()),
        ("repository_url", url_of(500)),
        ("repository_url", "git@git.acme.example:x".to_owned()),
        ("developer_email", email),
        ("developer_email", "a@localhost".to_owned()),
        ("report_data", "\n".to_owned()),
    ];
    for (n, (field, value)) in rows.into_iter().enumerate() {
        let body = with(submission(&format!("limit-{n}")), field, Some(&json!(value)));
        let answer = service.post(&body);
        assert_eq!(answer.status, 201, "{field} {value}: {answer:?}");
        let answer = service.get(answer.header("location")).json();
        assert_eq!(answer[field], value);
    }
    let id = service.submit("decided");
    for (field, value) in [
        ("reviewed_by", json!("é".repeat(255))),
        ("review_notes", json!("x".repeat(32 * 1024))),
        ("review_notes", json!("")),
        ("review_notes", Value::Null),
    ] {
        let answer = service.patch(&id, &with(decision("approved", "fine"), field, Some(&value)));
        assert_eq!(answer.status, 200, "{field} {value}: {answer:?}");
        assert_eq!(service.get(&format!("/api/v1/reports/{id}")).json()[field], value);
    }
}
