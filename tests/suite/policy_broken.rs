//! A `golive.yaml` that cannot be read: the last good one stays in force, what is
//! wrong is told until it is repaired, and no push brings one.

use crate::common::edits::{place_of_robin, restarted_the_same};
use crate::common::{BINARY, Place, Service, decision, submission};
use serde_json::{Value, json};

const GOOD: &str = "submission: {email_domains: [example.com]}\nreview: {overdue_days: 3}\n";

/// Files that cannot be read, below the mark; line, column, and a part of what is said.
const BROKEN: &[(&str, u64, u64, &str)] = &[
    ("review:\n  reviewrs: []\n", 3, 3, "`review.reviewrs` is not a key of golive.yaml"),
    ("review:\n  four_eyes: 'yes'\n", 3, 14, "must be `true` or `false`"),
    ("submission: {email_domains: ['@example.com']}\n", 2, 30, "can never match"),
    ("review: [1\n", 2, 11, "not valid YAML"),
    ("golive: 1\n", 2, 1, "stands here twice"),
];

fn overdue_days(service: &Service) -> Value {
    service.get("/api/v1/policy").json()["review"]["overdue_days"].clone()
}

fn stranger() -> Value {
    let mut stranger = submission("mcp-stranger");
    stranger["developer_email"] = "alex@evil.example".into();
    stranger
}

#[test]
fn broken_rules_leave_the_last_good_ones_in_force_and_are_told_until_repaired() {
    let place = place_of_robin();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let good = service.commit_rules(GOOD);
    let mut brought_by = String::new();
    for (rules, line, column, words) in BROKEN {
        brought_by = service.commit_rules(rules);
        let problem = service.wait_for_problem("golive.yaml", "invalid-policy");
        assert_eq!((&problem["line"], &problem["column"]), (&json!(line), &json!(column)), "{problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(words)), "{problem}");
        assert_eq!((&problem["commit"], &problem["found_in"]), (&json!(brought_by), &json!("commit")));
        assert_eq!((&problem["last_good_commit"], &problem["report_id"]), (&json!(good), &Value::Null));
        let way_back = format!("`git checkout {:.12} -- golive.yaml`", good);
        assert!(problem["repair"].as_str().is_some_and(|repair| repair.contains(&way_back)), "{problem}");
        assert!(rules.lines().any(|text| problem["excerpt"] == text), "{problem}");
        // Everything goes on, by the rules before it.
        assert_eq!(overdue_days(&service), 3);
        assert_eq!(service.post(&stranger()).pointers(), ["#/developer_email"]);
        assert_eq!(service.patch(&id, &decision("approved", words)).status, 200);
        assert_eq!(place.trailer("main", "Policy-Blob"), service.rules_at(&good));
        let told = service.log().matches("`golive.yaml` cannot be accepted").count();
        service.submit(&format!("mcp-{line}-{column}"));
        assert_eq!(service.log().matches("`golive.yaml` cannot be accepted").count(), told, "told once");
    }
    assert_eq!(service.log().matches("`golive.yaml` cannot be accepted").count(), BROKEN.len());
    assert!(service.html("/problems").contains("golive.yaml"));
    // A commit that has nothing to do with it changes nothing.
    service.sh_at_once("echo more >> README.md; git commit -qm More README.md");
    service.wait_until_settled();
    assert_eq!(service.problem_at("golive.yaml").map(|problem| problem["commit"].clone()), Some(json!(brought_by)));
    let service = restarted_the_same(service);
    assert_eq!(overdue_days(&service), 3);
    let verified = place.golive(&["verify", "reports-repo"]);
    assert_eq!(verified.status.code(), Some(1), "{verified:?}");
    assert!(verified.stderr.contains(&brought_by) && verified.stderr.contains("stands here twice"), "{verified:?}");
    // The way back that is told.
    service.sh_at_once(&format!("git checkout {good:.12} -- golive.yaml; git commit -qm Repair"));
    service.wait_until_no_problem();
    assert_eq!(overdue_days(&service), 3);
    service.commit_rules("");
    assert_eq!(overdue_days(&service), 7);
    assert_eq!(service.post(&stranger()).status, 201);
    let service = restarted_the_same(service);
    service.stop();
    let verified = place.golive(&["verify", "reports-repo"]);
    assert_eq!(verified.status.code(), Some(0), "{verified:?}");
    assert!(verified.stdout.contains(&format!("set right ({})", BROKEN.len())), "{verified:?}");
}

#[test]
fn mark_that_is_gone_is_told_as_ever_and_the_rules_stay() {
    let place = place_of_robin();
    let service = place.serve();
    service.commit_rules(GOOD);
    for script in
        ["echo 'golive: 2' > golive.yaml; git commit -qm Two golive.yaml", "git rm -q golive.yaml; git commit -qm Away"]
    {
        service.sh_at_once(script);
        let problem = service.wait_for_problem("golive.yaml", "deleted");
        assert!(
            problem["detail"].as_str().is_some_and(|detail| detail.contains("does not say `golive: 1`")),
            "{problem}"
        );
        service.wait_until_settled();
        assert_eq!(overdue_days(&service), 3);
        assert_eq!(service.post(&stranger()).pointers(), ["#/developer_email"]);
    }
    let service = restarted_the_same(service);
    assert_eq!(overdue_days(&service), 3);
    service.commit_rules(GOOD);
    service.wait_until_no_problem();
    restarted_the_same(service);
}

#[test]
fn rules_that_were_always_broken_are_as_none() {
    let place = place_of_robin();
    place.write_rules("team: platform\n");
    place.git(&["commit", "-q", "-a", "--amend", "-m", "Start"]);
    let service = place.serve();
    let problem = service.wait_for_problem("golive.yaml", "invalid-policy");
    assert_eq!((&problem["last_good_commit"], &problem["line"]), (&Value::Null, &json!(2)));
    let id = service.submit("mcp-one");
    assert_eq!(service.patch(&id, &decision("approved", "")).status, 200);
    assert_eq!(place.trailer("main", "Policy-Blob"), "", "there is none to name");
    assert_eq!(overdue_days(&service), 7);
    let service = restarted_the_same(service);
    service.stop();
    let verified = place.golive(&["verify", "reports-repo"]);
    assert_eq!(verified.stderr.matches("WRONG").count(), 1, "{verified:?}");
}

#[test]
fn push_with_broken_rules_is_refused_and_a_check_says_so_before() {
    let place = Place::new();
    let service = place.serve();
    service.submit("mcp-one");
    assert!(place.sh("", "git clone -q reports-repo clone").status.success());
    let tip = service.tip();
    for (rules, line, column, words) in BROKEN {
        std::fs::write(place.path().join("clone/golive.yaml"), format!("golive: 1\n{rules}")).expect("written");
        let said = [words.to_string(), "invalid-policy".into(), format!("golive.yaml:{line}:{column}")];
        let assert_said = |finished: &crate::common::Finished| {
            assert_eq!(finished.status.code(), Some(1), "{finished:?}");
            for word in &said {
                assert!(finished.stderr.contains(word), "no `{word}` in {}", finished.stderr);
            }
        };
        assert_said(&place.sh("clone", &format!("'{BINARY}' check")));
        assert_said(&place.sh("clone", &format!("'{BINARY}' check golive.yaml")));
        assert_said(&place.sh("clone", &format!("git add -A; '{BINARY}' check --staged")));
        assert_said(&place.sh("clone", "git commit -qam Rules; git push -q origin main"));
        assert!(place.sh("clone", "git reset -q --hard origin/main").status.success());
    }
    assert_eq!(service.tip(), tip);
    let pushed = place.sh(
        "clone",
        "printf 'golive: 1\\nreview: {overdue_days: 1}\\n' > golive.yaml; git commit -qam Rules; git push -q",
    );
    assert!(pushed.status.success(), "{pushed:?}");
    service.wait_until("the rules are in force", || overdue_days(&service) == 1);
}
