//! The main job, end to end: a six-phase report is submitted, listed, rejected,
//! resubmitted and approved, and git alone tells the story.

use crate::common::Place;
use serde_json::{Value, json};

const REPORT: &str = include_str!("../data/six-phase-report.md");

fn submission(body: &str) -> Value {
    json!({
        "server_name": "mcp-fleet-parking",
        "repository_url": "https://github.com/example/mcp-fleet-parking",
        "developer_email": "kari@example.com",
        "report_data": body,
    })
}

#[test]
fn report_goes_from_submission_to_approval_and_git_tells_the_story() {
    let place = Place::new();
    let service = place.serve();

    let submitted = service.post(&submission(REPORT));
    assert_eq!(submitted.status, 201);
    let report = submitted.json();
    let id = report["id"].as_str().expect("an id").to_owned();
    assert_eq!(submitted.header("location"), format!("/api/v1/reports/{id}"));
    assert_eq!(report["report_data"], REPORT);
    assert_eq!((&report["status"], &report["revision"]), (&json!("pending_review"), &json!(1)));
    assert_eq!(report.as_object().expect("an object").len(), 12);

    let pending = service.get("/api/v1/reports?status=pending_review");
    assert_eq!(pending.header("x-total-count"), "1");
    assert_eq!(pending.json()[0]["id"], id.as_str());
    assert_eq!(pending.json()[0].get("report_data"), None);

    let rejected = service.send(
        "PATCH",
        &format!("/api/v1/reports/{id}/status"),
        &[("content-type", "application/json"), ("if-match", submitted.header("etag"))],
        json!({"status": "rejected", "reviewed_by": "Morgan <morgan@example.com>", "review_notes": "FP-31 first."})
            .to_string(),
    );
    assert_eq!(rejected.status, 200);
    assert_eq!(rejected.json()["review_notes"], "FP-31 first.");
    assert_eq!(service.get("/api/v1/reports?status=pending_review").json(), json!([]));

    let repaired = REPORT.replace("FP-31 | low | descriptions get their own schema in 1.5", "– | – | none");
    let resubmitted = service.post(&submission(&repaired)).json();
    assert_eq!((&resubmitted["id"], &resubmitted["revision"]), (&json!(id), &json!(2)));
    assert_eq!(resubmitted["status"], "pending_review");
    assert_eq!((&resubmitted["reviewed_by"], &resubmitted["review_notes"]), (&Value::Null, &Value::Null));

    let approved = service.patch(&id, &json!({"status": "approved", "reviewed_by": "morgan@example.com"}));
    assert_eq!(approved.status, 200);
    let whole = service.get(&format!("/api/v1/reports/{id}"));
    assert_eq!(whole.json(), approved.json());
    assert_eq!(whole.json()["report_data"], repaired);
    assert_eq!(whole.header("golive-commit"), service.commits()[0]);

    let story =
        service.git(&["log", "--reverse", "--format=%s|%an <%ae>|%cn|%(trailers:key=Status,valueonly,separator=%x20)"]);
    let story: Vec<&str> = story.lines().collect();
    assert_eq!(
        story,
        [
            "Start the reports repository|golive <golive@invalid>|golive|",
            "Submit report `mcp-fleet-parking`|kari@example.com <kari@example.com>|golive|(none) -> pending_review",
            "Reject report `mcp-fleet-parking`|Morgan <morgan@example.com>|golive|pending_review -> rejected",
            "Resubmit report `mcp-fleet-parking`|kari@example.com <kari@example.com>|golive|rejected -> pending_review",
            "Approve report `mcp-fleet-parking`|morgan@example.com <morgan@example.com>|golive|pending_review -> approved",
        ]
    );
    let trailers = service.git(&["log", "-1", "--format=%(trailers:only)"]);
    let commits = service.commits();
    let path = place.golive(&["path", "https://github.com/example/mcp-fleet-parking"]).stdout;
    let decided_on = service.git(&["rev-parse", &format!("{}:{}", commits[1], path.trim())]);
    let rules = service.git(&["rev-parse", "main:golive.yaml"]);
    assert_eq!(
        trailers.trim(),
        format!(
            "Report-Id: {id}\nRevision: 2\nStatus: pending_review -> approved\nReport-Blob: {}\nPolicy-Blob: {}\nVia: api",
            decided_on.trim(),
            rules.trim()
        )
    );
    service.wait_until_clean();
    let file = std::fs::read_to_string(place.repo().join(path.trim())).expect("the file in the work tree");
    assert!(file.ends_with(&format!("---\n{repaired}")));
    service.git(&["fsck", "--strict"]);
    service.stop();
}

#[test]
fn reopened_report_waits_again_and_its_notes_stay_in_the_history() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("reopened");
    assert_eq!(service.patch(&id, &crate::common::decision("approved", "fine")).status, 200);
    let reopened = service.patch(&id, &crate::common::decision("pending_review", "a new finding")).json();
    assert_eq!(reopened["status"], "pending_review");
    assert_eq!(reopened["revision"], 1);
    for field in ["reviewed_at", "reviewed_by", "review_notes"] {
        assert_eq!(reopened[field], Value::Null, "{field}");
    }
    let message = service.git(&["log", "-1", "--format=%B"]);
    assert!(message.starts_with("Reopen report `reopened`\n\n    a new finding\n\n"), "{message}");
}

#[test]
fn new_revision_by_put_keeps_the_id_and_takes_everything_else_anew() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("revised");
    assert_eq!(service.patch(&id, &crate::common::decision("approved", "fine")).status, 200);
    let mut submission = crate::common::submission("revised");
    submission["server_name"] = json!("mcp-revised");
    submission["repository_url"] = json!("git@github.com:Example/Revised.git");
    submission["developer_email"] = json!("robin@example.com");
    let revised = service.put(&id, &submission);
    assert_eq!(revised.status, 200);
    let report = revised.json();
    assert_eq!((&report["id"], &report["revision"]), (&json!(id), &json!(2)));
    for field in ["server_name", "repository_url", "developer_email", "report_data"] {
        assert_eq!(report[field], submission[field], "{field}");
    }
    assert_eq!(report["status"], "pending_review");
    assert_eq!(service.git(&["log", "-1", "--format=%an %s"]), "robin@example.com Resubmit report `mcp-revised`\n");
}

#[test]
fn submission_by_an_assistant_is_marked_in_its_commit() {
    let place = Place::new();
    let service = place.serve();
    let headers = [("content-type", "application/json"), ("golive-via", "mcp")];
    let answer = service.send("POST", "/api/v1/reports", &headers, crate::common::submission("assisted").to_string());
    assert_eq!(answer.status, 201);
    assert_eq!(service.git(&["log", "-1", "--format=%(trailers:key=Via,valueonly)"]).trim(), "mcp");
}

#[test]
fn recipes_of_the_reports_readme_work_in_a_clone() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-servicenow");
    service.submit("other");
    assert_eq!(service.patch(&id, &crate::common::decision("approved", "fine")).status, 200);
    let file = place.golive(&["path", "https://github.com/example/mcp-servicenow"]).stdout;
    service.git(&["clone", "--quiet", ".", "../clone"]);

    let readme = include_str!("../../reports-repo-template/README.md");
    let mut recipes = Vec::new();
    let mut lines = readme.lines().skip_while(|line| *line != "## Recipes");
    while let Some(line) = lines.next() {
        if line.trim() == "```" {
            let recipe: Vec<_> = lines.by_ref().take_while(|line| line.trim() != "```").map(str::trim).collect();
            recipes.push(recipe.join("\n"));
        }
    }
    assert!(recipes.len() >= 10, "{recipes:?}");
    for recipe in recipes {
        let script = recipe.replace("FILE", file.trim()).replace("2026-01-31", "2099-01-01");
        let output = place.sh("clone", &script);
        assert!(output.status.success(), "{script}\n{}", output.stderr);
        let is_silent = script.contains("fsck");
        assert!(is_silent || !output.stdout.is_empty(), "{script} printed nothing");
    }
}
