//! The state that is saved for the next start: used if it fits the record, and
//! never believed if it does not.

use std::fs;

use crate::common::edits::{APPROVE, place_of_robin, restarted_after};
use crate::common::{Place, Service, decision};

const FROM_GIT: &str = "(read from git)";
const FROM_SAVED: &str = "(read from what was saved)";

/// Serves five reports, of which one is approved, one is edited by hand, and one broken by a commit.
fn served(place: &Place) -> Service<'_> {
    let service = place.serve();
    let ids: Vec<_> = (0..5).map(|n| service.submit(&format!("mcp-{n}"))).collect();
    assert_eq!(service.patch(&ids[0], &decision("approved", "Fine")).status, 200);
    service.wait_until_settled();
    service.wait_until_clean();
    place.edit("mcp-1", APPROVE);
    service.wait_for_status(&ids[1], "approved");
    service.wait_until_settled();
    service.wait_until_clean();
    service.commit_at_once("mcp-2", &[("status: pending_review", "status: aproved")]);
    service.wait_for_problem(&place.report_path("mcp-2"), "unknown-status");
    service
}

#[test]
fn clean_restart_reads_what_was_saved() {
    let place = place_of_robin();
    let service = restarted_after(served(&place), || ());
    assert!(service.log().contains(FROM_SAVED), "{}", service.log());
}

#[test]
fn what_was_saved_is_not_believed_if_it_is_cut_or_changed() {
    let place = place_of_robin();
    let mut service = served(&place);
    let saved = place.repo().join(".git/golive/snapshot");
    let damages: [fn(&mut Vec<u8>); 6] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.clear(),
        |bytes| *bytes.last_mut().expect("a byte") ^= 1,
        |bytes| bytes[20] ^= 1,
        // Still one that can be read, but of another name.
        |bytes| {
            let at = bytes.windows(5).position(|name| name == b"mcp-3").expect("a name");
            bytes[at + 4] = b'x';
        },
        |bytes| bytes.extend([0xff; 12]),
    ];
    for damage in damages {
        service = restarted_after(service, || {
            let mut bytes = fs::read(&saved).expect("a saved state");
            damage(&mut bytes);
            fs::write(&saved, bytes).expect("written");
        });
        assert!(service.log().contains(FROM_GIT), "{}", service.log());
    }
}

#[test]
fn state_of_another_history_is_not_used() {
    let place = place_of_robin();
    let service = served(&place);
    let other = place_of_robin();
    let other_service = served(&other);
    other_service.stop();
    let name = ".git/golive/snapshot";
    let service = restarted_after(service, || {
        fs::copy(other.repo().join(name), place.repo().join(name)).expect("copied");
    });
    assert!(service.log().contains(FROM_GIT), "{}", service.log());
}

#[test]
fn older_state_is_brought_forward_over_everything_that_came_since() {
    let place = place_of_robin();
    let service = served(&place);
    let saved = place.repo().join(".git/golive/snapshot");
    service.stop();
    let old = fs::read(&saved).expect("a saved state");
    let service = place.serve();
    // Each in its own way: over the API, by hand, and by a commit.
    let id = service.submit("mcp-new");
    assert_eq!(service.patch(&id, &decision("rejected", "Not yet")).status, 200);
    service.wait_until_settled();
    service.wait_until_clean();
    place.edit("mcp-3", APPROVE);
    service.wait_until("it is approved", || place.committed_report("mcp-3").contains("status: approved"));
    service.wait_until_settled();
    service.wait_until_clean();
    service.commit_at_once("mcp-4", &[("status: pending_review", "status: approved")]);
    service
        .wait_until("it is served", || service.get("/api/v1/reports?status=approved").header("x-total-count") == "4");
    service.commit_at_once("mcp-2", &[("status: aproved", "status: pending_review")]);
    service.wait_until_no_problem();
    let service = restarted_after(service, || fs::write(&saved, &old).expect("written"));
    assert!(service.log().contains(FROM_SAVED), "{}", service.log());
    let service = restarted_after(service, || fs::remove_file(&saved).expect("a saved state"));
    assert!(service.log().contains(FROM_GIT), "{}", service.log());
}

#[test]
fn state_of_a_commit_that_is_no_longer_in_the_history_is_not_used() {
    let place = place_of_robin();
    let service = place.serve();
    service.submit("mcp-kept");
    let lost = service.submit("mcp-lost");
    service.wait_until_settled();
    service.wait_until_clean();
    service.stop();
    // Nothing says what was served, so the tip is trusted.
    place.git(&["reset", "-q", "--hard", "HEAD~1"]);
    place.git(&["update-ref", "-d", "refs/golive/served"]);
    let service = place.serve();
    assert!(service.log().contains(FROM_GIT), "{}", service.log());
    assert_eq!(service.get(&format!("/api/v1/reports/{lost}")).status, 404);
}
