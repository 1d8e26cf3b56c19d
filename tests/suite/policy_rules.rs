//! The rules of `golive.yaml` on every way in: the API, a hand edit, a local commit,
//! a push. What they refuse is the same, and so is what a restart and
//! `golive verify` say of it.

use crate::common::edits::{APPROVE, CHANGE_EMAIL, CHANGE_TEXT, REJECT, place_of_robin, restarted_the_same};
use crate::common::{Answer, Place, Service, decision, submission};
use serde_json::{Value, json};

const STRICT: &str = "report: {max_bytes: 100}
submission:
  repository_hosts: [github.com]
  repository_owners: [Example]
  email_domains: [example.com]
";

/// A submission that breaks every rule of [`STRICT`].
fn forbidden() -> Value {
    json!({
        "server_name": "mcp-evil", "repository_url": "https://evil.example/a/mcp-evil",
        "developer_email": "alex@evil.example", "report_data": "x".repeat(101),
    })
}

fn detail(answer: &Answer, pointer: &str) -> String {
    let problem = answer.json();
    let errors = problem["errors"].as_array().expect("errors");
    let error = errors.iter().find(|error| error["pointer"] == pointer).unwrap_or_else(|| panic!("{problem}"));
    error["detail"].as_str().expect("a text").to_owned()
}

fn verify(place: &Place) -> crate::common::Finished {
    place.golive(&["verify", "reports-repo"])
}

#[test]
fn submission_is_refused_with_everything_that_is_wrong_and_kept_fields_are_not() {
    let place = Place::new();
    let service = place.serve();
    let old = forbidden();
    let id = service.post(&old).json()["id"].as_str().expect("an id").to_owned();
    service.commit_rules(STRICT);

    let mut new = forbidden();
    new["repository_url"] = "https://evil.example/a/mcp-other".into();
    let answer = service.post(&new);
    assert_eq!(answer.pointers(), ["#/developer_email", "#/report_data", "#/repository_url"]);
    assert!(
        detail(&answer, "#/repository_url").contains("`github.com` (`submission.repository_hosts` in golive.yaml)")
    );
    assert!(detail(&answer, "#/report_data").contains("at most 100 bytes of UTF-8, has 101"));
    // With faults of another kind beside them, each field once.
    new["server_name"] = " ".into();
    new["developer_email"] = "nobody".into();
    assert_eq!(
        service.post(&new).pointers(),
        ["#/developer_email", "#/report_data", "#/repository_url", "#/server_name"]
    );
    let mut other = submission("mcp-one");
    other["repository_url"] = "https://github.com/other/mcp-one".into();
    assert_eq!(service.post(&other).pointers(), ["#/repository_url"]);
    // Allowed: in another case, at the limit.
    let mut fine = submission("mcp-fine");
    fine["repository_url"] = "git@GitHub.com:example/mcp-fine.git".into();
    fine["developer_email"] = "kim@EXAMPLE.com".into();
    fine["report_data"] = "é".repeat(50).into();
    assert_eq!(service.post(&fine).status, 201);

    // Of the report that was there before, what stays as it is breaks no rule.
    assert_eq!(service.put(&id, &old).status, 200, "nothing is changed");
    let mut renamed = old;
    renamed["server_name"] = "mcp-renamed".into();
    renamed["report_data"] = format!("\u{feff}{}", "x".repeat(101)).into();
    assert_eq!(service.put(&id, &renamed).status, 200, "a BOM is no other text");
    let mut longer = renamed.clone();
    longer["report_data"] = "y".repeat(101).into();
    longer["developer_email"] = "kim@evil.example".into();
    assert_eq!(service.put(&id, &longer).pointers(), ["#/developer_email", "#/report_data"]);
    longer["server_name"] = "".into();
    assert_eq!(service.put(&id, &longer).pointers(), ["#/developer_email", "#/report_data", "#/server_name"]);
    let mut shorter = renamed.clone();
    shorter["report_data"] = "y".into();
    assert_eq!(service.put(&id, &shorter).status, 200);
    service.patch(&id, &decision("rejected", "no"));
    assert_eq!(service.post(&shorter).status, 201, "submitted again as it was");
    let service = restarted_the_same(service);
    assert_eq!(service.post(&new).pointers().len(), 4);
    service.stop();
    assert!(verify(&place).status.success(), "{:?}", verify(&place));
}

#[test]
fn who_decides_and_why_is_asked_of_every_decision_but_not_of_none() {
    let place = Place::new();
    let service = place.serve();
    let (one, two) = (service.submit("mcp-one"), service.submit("mcp-two"));
    let by = |status: &str, by: &str, notes: &str| json!({"status": status, "reviewed_by": by, "review_notes": notes});
    assert_eq!(service.patch(&two, &by("rejected", "alex@example.com", "")).status, 200);
    service.commit_rules("review: {reviewers: ['*@example.com'], four_eyes: true, notes_required_on_reject: true}\n");
    let kim = "Kim <kim@evil.example>";
    for (status, who, rule) in [
        ("approved", kim, "not-allowed-reviewer"),
        ("rejected", kim, "not-allowed-reviewer"),
        ("approved", "Alex <ALEX@example.com>", "four-eyes"),
        ("approved", "alex@example.com", "four-eyes"),
    ] {
        let problem = service.patch(&one, &by(status, who, "")).problem(403);
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains(rule) && detail.contains("anyone can type"), "{detail}");
    }
    assert_eq!(service.patch(&two, &by("pending_review", kim, "")).problem(403)["status"], 403);
    assert_eq!(service.patch(&one, &by("rejected", "morgan@example.com", " \n")).pointers(), ["#/review_notes"]);
    assert_eq!(service.patch(&one, &by("rejected", "", "")).pointers(), ["#/review_notes", "#/reviewed_by"]);
    assert_eq!(service.patch(&one, &by("rejected", "morgan@example.com", "why")).status, 200);
    assert_eq!(service.patch(&one, &by("approved", "morgan@example.com", "")).status, 200);
    // What is in force already is no decision, whatever the rules say of it.
    let tip = service.tip();
    assert_eq!(service.patch(&two, &by("rejected", "alex@example.com", "")).status, 200);
    assert_eq!(service.tip(), tip);
    service.stop();
    assert!(verify(&place).status.success(), "{:?}", verify(&place));
}

#[test]
fn rules_hold_for_the_next_write_even_if_nobody_looked_yet() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    // Never the same file twice: one that is as it was before is taken for one that is behind.
    let mut n = 0;
    let mut rules = |rules: &str| {
        n += 1;
        service.commit_rules_unseen(&format!("# Version {n}\n{rules}"));
    };
    for round in 0..3 {
        rules("review: {reviewers: [nobody@example.com]}\nsubmission: {email_domains: [evil.example]}\n");
        assert_eq!(service.patch(&id, &decision("approved", &format!("{round}"))).status, 403);
        rules("");
        assert_eq!(service.patch(&id, &decision("approved", &format!("{round}"))).status, 200);
        rules("submission: {email_domains: [evil.example]}\n");
        assert_eq!(service.post(&submission(&format!("mcp-{round}"))).pointers(), ["#/developer_email"]);
        rules("");
        assert_eq!(service.post(&submission(&format!("mcp-{round}"))).status, 201);
    }
    assert!(verify(&place).status.success(), "{:?}", verify(&place));
}

/// Rules by which each change below is refused.
const HANDS: &str = "report: {max_bytes: 50}
submission: {email_domains: [elsewhere.example], repository_owners: [elsewhere]}
review: {reviewers: [kim@example.com], notes_required_on_reject: true}
";

/// Name of the report, what is changed in its file, the rule, and the line it is told at.
type Change = (&'static str, &'static [(&'static str, &'static str)], &'static str, usize);

/// Each breaks [`HANDS`] alone.
const CHANGES: &[Change] = &[
    ("mcp-email", CHANGE_EMAIL, "not-allowed-email", 5),
    ("mcp-text", CHANGE_TEXT, "text-too-long", 13),
    ("mcp-approve", APPROVE, "not-allowed-reviewer", 10),
    (
        "mcp-reject",
        &[("status: pending_review", "status: rejected"), ("reviewed_by: null", "reviewed_by: kim@example.com")],
        "notes-required",
        11,
    ),
    ("mcp-url", &[("https://github.com", "http://github.com")], "not-allowed-repository", 4),
];

/// A repository with a report for each of [`CHANGES`], then the rules.
fn prepared<'a>(place: &'a Place) -> (Service<'a>, Vec<String>) {
    let service = place.serve();
    let ids = CHANGES.iter().map(|(name, ..)| service.submit(name)).collect();
    service.wait_until_settled();
    service.wait_until_clean();
    service.commit_rules(HANDS);
    (service, ids)
}

fn assert_told(service: &Service, ids: &[String], found_in: &str) {
    for ((name, _, rule, line), id) in CHANGES.iter().zip(ids) {
        let problem = service.wait_for_problem(&service.place.report_path(name), rule);
        assert_eq!((&problem["line"], &problem["found_in"]), (&json!(line), &json!(found_in)), "{problem}");
        assert_eq!(problem["report_id"], id.as_str());
        let (detail, repair) = (problem["detail"].as_str().expect("text"), problem["repair"].as_str().expect("text"));
        assert!(detail.contains("in golive.yaml)") && !repair.is_empty(), "{problem}");
        let report = service.report(id);
        assert_eq!((&report["status"], &report["revision"]), (&json!("pending_review"), &json!(1)), "{name}");
        assert_eq!(report["developer_email"], "alex@example.com");
    }
    assert_eq!(service.problems().len(), CHANGES.len());
}

#[test]
fn hand_edits_are_refused_until_the_rules_allow_them() {
    let place = place_of_robin();
    let (service, ids) = prepared(&place);
    for (name, changes, ..) in CHANGES {
        place.edit(name, changes);
    }
    assert_told(&service, &ids, "work-tree");
    // Nobody touches the files again: it is the rules that change.
    service.commit_rules("");
    service.wait_until_no_problem();
    service.wait_for_status(&ids[2], "approved");
    service.wait_for_email(&ids[0], "kim@example.com");
    let path = place.report_path("mcp-approve");
    let commit = service.git(&["log", "-1", "--format=%H", "main", "--", &path]);
    assert_eq!(place.trailer(commit.trim(), "Policy-Blob"), service.rules_at("main"));
    let path = place.report_path("mcp-text");
    let commit = service.git(&["log", "-1", "--format=%H", "main", "--", &path]);
    assert_eq!(place.trailer(commit.trim(), "Policy-Blob"), "", "no decision");
    service.wait_until_settled();
    assert!(verify(&place).status.success(), "{:?}", verify(&place));
}

#[test]
fn local_commits_are_problems_and_stay_it_for_a_restart_and_an_auditor() {
    let place = place_of_robin();
    let (service, ids) = prepared(&place);
    let commits: Vec<_> = CHANGES.iter().map(|(name, changes, ..)| service.commit_at_once(name, changes)).collect();
    assert_told(&service, &ids, "commit");
    // What a commit was is judged by the rules before it, not by later ones.
    service.commit_rules("");
    let service = restarted_the_same(service);
    assert_told(&service, &ids, "commit");
    let verified = verify(&place);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    for ((name, ..), commit) in CHANGES.iter().zip(&commits) {
        assert!(verified.stderr.contains(commit.as_str()) && verified.stderr.contains(&place.report_path(name)));
    }
    assert_eq!(verified.stderr.matches("WRONG").count(), CHANGES.len(), "{}", verified.stderr);
    // Put back, all is right again.
    for commit in commits.iter().rev() {
        service.sh_at_once(&format!("git revert --no-edit {commit}"));
    }
    service.wait_until_no_problem();
    let service = restarted_the_same(service);
    assert_eq!(service.report(&ids[2])["status"], "pending_review");
    service.stop();
    assert!(verify(&place).status.success(), "{:?}", verify(&place));
}

#[test]
fn commit_that_changes_the_rules_and_decides_is_judged_by_the_old_ones() {
    let place = place_of_robin();
    let service = place.serve();
    let (one, two) = (service.submit("mcp-one"), service.submit("mcp-two"));
    service.wait_until_settled();
    service.wait_until_clean();
    let both = |name: &str, rules: &str| {
        service.at_once(|| {
            place.write_rules(rules);
            place.edit(name, APPROVE);
            service.git(&["commit", "-q", "-a", "-m", "Both"]);
        });
    };
    both("mcp-one", "review: {reviewers: [kim@example.com]}\n");
    service.wait_for_status(&one, "approved");
    service.wait_until_settled();
    service.wait_until_clean();
    both("mcp-two", "");
    service.wait_for_problem(&place.report_path("mcp-two"), "not-allowed-reviewer");
    assert_eq!(service.report(&two)["status"], "pending_review");
    let service = restarted_the_same(service);
    assert_eq!(service.patch(&two, &decision("approved", "")).problem(409)["path"], place.report_path("mcp-two"));
}

#[test]
fn pushes_are_refused_by_the_rules_before_each_commit() {
    let place = place_of_robin();
    let (service, ids) = prepared(&place);
    assert!(place.sh("", "git clone -q reports-repo clone").status.success());
    let push = |script: &str| {
        let fresh = "git fetch -q; git checkout -q -f -B main origin/main\n";
        let made = place.sh("clone", &format!("{fresh}{script}"));
        assert!(made.status.success(), "{script}: {made:?}");
        place.sh("clone", "git push -q origin main")
    };
    let sed = |name: &str, changes: &[(&str, &str)]| {
        let file = place.report_path(name);
        let expressions = changes.iter().map(|(from, to)| format!(" -e 's|{from}|{to}|'")).collect::<String>();
        format!("sed -i{expressions} {file}; git commit -qam Change")
    };
    for (name, changes, rule, line) in CHANGES {
        let refused = push(&sed(name, changes));
        assert!(!refused.status.success(), "{name}");
        for words in [format!("{}:{line}:", place.report_path(name)), format!("{rule}: "), "in golive.yaml)".into()] {
            assert!(refused.stderr.contains(&words), "{name}: no `{words}` in {}", refused.stderr);
        }
        // The same is said before a push.
        let checked = place.sh("clone", &format!("'{}' check --against origin/main", crate::common::BINARY));
        assert_eq!(checked.status.code(), Some(1), "{checked:?}");
        assert!(checked.stderr.contains(rule), "{}", checked.stderr);
    }
    // A new report.
    let new = "f=$(PATH_OF https://evil.example/a/new); mkdir -p $(dirname $f)
        printf -- '---\\nid: 0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f11\\nserver_name: new\\nrepository_url: https://evil.example/a/new\\ndeveloper_email: a@elsewhere.example\\nstatus: pending_review\\nrevision: 1\\nsubmitted_at: 2026-01-01T00:00:00Z\\nreviewed_at: null\\nreviewed_by: null\\nreview_notes: null\\n---\\nText\\n' > $f
        git add -A; git commit -qm New";
    let new = new.replace("PATH_OF", &format!("'{}' path", crate::common::BINARY));
    let refused = push(&new);
    assert!(refused.stderr.contains("not-allowed-repository: "), "{refused:?}");
    // Rules first, then what they allow; the other way round is refused.
    let rules = "printf 'golive: 1\\n' > golive.yaml; git commit -qam Rules";
    let refused = push(&format!("{}; {rules}", sed("mcp-approve", APPROVE)));
    assert!(refused.stderr.contains("not-allowed-reviewer"), "{refused:?}");
    let pushed = push(&format!("{rules}; {}", sed("mcp-approve", APPROVE)));
    assert!(pushed.status.success(), "{pushed:?}");
    service.wait_for_status(&ids[2], "approved");
    let service = restarted_the_same(service);
    service.stop();
    assert!(verify(&place).status.success(), "{:?}", verify(&place));
}

#[test]
fn four_eyes_hold_for_a_commit_that_changes_the_submitter_as_well() {
    let place = place_of_robin();
    place.git(&["config", "user.email", "alex@example.com"]);
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_settled();
    service.wait_until_clean();
    service.commit_rules("review: {four_eyes: true}\n");
    let both = [REJECT, CHANGE_EMAIL].concat();
    place.edit("mcp-one", &both);
    let problem = service.wait_for_problem(&place.report_path("mcp-one"), "four-eyes");
    assert_eq!(service.report(&id)["status"], "pending_review", "{problem}");
    place.git(&["checkout", "-q", "--", "reports"]);
    service.wait_until_no_problem();
    place.edit("mcp-one", &[("status: pending_review", "status: rejected"), ("reviewed_by: null", "reviewed_by: Kim")]);
    service.wait_for_status(&id, "rejected");
}
