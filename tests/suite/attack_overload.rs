//! Attack: more clients than there is room for, and clients that take their time. Limits
//! and time-outs hold, healthy clients are served meanwhile, memory stays bounded, and
//! what was open is closed.

mod rounds;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::attack::{rounds, size};
use crate::common::refusals::read_answer;
use crate::common::{Answer, Place, Service, submission};

const MIB: usize = 1024 * 1024;
/// Beyond a time-out, for a machine that does other things as well.
const SLACK: Duration = Duration::from_secs(15);

fn head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

fn many(service: &Service, n: usize, start: &str) -> Vec<TcpStream> {
    let connected = (0..n).map(|_| {
        let mut stream = service.connect();
        stream.write_all(start.as_bytes()).expect("the service reads");
        stream
    });
    connected.collect()
}

/// Sends a byte on each of `streams` each second, until `is_over`.
fn drip(streams: &[&[TcpStream]], byte: u8, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        for mut stream in streams.iter().copied().flatten() {
            let _ = stream.write_all(&[byte]);
        }
        thread::sleep(Duration::from_secs(1)); // slow is what they are
    }
}

/// Ends what runs beside a test, also where that fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Asserts that the service ends each of `streams` within `time` of `start`, and not before.
fn assert_ended(what: &str, streams: &[TcpStream], start: Instant, time: Duration) {
    for (n, mut stream) in streams.iter().enumerate() {
        stream.set_read_timeout(Some(time + SLACK)).expect("a time");
        let mut rest = Vec::new();
        match stream.read_to_end(&mut rest) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("{what} {n} is still open"),
            _ => {}
        }
        let after = start.elapsed();
        assert!(after + Duration::from_secs(1) > time && after < time + SLACK, "{what} {n} ended after {after:?}");
    }
}

/// Asserts that `answer` tells to come back.
fn assert_busy(answer: &Answer) {
    answer.problem(503);
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0), "{answer:?}");
}

/// Submits and reads until `is_over`; returns how long each request took, sorted.
fn healthy_client(service: &Service, is_over: &AtomicBool) -> Vec<Duration> {
    let mut took = Vec::new();
    for n in 0.. {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        let start = Instant::now();
        let id = service.submit(&format!("healthy-{n}"));
        took.push(start.elapsed());
        for path in [format!("/api/v1/reports/{id}"), "/api/v1/reports?limit=10".into(), "/readyz".into()] {
            let start = Instant::now();
            assert_eq!(service.get(&path).status, 200, "{path}");
            took.push(start.elapsed());
        }
        thread::sleep(Duration::from_millis(20)); // one person, not a load
    }
    took.sort();
    took
}

#[test]
fn slow_clients_are_cut_off_in_time_and_hold_up_nobody() {
    let place = Place::new();
    let service = place.serve();
    let mut long = submission("long");
    long["report_data"] = "x".repeat(MIB).into();
    let long = service.post(&long).header("location").to_owned();
    assert_eq!(service.get(&long).status, 200);
    let (n_sockets, before) = (service.n_sockets(), service.forget_peak());
    let is_over = AtomicBool::new(false);
    let start = Instant::now();
    let idle = many(&service, 1000, "");
    let heads_start = Instant::now();
    let heads = many(&service, 100, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nx: ");
    let bodies_start = Instant::now();
    let bodies = many(&service, 100, &head("/api/v1/reports", 10_000));
    let strays = many(&service, 50, &head("/api/v1/nothing", 10_000));
    let half_closed = many(&service, 100, &head("/api/v1/reports", 10_000));
    half_closed.iter().for_each(|stream| stream.shutdown(Shutdown::Write).expect("a socket"));
    // They ask for 4 MiB each, and read nothing.
    let readers = many(&service, 100, &format!("GET {long} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(4));
    thread::scope(|scope| {
        let over = Over(&is_over);
        let healthy = scope.spawn(|| healthy_client(&service, &is_over));
        scope.spawn(|| drip(&[&heads, &bodies, &strays], b' ', &is_over));
        for mut stream in half_closed {
            assert_eq!(read_answer(&mut stream).expect("an answer").status, 400);
        }
        assert_ended("idle", &idle, start, Duration::from_secs(10));
        assert_ended("head", &heads, heads_start, Duration::from_secs(10));
        for stream in &bodies {
            stream.set_read_timeout(Some(Duration::from_secs(30) + SLACK)).expect("a time");
            read_answer(&mut stream.try_clone().expect("a socket")).expect("an answer").problem(408);
        }
        let after = bodies_start.elapsed();
        assert!(after > Duration::from_secs(28), "cut off after {after:?}");
        for stream in &strays {
            let answer = read_answer(&mut stream.try_clone().expect("a socket")).expect("an answer");
            assert_eq!((answer.status, answer.header("connection")), (404, "close"));
        }
        drop(over);
        let took = healthy.join().expect("healthy clients are served");
        let p99 = took[took.len() * 99 / 100];
        // Generous: a debug build on two cores that also run other tests, and an allowance.
        assert!(p99 < Duration::from_secs(5), "p99 {p99:?} of {}", took.len());
        let peak = service.peak_mib();
        // 1,450 connections of some buffers each, and 100 answers that share one text.
        assert!(peak < before + 160, "{before} MiB became {peak}");
        drop(readers);
        eprintln!(
            "overload: 1450 slow clients beside {} healthy requests, p99 {p99:?}, {before} to {peak} MiB",
            took.len()
        );
    });
    service.wait_until_sockets_are(n_sockets);
    assert!(!service.log().contains("panicked"));
}

#[test]
fn connections_that_are_too_many_are_503_until_others_end() {
    let place = Place::new();
    // A quarter of the files are connections then: 50.
    let service = place.serve_with_files(200);
    let n_sockets = service.n_sockets();
    let start = Instant::now();
    let idle = many(&service, 50, "");
    let refused = service.get("/healthz");
    assert_busy(&refused);
    assert!(service.post(&submission("one-too-many")).status == 503);
    // And so many that the crowd has no place either: they wait, and are told so too.
    let crowd = many(&service, 100, "");
    let waited = Instant::now();
    assert_busy(&service.get("/healthz"));
    assert!(waited.elapsed() < Duration::from_secs(4) + SLACK, "{:?}", waited.elapsed());
    assert_ended("idle", &idle, start, Duration::from_secs(10));
    drop((idle, crowd));
    service.wait_until("there is room again", || service.get("/healthz").status == 200);
    service.submit("welcome");
    service.wait_until_sockets_are(n_sockets);
    eprintln!("overload: 150 connections for 50 places");
}

#[test]
fn large_requests_at_once_take_bounded_memory() {
    let place = Place::new();
    let service = place.serve();
    let n = size(128, 256);
    let large = |n: usize| {
        let mut body = submission(&format!("large-{n}"));
        body["report_data"] = "y".repeat(MIB).into();
        // White space that JSON allows, and has to be read all the same.
        body.to_string() + &" ".repeat(MIB)
    };
    // Storing them all would take long; most turn out to be no JSON with their last byte.
    let last = |n: usize| if n < 4 { b" " } else { b"!" };
    let n_commits = service.commits().len();
    let (n_sockets, before) = (service.n_sockets(), service.forget_peak());
    let at_once = Barrier::new(n);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let (service, at_once, large) = (&service, &at_once, &large);
        let client = |n: usize| {
            move || {
                let body = large(n);
                let mut stream = service.connect();
                stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a time");
                stream.write_all(head("/api/v1/reports", body.len() + 1).as_bytes()).expect("the service reads");
                let sent = stream.write_all(body.as_bytes());
                // All but a byte of each is there: now it is held, or was refused.
                at_once.wait();
                let _ = sent.and_then(|()| stream.write_all(last(n)));
                let answer = read_answer(&mut stream).expect("an answer");
                if answer.status == 503 {
                    assert_busy(&answer);
                }
                answer.status
            }
        };
        let clients: Vec<_> = (0..n).map(|n| scope.spawn(client(n))).collect();
        clients.into_iter().map(|client| client.join().expect("an answer")).collect()
    });
    let count = |status: u16| statuses.iter().filter(|found| **found == status).count();
    let (n_stored, n_read, n_refused) = (count(201), count(400), count(503));
    assert_eq!(n_stored + n_read + n_refused, n, "{statuses:?}");
    assert_eq!(service.commits().len(), n_commits + n_stored);
    assert!(n_stored + n_read >= 16 && n_refused > 0, "{statuses:?}");
    let peak = service.peak_mib();
    // 64 MiB of requests are held, while they grow in twice the memory.
    assert!(peak < before + 240, "{before} MiB became {peak}");
    service.submit("small-again");
    service.wait_until_sockets_are(n_sockets);
    eprintln!("overload: {n} large requests, {n_stored} stored, {n_refused} refused, {before} to {peak} MiB");
}

#[test]
fn large_answers_that_nobody_reads_take_bounded_memory() {
    let place = Place::new();
    // What the kernel takes of an answer takes no memory of the service, so it has to be long.
    let service = place.serve_with(&["--body-limit-bytes", &(10 * MIB).to_string()]);
    let mut body = submission("long");
    body["report_data"] = "x".repeat(10 * MIB).into();
    let path = format!("{}/file", service.post(&body).header("location"));
    let (n_sockets, before) = (service.n_sockets(), service.forget_peak());
    let n = size(80, 150);
    let streams = many(&service, n, &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    let status = |stream: &&TcpStream| {
        let mut status = [0; 12];
        while let Err(error) = stream.peek(&mut status) {
            assert_eq!(error.kind(), ErrorKind::Interrupted, "{error}");
        }
        String::from_utf8_lossy(&status).into_owned()
    };
    let refused: Vec<_> = streams.iter().filter(|stream| status(stream) == "HTTP/1.1 503").collect();
    for stream in &refused {
        assert_busy(&read_answer(&mut stream.try_clone().expect("a socket")).expect("an answer"));
    }
    let peak = service.peak_mib();
    // 256 MiB of answers wait; eight at a time are made, in three times their size.
    assert!(peak < before + 256 + 8 * 3 * 10 + 240, "{before} MiB became {peak}");
    assert!(!refused.is_empty() && refused.len() < n, "{} of {n} were refused", refused.len());
    assert_eq!(service.get("/api/v1/reports").status, 200, "what is small is answered");
    let n_refused = refused.len();
    drop(streams);
    service.wait_until_sockets_are(n_sockets);
    service.wait_until("there is room again", || service.get(&path).status == 200);
    eprintln!("overload: {n} unread answers, {n_refused} refused, {before} to {peak} MiB");
}

#[test]
fn of_256_writers_at_once_each_has_its_commit_or_is_told_to_come_back() {
    let place = Place::new();
    let service = place.serve();
    let (n_sockets, before) = (service.n_sockets(), service.forget_peak());
    for round in 0..rounds(1, 20) {
        let n_commits = service.commits().len();
        let at_once = Barrier::new(256);
        let n_stored: usize = thread::scope(|scope| {
            let writers: Vec<_> = (0..256)
                .map(|n| {
                    let (service, at_once) = (&service, &at_once);
                    scope.spawn(move || {
                        let body = submission(&format!("writer-{round}-{n}")).to_string();
                        at_once.wait();
                        let answer = service.raw(&head("/api/v1/reports", body.len()), body.as_bytes());
                        if answer.status != 201 {
                            assert_busy(&answer);
                        }
                        usize::from(answer.status == 201)
                    })
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().expect("an answer")).sum()
        });
        assert_eq!(service.commits().len(), n_commits + n_stored);
        assert!(n_stored > 0);
    }
    let peak = service.peak_mib();
    assert!(peak < before + 160, "{before} MiB became {peak}");
    service.wait_until_sockets_are(n_sockets);
    eprintln!("overload: {} rounds of 256 writers, {before} to {peak} MiB", rounds(1, 20));
}

#[test]
fn listeners_that_are_thousands_are_bounded_and_hold_up_nobody() {
    let place = Place::new();
    let service = place.serve();
    let (n_sockets, before) = (service.n_sockets(), service.forget_peak());
    let n = size(1_200, 1_900);
    let streams = many(&service, n, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let (mut n_open, mut n_refused) = (0, 0);
    for mut stream in &streams {
        let mut status = [0; 12];
        stream.read_exact(&mut status).expect("an answer");
        match &status {
            b"HTTP/1.1 200" => n_open += 1,
            b"HTTP/1.1 503" => n_refused += 1,
            other => panic!("{}", String::from_utf8_lossy(other)),
        }
    }
    assert_eq!((n_open, n_refused), (1_000, n - 1_000));
    let start = Instant::now();
    for n in 0..20 {
        service.submit(&format!("heard-{n}"));
    }
    assert!(start.elapsed() < 2 * SLACK, "{:?}", start.elapsed());
    let peak = service.peak_mib();
    assert!(peak < before + 160, "{before} MiB became {peak}");
    drop(streams);
    service.wait_until_sockets_are(n_sockets);
    eprintln!("overload: {n} listeners, {n_refused} refused, {before} to {peak} MiB");
}
