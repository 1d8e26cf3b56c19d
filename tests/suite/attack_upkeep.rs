//! Attack: git's own upkeep and the service's, in a loop beside people who write and
//! read: no object is missing for anybody, no write is lost.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
#[cfg(feature = "failpoints")]
use std::time::{Duration, Instant};

use crate::common::attack::rounds;
use crate::common::edits::place_of_robin;
#[cfg(feature = "failpoints")]
use crate::common::{BINARY, Finished, PATIENCE};
use crate::common::{Place, Service, decision, submission};

/// What people run by hand. Prunes at once: an hour of grace would hide a fault.
const UPKEEP: &[&[&str]] = &[
    &["repack", "-adq"],
    &["multi-pack-index", "write"],
    &["gc", "-q", "--prune=now"],
    &["prune-packed", "-q"],
    &["pack-refs", "--all"],
    &["commit-graph", "write", "--reachable"],
    &["repack", "-q", "--geometric=2", "-d", "--write-midx"],
    &["reflog", "expire", "--expire=now", "--all"],
];

/// Reports of many clients: each its own, with all that can be done to it.
fn write(service: &Service, client: usize, n_rounds: usize) -> BTreeSet<String> {
    let mut commits = BTreeSet::new();
    let mut done = |answer: crate::common::Answer| {
        assert!(matches!(answer.status, 200 | 201), "{answer:?}\n{}", service.log());
        commits.insert(answer.header("golive-commit").to_owned());
        answer.json()["id"].as_str().expect("an id").to_owned()
    };
    for n in 0..n_rounds {
        let name = format!("mcp-{client}-{n}");
        let id = done(service.post(&submission(&name)));
        done(service.patch(&id, &decision("rejected", "Once more")));
        let mut again = submission(&name);
        again["report_data"] = format!("# The second text of {name}\n").into();
        done(service.post(&again));
    }
    commits
}

/// Asks for what is not in memory: old texts, differences, states of before.
fn read(service: &Service, ids: &[String], commit: &str) -> usize {
    let mut n = 0;
    for id in ids {
        let at = format!("?at={commit}");
        for path in ["", "/history", "/diff", "/revisions/1", "/assessment", &at, &format!("/file{at}")] {
            let answer = service.get(&format!("/api/v1/reports/{id}{path}"));
            assert_eq!(answer.status, 200, "{path}: {answer:?}\n{}", service.log());
            n += 1;
        }
    }
    n
}

/// Clones, and looks at every object that came. A reader that has a multi-pack-index
/// open while somebody removes the packs in it finds nothing more, which is git's own
/// (without golive as well): it says so, and the next try works.
fn clone(place: &Place, service: &Service, n: usize) {
    let folder = format!("clone-{n}");
    let script = format!("rm -rf {folder}; git clone -q {}/reports.git {folder}", service.base);
    let tries: Vec<_> =
        (0..5).map_while(|_| Some(place.sh("", &script)).filter(|ended| !ended.status.success())).collect();
    let fsck = || place.try_git(&["fsck", "--connectivity-only"]);
    assert!(tries.len() < 5, "{tries:?}\n{:?}\n{}", fsck(), service.log());
    let checked = place.sh(&folder, "git fsck --strict");
    assert!(checked.status.success(), "{checked:?}");
    std::fs::remove_dir_all(place.path().join(folder)).expect("removed");
}

/// The new pack is what nothing refers to yet: to git, garbage.
#[cfg(feature = "failpoints")]
#[test]
fn new_pack_survives_upkeep_before_the_branch_refers_to_it() {
    let place = place_of_robin();
    let gate = place.path().join("gate");
    let service = place.serve_armed("write.prepared=1*return(stay)", Some(&gate), &[]).expect("it starts");
    service.submit("mcp-first");
    service.wait_until_mirrored();
    std::fs::write(&gate, "").expect("written");
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| service.post(&submission("mcp-second")));
        service.wait_until("the pack is there", || gate.with_extension("held").exists());
        for command in UPKEEP {
            let ended = place.try_git(command);
            assert!(ended.status.success(), "{command:?}: {ended:?}");
        }
        std::fs::remove_file(&gate).expect("removed");
        let answer = writer.join().expect("no panic");
        assert_eq!(answer.status, 201, "{answer:?}");
    });
    service.wait_until_mirrored();
    service.stop();
    let service = place.serve();
    service.assert_record_is_whole(2);
}

/// The same for the one commit that another process than the service makes.
#[cfg(feature = "failpoints")]
#[test]
fn accepted_rewind_survives_upkeep_before_the_branch_refers_to_it() {
    let place = place_of_robin();
    let gate = place.path().join("gate");
    let service = place.serve();
    service.submit("mcp-kept");
    service.submit("mcp-lost");
    service.wait_until_mirrored();
    service.stop();
    place.git(&["reset", "-q", "--hard", "HEAD~1"]);
    std::fs::write(&gate, "").expect("written");
    let mut accept = place.command(BINARY);
    accept.env("FAILPOINTS", "tip.synced=1*return(stay)").env("FAILPOINTS_FROM", &gate);
    accept.args(["accept-rewind", "--repo", "reports-repo", "main"]).current_dir(place.path());
    std::thread::scope(|scope| {
        let accepting = scope.spawn(|| Finished::of(&mut accept));
        let start = Instant::now();
        while !gate.with_extension("held").exists() {
            assert!(start.elapsed() < PATIENCE && !accepting.is_finished(), "the pack is not made");
            std::thread::sleep(Duration::from_millis(5)); // between two looks
        }
        for command in UPKEEP {
            let ended = place.try_git(command);
            assert!(ended.status.success(), "{command:?}: {ended:?}");
        }
        std::fs::remove_file(&gate).expect("removed");
        let ended = accepting.join().expect("no panic");
        assert!(ended.status.success(), "{ended:?}");
    });
    let service = place.serve();
    service.submit("mcp-after");
    service.wait_until_clean();
    service.assert_record_is_whole(2);
    service.stop();
    let kept = place.sh("reports-repo/.git/objects/pack", "ls *.keep");
    assert!(!kept.status.success(), "no pack is kept for ever: {kept:?}");
}

#[test]
fn upkeep_beside_load_loses_no_object_and_no_write() {
    let place = place_of_robin();
    let service = place.serve();
    let first: Vec<_> = (0..4).map(|n| service.submit(&format!("mcp-first-{n}"))).collect();
    for (n, id) in first.iter().enumerate() {
        let mut again = submission(&format!("mcp-first-{n}"));
        again["report_data"] = "# Another text\n".into();
        assert_eq!(service.put(id, &again).status, 200);
    }
    // So that nothing of it is in memory any more.
    service.stop();
    let service = place.serve();
    let commit = place.git(&["rev-parse", "main"]).trim().to_owned();

    let (n_writers, n_rounds) = (3, rounds(25, 350));
    let (is_over, n_upkeeps, n_reads) = (AtomicBool::new(false), AtomicUsize::new(0), AtomicUsize::new(0));
    let commits = Mutex::new(BTreeSet::new());
    let go_on = || !is_over.load(Ordering::Relaxed);
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..n_writers)
            .map(|client| {
                let (service, commits) = (&service, &commits);
                scope.spawn(move || commits.lock().expect("no panic").extend(write(service, client, n_rounds)))
            })
            .collect();
        scope.spawn(|| {
            while go_on() {
                for command in UPKEEP {
                    // Two at once get in each other's way, which is git's to say.
                    let ended = place.try_git(command);
                    assert!(!ended.stderr.contains("missing"), "{command:?}: {ended:?}");
                    n_upkeeps.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        scope.spawn(|| {
            while go_on() {
                n_reads.fetch_add(read(&service, &first, &commit), Ordering::Relaxed);
            }
        });
        scope.spawn(|| {
            for n in 0.. {
                clone(&place, &service, n);
                if !go_on() {
                    break;
                }
            }
        });
        let ended: Vec<_> = writers.into_iter().map(|writer| writer.join().is_ok()).collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(ended.into_iter().all(|is_well| is_well), "a writer was refused");
    });
    let commits = commits.into_inner().expect("no panic");
    assert_eq!(commits.len(), n_writers * n_rounds * 3);
    let log = service.log();
    assert!(!log.contains("panicked") && !log.contains("\"ERROR\""), "{log}");
    service.wait_until_clean();
    service.stop();

    let service = place.serve();
    let found: BTreeSet<_> = service.commits().into_iter().collect();
    assert!(commits.is_subset(&found), "a write is lost");
    assert_eq!(found.len(), 1 + 2 * first.len() + commits.len());
    let n_reports = first.len() + n_writers * n_rounds;
    if n_reports <= 1000 {
        service.assert_record_is_whole(n_reports);
    }
    let verified = place.golive(&["verify", "reports-repo"]);
    assert!(verified.status.success(), "{verified:?}");
    assert!(place.try_git(&["fsck", "--strict"]).status.success());
    let (n_upkeeps, n_reads) = (n_upkeeps.into_inner(), n_reads.into_inner());
    eprintln!("upkeep-beside-load: {} writes and {n_reads} reads beside {n_upkeeps} runs of upkeep", commits.len());
}
