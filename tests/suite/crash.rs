//! `kill -9` under load, again and again: whatever was acknowledged is there
//! after the restart, and nobody has to repair anything.

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::common::attack::rounds;
use crate::common::{Place, Service};
use serde_json::Value;

const ACKNOWLEDGED_MIN: usize = 10;
const CLIENTS: usize = 8;

/// Writes with several clients until `enough` writes were acknowledged and a
/// moment of the round's own has passed, then kills; returns what was acknowledged.
fn write_until_killed(service: Service<'_>, round: usize) -> Vec<Value> {
    let acknowledged = Mutex::new(Vec::new());
    let is_over = AtomicBool::new(false);
    let base = service.base.clone();
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (acknowledged, is_over, base) = (&acknowledged, &is_over, &base);
            scope.spawn(move || {
                for n in 0.. {
                    let Some(report) = try_post(base, &format!("mcp-{round}-{client}-{n}")) else { return };
                    let id = report["id"].as_str().expect("an id").to_owned();
                    acknowledged.lock().expect("no panic").push(report);
                    if was_decided(&format!("-{n}")) {
                        let Some(report) = try_patch(base, &id) else { return };
                        let mut acknowledged = acknowledged.lock().expect("no panic");
                        acknowledged.retain(|other: &Value| other["id"] != report["id"]);
                        acknowledged.push(report);
                    }
                    if is_over.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        service
            .wait_until("enough was acknowledged", || acknowledged.lock().expect("no panic").len() >= ACKNOWLEDGED_MIN);
        // Not a wait for an event: the moment of the kill differs by round.
        std::thread::sleep(Duration::from_micros(700 * (round % 97) as u64));
        service.kill_9();
        is_over.store(true, Ordering::Relaxed);
    });
    acknowledged.into_inner().expect("no panic")
}

fn send(base: &str, method: &str, path: &str, body: &Value) -> Option<Value> {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{base}{path}"))
        .header("content-type", "application/json")
        .body(body.to_string())
        .expect("a request");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.run(request).ok()?;
    let text = response.body_mut().read_to_string().ok()?;
    assert!(response.status().is_success(), "{text}");
    serde_json::from_str(&text).ok()
}

fn try_post(base: &str, name: &str) -> Option<Value> {
    send(base, "POST", "/api/v1/reports", &crate::common::submission(name))
}

fn try_patch(base: &str, id: &str) -> Option<Value> {
    send(base, "PATCH", &format!("/api/v1/reports/{id}/status"), &crate::common::decision("approved", "fine"))
}

/// Asserts that the service has what was acknowledged. A decision that was under
/// way when the process died may be there or not; it was sent for each third report.
fn assert_kept(service: &Service<'_>, acknowledged: &Value) {
    let id = acknowledged["id"].as_str().expect("an id");
    let mut found = service.get(&format!("/api/v1/reports/{id}")).json();
    if acknowledged["status"] == "pending_review" && found["status"] == "approved" {
        assert!(acknowledged["server_name"].as_str().is_some_and(was_decided), "{found}");
        for field in ["status", "reviewed_at", "reviewed_by", "review_notes"] {
            found[field] = acknowledged[field].clone();
        }
    }
    assert_eq!(found, *acknowledged);
}

fn was_decided(name: &str) -> bool {
    name.rsplit('-').next().and_then(|n| n.parse::<usize>().ok()).is_some_and(|n| n % 3 == 0)
}

fn locks_and_leftovers(place: &Place) -> Vec<String> {
    let git_dir = place.repo().join(".git");
    let mut found = Vec::new();
    let mut folders = vec![git_dir];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry")) {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().expect("a type").is_dir() {
                folders.push(entry.path());
            } else if name.ends_with(".lock") || name.starts_with("tmp_golive") {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}

#[test]
fn every_acknowledged_write_survives_kills_at_any_moment_and_no_lock_is_left() {
    let place = Place::new();
    let mut all: Vec<Value> = Vec::new();
    let n_rounds = rounds(20, 200);
    for round in 0..n_rounds {
        let acknowledged = write_until_killed(place.serve(), round);
        assert!(acknowledged.len() >= ACKNOWLEDGED_MIN, "round {round}: {}", acknowledged.len());
        all.extend(acknowledged);
        if round % 5 == 3 {
            // What git and a cut-off flush leave behind, made sure of.
            for lock in ["refs/heads/main.lock", "index.lock", "HEAD.lock", "packed-refs.lock"] {
                fs::write(place.repo().join(".git").join(lock), "").expect("a lock");
            }
            fs::write(place.repo().join(".git/objects/pack/tmp_golive_pack_half"), "PACK").expect("a half pack");
        }

        let service = place.serve();
        let left = locks_and_leftovers(&place);
        assert_eq!(left, Vec::<String>::new(), "round {round}");
        for report in &all[all.len().saturating_sub(60)..] {
            assert_kept(&service, report);
        }
        assert_eq!(service.get("/readyz").status, 200);
        service.stop();
    }

    let service = place.serve();
    for report in &all {
        assert_kept(&service, report);
    }
    assert_eq!(service.git(&["rev-list", "--min-parents=2", "main"]), "");
    service.wait_until_clean();
    // Git takes packs that the upkeep joins under it for broken.
    service.stop();
    place.git(&["fsck", "--strict"]);
    eprintln!("crash-points: {n_rounds} kills, {} acknowledged writes", all.len());
}

#[test]
fn lock_that_a_running_process_holds_is_left_alone() {
    let place = Place::new();
    place.serve().stop();
    let lock = place.repo().join(".git/refs/heads/main.lock");
    let held = fs::File::create(&lock).expect("a lock");
    let service = place.serve();
    assert!(lock.exists());
    let refused = service.post(&crate::common::submission("locked")).problem(503);
    assert!(refused["detail"].as_str().expect("text").contains("main.lock"), "{refused}");
    drop(held);
    fs::remove_file(lock).expect("there");
    service.submit("locked");
}
