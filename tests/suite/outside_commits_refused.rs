//! Commits of people that leave a report broken or false: the one report stays at
//! its last good state or is set right, and everything else in the commit counts.

use crate::common::edits::{APPROVE, CHANGE_EMAIL, CHANGE_TEXT, place_of_robin, restarted_the_same};
use crate::common::{Place, Service, decision};
use serde_json::{Value, json};

fn served<'a>(place: &'a Place, names: &[&str]) -> (Service<'a>, Vec<String>) {
    let service = place.serve();
    let ids = names.iter().map(|name| service.submit(name)).collect();
    service.wait_until_settled();
    service.wait_until_clean();
    (service, ids)
}

/// Changes several reports and commits them together, in one moment.
fn commit_all(service: &Service, changes: &[(&str, &[(&str, &str)])]) -> String {
    service.at_once(|| {
        for (name, changes) in changes {
            service.place.edit(name, changes);
        }
        service.git(&["commit", "-q", "-a", "-m", "Several at once"]);
        service.tip()
    })
}

const BREAK: &[(&str, &str)] = &[("status: pending_review", "status: aproved")];
const MEND: &[(&str, &str)] = &[("status: aproved", "status: pending_review")];

/// One bad report among two good ones, committed; its last good commit.
fn broken<'a>(place: &'a Place, names: [&str; 3]) -> (Service<'a>, Vec<String>, String) {
    let (service, ids) = served(place, &names);
    let last_good = service.git(&["log", "-1", "--format=%H", "main", "--", &place.report_path(names[1])]);
    let before = service.report(&ids[1]);
    let commit = commit_all(&service, &[(names[0], APPROVE), (names[1], BREAK), (names[2], CHANGE_EMAIL)]);
    service.wait_for_status(&ids[0], "approved");
    service.wait_for_email(&ids[2], "kim@example.com");
    let problem = service.wait_for_problem(&place.report_path(names[1]), "unknown-status");
    assert_eq!((&problem["line"], &problem["column"]), (&json!(6), &json!(9)), "{problem}");
    assert_eq!((&problem["found_in"], &problem["commit"]), (&json!("commit"), &json!(commit)), "{problem}");
    assert_eq!((&problem["report_id"], &problem["last_good_commit"]), (&json!(ids[1]), &json!(last_good.trim())));
    assert_eq!(problem["excerpt"], "status: aproved");
    assert_eq!(service.problems().len(), 1);
    assert_eq!(service.report(&ids[1]), before);
    let refused = service.patch(&ids[1], &decision("approved", "")).problem(409);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("6:9: ")), "{refused}");
    assert_eq!(refused["path"], place.report_path(names[1]));
    let metrics = String::from_utf8(service.get("/metrics").body).expect("UTF-8");
    assert!(metrics.contains("\ngolive_problems 1\n"), "{metrics}");
    service.wait_until_settled();
    assert_eq!(service.tip(), commit);
    (restarted_the_same(service), ids, commit)
}

#[test]
fn bad_report_of_a_commit_stays_at_its_last_good_state_until_a_commit_mends_it() {
    let place = place_of_robin();
    let (service, ids, _) = broken(&place, ["mcp-one", "mcp-two", "mcp-three"]);
    // Others are written on top of it.
    assert_eq!(service.patch(&ids[2], &decision("approved", "")).status, 200);
    service.wait_until_settled();
    service.wait_until_clean();
    assert_eq!(service.problems().len(), 1);
    service.commit_at_once("mcp-two", MEND);
    service.wait_until_no_problem();
    assert_eq!(service.patch(&ids[1], &decision("approved", "")).status, 200);
    service.wait_until_settled();
    service.wait_until_clean();
    restarted_the_same(service);
}

#[test]
fn bad_report_of_a_commit_is_mended_by_a_hand_edit() {
    let place = place_of_robin();
    let (service, ids, _) = broken(&place, ["mcp-one", "mcp-two", "mcp-three"]);
    place.edit("mcp-two", &[("status: aproved", "status: approved")]);
    service.wait_until_no_problem();
    let report = service.wait_for_status(&ids[1], "approved");
    assert_eq!(report["reviewed_by"], crate::common::edits::ROBIN);
    service.wait_until_settled();
    service.wait_until_clean();
    assert_eq!(place.trailer("main", "Via"), "hand-edit");
    assert_eq!(place.trailer("main", "Status"), "pending_review -> approved");
    restarted_the_same(service);
}

#[test]
fn bad_report_of_a_commit_is_mended_by_a_revert() {
    let place = place_of_robin();
    let (service, ids, commit) = broken(&place, ["mcp-one", "mcp-two", "mcp-three"]);
    service.git(&["revert", "--no-edit", &commit]);
    service.wait_until_no_problem();
    service.wait_for_status(&ids[0], "pending_review");
    assert_eq!(service.report(&ids[1])["status"], "pending_review");
    service.wait_for_email(&ids[2], "alex@example.com");
    service.wait_until_settled();
    service.wait_until_clean();
    restarted_the_same(service);
}

/// The tip is the service's answer to `commit`, and the report is as `before`.
fn assert_set_right(service: &Service, name: &str, commit: &str, before: &Value) {
    let (place, path) = (service.place, service.place.report_path(name));
    service.wait_until("the service answers the commit", || service.tip() != commit);
    service.wait_until_settled();
    let tip = service.tip();
    assert_eq!(place.told(&tip, "%P"), commit);
    assert_eq!(place.told(&tip, "%s|%an"), format!("Restore report `{name}`|golive"));
    assert_eq!((place.trailer(&tip, "Via"), place.trailer(&tip, "Answers")), ("golive".into(), commit.into()));
    assert_eq!(service.report(before["id"].as_str().expect("an id")), *before);
    service.wait_until("the file is back", || place.report_file(name).is_file());
    service.wait_until_clean();
    assert_eq!(place.on_disk(name), place.committed_report(name));
    assert!(service.git(&["ls-tree", "main", &path]).starts_with("100644 blob"));
}

#[test]
fn deleted_report_is_restored_by_a_commit() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one", "mcp-two"]);
    assert_eq!(service.patch(&ids[0], &decision("approved", "Fine")).status, 200);
    service.wait_until_settled();
    service.wait_until_clean();
    let before = service.report(&ids[0]);
    let path = place.report_path("mcp-one");
    let commit = service.sh_at_once(&format!("git rm -q {path}; git commit -qm 'Away with it'"));
    assert_set_right(&service, "mcp-one", &commit, &before);
    assert_eq!(service.problems(), Vec::<Value>::new());
    assert_eq!(service.patch(&ids[0], &decision("rejected", "")).status, 200);
    restarted_the_same(service);
}

#[test]
fn all_reports_deleted_are_all_restored() {
    let place = place_of_robin();
    let names = ["mcp-one", "mcp-two", "mcp-three"];
    let (service, ids) = served(&place, &names);
    let before: Vec<_> = ids.iter().map(|id| service.report(id)).collect();
    service.sh_at_once("git rm -qr reports; git commit -qm 'Away with all'");
    service.wait_until("all are at the tip", || {
        service.git(&["ls-tree", "-r", "--name-only", "main", "reports"]).lines().count() == 3
    });
    service.wait_until_settled();
    service.wait_until_clean();
    let after: Vec<_> = ids.iter().map(|id| service.report(id)).collect();
    assert_eq!(after, before);
    assert_eq!(service.problems(), Vec::<Value>::new());
    restarted_the_same(service);
}

#[test]
fn renamed_report_is_restored_and_its_copy_told() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one"]);
    let (before, path) = (service.report(&ids[0]), place.report_path("mcp-one"));
    let commit = service.sh_at_once(&format!("git mv {path} reports/mine.md; git commit -qm 'Mine'"));
    assert_set_right(&service, "mcp-one", &commit, &before);
    let problem = service.wait_for_problem("reports/mine.md", "wrong-path");
    assert!(problem.to_string().contains(&path), "{problem}");
    service.sh_at_once("git rm -q reports/mine.md; git commit -qm 'Not mine'");
    service.wait_until_no_problem();
    assert_eq!(service.patch(&ids[0], &decision("approved", "")).status, 200);
    restarted_the_same(service);
}

#[test]
fn changed_id_and_repository_are_set_right() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one", "mcp-two"]);
    let other_id = crate::common::bad_edits::OTHER_ID;
    let before = service.report(&ids[0]);
    for (from, to) in [
        (ids[0].as_str(), other_id),
        (&ids[0], &ids[1]),
        ("github.com/example/mcp-one", "github.com/example/elsewhere"),
        ("github.com/example/mcp-one", "github.com/example/mcp-two"),
    ] {
        let commit = service.commit_at_once("mcp-one", &[(from, to)]);
        assert_set_right(&service, "mcp-one", &commit, &before);
        assert_eq!(service.get(&format!("/api/v1/reports/{other_id}")).status, 404);
        assert_eq!(service.get("/api/v1/reports").header("x-total-count"), "2");
    }
    // What else the commit says counts.
    let changes = [(ids[0].as_str(), other_id), CHANGE_EMAIL[0], APPROVE[0]];
    service.commit_at_once("mcp-one", &changes);
    service.wait_for_status(&ids[0], "approved");
    assert_eq!(service.report(&ids[0])["developer_email"], "kim@example.com");
    service.wait_until_settled();
    assert!(place.committed_report("mcp-one").contains(&format!("id: {}\n", ids[0])));
    assert_eq!(service.problems(), Vec::<Value>::new());
    restarted_the_same(service);
}

#[test]
fn report_that_was_made_executable_is_set_right_and_what_else_was_done_to_it_counts() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one", "mcp-two"]);
    let path = place.report_path("mcp-one");
    let before = service.report(&ids[0]);
    let commit = service.sh_at_once(&format!("chmod +x {path}; git commit -qam 'Run it'"));
    assert!(place.git(&["ls-tree", &commit, &path]).starts_with("100755 blob"));
    assert_set_right(&service, "mcp-one", &commit, &before);
    let service = restarted_the_same(service);

    let script = format!("chmod +x {path}; sed -i 's/pending_review/approved/' {path}; git commit -qam 'Run it, too'");
    let commit = service.sh_at_once(&script);
    service.wait_for_status(&ids[0], "approved");
    assert_set_right(&service, "mcp-one", &commit, &service.report(&ids[0]));
    assert_eq!(service.problems(), Vec::<Value>::new());
    // Nobody served it meanwhile.
    service.stop();
    place.sh("reports-repo", &format!("chmod +x {path}; git commit -qam 'Behind its back'"));
    let commit = place.git(&["rev-parse", "main"]).trim().to_owned();
    let service = place.serve();
    assert_set_right(&service, "mcp-one", &commit, &service.report(&ids[0]));
    let verified = place.golive(&["verify", "reports-repo"]);
    let told = [&*verified.stdout, &*verified.stderr].concat();
    assert!(verified.status.success() && told.matches(&format!("makes `{path}` executable")).count() == 3, "{told}");
    restarted_the_same(service);
}

#[test]
fn file_that_was_made_executable_is_a_plain_one_again_and_others_stay() {
    let place = place_of_robin();
    let (service, _) = served(&place, &["mcp-one"]);
    let (tip, path) = (service.tip(), place.report_path("mcp-one"));
    place.sh("reports-repo", &format!("chmod +x {path} README.md"));
    service
        .wait_until("only the person's own is changed", || place.git(&["status", "--porcelain"]) == " M README.md\n");
    assert_eq!((service.tip(), service.problems()), (tip, Vec::<Value>::new()));
}

#[test]
fn link_committed_in_place_of_a_report_is_not_followed() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one", "mcp-two"]);
    let (before, path) = (service.report(&ids[0]), place.report_path("mcp-one"));
    let script = format!("ln -sf /etc/passwd {path}; git add {path}; git commit -qm 'Elsewhere'");
    let commit = service.sh_at_once(&script);
    // Told, or set right at once.
    service.wait_until("it was noticed", || {
        let is_told = service.problem_at(&path).is_some_and(|problem| problem["rule"] == "not-a-file");
        is_told || service.tip() != commit
    });
    service.wait_until_settled();
    assert_eq!(service.report(&ids[0]), before);
    assert_eq!(service.patch(&ids[1], &decision("approved", "")).status, 200);
    if service.tip() == commit {
        assert_eq!(service.patch(&ids[0], &decision("approved", "")).problem(409)["path"], path);
        let service = restarted_the_same(service);
        run_the_way_back(&service, &path);
        assert_eq!(service.report(&ids[0]), before);
    }
}

/// Does what a problem's repair says.
fn run_the_way_back(service: &Service, path: &str) {
    // Nobody reads it and acts before the work tree has followed.
    service.wait_until_mirrored();
    let problem = service.problem_at(path).expect("a problem");
    let repair = problem["repair"].as_str().expect("a sentence");
    let (_, command) = repair.split_once("take the file as it was: `").unwrap_or_else(|| panic!("{repair}"));
    let (command, _) = command.split_once('`').expect("a command");
    service.place.sh("reports-repo", &format!("{command}; git commit -qm 'As it was'"));
    service.wait_until("the problem is gone", || service.problems().is_empty());
    service.wait_until_settled();
    service.wait_until_clean();
}

#[test]
fn file_that_a_commit_broke_as_a_whole_is_repaired_as_it_is_told() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one"]);
    assert_eq!(service.patch(&ids[0], &decision("approved", "Fine")).status, 200);
    service.wait_until_settled();
    service.wait_until_clean();
    let (before, path) = (service.report(&ids[0]), place.report_path("mcp-one"));
    for script in ["sed -i 1d", "sed -i '13,$d'", "sed -i '$a<<<<<<< a\\n=======\\n>>>>>>> b'"] {
        service.sh_at_once(&format!("{script} {path}; git commit -qam 'Broken'"));
        service.wait_until("it is told", || service.problem_at(&path).is_some());
        run_the_way_back(&service, &path);
        assert_eq!(service.report(&ids[0]), before, "{script}");
    }
}

#[test]
fn files_of_a_commit_that_are_no_reports_are_left_alone() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one"]);
    let script = "mkdir -p docs reports/x; echo a >docs/guide.md; echo b >reports/x/notes.md; cp README.md reports/;\
                  ln -s nowhere reports/link.md; git add -A; git commit -qm 'Say more'";
    let commit = service.sh_at_once(script);
    service.wait_until_settled();
    assert_eq!((service.tip(), service.problems()), (commit, Vec::<Value>::new()));
    assert_eq!(service.patch(&ids[0], &decision("approved", "")).status, 200);
    service.wait_until_clean();
    restarted_the_same(service);
}

#[test]
fn false_file_made_while_the_service_was_down_is_set_right_at_the_start() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one", "mcp-two", "mcp-three"]);
    for id in &ids[..2] {
        assert_eq!(service.patch(id, &decision("approved", "Fine")).status, 200);
    }
    service.wait_until_settled();
    service.wait_until_clean();
    service.stop();
    place.edit("mcp-one", CHANGE_TEXT);
    place.git(&["rm", "-q", &place.report_path("mcp-two")]);
    place.edit("mcp-three", APPROVE);
    place.git(&["commit", "-q", "-a", "-m", "Behind its back"]);
    let service = place.serve();
    service.wait_for(&ids[0], "the decision is void", |report| report["revision"] == 2);
    assert_eq!(service.wait_for_status(&ids[2], "approved")["reviewed_by"], crate::common::edits::TEST);
    service.wait_until("the file is back", || place.report_file("mcp-two").is_file());
    service.wait_until_settled();
    service.wait_until_clean();
    let files = ["mcp-one", "mcp-two"].map(|name| place.committed_report(name));
    assert!(files[0].contains("status: pending_review") && files[1].contains("status: approved"));
    assert_eq!(service.report(&ids[1])["reviewed_by"], "Morgan <morgan@example.com>");
    assert_eq!(service.problems(), Vec::<Value>::new());
    restarted_the_same(service);
}

#[test]
fn a_plain_commit_from_an_index_that_is_behind_is_no_decision() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one", "mcp-two"]);
    for id in &ids {
        assert_eq!(service.patch(id, &decision("approved", "Fine")).status, 200);
    }
    service.wait_until_settled();
    service.wait_until_clean();
    // While the index is locked it falls behind; the files do not.
    let lock = place.repo().join(".git/index.lock");
    std::fs::write(&lock, "").expect("a lock");
    assert_eq!(service.patch(&ids[0], &decision("rejected", "After all")).status, 200);
    let new = service.submit("mcp-new");
    let acknowledged = [&ids[0], &ids[1], &new].map(|id| service.report(id));
    service.wait_until("the file follows", || place.on_disk("mcp-one").contains("After all"));
    let commit = service.at_once(|| {
        std::fs::remove_file(&lock).expect("removed");
        std::fs::write(place.repo().join("note.md"), "Mine\n").expect("written");
        place.git(&["add", "note.md"]);
        place.git(&["commit", "-q", "-m", "Note"]);
        service.tip()
    });
    // With the older git state the commit takes back both writes, unless a hook waited.
    service.wait_until_settled();
    service.wait_until("the writes are at the tip", || {
        let file = place.try_git(&["show", &format!("main:{}", place.report_path("mcp-new"))]);
        file.status.success() && place.committed_report("mcp-one").contains("status: rejected")
    });
    service.wait_until_settled();
    assert_eq!([&ids[0], &ids[1], &new].map(|id| service.report(id)), acknowledged);
    let took_back = place.git(&["diff", "--name-only", &format!("{commit}~1"), &commit]);
    if took_back.contains("reports/") {
        assert_eq!(place.trailer("main", "Answers"), commit);
    }
    service.wait_until_clean();
    assert!(place.git(&["show", "main:note.md"]).contains("Mine"));
    let service = restarted_the_same(service);
    for id in [&ids[0], &new] {
        let decisions = service.history(id);
        let of_the_commit = decisions.iter().find(|item| item["commit"] == commit);
        assert!(of_the_commit.is_none_or(|item| item["event"] != "approve"), "{decisions:?}");
    }
}

#[test]
fn a_decision_right_after_a_commit_from_an_index_that_is_behind_is_its_own() {
    let place = place_of_robin();
    let (service, ids) = served(&place, &["mcp-one"]);
    assert_eq!(service.patch(&ids[0], &decision("approved", "Fine")).status, 200);
    service.wait_until_settled();
    service.wait_until_clean();
    let lock = place.repo().join(".git/index.lock");
    std::fs::write(&lock, "").expect("a lock");
    assert_eq!(service.patch(&ids[0], &decision("rejected", "After all")).status, 200);
    service.wait_until("the file follows", || place.on_disk("mcp-one").contains("After all"));
    service.signal("STOP");
    std::fs::remove_file(&lock).expect("removed");
    std::fs::write(place.repo().join("note.md"), "Mine\n").expect("written");
    place.git(&["add", "note.md"]);
    place.git(&["commit", "-q", "-m", "Note"]);
    // The same status as the commit put back, by the same reviewer, on top of it.
    let answer = std::thread::scope(|scope| {
        let request = scope.spawn(|| service.patch(&ids[0], &decision("approved", "Once more")));
        std::thread::sleep(std::time::Duration::from_millis(50)); // for the request to reach the socket
        service.signal("CONT");
        request.join().expect("an answer")
    });
    assert_eq!(answer.status, 200, "{answer:?}");
    service.wait_until_settled();
    let report = service.report(&ids[0]);
    assert_eq!(
        (&report["reviewed_by"], &report["review_notes"]),
        (&json!("Morgan <morgan@example.com>"), &json!("Once more"))
    );
    service.wait_until_clean();
    restarted_the_same(service);
}
