//! 64 clients at once: nothing is lost, nothing is done twice.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::common::{Place, Service};
use serde_json::json;

const CLIENTS: usize = 64;

/// Runs `work` in as many threads as there are clients.
fn in_parallel(work: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for n in 0..CLIENTS {
            let work = &work;
            scope.spawn(move || work(n));
        }
    });
}

/// What must hold of the repository whatever the clients did. Stops the service
/// for `git fsck`, which takes packs that the upkeep joins under it for broken.
fn assert_sound(service: Service<'_>, n_commits: usize) {
    let commits = service.commits();
    assert_eq!(commits.len(), n_commits);
    assert_eq!(service.git(&["rev-list", "--min-parents=2", "main"]), "", "history is not linear");
    service.wait_until_clean();
    let place = service.place;
    service.stop();
    place.git(&["fsck", "--strict"]);
}

#[test]
fn every_accepted_write_of_64_clients_is_one_commit_and_the_tip_agrees() {
    const PER_CLIENT: usize = 6;
    let place = Place::new();
    let service = place.serve();
    let accepted = AtomicUsize::new(0);
    let expected = Mutex::new(Vec::new());
    in_parallel(|client| {
        for n in 0..PER_CLIENT {
            let id = service.submit(&format!("mcp-{client}-{n}"));
            accepted.fetch_add(1, Ordering::Relaxed);
            let status = if n % 2 == 0 { "approved" } else { "rejected" };
            let answer = service.patch(&id, &crate::common::decision(status, &format!("{client} {n}")));
            assert_eq!(answer.status, 200, "{answer:?}");
            accepted.fetch_add(1, Ordering::Relaxed);
            expected.lock().expect("no panic").push(answer.json());
        }
    });
    let tree = service.git(&["ls-tree", "-r", "main", "reports"]);
    for report in expected.into_inner().expect("no panic") {
        let id = report["id"].as_str().expect("an id");
        let answer = service.get(&format!("/api/v1/reports/{id}"));
        assert_eq!(answer.json(), report);
        let name = format!("/example-{}-", report["server_name"].as_str().expect("a name"));
        let line = tree.lines().find(|line| line.contains(&name)).expect("its file is in the tree");
        assert!(line.contains(answer.header("etag").trim_matches('"')), "{line}");
    }
    let batches = service.git(&["count-objects", "-v"]);
    let n_packs: usize =
        batches.lines().find_map(|line| line.strip_prefix("packs: ")).expect("packs").parse().expect("a number");
    assert!(n_packs < CLIENTS * PER_CLIENT, "{n_packs} packs: writes did not share a flush");
    assert_sound(service, 1 + accepted.into_inner());
}

#[test]
fn of_64_equal_submissions_exactly_one_is_accepted() {
    let place = Place::new();
    let service = place.serve();
    let (created, conflicts) = (AtomicUsize::new(0), AtomicUsize::new(0));
    in_parallel(|_| {
        let answer = service.post(&crate::common::submission("contested"));
        match answer.status {
            201 => created.fetch_add(1, Ordering::Relaxed),
            409 => conflicts.fetch_add(1, Ordering::Relaxed),
            _ => panic!("{answer:?}"),
        };
    });
    assert_eq!((created.into_inner(), conflicts.into_inner()), (1, CLIENTS - 1));
    assert_sound(service, 2);
}

#[test]
fn of_64_decisions_on_one_version_exactly_one_is_accepted() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("contested");
    let etag = service.get(&format!("/api/v1/reports/{id}")).header("etag").to_owned();
    let (accepted, stale) = (AtomicUsize::new(0), AtomicUsize::new(0));
    in_parallel(|client| {
        let answer = service.send(
            "PATCH",
            &format!("/api/v1/reports/{id}/status"),
            &[("content-type", "application/json"), ("if-match", &etag)],
            json!({"status": "approved", "reviewed_by": format!("reviewer {client}")}).to_string(),
        );
        match answer.status {
            200 => accepted.fetch_add(1, Ordering::Relaxed),
            412 => stale.fetch_add(1, Ordering::Relaxed),
            _ => panic!("{answer:?}"),
        };
    });
    assert_eq!((accepted.into_inner(), stale.into_inner()), (1, CLIENTS - 1));
    assert_sound(service, 3);
}

#[test]
fn decisions_without_a_version_all_count_and_none_is_lost() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("busy");
    in_parallel(|client| {
        let status = if client % 2 == 0 { "approved" } else { "rejected" };
        let answer = service.patch(&id, &json!({"status": status, "reviewed_by": format!("reviewer {client}")}));
        assert_eq!(answer.status, 200, "{answer:?}");
    });
    let authors = service.git(&["log", "--format=%an", "--grep=^Approve", "--grep=^Reject"]);
    let mut authors: Vec<_> = authors.lines().collect();
    authors.sort_unstable();
    authors.dedup();
    assert_eq!(authors.len(), CLIENTS);
    assert_sound(service, 2 + CLIENTS);
}

#[test]
fn commits_by_hand_beside_64_writers_are_all_kept() {
    const BY_HAND: usize = 15;
    let place = Place::new();
    let service = place.serve();
    service.submit("first");
    service.wait_until_clean();
    let accepted = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|client| {
                let (service, accepted) = (&service, &accepted);
                scope.spawn(move || {
                    for n in 0..40 {
                        let answer = service.post(&crate::common::submission(&format!("mcp-{client}-{n}")));
                        match answer.status {
                            201 => accepted.fetch_add(1, Ordering::Relaxed),
                            503 => 0, // the branch was locked for long; said so, and nothing stored
                            _ => panic!("{answer:?}"),
                        };
                    }
                })
            })
            .collect();
        // As a push does it: a commit on top of the tip that it saw, then compare-and-swap.
        let mut n_done = 0;
        while n_done < BY_HAND {
            let tip = service.git(&["rev-parse", "main"]);
            let tree = service.git(&["rev-parse", "main^{tree}"]);
            let message = format!("By hand {n_done}");
            let commit = service.git(&["commit-tree", tree.trim(), "-p", tip.trim(), "-m", &message]);
            let moved = place.try_git(&["update-ref", "refs/heads/main", commit.trim(), tip.trim()]);
            n_done += usize::from(moved.status.success());
        }
        for writer in writers {
            writer.join().expect("no panic");
        }
    });
    let by_hand = service.git(&["log", "--format=%s", "--grep=^By hand"]);
    assert_eq!(by_hand.lines().count(), BY_HAND);
    assert_sound(service, 2 + BY_HAND + accepted.into_inner());
}
