//! The same crowd again and again: what it took is given back, so that a service that
//! is besieged for days has no more memory, sockets and files than after the first hour.

use std::net::TcpStream;

use super::{MIB, assert_busy, head, many};
use crate::common::attack::rounds;
use crate::common::{Place, Service, decision, submission};

/// Beyond what it was after the first rounds: an allocator keeps pages, now here, now there.
const GROWTH_MIB: u64 = 24;
/// Until every pool and every cache has what it keeps.
const N_WARM: usize = 2;

/// What is resident after each round does not grow.
struct Resident(Vec<u64>);

impl Resident {
    fn note(&mut self, service: &Service) {
        let now = service.forget_peak();
        self.0.push(now);
        let first = self.0.iter().copied().take(N_WARM).max().expect("one");
        assert!(now <= first + GROWTH_MIB, "{} rounds: {:?} MiB", self.0.len(), self.0);
    }

    fn shown(&self) -> String {
        let last = self.0.last().expect("one");
        format!("{} rounds, {} to {last} MiB", self.0.len(), self.0[0])
    }
}

/// Some of every kind that keeps the service waiting.
fn crowd(service: &Service, long: &str) -> Vec<TcpStream> {
    let read = format!("GET {long} HTTP/1.1\r\nHost: localhost\r\n\r\n").repeat(4);
    let kinds = [
        (300, String::new()),
        (100, "GET /healthz HTTP/1.1\r\nHost: localhost\r\nx: ".to_owned()),
        (100, head("/api/v1/reports", 10_000) + &"x".repeat(5_000)),
        (50, head("/api/v1/nothing", 10_000)),
        (50, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
        (30, read),
    ];
    kinds.iter().flat_map(|(n, start)| many(service, *n, start)).collect()
}

#[test]
fn slow_clients_that_come_again_and_again_leave_nothing_behind() {
    let place = Place::new();
    let service = place.serve();
    let mut long = submission("long");
    long["report_data"] = "x".repeat(MIB).into();
    let long = service.post(&long).header("location").to_owned();
    let small = service.submit("small");
    let n_sockets = service.n_sockets();
    let mut resident = Resident(Vec::new());
    for round in 0..rounds(5, 40) {
        let crowd = crowd(&service, &long);
        service.wait_until("all of them are there", || service.n_sockets() >= n_sockets + crowd.len());
        assert_eq!(service.get(&long).status, 200);
        drop(crowd);
        // Listeners are found gone when there is something to hear. Nothing large: files are cached.
        let next = if round % 2 == 0 { "approved" } else { "rejected" };
        assert_eq!(service.patch(&small, &decision(next, "")).status, 200);
        service.wait_until_sockets_are(n_sockets);
        resident.note(&service);
    }
    eprintln!("overload: slow clients, {}", resident.shown());
}

#[test]
fn connections_that_are_too_many_again_and_again_leave_nothing_behind() {
    let place = Place::new();
    // A quarter of the files are connections then: 50.
    let service = place.serve_with_files(200);
    let n_sockets = service.n_sockets();
    // On a connection of its own, which takes no place afterwards.
    let ask = || service.raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"");
    let mut resident = Resident(Vec::new());
    for _ in 0..rounds(5, 100) {
        let crowd = many(&service, 50, "");
        service.wait_until("all places are taken", || service.n_sockets() >= n_sockets + crowd.len());
        let more = many(&service, 30, "");
        assert_busy(&ask());
        drop((crowd, more));
        service.wait_until("there is room again", || ask().status == 200);
        service.wait_until_sockets_are(n_sockets);
        resident.note(&service);
    }
    eprintln!("overload: too many connections, {}", resident.shown());
}
