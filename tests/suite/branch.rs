//! What people do to the branch while the service runs: commit on it, leave it,
//! rewind it. Reads go on, writes follow or say what to repair.

use std::fs;

use crate::common::{Place, Service, decision, submission};

/// A write is refused with a sentence that holds all of `words`, and soon
/// `/readyz` says the same; reads go on.
fn assert_writes_stop(service: &Service, words: &[&str]) {
    let answer = service.post(&submission("mcp-refused"));
    let detail = answer.problem(503)["detail"].as_str().expect("text").to_owned();
    for word in words {
        assert!(detail.contains(word), "no `{word}` in: {detail}");
    }
    assert!(!answer.header("retry-after").is_empty());
    assert_unready(service, words);
    assert_eq!(service.get("/healthz").status, 200);
}

fn assert_unready(service: &Service, words: &[&str]) {
    service.wait_until("it is not ready", || service.get("/readyz").status == 503);
    let problem = service.get("/readyz").problem(503).to_string();
    assert!(words.iter().all(|word| problem.contains(word)), "{problem}");
}

/// Writes are accepted at once, and soon `/readyz` agrees.
fn assert_all_is_well(service: &Service, name: &str) {
    service.submit(name);
    service.wait_until("it is ready", || service.get("/readyz").status == 200);
    service.wait_until_clean();
    let tip = service.git(&["rev-parse", "main"]);
    assert_eq!(service.get("/api/v1/reports").header("golive-commit"), tip.trim());
}

/// Approves the report of `name` in its file, as a person would.
fn approve_by_hand(place: &Place, name: &str) {
    let file = place.report_file(name);
    let text = fs::read_to_string(&file).expect("the report's file");
    let text = text
        .replace("status: pending_review\n", "status: approved\n")
        .replace("reviewed_at: null\n", "reviewed_at: 2025-10-20T10:00:00Z\n")
        .replace("reviewed_by: null\n", "reviewed_by: Robin\n")
        .replace("review_notes: null\n", "review_notes: Looked at by hand\n");
    fs::write(file, text).expect("written");
}

fn status(service: &Service, id: &str) -> String {
    service.get(&format!("/api/v1/reports/{id}")).json()["status"].as_str().expect("text").to_owned()
}

#[test]
fn off_the_branch_reads_go_on_and_writes_name_the_way_back() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_clean();
    let away: [&[&str]; 2] = [&["switch", "-q", "-c", "side"], &["switch", "-q", "--detach", "main~1"]];
    for (n, away) in away.into_iter().enumerate() {
        let tip = service.git(&["rev-parse", "main"]);
        service.git(away);
        // It is noticed without anybody writing.
        assert_unready(&service, &["git switch main"]);
        assert_writes_stop(&service, &["git switch main"]);
        assert_eq!(service.patch(&id, &decision("approved", "")).status, 503);
        assert_eq!(status(&service, &id), "pending_review");
        assert_eq!(service.get("/api/v1/reports").header("golive-commit"), tip.trim());
        assert_eq!(service.git(&["rev-parse", "main"]), tip);
        service.wait_until_clean();
        service.git(&["switch", "-q", "main"]);
        assert_all_is_well(&service, &format!("mcp-back-{n}"));
    }
    service.patch(&id, &decision("approved", ""));
    assert_eq!(status(&service, &id), "approved");
}

#[test]
fn a_start_off_the_branch_serves_reads() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_clean();
    service.stop();
    place.git(&["switch", "-q", "--detach", "main~1"]);
    let service = place.serve();
    assert_eq!(status(&service, &id), "pending_review");
    assert_writes_stop(&service, &["git switch main"]);
    service.git(&["switch", "-q", "main"]);
    assert_all_is_well(&service, "mcp-back");
}

#[test]
fn off_the_branch_reads_follow_what_is_pushed_to_it() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_clean();
    service.git(&["switch", "-q", "-c", "side"]);
    approve_by_hand(&place, "mcp-one");
    service.git(&["commit", "-q", "-a", "-m", "Approve by hand"]);
    // The branch has not moved yet.
    assert_eq!(status(&service, &id), "pending_review");
    service.git(&["push", "-q", ".", "side:main"]);
    service.wait_until("the new tip is read", || status(&service, &id) == "approved");
}

#[test]
fn the_next_write_builds_on_an_outside_commit() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-one");
    for n in 0..5 {
        service.wait_until_clean();
        let readme = place.repo().join("README.md");
        let text = fs::read_to_string(&readme).expect("the README");
        fs::write(&readme, format!("{text}\nLine {n} of a person.\n")).expect("written");
        service.git(&["commit", "-q", "-a", "-m", "Say more"]);
        let outside = service.git(&["rev-parse", "main"]);
        let answer = service.post(&submission(&format!("mcp-after-{n}")));
        assert_eq!(answer.status, 201, "{answer:?}");
        let tip = answer.header("golive-commit");
        assert_eq!(service.git(&["rev-parse", "main"]).trim(), tip);
        assert_eq!(service.git(&["rev-parse", "main~1"]), outside);
        assert!(service.git(&["show", "main:README.md"]).ends_with(&format!("Line {n} of a person.\n")));
    }
    service.wait_until_clean();
    assert_eq!(service.git(&["rev-list", "--min-parents=2", "main"]), "");
    assert!(place.try_git(&["fsck", "--strict"]).status.success());
}

#[test]
fn reads_pick_up_an_approval_committed_by_hand() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.submit("mcp-two");
    service.wait_until_clean();
    approve_by_hand(&place, "mcp-one");
    service.git(&["commit", "-q", "-a", "-m", "Approve by hand"]);
    service.wait_until("the approval is read", || status(&service, &id) == "approved");
    let answer = service.get(&format!("/api/v1/reports/{id}"));
    let report = answer.json();
    assert_eq!((&report["reviewed_by"], &report["review_notes"]), (&"Robin".into(), &"Looked at by hand".into()));
    assert_eq!(answer.header("golive-commit"), service.git(&["rev-parse", "main"]).trim());
    assert_eq!(service.get("/api/v1/reports?status=pending_review").header("x-total-count"), "1");
    assert_eq!(service.get("/api/v1/reports?status=approved").json()[0]["id"], id.as_str());
    // And a decision over the API follows on it.
    assert_eq!(service.patch(&id, &decision("rejected", "Not yet")).json()["status"], "rejected");
    let body = service.git(&["log", "-1", "--format=%B", "main"]);
    assert!(body.contains("Status: approved -> rejected"), "{body}");
    service.wait_until_clean();
}

#[test]
fn rewound_history_stops_writes_and_names_both_commits() {
    let place = Place::new();
    let service = place.serve();
    let kept = service.submit("mcp-kept");
    let lost = service.submit("mcp-lost");
    service.wait_until_clean();
    let served = service.git(&["rev-parse", "main"]);
    service.git(&["reset", "-q", "--hard", "HEAD~1"]);
    let rewound = service.git(&["rev-parse", "main"]);
    assert_unready(&service, &[served.trim(), rewound.trim()]);
    assert_writes_stop(&service, &[served.trim(), rewound.trim(), "git reset --keep", "git merge"]);
    for id in [&kept, &lost] {
        assert_eq!(status(&service, id), "pending_review");
    }
    assert_eq!(service.git(&["rev-parse", "main"]), rewound);
    // The repair that the answer names.
    service.git(&["reset", "-q", "--keep", served.trim()]);
    assert_all_is_well(&service, "mcp-after");
    assert_eq!(status(&service, &lost), "pending_review");
}

#[test]
fn rewound_and_rewritten_history_is_brought_together_by_a_merge() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-kept");
    let lost = service.submit("mcp-lost");
    service.wait_until_clean();
    let served = service.git(&["rev-parse", "main"]);
    service.git(&["reset", "-q", "--hard", "HEAD~1"]);
    fs::write(place.repo().join("notes.md"), "Mine\n").expect("a file");
    service.git(&["add", "notes.md"]);
    service.git(&["commit", "-q", "-m", "Note"]);
    assert_writes_stop(&service, &[served.trim()]);
    service.git(&["merge", "-q", "--no-edit", served.trim()]);
    assert_all_is_well(&service, "mcp-after");
    assert_eq!(status(&service, &lost), "pending_review");
    assert_eq!(service.git(&["show", "main:notes.md"]), "Mine\n");
}

#[test]
fn a_branch_that_is_gone_is_brought_back_as_the_answer_says() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_clean();
    let tip = service.git(&["rev-parse", "main"]);
    service.git(&["update-ref", "-d", "refs/heads/main"]);
    let repair = format!("git branch main {}", tip.trim());
    assert_writes_stop(&service, &[&repair]);
    assert_eq!(status(&service, &id), "pending_review");
    service.git(&["branch", "main", tip.trim()]);
    assert_all_is_well(&service, "mcp-two");
}

#[test]
fn a_packed_branch_moves_like_any_other() {
    let place = Place::new();
    let service = place.serve();
    for n in 0..3 {
        service.git(&["pack-refs", "--all"]);
        let answer = service.post(&submission(&format!("mcp-{n}")));
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(service.git(&["rev-parse", "main"]).trim(), answer.header("golive-commit"));
    }
    service.wait_until_clean();
}
