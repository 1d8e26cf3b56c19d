//! Bodies that are wrong before any field is read: what is no JSON, of another
//! media type, too large, or cut off. Each gets its problem document, and
//! nothing changes.

use std::io::Write;

use crate::common::refusals::{Refusals, read_answer};
use crate::common::{Place, decision, submission};

const MIB: usize = 1024 * 1024;
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];
/// A report of nobody.
const ABSENT: &str = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";

/// The three calls that take a body.
fn body_calls(id: &str) -> [(&'static str, String); 3] {
    [
        ("POST", "/api/v1/reports".into()),
        ("PUT", format!("/api/v1/reports/{id}")),
        ("PATCH", format!("/api/v1/reports/{id}/status")),
    ]
}

fn member(text: &str) -> Vec<u8> {
    format!(r#"{{"server_name": {text}}}"#).into()
}

fn malformed() -> Vec<(&'static str, Vec<u8>)> {
    let deep = |open: &str, close: &str| [open.repeat(20_000), close.repeat(20_000)].concat();
    let objects = [r#"{"a":"#.repeat(20_000), "1".into(), "}".repeat(20_000)].concat();
    let bytes = |start: &[u8], middle: &[u8], end: &[u8]| [start, middle, end].concat();
    vec![
        ("nothing", Vec::new()),
        ("white space", b" \n".to_vec()),
        ("cut off", br#"{"server_name": "x""#.to_vec()),
        ("comma at the end", br#"{"server_name": "x",}"#.to_vec()),
        ("single quotes", b"{'server_name': 'x'}".to_vec()),
        ("no quotes", b"{server_name: x}".to_vec()),
        ("a comment", br#"{"server_name": "x" /* y */}"#.to_vec()),
        ("NaN", member("NaN")),
        ("a leading zero", member("01")),
        ("two documents", br#"{"a": 1}{"a": 1}"#.to_vec()),
        ("a form", b"server_name=x&status=approved".to_vec()),
        ("YAML", b"server_name: x\n".to_vec()),
        ("UTF-16", "{\"a\": 1}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a NUL after it", b"{\"a\": 1}\0".to_vec()),
        ("a raw line end in a string", member("\"a\nb\"")),
        ("a raw NUL in a string", member("\"a\0b\"")),
        ("an unknown escape", member(r#""\x41""#)),
        ("a lone high surrogate", member(r#""\ud800""#)),
        ("a lone low surrogate", member(r#""\udc00 x""#)),
        ("surrogates the wrong way round", member(r#""\udc00\ud800""#)),
        ("two high surrogates", member(r#""\ud800\ud800""#)),
        ("a lone surrogate in a name", br#"{"\ud800": 1}"#.to_vec()),
        ("invalid UTF-8 in a string", bytes(b"{\"server_name\": \"", b"\xc3\x28", b"\"}")),
        ("a cut-off UTF-8 character", bytes(b"{\"server_name\": \"", b"\xf0\x9f\x98", b"\"}")),
        ("a surrogate in UTF-8", bytes(b"{\"server_name\": \"", b"\xed\xa0\x80", b"\"}")),
        ("an overlong NUL", bytes(b"{\"server_name\": \"", b"\xc0\x80", b"\"}")),
        ("invalid UTF-8 outside", b"\xff{}".to_vec()),
        ("20,000 arrays", deep("[", "]").into()),
        ("20,000 arrays, not closed", "[".repeat(20_000).into()),
        ("20,000 objects", objects.into()),
        ("20,000 arrays in a field", member(&deep("[", "]"))),
        ("20,000 arrays in a field that is not known", format!(r#"{{"x": {}}}"#, deep("[", "]")).into()),
        ("a name twice", br#"{"server_name": "x", "server_name": "x"}"#.to_vec()),
        ("a name twice, in two spellings", br#"{"status": "approved", "st\u0061tus": "rejected"}"#.to_vec()),
    ]
}

#[test]
fn what_is_no_json_is_400_and_changes_nothing() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    for (name, body) in malformed() {
        for (method, path) in body_calls(&id) {
            let answer = service.send(method, &path, JSON, &body);
            refusals.check(&format!("{method} {name}"), &answer, 400, &[], "JSON");
        }
    }
    refusals.end();
}

#[test]
fn json_that_is_no_object_is_422_and_changes_nothing() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    let list = format!("[{}]", submission("new"));
    for body in ["[]", list.as_str(), "\"approved\"", "7", "true", "null"] {
        for (method, path) in body_calls(&id) {
            let answer = service.send(method, &path, JSON, body);
            refusals.check(&format!("{method} {body}"), &answer, 422, &["#"], "object");
        }
    }
    refusals.end();
}

#[test]
fn other_media_types_are_415_and_change_nothing() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    for media_type in [
        "",
        "text/plain",
        "text/json",
        "application/jsonx",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json, text/plain",
        "text/plain; application/json",
        "application",
    ] {
        for (method, path) in body_calls(&id) {
            let body = if method == "PATCH" { decision("approved", "fine") } else { submission("known") };
            let answer = service.send(method, &path, &[("content-type", media_type)], body.to_string());
            refusals.check(&format!("{method} {media_type}"), &answer, 415, &[], "application/json");
        }
    }
    let body = submission("new").to_string();
    let head = format!("POST /api/v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", body.len());
    refusals.check("no media type", &service.raw(&head, body.as_bytes()), 415, &[], "application/json");
    refusals.end();
    for (n, media_type) in ["application/json; charset=utf-8", "Application/JSON"].into_iter().enumerate() {
        let body = submission(&format!("typed-{n}")).to_string();
        assert_eq!(
            service.send("POST", "/api/v1/reports", &[("content-type", media_type)], body).status,
            201,
            "{media_type}"
        );
    }
}

fn head(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n\r\n")
}

#[test]
fn requests_of_30_mb_get_their_answer_and_change_nothing() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    let body = vec![b' '; 30_000_000];
    let mut chunked = Vec::with_capacity(body.len() + 8192);
    for chunk in body.chunks(64 * 1024) {
        chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunked.extend_from_slice(chunk);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let with_length = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
    let in_chunks = "Content-Type: application/json\r\nTransfer-Encoding: chunked";
    let mut check = |name: &str, head: &str, body: &[u8], status: u16| match service.try_raw(head, body) {
        Ok(answer) => refusals.check(name, &answer, status, &[], ""),
        Err(fault) => refusals.note(name, &fault),
    };
    for (method, path) in body_calls(&id) {
        check(&format!("{method} with a length"), &head(method, &path, &with_length), &body, 413);
        check(&format!("{method} in chunks"), &head(method, &path, in_chunks), &chunked, 413);
    }
    let text = with_length.replace("application/json", "text/plain");
    check("another media type", &head("POST", "/api/v1/reports", &text), &body, 415);
    check("an id that is none", &head("PUT", "/api/v1/reports/7", &with_length), &body, 404);
    check("an absent report", &head("PUT", &format!("/api/v1/reports/{ABSENT}"), &with_length), &body, 413);
    check("another address", &head("POST", "/api/v1/rapports", &with_length), &body, 404);
    check("another method", &head("DELETE", "/api/v1/reports", &with_length), &body, 405);
    check(
        "another host",
        &head("POST", "/api/v1/reports", &with_length).replace("localhost", "evil.example"),
        &body,
        421,
    );
    refusals.end();
}

#[test]
fn a_client_that_asks_first_does_not_have_to_send_what_is_too_large() {
    let place = Place::new();
    let service = place.serve();
    let mut refusals = Refusals::of(&service);
    let ask = |length: usize| {
        let more = format!("Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {length}");
        let mut stream = service.connect();
        stream.write_all(head("POST", "/api/v1/reports", &more).as_bytes()).expect("the head is taken");
        stream
    };
    let answer = read_answer(&mut ask(30_000_000)).expect("an answer before the body");
    refusals.check("30 MB", &answer, 413, &[], "");
    refusals.end();

    let body = submission("polite").to_string();
    let mut stream = ask(body.len());
    assert_eq!(read_answer(&mut stream).map(|answer| answer.status), Ok(100));
    stream.write_all(body.as_bytes()).expect("the body is taken");
    assert_eq!(read_answer(&mut stream).map(|answer| answer.status), Ok(201));
}

#[test]
fn a_body_that_breaks_off_changes_nothing() {
    let place = Place::new();
    let service = place.serve();
    let refusals = Refusals::of(&service);
    let body = submission("half").to_string();
    for more in [format!("Content-Length: {}", body.len() + 1), "Transfer-Encoding: chunked".into()] {
        let head = head("POST", "/api/v1/reports", &format!("Content-Type: application/json\r\n{more}"));
        let body = if more.contains("chunked") { format!("{:x}\r\n{body}\r\n", body.len()) } else { body.clone() };
        let mut stream = service.connect();
        stream.write_all(head.as_bytes()).expect("the head is taken");
        stream.write_all(body.as_bytes()).expect("the body is taken");
        stream.shutdown(std::net::Shutdown::Write).expect("a socket");
        if let Ok(answer) = read_answer(&mut stream) {
            assert_eq!(answer.status, 400, "{answer:?}");
        }
    }
    refusals.end();
}

/// A submission whose JSON is padded to `n` bytes.
fn padded(name: &str, n: usize) -> Vec<u8> {
    let mut body = submission(name).to_string().into_bytes();
    body.resize(n, b' ');
    body
}

#[test]
fn the_body_limit_counts_utf8_and_the_request_may_be_8_times_that() {
    let place = Place::new();
    let service = place.serve();
    let mut refusals = Refusals::of(&service);
    // Written by hand: a serializer would spell it in its own way.
    let spelled = |unit: &str, n: usize, name: &str| {
        let start = format!(r#"{{"server_name": "x", "repository_url": "https://github.com/example/{name}""#);
        format!(r#"{start}, "developer_email": "alex@example.com", "report_data": "{}"}}"#, unit.repeat(n))
    };
    let post = |body: &[u8]| service.send("POST", "/api/v1/reports", JSON, body);
    for (name, unit, n) in
        [("a", "a", MIB + 1), ("e", "é", MIB / 2 + 1), ("u", "\\u0061", MIB + 1), ("n", "\\n", MIB + 1)]
    {
        let answer = post(spelled(unit, n, name).as_bytes());
        refusals.check(unit, &answer, 422, &["#/report_data"], "at most 1048576 bytes");
    }
    refusals.check("8 MiB + 1", &post(&padded("big", 8 * MIB + 1)), 413, &[], "larger than 8388608 bytes");
    refusals.end();
    for (name, unit, text, n) in
        [("a", "a", "a", MIB), ("e", "é", "é", MIB / 2), ("u", "\\u0061", "a", MIB), ("n", "\\n", "\n", MIB)]
    {
        let answer = post(spelled(unit, n, name).as_bytes());
        assert_eq!(answer.status, 201, "{unit}");
        let report = service.get(answer.header("location")).json();
        assert!(report["report_data"].as_str() == Some(&text.repeat(n)), "{unit}");
    }
    assert_eq!(post(&padded("big", 8 * MIB)).status, 201);
}

#[test]
fn the_body_limit_can_be_set() {
    let place = Place::new();
    let service = place.serve_with(&["--body-limit-bytes", "1000"]);
    let mut refusals = Refusals::of(&service);
    let mut body = submission("small");
    body["report_data"] = "x".repeat(1001).into();
    refusals.check("1001 bytes", &service.post(&body), 422, &["#/report_data"], "at most 1000 bytes");
    refusals.check(
        "8001 bytes",
        &service.send("POST", "/api/v1/reports", JSON, padded("small", 8001)),
        413,
        &[],
        "8000",
    );
    refusals.end();
    body["report_data"] = "x".repeat(1000).into();
    assert_eq!(service.post(&body).status, 201);
}

#[test]
fn a_refusal_ends_no_connection_without_saying_so() {
    let place = Place::new();
    let service = place.serve();
    let refusals = Refusals::of(&service);
    let body = submission("new").to_string();
    let json = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
    for (name, head) in [
        ("another media type", head("POST", "/api/v1/reports", &json.replace("json", "xml"))),
        ("an id that is none", head("PUT", "/api/v1/reports/7", &json)),
        ("another address", head("POST", "/api/v1/rapports", &json)),
        ("another method", head("DELETE", "/api/v1/reports", &json)),
        ("another host", head("POST", "/api/v1/reports", &json).replace("localhost", "evil.example")),
    ] {
        let mut stream = service.connect();
        for n in 0..50 {
            // In two parts, as many clients do: the head is often read before the body is there.
            let sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
            let answer = sent.map_err(|error| error.to_string()).and_then(|()| read_answer(&mut stream));
            let answer = answer.unwrap_or_else(|error| panic!("{name}, request {n}: {error}"));
            if answer.header("connection").eq_ignore_ascii_case("close") {
                stream = service.connect();
            }
        }
    }
    refusals.end();
}
