//! Commits that people make: they count by the same rules, whoever moved the
//! branch and however; and a restart changes nothing.

use std::time::{Duration, Instant};

use crate::common::edits::{APPROVE, CHANGE_EMAIL, CHANGE_TEXT, REJECT, TEST, place_of_robin, restarted_the_same};
use crate::common::{Place, Service, decision};
use serde_json::{Value, json};

fn submitted(service: &Service, name: &str) -> String {
    let id = service.submit(name);
    service.wait_until_settled();
    service.wait_until_clean();
    id
}

fn decided(service: &Service, id: &str, status: &str) {
    let answer = service.patch(id, &decision(status, "Seen"));
    assert_eq!(answer.status, 200, "{answer:?}");
    service.wait_until_settled();
    service.wait_until_clean();
}

/// The newest items of the report's history: event, status after, commit is `commit`.
fn assert_last(service: &Service, id: &str, commit: &str, event: &str, before: &str, after: &str) {
    let items = service.history(id);
    let item = items.iter().find(|item| item["commit"] == commit).unwrap_or_else(|| panic!("{items:?}"));
    let told = ["event", "status_before", "status_after"].map(|name| item[name].as_str().unwrap_or("null").to_owned());
    assert_eq!(told, [event, before, after], "{item}");
}

#[test]
fn approval_that_names_nobody_is_shown_as_the_authors() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let commit = service.commit_at_once("mcp-one", APPROVE);
    let report = service.wait_for_status(&id, "approved");
    assert_eq!(report["reviewed_by"], TEST);
    assert_last(&service, &id, &commit, "approve", "pending_review", "approved");
    assert_eq!(report["reviewed_at"], service.history(&id)[0]["committed_at"]);
    let list = service.get("/api/v1/reports?status=approved").json();
    assert_eq!(list[0]["id"], id.as_str());
    service.wait_until_settled();
    let service = restarted_the_same(service);
    // No commit of the service, and the file is the person's.
    assert_eq!(service.tip(), commit);
    assert!(place.committed_report("mcp-one").contains("reviewed_by: null\n"));
    let same = json!({"status": "approved", "reviewed_by": TEST});
    assert_eq!(service.patch(&id, &same).status, 200);
    assert_eq!(service.tip(), commit, "the decision in force is no new one");

    // The next write to the report puts it into the file.
    place.edit("mcp-one", CHANGE_EMAIL);
    let after = service.wait_for_email(&id, "kim@example.com");
    assert_eq!((&after["reviewed_by"], &after["reviewed_at"]), (&report["reviewed_by"], &report["reviewed_at"]));
    service.wait_until_clean();
    let file = place.committed_report("mcp-one");
    let at = report["reviewed_at"].as_str().expect("a time");
    assert!(file.contains(&format!("reviewed_at: {at}\nreviewed_by: \"{TEST}\"\n")), "{file}");
    restarted_the_same(service);
}

/// What the service wrote last was taken for the state that it had been then, whatever
/// had come in between: the revision went back to 1, and the approval was Morgan's again.
#[test]
fn text_that_comes_back_is_a_new_revision() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    service.commit_at_once("mcp-one", CHANGE_TEXT);
    service.wait_for(&id, "it is revision 2", |report| report["revision"] == 2);
    service.wait_until_settled();
    let commit = service.sh_at_once("git revert --no-edit HEAD").trim().to_owned();
    let report = service.wait_for(&id, "it is revision 3", |report| report["revision"] == 3);
    assert!(report["report_data"].as_str().is_some_and(|text| text.contains("All well.\n")));
    assert_last(&service, &id, &commit, "resubmit", "pending_review", "pending_review");
    service.wait_until_settled();
    let service = restarted_the_same(service);
    service.stop();
    assert!(place.golive(&["verify", "reports-repo"]).status.success());
}

#[test]
fn approval_that_comes_back_after_it_was_withdrawn_is_the_committers() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    decided(&service, &id, "approved");
    service.commit_at_once("mcp-one", &[("status: approved", "status: pending_review")]);
    service.wait_for_status(&id, "pending_review");
    service.wait_until_settled();
    service.commit_at_once("mcp-one", &[("status: pending_review", "status: approved")]);
    assert_eq!(service.wait_for_status(&id, "approved")["reviewed_by"], TEST);
    service.wait_until_settled();
    let service = restarted_the_same(service);
    service.stop();
    assert!(place.golive(&["verify", "reports-repo"]).status.success());
}

#[test]
fn approval_that_names_its_reviewer_is_theirs() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let given = [
        APPROVE[0],
        ("reviewed_by: null", "reviewed_by: Kim"),
        ("reviewed_at: null", "reviewed_at: 2026-01-31T10:00:00Z"),
        ("review_notes: null", "review_notes: Looked at"),
    ];
    let commit = service.commit_at_once("mcp-one", &given);
    let report = service.wait_for_status(&id, "approved");
    assert_eq!((&report["reviewed_by"], &report["reviewed_at"]), (&json!("Kim"), &json!("2026-01-31T10:00:00Z")));
    assert_eq!(report["review_notes"], "Looked at");
    // Only the status is changed by the next, so that Kim is not who decided.
    let next = service.commit_at_once("mcp-one", &[("status: approved", "status: rejected")]);
    assert_eq!(service.wait_for_status(&id, "rejected")["reviewed_by"], TEST);
    assert_last(&service, &id, &next, "reject", "approved", "rejected");
    service.wait_until_settled();
    assert_eq!((service.tip(), service.git(&["rev-parse", "main~1"])), (next, format!("{commit}\n")));
    restarted_the_same(service);
}

/// The tip is the service's, sets right what `commit` says, and is told as that.
fn assert_restored(service: &Service, name: &str, commit: &str) {
    let place = service.place;
    service.wait_until("the service answers the commit", || service.tip() != commit);
    service.wait_until_settled();
    let tip = service.tip();
    assert_eq!(place.told(&tip, "%P"), commit);
    assert_eq!(place.told(&tip, "%s|%ae|%ce"), format!("Restore report `{name}`|golive@invalid|golive@invalid"));
    assert_eq!((place.trailer(&tip, "Via"), place.trailer(&tip, "Answers")), ("golive".into(), commit.into()));
    service.wait_until_clean();
    assert_eq!(place.on_disk(name), place.committed_report(name));
    assert_eq!(service.problems(), Vec::<Value>::new());
}

#[test]
fn changed_text_voids_a_decision_and_the_file_is_set_right() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    decided(&service, &id, "approved");
    let commit = service.commit_at_once("mcp-one", CHANGE_TEXT);
    let report = service.wait_for(&id, "there is a new revision", |report| report["revision"] == 2);
    assert_eq!((&report["status"], &report["reviewed_by"]), (&json!("pending_review"), &Value::Null));
    assert_restored(&service, "mcp-one", &commit);
    assert_last(&service, &id, &commit, "resubmit", "approved", "pending_review");
    let file = place.committed_report("mcp-one");
    for line in
        ["status: pending_review", "revision: 2", "reviewed_at: null", "reviewed_by: null", "review_notes: null"]
    {
        assert!(file.contains(&format!("\n{line}\n")), "{file}");
    }
    assert_eq!(service.git(&["log", "-1", "--format=%an", &commit]), "Test\n");
    assert_eq!(service.patch(&id, &decision("approved", "Seen anew")).status, 200);
    restarted_the_same(service);
}

#[test]
fn text_and_decision_in_one_commit_count_as_the_text() {
    for status in ["approved", "rejected"] {
        let place = place_of_robin();
        let service = place.serve();
        let id = submitted(&service, "mcp-one");
        let decide = ("status: pending_review".to_owned(), format!("status: {status}"));
        let commit = service.commit_at_once("mcp-one", &[CHANGE_TEXT[0], (&decide.0, &decide.1)]);
        service.wait_for(&id, "there is a new revision", |report| report["revision"] == 2);
        assert_eq!(service.report(&id)["status"], "pending_review");
        assert_restored(&service, "mcp-one", &commit);
        assert_last(&service, &id, &commit, "resubmit", "pending_review", "pending_review");
        restarted_the_same(service);
    }
}

#[test]
fn long_text_that_was_committed_counts_whatever_the_limit_is() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let path = place.report_path("mcp-one");
    let lengthen = format!("head -c 5000000 /dev/zero | tr '\\000' x >> {path}");
    let commit = service.sh_at_once(&format!("{lengthen}; git commit -qam 'All of it'"));
    let report = service.wait_for(&id, "the text counts", |report| report["revision"] == 2);
    assert_last(&service, &id, &commit, "resubmit", "pending_review", "pending_review");
    let service = restarted_the_same(service);
    let history = service.history(&id);
    service.stop();

    let service = place.serve_with(&["--body-limit-bytes", "100"]);
    assert_eq!((service.report(&id), service.history(&id)), (report, history));
    assert_eq!(service.problems(), Vec::<Value>::new());
    // It can be decided on, by every way; and cannot be made another long one by them.
    decided(&service, &id, "approved");
    place.edit("mcp-one", &[("status: approved", "status: rejected")]);
    service.wait_for_status(&id, "rejected");
    service.wait_until_settled();
    service.wait_until_clean();
    assert!(place.sh("", &format!("git clone -q {}/reports.git clone", service.base)).status.success());
    let decide = format!("sed -i 's/^status: .*/status: approved/' {path}; git commit -qam 'Approve it after all'");
    let pushed = place.sh("clone", &format!("{decide}; git push -q"));
    assert!(pushed.status.success(), "{pushed:?}");
    assert_eq!(service.report(&id)["status"], "approved");
    let lengthen = format!("sed -i 's/^status: .*/status: pending_review/' {path}; {lengthen}; git commit -qam More");
    let pushed = place.sh("clone", &format!("{lengthen}; git push -q"));
    assert!(pushed.stderr.contains("at most"), "{pushed:?}");
    service.wait_until_settled();
    let verified = place.golive(&["verify", "reports-repo"]);
    assert!(verified.status.success(), "{verified:?}");
    let checked = place.golive(&["check", "--repo", "reports-repo"]);
    assert!(checked.status.success(), "{checked:?}");
}

#[test]
fn changed_text_of_a_pending_report_is_its_next_revision() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    for (n, to) in ["Well.", "Quite well.", "Very well."].into_iter().enumerate() {
        let from = if n == 0 { "All well." } else { ["Well.", "Quite well."][n - 1] };
        let commit = service.commit_at_once("mcp-one", &[(from, to)]);
        let report = service.wait_for(&id, "the text is there", |report| {
            report["report_data"].as_str().is_some_and(|text| text.contains(&format!("\n{to}")))
        });
        assert_eq!((&report["revision"], &report["status"]), (&json!(2 + n), &json!("pending_review")));
        assert_last(&service, &id, &commit, "resubmit", "pending_review", "pending_review");
        service.wait_until_settled();
        service.wait_until_clean();
    }
    let service = restarted_the_same(service);
    assert_eq!(service.patch(&id, &decision("approved", "Fine")).json()["revision"], 4);
    service.wait_until_clean();
    assert!(place.committed_report("mcp-one").contains("\nrevision: 4\n"));
}

#[test]
fn reverted_decision_is_reopened_and_a_reverted_revert_decides() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    decided(&service, &id, "approved");
    service.git(&["revert", "--no-edit", "HEAD"]);
    let report = service.wait_for_status(&id, "pending_review");
    assert_eq!((&report["reviewed_by"], &report["review_notes"]), (&Value::Null, &Value::Null));
    service.wait_until_settled();
    assert_last(&service, &id, &service.tip(), "reopen", "approved", "pending_review");
    service.git(&["revert", "--no-edit", "HEAD"]);
    let report = service.wait_for_status(&id, "approved");
    assert_eq!(report["reviewed_by"], "Morgan <morgan@example.com>");
    service.wait_until_settled();
    service.wait_until_clean();
    assert_eq!(service.commits().len(), 5);
    restarted_the_same(service);
}

#[test]
fn merge_and_pull_bring_the_decisions_of_a_clone() {
    let place = place_of_robin();
    let service = place.serve();
    let ids = ["mcp-one", "mcp-two", "mcp-three"].map(|name| submitted(&service, name));
    // A side branch, made elsewhere, merged here; and the same by `git pull`.
    let side = place.commit_aside("mcp-one", APPROVE);
    decided(&service, &ids[2], "rejected");
    service.git(&["merge", "-q", "--no-edit", &side]);
    assert_eq!(service.wait_for_status(&ids[0], "approved")["reviewed_by"], TEST);
    service.wait_until_settled();
    service.wait_until_clean();
    place.commit_aside("mcp-two", REJECT);
    decided(&service, &ids[2], "approved");
    service.git(&["pull", "-q", "--no-rebase", "--no-edit", "../aside", "main"]);
    assert_eq!(service.wait_for_status(&ids[1], "rejected")["reviewed_by"], TEST);
    service.wait_until_settled();
    service.wait_until_clean();
    let merge = service.tip();
    assert_eq!(place.told(&merge, "%P").split(' ').count(), 2);
    assert_last(&service, &ids[1], &merge, "reject", "pending_review", "rejected");
    assert_eq!(service.report(&ids[2])["status"], "approved");
    assert_eq!(service.problems(), Vec::<Value>::new());
    restarted_the_same(service);
}

#[test]
fn merge_whose_first_parent_is_the_clones_counts_as_one_step() {
    let place = place_of_robin();
    let service = place.serve();
    let ids = ["mcp-one", "mcp-two"].map(|name| submitted(&service, name));
    place.commit_aside("mcp-one", APPROVE);
    decided(&service, &ids[1], "rejected");
    let pulled = place.sh("aside", "git pull -q --no-rebase --no-edit origin main");
    assert!(pulled.status.success(), "{pulled:?}");
    service.git(&["pull", "-q", "--ff-only", "../aside", "main"]);
    service.wait_for_status(&ids[0], "approved");
    assert_eq!(service.report(&ids[1])["status"], "rejected");
    service.wait_until_settled();
    service.wait_until_clean();
    assert_eq!(service.submit("mcp-three").len(), 36);
    assert_eq!(service.problems(), Vec::<Value>::new());
    restarted_the_same(service);
}

#[test]
fn several_commits_at_once_are_each_absorbed() {
    let place = place_of_robin();
    let service = place.serve();
    let id = submitted(&service, "mcp-one");
    let path = place.report_path("mcp-one");
    let step = |from: &str, to: &str| format!("sed -i 's/^{from}$/{to}/' {path}; git commit -qam '{to}'; ");
    let tip = service.sh_at_once(
        &[
            step("status: pending_review", "status: approved"),
            step("status: approved", "status: rejected"),
            step("All well.", "Better."),
            step("developer_email: .*", "developer_email: kim@example.com"),
        ]
        .concat(),
    );
    let report = service.wait_for_email(&id, "kim@example.com");
    assert_eq!((&report["status"], &report["revision"]), (&json!("pending_review"), &json!(2)));
    service.wait_until("the file is set right", || service.tip() != tip);
    service.wait_until_settled();
    let events: Vec<_> = service.history(&id).iter().map(|item| item["event"].clone()).collect();
    assert_eq!(events[1..], [json!("edit"), json!("resubmit"), json!("reject"), json!("approve"), json!("submit")]);
    assert!(place.committed_report("mcp-one").contains("status: pending_review"), "rejected is void");
    restarted_the_same(service);
}

#[test]
fn a_commit_that_decides_five_hundred_reports_is_absorbed_soon() {
    const N: usize = 500;
    let place: Place = place_of_robin();
    let service = place.serve();
    for n in 0..N {
        service.submit(&format!("mcp-{n}"));
    }
    service.wait_until_settled();
    service.wait_until_clean();
    service.signal("STOP");
    let sed = "find reports -name '*.md' | xargs sed -i 's/^status: pending_review$/status: approved/'";
    let finished = place.sh_in(place.repo(), &format!("{sed}; git commit -qam 'Approve them all'"));
    assert!(finished.status.success(), "{finished:?}");
    let commit = service.tip();
    service.signal("CONT");
    let start = Instant::now();
    service.wait_until("all are approved", || {
        service.get("/api/v1/reports?status=approved&limit=1").header("x-total-count") == "500"
    });
    println!("{N} decisions in one commit: absorbed after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(10));
    service.wait_until_settled();
    service.wait_until_clean();
    assert_eq!(service.tip(), commit);
    assert_eq!(service.problems(), Vec::<Value>::new());
}
