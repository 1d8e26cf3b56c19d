//! History that was rewound or replaced: writes stop and say how to go on, reads
//! go on, and nothing of either side is lost.

use std::fs;

use crate::common::edits::place_of_robin;
use crate::common::{Finished, Place, Service, decision, submission};
use serde_json::Value;

/// Serves `mcp-kept`, and `mcp-lost` as the newest commit, both in their files.
fn served(place: &Place) -> (Service<'_>, String, String) {
    let service = place.serve();
    let kept = service.submit("mcp-kept");
    service.wait_until_settled();
    let lost = service.submit("mcp-lost");
    service.wait_until_settled();
    service.wait_until_clean();
    (service, kept, lost)
}

/// What people do to the newest commit.
#[derive(Clone, Copy, Debug)]
enum Rewind {
    Reset,
    Amend,
    ResetAndCommit,
    Replace,
}

const REWINDS: [Rewind; 4] = [Rewind::Reset, Rewind::Amend, Rewind::ResetAndCommit, Rewind::Replace];

impl Rewind {
    /// Does it; returns the lost tip and the new one.
    fn run(self, place: &Place) -> (String, String) {
        let tip = || place.git(&["rev-parse", "main"]).trim().to_owned();
        let lost = tip();
        match self {
            Self::Reset => drop(place.git(&["reset", "-q", "--hard", "HEAD~1"])),
            Self::Amend => drop(place.git(&["commit", "-q", "--amend", "-m", "Another subject"])),
            Self::ResetAndCommit => {
                place.git(&["reset", "-q", "--hard", "HEAD~1"]);
                fs::write(place.repo().join("notes.md"), "Mine\n").expect("written");
                place.git(&["add", "notes.md"]);
                place.git(&["commit", "-q", "-m", "Note"]);
            }
            Self::Replace => {
                let orphan = place.git(&["commit-tree", "main^{tree}", "-m", "All anew"]);
                place.git(&["reset", "-q", "--hard", orphan.trim()]);
            }
        }
        let new = tip();
        assert_ne!(new, lost, "{self:?}");
        (lost, new)
    }
}

/// Writes are 503 with both commits and the commands; reads are of the lost tip.
fn assert_stopped(service: &Service, ids: [&str; 2], lost: &str, new: &str) {
    let mut revision = submission("mcp-lost");
    revision["report_data"] = "# Anew\n".into();
    let answers = [
        service.post(&submission("mcp-refused")),
        service.patch(ids[0], &decision("approved", "")),
        service.put(ids[1], &revision),
    ];
    for answer in answers {
        let detail = answer.problem(503)["detail"].as_str().expect("text").to_owned();
        for part in [lost, new, "git merge", "git reset --keep", "golive accept-rewind"] {
            assert!(detail.contains(part), "no `{part}` in: {detail}");
        }
        assert!(!answer.header("retry-after").is_empty());
    }
    service.wait_until("it is not ready", || service.get("/readyz").status == 503);
    assert!(service.get("/readyz").problem(503).to_string().contains(lost));
    assert_eq!(service.get("/healthz").status, 200);
    for id in ids {
        assert_eq!(service.report(id)["status"], "pending_review");
    }
    let list = service.get("/api/v1/reports");
    assert_eq!((list.header("x-total-count"), list.header("golive-commit")), ("2", lost));
    assert_eq!(service.git(&["rev-parse", "main"]).trim(), new);
}

/// Writes go on, on a history that holds both commits.
fn assert_goes_on(service: &Service, lost: &str, n_reports: usize) {
    service.wait_until("it is ready", || service.get("/readyz").status == 200);
    service.submit("mcp-after");
    service.wait_until_settled();
    service.wait_until_clean();
    service.assert_record_is_whole(n_reports + 1);
    assert_eq!(service.problems(), Vec::<Value>::new());
    assert_kept(service.place, lost);
}

/// The lost tip can be read even after the most thorough cleaning.
fn assert_kept(place: &Place, lost: &str) {
    place.git(&["reflog", "expire", "--expire=now", "--expire-unreachable=now", "--all"]);
    place.git(&["gc", "-q", "--prune=now"]);
    assert!(place.try_git(&["cat-file", "-e", &format!("{lost}^{{commit}}")]).status.success(), "{lost} is gone");
}

/// Rewinds while the service runs or is down, and serves what is left.
fn rewound(place: &Place, rewind: Rewind, is_down: bool) -> (Service<'_>, [String; 2], String, String) {
    let (service, kept, lost_id) = served(place);
    let (service, (lost, new)) = if is_down {
        service.stop();
        let tips = rewind.run(place);
        (place.serve(), tips)
    } else {
        let tips = rewind.run(place);
        (service, tips)
    };
    assert_stopped(&service, [&kept, &lost_id], &lost, &new);
    (service, [kept, lost_id], lost, new)
}

#[test]
fn lost_tip_merged_is_repaired_by_itself() {
    for rewind in REWINDS {
        for is_down in [false, true] {
            let place = place_of_robin();
            let (service, ids, lost, new) = rewound(&place, rewind, is_down);
            let unrelated: &[&str] =
                if matches!(rewind, Rewind::Replace) { &["--allow-unrelated-histories"] } else { &[] };
            place.git(&[&["merge", "-q", "--no-edit"], unrelated, &[&lost]].concat());
            assert_goes_on(&service, &lost, 2);
            for commit in [&lost, &new] {
                let is_there = place.try_git(&["merge-base", "--is-ancestor", commit, "main"]);
                assert!(is_there.status.success(), "{rewind:?}: {commit}");
            }
            assert_eq!(service.report(&ids[1])["status"], "pending_review");
        }
    }
}

#[test]
fn lost_tip_taken_back_is_repaired_by_itself() {
    for rewind in REWINDS {
        for is_down in [false, true] {
            let place = place_of_robin();
            let (service, ids, lost, _) = rewound(&place, rewind, is_down);
            place.git(&["reset", "-q", "--keep", &lost]);
            assert_goes_on(&service, &lost, 2);
            assert_eq!(place.git(&["rev-parse", "main~1"]).trim(), lost);
            assert_eq!(service.report(&ids[1])["status"], "pending_review");
        }
    }
}

#[test]
fn rewound_state_outlasts_a_restart() {
    let place = place_of_robin();
    let (service, ids, lost, new) = rewound(&place, Rewind::Reset, false);
    service.stop();
    let service = place.serve();
    assert_stopped(&service, [&ids[0], &ids[1]], &lost, &new);
    service.kill_9();
    let service = place.serve();
    assert_stopped(&service, [&ids[0], &ids[1]], &lost, &new);
    place.git(&["reset", "-q", "--keep", &lost]);
    assert_goes_on(&service, &lost, 2);
}

fn accept(place: &Place, commit: &str) -> Finished {
    place.golive(&["accept-rewind", "--repo", place.repo().to_str().expect("UTF-8"), commit])
}

/// The branch holds the commit that says so, right after the new tip.
fn assert_accepted(place: &Place, finished: &Finished, lost: &str, new: &str) {
    assert!(finished.status.success(), "{finished:?}");
    assert_eq!(place.told("main", "%P|%cn"), format!("{new}|golive"));
    assert_eq!(place.trailer("main", "Lost-Tip"), lost);
    assert_eq!(place.git(&["rev-parse", "main^{tree}"]), place.git(&["rev-parse", &format!("{new}^{{tree}}")]));
    let refs = place.git(&["for-each-ref", "--format=%(objectname)", "refs/golive/lost"]);
    assert_eq!(refs.trim(), lost);
}

#[test]
fn accepted_rewind_goes_on_from_the_new_tip_while_the_service_runs() {
    for (rewind, n_reports) in REWINDS.into_iter().zip([1, 2, 1, 2]) {
        let place = place_of_robin();
        let (service, ids, lost, new) = rewound(&place, rewind, false);
        assert_accepted(&place, &accept(&place, &new), &lost, &new);
        service.wait_until("the new tip is read", || {
            service.get("/api/v1/reports").header("x-total-count") == n_reports.to_string()
        });
        assert_goes_on(&service, &lost, n_reports);
        let answer = service.get(&format!("/api/v1/reports/{}", ids[1]));
        assert_eq!(answer.status, if n_reports == 2 { 200 } else { 404 }, "{rewind:?}");
        assert_eq!(service.report(&ids[0])["status"], "pending_review");
        crate::common::edits::restarted_the_same(service);
    }
}

#[test]
fn accepted_rewind_goes_on_from_the_new_tip_when_the_service_was_stopped() {
    for (rewind, n_reports) in REWINDS.into_iter().zip([1, 2, 1, 2]) {
        for is_noticed in [false, true] {
            let place = place_of_robin();
            let (service, _, lost, new) = if is_noticed {
                let (service, ids, lost, new) = rewound(&place, rewind, false);
                (service, ids, lost, new)
            } else {
                let (service, kept, lost_id) = served(&place);
                service.stop();
                let (lost, new) = rewind.run(&place);
                assert_accepted(&place, &accept(&place, &new), &lost, &new);
                (place.serve(), [kept, lost_id], lost, new)
            };
            let service = if is_noticed {
                service.stop();
                assert_accepted(&place, &accept(&place, &new), &lost, &new);
                place.serve()
            } else {
                service
            };
            assert_goes_on(&service, &lost, n_reports);
        }
    }
}

#[test]
fn what_is_no_rewind_or_not_its_tip_is_refused() {
    let place = place_of_robin();
    let (service, ..) = served(&place);
    let tip = service.tip();
    for wrong in [&tip, "main~1", "no-such-commit"] {
        accept(&place, wrong).assert_refused(&[]);
    }
    assert_eq!(service.tip(), tip);
    let (lost, new) = Rewind::ResetAndCommit.run(&place);
    let first = place.git(&["rev-parse", "main~1"]).trim().to_owned();
    let blob = place.git(&["rev-parse", "main:README.md"]).trim().to_owned();
    for wrong in [&lost, &first, "0123456789012345678901234567890123456789", "no-such-commit", "", &blob, "side"] {
        accept(&place, wrong).assert_refused(&[]);
    }
    assert_eq!(service.tip(), new);
    assert_eq!(service.post(&submission("mcp-refused")).status, 503);
    accept(&place, &lost).assert_refused(&[&new]);
    assert_accepted(&place, &accept(&place, &new), &lost, &new);
    assert_goes_on(&service, &lost, 1);
    // Once is enough.
    accept(&place, &new).assert_refused(&[]);
    accept(&place, &service.tip()).assert_refused(&[]);
}

#[test]
fn a_folder_that_is_no_reports_repository_is_refused_in_a_sentence() {
    let place = Place::new();
    accept(&place, "main").assert_refused(&["reports-repo"]);
    assert!(!place.repo().exists());
}

#[test]
fn rewound_again_after_it_was_accepted_is_noticed_again() {
    let place = place_of_robin();
    let (service, _, lost, new) = rewound(&place, Rewind::Reset, false);
    assert_accepted(&place, &accept(&place, &new), &lost, &new);
    assert_goes_on(&service, &lost, 1);
    let (lost_again, new_again) = Rewind::Reset.run(&place);
    let answer = service.post(&submission("mcp-refused")).problem(503);
    for part in [&lost_again, &new_again] {
        assert!(answer["detail"].as_str().is_some_and(|detail| detail.contains(part)), "{answer}");
    }
    assert!(accept(&place, &new_again).status.success());
    service.wait_until("it is ready", || service.get("/readyz").status == 200);
    service.wait_until_settled();
    assert_kept(&place, &lost);
    assert_kept(&place, &lost_again);
    assert_eq!(place.git(&["for-each-ref", "refs/golive/lost"]).lines().count(), 2);
}

#[test]
fn hand_edits_wait_while_history_is_rewound() {
    let place = place_of_robin();
    let (service, ids, lost, new) = rewound(&place, Rewind::Amend, false);
    let saved = place.edit("mcp-kept", crate::common::edits::APPROVE);
    service.wait_until("writes are refused", || service.post(&submission("mcp-refused")).status == 503);
    assert_eq!((service.tip(), place.on_disk("mcp-kept")), (new, saved));
    place.git(&["reset", "-q", "--soft", &lost]);
    service.wait_until("it is ready", || service.get("/readyz").status == 200);
    service.wait_for_status(&ids[0], "approved");
    service.wait_until_settled();
    service.wait_until_clean();
}
