//! `enforcement: refuse`: a new text that lacks what is asked for is refused on
//! every way in but a commit that is made already, and every way says the same.

use crate::common::texts::{EXAMPLE, NO_ROW, ROW, example, without_row};
use crate::common::{BINARY, Finished, Place, Service, decision, submission};
use serde_json::{Value, json};

const REFUSE: &str = "report:\n  enforcement: refuse\n";

fn check(service: &Service, body: &Value) -> Value {
    let answer = service.send_json("POST", "/api/v1/reports/check", body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The path of the report of `body`.
fn path(place: &Place, body: &Value) -> String {
    let url = body["repository_url"].as_str().expect("a URL");
    place.golive(&["path", url]).stdout.trim_end().to_owned()
}

#[test]
fn submission_with_errors_is_refused_with_its_findings_and_the_check_says_the_same() {
    let place = Place::new();
    let service = place.serve();
    let before = service.commit_rules(REFUSE);
    for body in [without_row("refused"), submission("mcp-short")] {
        let problem = service.post(&body).problem(422);
        let findings = problem["findings"].as_array().expect("findings");
        let errors: Vec<_> = findings.iter().filter(|finding| finding["severity"] == "error").collect();
        let told = problem["errors"].as_array().expect("errors");
        assert_eq!(told.len(), errors.len());
        for (told, finding) in told.iter().zip(&errors) {
            let line = format!("line {}: ", finding["line"]);
            assert_eq!(told["pointer"], "#/report_data");
            assert!(told["detail"].as_str().is_some_and(|detail| detail.starts_with(&line)), "{told}");
        }
        let checked = check(&service, &body);
        assert_eq!((&checked["accepted"], &checked["event"]), (&json!(false), &json!("submit")));
        assert_eq!(checked["problems"].as_array().map(Vec::len), Some(1), "{checked}");
        for member in ["type", "title", "status", "detail", "errors", "findings"] {
            assert_eq!(checked["problems"][0][member], problem[member], "{member}");
        }
        assert_eq!(checked["assessment"]["findings"], problem["findings"]);
    }
    let rules: Vec<_> = service.post(&without_row("refused")).json()["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| finding["rule"].clone())
        .collect();
    assert_eq!(rules, ["row-missing"]);
    assert_eq!(place.git(&["rev-parse", "main"]).trim_end(), before, "nothing was committed");

    let id = service.post(&example("taken")).json()["id"].as_str().expect("taken in").to_owned();
    let spoilt = without_row("taken");
    let put = service.put(&id, &spoilt).problem(422);
    assert_eq!(put["findings"][0]["rule"], "row-missing");
    let checked = check(&service, &spoilt);
    assert_eq!((&checked["accepted"], &checked["event"]), (&json!(false), &json!("revise")));
    assert_eq!(checked["problems"][0]["findings"], put["findings"]);
    assert_eq!(service.patch(&id, &decision("approved", "Good.")).status, 200);
}

#[test]
fn everything_that_refuses_a_submission_is_named_at_once() {
    let place = Place::new();
    let service = place.serve();
    service.commit_rules(&format!("{REFUSE}submission:\n  email_domains: [example.org]\n"));
    let allowed = service.post(&without_row("both"));
    assert_eq!(allowed.pointers(), ["#/developer_email", "#/report_data"]);
    let mut body = without_row("both");
    body["server_name"] = json!(" x");
    let answer = service.post(&body);
    assert_eq!(answer.pointers().iter().filter(|pointer| *pointer == "#/report_data").count(), 2, "the name as well");
    assert_eq!(answer.json()["findings"].as_array().map(Vec::len), Some(2));
    let checked = check(&service, &body);
    assert_eq!(checked["problems"][0]["errors"], answer.json()["errors"]);
    body.as_object_mut().expect("an object").remove("server_name");
    assert_eq!(service.post(&body).pointers(), ["#/developer_email", "#/report_data", "#/server_name"]);
}

#[test]
fn what_was_taken_in_before_can_be_decided_and_edited_but_its_text_not_changed_for_no_better() {
    let place = Place::new();
    let service = place.serve();
    let body = without_row("before");
    let id = service.post(&body).json()["id"].as_str().expect("taken in").to_owned();
    service.wait_until_clean();
    service.commit_rules(REFUSE);
    let file = place.repo().join(path(&place, &body));
    let on_disk = || std::fs::read_to_string(&file).expect("the file");

    let edited = on_disk().replace("alex@example.com", "kim@example.com");
    std::fs::write(&file, edited).expect("written");
    service.wait_for_email(&id, "kim@example.com");
    service.wait_until_clean();
    let spoilt = on_disk().replace("## Phase 2", "Once more.\n\n## Phase 2");
    std::fs::write(&file, &spoilt).expect("written");
    let problem = service.wait_for_problem(&path(&place, &body), "report-findings");
    let line = problem["line"].as_u64().expect("a line");
    let is_near = spoilt.lines().skip(line as usize - 8).take(16).any(|line| line.contains(NO_ROW));
    assert!(is_near, "line {line} of the file is at the table");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains(&format!("line {line}: ")), "{detail}");
    assert_eq!(on_disk(), spoilt, "the edit stays");
    assert_eq!(service.report(&id)["revision"], 1);

    let good = spoilt.replace(NO_ROW, ROW);
    std::fs::write(&file, good).expect("written");
    service.wait_for(&id, "the text is in", |report| report["revision"] == 2);
    service.wait_until_no_problem();
    assert_eq!(service.patch(&id, &decision("approved", "Good.")).status, 200);
}

#[test]
fn push_of_a_text_with_errors_is_refused_and_a_local_commit_counts_and_shows_it() {
    let place = Place::new();
    let service = place.serve();
    let body = example("pushed");
    let id = service.post(&body).json()["id"].as_str().expect("taken in").to_owned();
    service.commit_rules(REFUSE);
    let path = path(&place, &body);
    let script = format!(
        "git clone -q reports-repo clone; cd clone; sed -i 's/^{ROW}/{NO_ROW}/' {path}; git commit -qam 'Take out a row'; \
         git push -q"
    );
    let tip = place.git(&["rev-parse", "main"]);
    let pushed = place.sh("", &script);
    assert!(!pushed.status.success(), "{pushed:?}");
    for word in [&*path, "report-findings", "External communication", "nothing of this push was accepted"] {
        assert!(pushed.stderr.contains(word), "no `{word}` in {}", pushed.stderr);
    }
    assert_eq!(place.git(&["rev-parse", "main"]), tip);

    service.wait_until_settled();
    service.sh_at_once(&format!("sed -i 's/^{ROW}/{NO_ROW}/' {path}; git commit -qam 'Take out a row'"));
    service.wait_for(&id, "the commit counts", |report| report["revision"] == 2);
    let assessment = service.get(&format!("/api/v1/reports/{id}/assessment")).json();
    assert_eq!((&assessment["errors"], &assessment["enforcement"]), (&json!(1), &json!("refuse")));
    service.wait_until_no_problem();
    service.stop();
    let verified = place.golive(&["verify", "reports-repo"]);
    assert!(verified.status.success(), "{verified:?}");
}

/// A repository in git's hands alone, with the example committed, and its path.
fn checked(rules: &str) -> (Place, String) {
    let place = Place::new();
    assert!(place.golive(&["init", "reports-repo"]).status.success());
    place.write_rules(rules);
    let body = example("checked");
    let path = path(&place, &body);
    let file = place.repo().join(&path);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    let front = format!(
        "---\nid: 0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10\nserver_name: {}\nrepository_url: {}\n\
         developer_email: alex@example.com\nstatus: pending_review\nrevision: 1\nsubmitted_at: 2025-10-20T10:00:00Z\n---\n",
        body["server_name"].as_str().expect("a name"),
        body["repository_url"].as_str().expect("a URL"),
    );
    std::fs::write(&file, front + body["report_data"].as_str().expect("a text")).expect("written");
    place.git(&["add", "-A"]);
    place.git(&["commit", "-qm", "By hand"]);
    (place, path)
}

#[test]
fn golive_check_tells_what_changed_reports_lack_as_the_policy_has_it() {
    for (enforcement, status, level) in [("off", 0, None), ("warn", 0, Some("warning")), ("refuse", 1, Some("error"))] {
        let (place, path) = checked(&format!("report:\n  enforcement: {enforcement}\n"));
        let file = place.repo().join(&path);
        let run = |args: &[&str]| Finished::of(place.command(BINARY).arg("check").args(args).current_dir(place.repo()));
        let fine = run(&[]);
        assert_eq!((fine.status.code(), fine.stderr.trim_end()), (Some(0), "1 file is fine"), "{enforcement}");
        let spoilt = std::fs::read_to_string(&file).expect("the file").replace(ROW, NO_ROW);
        std::fs::write(&file, &spoilt).expect("written");
        place.git(&["add", "-A"]);
        for args in [&[][..], &["--staged"], &[&*path]] {
            let found = run(args);
            assert_eq!(found.status.code(), Some(status), "{enforcement} {args:?}: {}", found.stderr);
            let Some(level) = level else {
                assert_eq!(found.stderr.trim_end(), "1 file is fine");
                continue;
            };
            assert!(found.stderr.contains(&format!("{level}[row-missing]")), "{}", found.stderr);
            let place = found.stderr.split_once(&format!("--> {path}:")).expect("a place").1;
            let line: usize = place.split(':').next().and_then(|line| line.parse().ok()).expect("a line");
            let table =
                spoilt.lines().position(|line| line.contains("| Component | Status | Notes |")).expect("a table");
            assert!((table..table + 8).contains(&line), "line {line} is in the table at {table}");
            let summary = if status == 0 { "1 file is fine, with 1 warning" } else { "1 problem in 1 of 1 file" };
            assert_eq!(found.stderr.trim_end().lines().last(), Some(summary));
        }
        place.git(&["commit", "-qm", "Take out a row"]);
        let committed = run(&["--against", "HEAD~1"]);
        assert_eq!(committed.status.code(), Some(status), "{enforcement}: {}", committed.stderr);
        assert_eq!(committed.stderr.contains("row-missing"), level.is_some(), "{}", committed.stderr);
        let unchanged = run(&[]);
        assert_eq!(
            (unchanged.status.code(), unchanged.stderr.trim_end()),
            (Some(0), "1 file is fine"),
            "{enforcement}"
        );
    }
    assert!(EXAMPLE.contains("## Phase 6"), "the example is whole");
}
