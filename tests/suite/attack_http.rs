//! Attack: requests that are none, that are too much, or that are cut off. Each gets
//! its problem document where an answer is possible at all, nothing changes, and
//! nothing is left open.

use std::io::{Read, Write};
use std::net::Shutdown;

use crate::common::attack::{rounds, seed};
use crate::common::refusals::{Refusals, read_answer};
use crate::common::{Place, Service, decision, submission};

fn head(more: &str) -> String {
    format!("POST /api/v1/reports HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{more}\r\n")
}

/// What is no request, and what it is answered with.
fn unreadable() -> Vec<(&'static str, Vec<u8>, u16)> {
    let get = |more: &str| format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{more}\r\n").into_bytes();
    let headers = |n: usize| (0..n).map(|n| format!("x-{n}: y\r\n")).collect::<String>();
    vec![
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(), 400),
        ("no words", b"\r\n\r\n \r\n\r\n".to_vec(), 400),
        ("another protocol", b"GET / SPDY/9\r\n\r\n".to_vec(), 400),
        ("no version", b"GET /\r\n\r\n".to_vec(), 400),
        ("a space in the address", b"GET /a b HTTP/1.1\r\n\r\n".to_vec(), 400),
        ("a header without a name", get(": x\r\n"), 400),
        ("a space before the colon", get("x : y\r\n"), 400),
        ("a NUL in a header", get("x: \0\r\n"), 400),
        ("a folded header", get("x: y\r\n z\r\n"), 400),
        ("two lengths", head("Content-Length: 1\r\nContent-Length: 2\r\n").into_bytes(), 400),
        ("a length below nothing", head("Content-Length: -1\r\n").into_bytes(), 400),
        ("a length beyond all", head("Content-Length: 99999999999999999999999\r\n").into_bytes(), 400),
        ("200 headers", get(&headers(200)), 431),
        ("a header of 300 KiB", get(&format!("x: {}\r\n", "y".repeat(300 * 1024))), 431),
        ("an address of 65,535 bytes", format!("GET /{} HTTP/1.1\r\nHost: localhost", "x".repeat(65_534)).into(), 431),
        ("an address without end", format!("GET /{}", "x".repeat(1024 * 1024)).into(), 431),
    ]
}

#[test]
fn what_is_no_request_gets_a_problem_document_and_changes_nothing() {
    let place = Place::new();
    let service = place.serve();
    service.submit("known");
    let n_sockets = service.n_sockets();
    let mut refusals = Refusals::of(&service);
    let rows = unreadable();
    for (name, bytes, status) in &rows {
        let mut stream = service.connect();
        // The answer can be there before everything was sent.
        let _ = stream.write_all(bytes);
        match read_answer(&mut stream) {
            Ok(answer) => {
                refusals.check(name, &answer, *status, &[], "");
                if answer.header("connection") != "close" {
                    refusals.note(name, "the connection goes on");
                }
            }
            Err(fault) => refusals.note(name, &fault),
        }
    }
    refusals.end();
    service.wait_until_sockets_are(n_sockets);
    let metrics = String::from_utf8(service.get("/metrics").body).expect("text");
    assert!(metrics.contains("golive_http_requests_total{method=\"other\",route=\"\",status=\"431\"}"), "{metrics}");
    eprintln!("bad-requests: {} that are none", rows.len());
}

#[test]
fn chunks_of_absurd_sizes_are_refused_and_take_no_memory() {
    let place = Place::new();
    let service = place.serve();
    let refusals = Refusals::of(&service);
    let before = service.forget_peak();
    let sizes = ["ffffffffffffffff", "fffffffffffffffff", "7fffffff", "-1", "0x10", "zz", "", "10;x=\"", " 5"];
    for size in sizes {
        let mut stream = service.connect();
        let request = format!("{}{size}\r\n{{", head("Transfer-Encoding: chunked\r\n"));
        stream.write_all(request.as_bytes()).expect("the head is taken");
        stream.shutdown(Shutdown::Write).expect("a socket");
        if let Ok(answer) = read_answer(&mut stream) {
            assert!(matches!(answer.status, 400 | 413), "{size}: {answer:?}");
        }
    }
    refusals.end();
    assert!(service.peak_mib() < before + 32, "{before} MiB became {}", service.peak_mib());
    eprintln!("bad-requests: {} absurd chunks", sizes.len());
}

/// Numbers that look like chance, always the same for one seed.
fn draw(state: &mut u64, below: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    usize::try_from(*state % below as u64).expect("small")
}

/// A submission, a decision and a question, each as it goes over the wire.
fn whole_requests(id: &str) -> Vec<Vec<u8>> {
    let write = |method: &str, path: &str, body: String| {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        (head + &body).into_bytes()
    };
    vec![
        write("POST", "/api/v1/reports", submission("cut").to_string()),
        write("PATCH", &format!("/api/v1/reports/{id}/status"), decision("approved", "fine").to_string()),
        write("PUT", &format!("/api/v1/reports/{id}"), submission("known").to_string()),
        b"GET /api/v1/reports?limit=10 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
    ]
}

fn cut(service: &Service, request: &[u8], at: usize, is_half_closed: bool) {
    let mut stream = service.connect();
    stream.write_all(&request[..at]).expect("the service reads");
    if !is_half_closed {
        return; // dropped, which closes both ways
    }
    stream.shutdown(Shutdown::Write).expect("a socket");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "cut at {at}: {answer}");
}

#[test]
fn requests_cut_anywhere_change_nothing_and_leave_nothing_open() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let n_sockets = service.n_sockets();
    let refusals = Refusals::of(&service);
    let seed = seed();
    let mut state = seed | 1;
    let n = rounds(400, 20_000);
    for _ in 0..n {
        let requests = whole_requests(&id);
        let request = &requests[draw(&mut state, requests.len())];
        let at = draw(&mut state, request.len());
        cut(&service, request, at, draw(&mut state, 2) == 0);
    }
    refusals.end();
    service.wait_until_sockets_are(n_sockets);
    assert!(!service.log().contains("panicked"), "seed {seed}\n{}", service.log());
    eprintln!("bad-requests: {n} cut off, seed {seed}");
}

#[test]
fn requests_in_one_go_are_answered_in_order_and_each_write_is_one_commit() {
    let place = Place::new();
    let service = place.serve();
    let n_before = service.commits().len();
    let n = rounds(100, 2_000);
    let mut stream = service.connect();
    let mut reader = stream.try_clone().expect("a socket");
    let answers = std::thread::spawn(move || (0..2 * n).map(|_| read_answer(&mut reader)).collect::<Vec<_>>());
    for at in 0..n {
        let body = submission(&format!("pipelined-{at}")).to_string();
        let post = head(&format!("Content-Length: {}\r\n", body.len())) + &body;
        let get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all((post + get).as_bytes()).expect("the service reads");
    }
    for (at, pair) in answers.join().expect("no panic").chunks(2).enumerate() {
        let [Ok(post), Ok(get)] = pair else { panic!("{at}: {pair:?}") };
        assert_eq!((post.status, get.status), (201, 200), "{at}: {post:?}");
        assert_eq!(post.json()["server_name"], format!("pipelined-{at}"));
    }
    assert_eq!(service.commits().len(), n_before + n);
    eprintln!("bad-requests: {} pipelined", 2 * n);
}
