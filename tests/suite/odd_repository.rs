//! What people and crashes can do to a reports repository beside the reports:
//! the service starts, serves what is there, and breaks nothing further.

use std::fs;

use crate::common::{Place, decision};

#[test]
fn report_that_was_made_executable_is_served_after_a_restart_and_decided_on() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_clean();
    place.git(&["update-index", "--chmod=+x", &place.report_path("mcp-one")]);
    place.git(&["commit", "-q", "-m", "Make it executable"]);
    service.stop();

    let service = place.serve();
    assert_eq!(service.get(&format!("/api/v1/reports/{id}")).status, 200);
    assert_eq!(service.patch(&id, &decision("approved", "fine")).status, 200);
    let path = place.report_path("mcp-one");
    assert!(place.git(&["ls-tree", "main", &path]).starts_with("100644 "));
    service.stop();
    place.git(&["fsck", "--strict"]);
}

#[test]
fn what_stands_in_the_way_of_one_report_stops_that_one_alone() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-first");
    service.wait_until_clean();
    // A folder where the file of one report belongs.
    let path = place.report_path("mcp-blocked");
    fs::create_dir_all(place.repo().join(&path)).expect("a folder");
    fs::write(place.repo().join(&path).join("x"), "x").expect("a file");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-q", "-m", "Put a folder there"]);

    std::thread::scope(|scope| {
        for n in 0..16 {
            let service = &service;
            scope.spawn(move || service.submit(&format!("mcp-{n}")));
        }
        let problem = service.post(&crate::common::submission("mcp-blocked")).problem(409);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("in the way")), "{problem}");
    });
    assert_eq!(service.get("/readyz").status, 200);
    service.stop();
    place.git(&["fsck", "--strict"]);
}

#[test]
fn derived_files_that_a_power_loss_cut_do_not_stop_the_start() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_mirrored();
    service.stop();
    fs::write(place.repo().join(".git/refs/golive/mirrored"), "").expect("a reference");
    fs::write(place.repo().join(".git/golive/tips/0"), "").expect("a tip to come");
    fs::write(place.repo().join(".git/objects/pack/pack-0123456789012345678901234567890123456789.pack"), "PACK")
        .expect("a pack");

    let service = place.serve();
    assert_eq!(service.get(&format!("/api/v1/reports/{id}")).status, 200);
    service.submit("mcp-two");
    service.wait_until_clean();
    service.stop();
    place.git(&["fsck", "--strict"]);
    assert!(place.git(&["count-objects", "-v"]).contains("garbage: 0"));
}

#[test]
fn packs_are_joined_while_a_single_client_writes_and_git_reads_them_all() {
    let place = Place::new();
    let service = place.serve();
    for n in 0..60 {
        service.submit(&format!("mcp-{n}"));
    }
    let n_packs = || {
        let counts = place.git(&["count-objects", "-v"]);
        counts.lines().find_map(|line| line.strip_prefix("packs: ")).expect("packs").parse::<usize>().expect("a number")
    };
    service.wait_until("packs are joined", || n_packs() < 48);
    assert_eq!(service.patch(service.submit("mcp-last").as_str(), &decision("rejected", "no")).status, 200);
    service.stop();
    place.git(&["fsck", "--strict"]);
    assert_eq!(place.git(&["rev-list", "--count", "main"]), "63\n");
}

/// The work tree's handle kept each joined pack open that it had looked into: one file
/// more for every ninety writes, until there were none left.
#[test]
fn packs_that_were_joined_are_closed() {
    let place = Place::new();
    let service = place.serve();
    let mut n = 0;
    for n_joins in 1..=6 {
        while service.log().matches("Joined ").count() < n_joins {
            service.submit(&format!("mcp-{n}"));
            n += 1;
        }
        service.wait_until_mirrored();
    }
    service.wait_until("joined packs are closed", || {
        // Handles are renewed with a write.
        service.submit(&format!("mcp-{n}"));
        n += 1;
        service.wait_until_mirrored();
        service.n_deleted_files() <= 2
    });
}
