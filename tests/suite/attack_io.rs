//! Attack: the n-th call that the service makes on its repository fails, for n = 1,
//! 2, 3 … until it makes no more. Whatever fails, each request is answered
//! honestly, what was refused does not appear later, and it goes on by itself.

#![expect(clippy::print_stderr, reason = "tells how many cases there were, or why there were none")]

mod faults;
mod record;

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use crate::common::attack::{rounds, size};
use crate::common::edits::place_of_robin;
use crate::common::{PATIENCE, Place, Service, submission};
use faults::{Fault, Faults, KINDS, Kind};
use record::{Record, Told, is_read};

const DECIDED: &str = "mcp-decided";
const EDITED: &str = "mcp-edited";

/// A repository that has something of everything, and is not served.
fn place() -> Place {
    let place = place_of_robin();
    let service = place.serve();
    service.submit(EDITED);
    let id = service.submit(DECIDED);
    service.submit("mcp-still");
    let mut again = submission(DECIDED);
    again["report_data"] = "# Another text\n".into();
    assert_eq!(service.put(&id, &again).status, 200);
    service.wait_until_clean();
    service.stop();
    place
}

/// The `n`th calls to refuse, of `n_calls`: each of them, or a sample.
fn sample(n_calls: u32, short: usize) -> Vec<u32> {
    let n = rounds(short, 5 * short).min(n_calls as usize).max(1) as u32;
    (0..n).map(|at| 1 + at * n_calls.saturating_sub(1) / n.saturating_sub(1).max(1)).collect()
}

/// Some requests and one save while `fault` is in force, and what must be true after it.
struct Round<'a> {
    service: &'a Service<'a>,
    faults: &'a Faults<'a>,
    record: &'a mut Record,
    /// Makes names that were not used.
    n: usize,
}

impl Round<'_> {
    fn run(&mut self, fault: Fault<'_>) -> faults::Met {
        self.n += 1;
        let (service, n) = (self.service, self.n);
        let (new, email) = (format!("mcp-new-{n}"), format!("kim-{n}@example.com"));
        let mut unknown = Vec::new();
        self.faults.begin(fault);
        self.record.edit(service, EDITED, &email);
        if self.record.submit(service, &new) == Told::Unknown {
            unknown.push((new, "pending_review"));
        }
        let (told, status) = self.record.decide(service, DECIDED, &format!("In round {n}"));
        if told == Told::Unknown {
            unknown.push((DECIDED.to_owned(), status));
        }
        self.read();
        // So that the save is taken in under the fault, too.
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(500) && !self.is_edited(&email) {
            std::thread::sleep(Duration::from_millis(20)); // between two looks
        }
        let met = self.faults.end();
        let kinds: Vec<_> = fault.kinds.iter().map(|kind| kind.name).collect();
        let Fault { error, first, for_ever, .. } = fault;
        let (n_refused, last) = (met.n_refused, &met.last);
        let case = format!("{kinds:?} {error} at {first}, for ever: {for_ever}; {n_refused} refused, then {last}");
        let start = Instant::now();
        while self.record.submit(service, &format!("mcp-after-{n}")) != Told::Done {
            assert!(start.elapsed() < PATIENCE, "{case}: no write is accepted\n{}", service.log());
            std::thread::sleep(Duration::from_millis(50)); // as a client that comes back
        }
        let start = Instant::now();
        while !self.is_edited(&email) || !service.git(&["status", "--porcelain"]).is_empty() {
            let state = service.git(&["status", "--porcelain"]);
            assert!(start.elapsed() < PATIENCE, "{case}: the work tree is not followed\n{state}\n{}", service.log());
            std::thread::sleep(Duration::from_millis(20)); // between two looks
        }
        self.record.check(service, &unknown, &case);
        assert!(!service.log().contains("panicked"), "{case}\n{}", service.log());
        met
    }

    fn read(&self) {
        let id = self.record.id(DECIDED);
        for path in ["", "/history", "/diff", "/revisions/1", "/file", "/assessment"] {
            is_read(&self.service.get(&format!("/api/v1/reports/{id}{path}")));
        }
        let list = self.service.get("/api/v1/reports?limit=1000");
        assert!(is_read(&list), "a list needs no file");
    }

    fn is_edited(&self, email: &str) -> bool {
        let answer = self.service.get(&format!("/api/v1/reports/{}", self.record.id(EDITED)));
        is_read(&answer) && answer.json()["developer_email"] == email
    }
}

/// Refuses calls of `kind` one by one, then from one on.
fn sweep(kind: Kind, n_cases: &AtomicUsize) {
    let place = place();
    let Some(faults) = Faults::at(&place) else { return };
    let service = faults.serve();
    let mut record = Record::of(&service);
    let mut round = Round { service: &service, faults: &faults, record: &mut record, n: 0 };
    let only_count = Fault { kinds: &[kind], error: Errno::IO, first: u32::MAX, for_ever: false, only: "" };
    let n_calls = round.run(only_count).n_calls;
    let errors = &kind.errors[..size(1, kind.errors.len())];
    for error in errors.iter().copied() {
        for (for_ever, short) in [(false, 3), (true, 1)] {
            // Then a request would wait for a thread until there is one.
            if for_ever && kind.name == "thread" {
                continue;
            }
            for first in sample(n_calls, short) {
                round.run(Fault { error, first, for_ever, ..only_count });
                n_cases.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    service.stop();
    record.check_after_restart(&place.serve());
}

#[test]
fn whichever_call_fails_each_request_is_answered_honestly_and_it_goes_on() {
    let n_cases = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for kind in KINDS {
            let n_cases = &n_cases;
            let named = std::thread::Builder::new().name(kind.name.into());
            named.spawn_scoped(scope, move || sweep(*kind, n_cases)).expect("a thread");
        }
    });
    eprintln!("failing-io: {} refused calls", n_cases.into_inner());
}

#[test]
fn a_disk_that_goes_away_for_seconds_fills_no_log_and_needs_no_restart() {
    let place = place();
    let Some(faults) = Faults::at(&place) else { return };
    let service = faults.serve();
    let mut record = Record::of(&service);
    let disk = &KINDS[..KINDS.len() - 1];
    let fault = Fault { kinds: disk, error: Errno::IO, first: 1, for_ever: true, only: "" };
    let n_lines = service.log().lines().count();
    faults.begin(fault);
    assert_eq!(record.submit(&service, "mcp-lost"), Told::NotDone);
    let start = Instant::now();
    service.wait_until("seconds have passed", || start.elapsed() > Duration::from_secs(4));
    faults.end();
    let log = service.log();
    let n_new = log.lines().count() - n_lines;
    assert!(n_new < 20, "{n_new} lines\n{log}");
    Round { service: &service, faults: &faults, record: &mut record, n: 0 }.run(Fault {
        first: u32::MAX,
        for_ever: false,
        ..fault
    });
    for first in 1..=rounds(4, 40) as u32 {
        Round { service: &service, faults: &faults, record: &mut record, n: first as usize }
            .run(Fault { first, ..fault });
    }
    service.stop();
    record.check_after_restart(&place.serve());
}

/// Submits while calls on files that have `only` in their path fail; returns what was said.
fn submit_under(kinds: &[Kind], first: u32, only: &str, then: impl Fn(&Service, Told)) {
    let place = place();
    let Some(faults) = Faults::at(&place) else { return };
    let service = faults.serve();
    let mut record = Record::of(&service);
    faults.begin(Fault { kinds, error: kinds[0].errors[0], first, for_ever: true, only });
    let told = record.submit(&service, "mcp-under");
    let unknown: &[_] = if told == Told::Unknown { &[("mcp-under".to_owned(), "pending_review")] } else { &[] };
    then(&service, told);
    let met = faults.end();
    assert!(met.n_refused > 0, "{only}: {met:?}");
    service.wait_until("a write is accepted again", || record.submit(&service, "mcp-after") == Told::Done);
    service.wait_until_clean();
    record.check(&service, unknown, &format!("{only}: {met:?}"));
    service.stop();
    record.check_after_restart(&place.serve());
}

#[test]
fn a_write_whose_sync_failed_is_not_acknowledged() {
    let sync = &KINDS[1..2];
    for only in [".git/golive/new/packs", ".git/objects/pack", ".git/golive/tips"] {
        submit_under(sync, 1, only, |service, told| assert_eq!(told, Told::NotDone, "{only}\n{}", service.log()));
    }
}

#[test]
fn a_write_that_may_be_stored_is_not_called_refused() {
    // The branch was moved, and its folder cannot be synced.
    let sync = &KINDS[1..2];
    submit_under(sync, 1, "refs/heads", |service, told| assert_eq!(told, Told::Unknown, "{}", service.log()));
}

#[test]
fn locks_that_could_not_be_removed_are_removed_when_the_disk_is_back() {
    let (rename, unlink) = (KINDS[2], KINDS[6]);
    // Taken, exchanged for the branch, and then neither put away nor removed.
    submit_under(&[rename, unlink], 3, "refs/heads/main.lock", |service, told| {
        assert_eq!(told, Told::Done, "{}", service.log());
        assert_eq!(record::told(&service.post(&submission("mcp-meanwhile"))), Told::NotDone);
    });
    submit_under(&[unlink], 1, ".git/index.lock", |service, told| {
        assert_eq!(told, Told::Done, "{}", service.log());
        let lock = service.place.repo().join(".git/index.lock");
        service.wait_until("the lock is left behind", || lock.exists() && service.log().contains("git's index"));
    });
}

#[test]
fn a_thread_that_cannot_be_had_stops_no_write() {
    let thread = &KINDS[KINDS.len() - 1..];
    submit_under(thread, 1, "", |service, told| assert_eq!(told, Told::Done, "{}", service.log()));
}

/// Starts the service with the n-th call refused; returns how many starts it was.
fn start_sweep(kind: Kind, place: &Place, is_new: bool) -> usize {
    let Some(faults) = Faults::at(place) else { return 0 };
    let only_count = Fault { kinds: &[kind], error: Errno::IO, first: u32::MAX, for_ever: false, only: "" };
    let renew = || {
        if is_new {
            fs::remove_dir_all(place.repo()).expect("removed");
        }
    };
    faults.begin(only_count);
    let service = faults.serve();
    let n_calls = faults.end().n_calls;
    service.stop();
    let (mut n_starts, mut n_refused) = (0, 0);
    for error in kind.errors[..size(1, kind.errors.len())].iter().copied() {
        for first in sample(n_calls, 4) {
            n_starts += 1;
            renew();
            faults.begin(Fault { error, first, ..only_count });
            let started = faults.try_serve();
            let case = format!("{} {error} {first}: {:?}", kind.name, faults.end());
            match started {
                Err(finished) => {
                    n_refused += 1;
                    assert_eq!(finished.status.code(), Some(1), "{case}: {finished:?}");
                    assert!(!finished.stderr.contains("panicked"), "{case}: {finished:?}");
                    let last = finished.stderr.lines().last().unwrap_or_default();
                    assert!(last.starts_with("golive: "), "{case}: {finished:?}");
                }
                Ok(service) => {
                    service.submit(&format!("mcp-{}-{n_starts}", error.raw_os_error()));
                    let (_, _, log) = service.stop_with("TERM");
                    assert!(!log.contains("panicked"), "{case}: {log}");
                }
            }
            if is_new {
                // What it left behind stops nobody.
                place.serve().stop();
            }
        }
    }
    let service = place.serve();
    let n_reports = if is_new { 0 } else { 3 + n_starts - n_refused };
    if !is_new {
        service.assert_record_is_whole(n_reports);
    }
    service.wait_until_clean();
    n_starts
}

fn all_starts(is_new: bool) {
    let n_starts = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        // Without threads tokio's runtime ends the process itself.
        for kind in KINDS.iter().filter(|kind| kind.name != "thread") {
            let n_starts = &n_starts;
            let named = std::thread::Builder::new().name(kind.name.into());
            let run = move || {
                let place = if is_new { Place::new() } else { place() };
                n_starts.fetch_add(start_sweep(*kind, &place, is_new), Ordering::Relaxed);
            };
            named.spawn_scoped(scope, run).expect("a thread");
        }
    });
    eprintln!("failing-io: {} starts", n_starts.into_inner());
}

#[test]
fn a_start_with_a_call_that_fails_works_or_says_why_in_a_sentence() {
    all_starts(false);
}

#[test]
fn a_first_start_with_a_call_that_fails_leaves_nothing_in_the_way_of_the_next() {
    all_starts(true);
}
