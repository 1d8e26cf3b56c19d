//! Pushes beside a service that writes all the time: they land, and writes are
//! neither lost nor held for long.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::{Place, Service, decision};

/// The service's own bound of one hold, and what a slow machine adds to it.
const HELD_MAX: Duration = Duration::from_secs(2);
const SLACK: Duration = Duration::from_secs(2);
/// By itself a push has no chance here, whatever the number.
const TRIES: usize = 25;

/// Decides without a pause until `is_over`; returns how many decisions were made
/// and the longest that one took.
fn decide_all_the_time(service: &Service, ids: &[String], is_over: &AtomicBool) -> (usize, Duration) {
    let (mut n, mut longest) = (0, Duration::ZERO);
    while !is_over.load(Ordering::Relaxed) {
        let status = ["approved", "rejected"][(n / ids.len()) % 2];
        let start = Instant::now();
        let answer = service.patch(&ids[n % ids.len()], &decision(status, &format!("Note {n}")));
        assert_eq!(answer.status, 200, "{answer:?}");
        longest = longest.max(start.elapsed());
        n += 1;
    }
    (n, longest)
}

fn held(service: &Service) -> Duration {
    let metrics = String::from_utf8(service.get("/metrics").body).expect("UTF-8");
    let line = metrics.lines().find_map(|line| line.strip_prefix("golive_write_hold_seconds_total "));
    Duration::from_secs_f64(line.expect("the metric").parse().expect("seconds"))
}

#[test]
fn who_pulls_and_pushes_again_lands_beside_a_service_that_writes_all_the_time() {
    let place = Place::new();
    let service = place.serve();
    let ids: Vec<_> = (0..3).map(|n| service.submit(&format!("mcp-{n}"))).collect();
    let url = format!("{}/reports.git", service.base);
    let cloned = place.sh("", &format!("git clone -q {url} clone"));
    assert!(cloned.status.success(), "{cloned:?}");
    let is_over = AtomicBool::new(false);
    let (n, longest) = std::thread::scope(|scope| {
        let decisions = scope.spawn(|| decide_all_the_time(&service, &ids, &is_over));
        for n in 0..3 {
            let note = format!("echo {n} >> NOTES.md; git add NOTES.md; git commit -qm 'Note {n}'");
            assert!(place.sh("clone", &note).status.success());
            let mut tries = (0..TRIES).map(|_| place.sh("clone", "git pull -q --rebase; git push -q"));
            let landed = tries.any(|tried| tried.status.success());
            if !landed {
                is_over.store(true, Ordering::Relaxed);
            }
            assert!(landed, "push {n} was lost {TRIES} times");
        }
        is_over.store(true, Ordering::Relaxed);
        decisions.join().expect("no panic")
    });
    assert!(longest < HELD_MAX + SLACK, "a write waited for {longest:?}");
    assert_eq!(service.git(&["show", "main:NOTES.md"]), "0\n1\n2\n");
    assert_eq!(service.commits().len(), 1 + ids.len() + n + 3, "every acknowledged write is a commit");
    service.assert_record_is_whole(ids.len());
}

#[test]
fn who_announces_pushes_all_the_time_holds_writes_for_a_small_part_of_it() {
    let place = Place::new();
    let service = place.serve();
    let ids = [service.submit("mcp-one")];
    let is_over = AtomicBool::new(false);
    let start = Instant::now();
    let longest = std::thread::scope(|scope| {
        let decisions = scope.spawn(|| decide_all_the_time(&service, &ids, &is_over));
        while start.elapsed() < 3 * HELD_MAX {
            let answer = service.get("/reports.git/info/refs?service=git-receive-pack");
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        is_over.store(true, Ordering::Relaxed);
        decisions.join().expect("no panic").1
    });
    assert!(longest < HELD_MAX + SLACK, "a write waited for {longest:?}");
    let (held, all) = (held(&service), start.elapsed());
    assert!(held >= HELD_MAX / 2, "what is saved up can be used: {held:?}");
    assert!(held < HELD_MAX + all / 10 + SLACK / 4, "{held:?} of {all:?}");
}
