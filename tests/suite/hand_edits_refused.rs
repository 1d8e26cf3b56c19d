//! Edits that cannot be accepted stay as they are, are told with their place,
//! hold up nothing but their own report, and are forgotten once repaired.

use std::fs;

use crate::common::bad_edits::{BAD_EDITS, BadEdit, OTHER_ID};
use crate::common::edits::{CHANGE_EMAIL, changed, place_of_robin, restarted_the_same};
use crate::common::{Answer, Place, Service, decision};
use serde_json::{Value, json};

/// What was there before a row's edit, and the edit.
struct Row {
    bad: &'static BadEdit,
    id: String,
    path: String,
    good: String,
    saved: Vec<u8>,
    served: Answer,
}

/// Submits a report for each row and makes all the edits; they are told by then.
fn edited<'a>(service: &Service<'a>, place: &'a Place) -> Vec<Row> {
    let ids: Vec<_> = BAD_EDITS.iter().map(|bad| service.submit(bad.name)).collect();
    for (bad, id) in BAD_EDITS.iter().zip(&ids).filter(|(bad, _)| bad.is_approved) {
        assert_eq!(service.patch(id, &decision("approved", "Fine")).status, 200, "{}", bad.name);
    }
    service.wait_until_settled();
    service.wait_until_clean();
    let rows = BAD_EDITS.iter().zip(ids).map(|(bad, id)| {
        let good = place.on_disk(bad.name);
        let saved = (bad.edit)(&good);
        assert_ne!(saved, good.as_bytes(), "{}", bad.name);
        fs::write(place.report_file(bad.name), &saved).expect("written");
        let served = service.get(&format!("/api/v1/reports/{id}"));
        Row { bad, path: place.report_path(bad.name), id, good, saved, served }
    });
    rows.collect()
}

/// Notes what is not as it should be while the edit is refused.
fn check_refused(service: &Service, row: &Row, problems: &[Value], wrong: &mut Vec<String>) {
    let mut check = |is_so: bool, what: &str, told: &dyn std::fmt::Display| {
        if !is_so {
            wrong.push(format!("{}: {what}: {told}", row.bad.name));
        }
    };
    let Some(problem) = problems.iter().find(|problem| problem["path"] == row.path.as_str()) else {
        return check(false, "no problem", &service.get(&format!("/api/v1/reports/{}", row.id)).json());
    };
    let is_rule = row.bad.rule.split('|').any(|rule| problem["rule"] == rule);
    check(is_rule, &format!("not the rule {}", row.bad.rule), problem);
    let (line, column) = row.bad.place.unzip();
    let is_there = problem["line"] == json!(line) && problem["column"] == json!(column);
    check(is_there, &format!("not at {:?}", row.bad.place), problem);
    check(problem["report_id"] == row.id.as_str(), "another report", problem);
    check(problem["found_in"] == "work-tree" && problem["commit"].is_null(), "found elsewhere", problem);
    let detail = problem["detail"].as_str().unwrap_or_default();
    let repair = problem["repair"].as_str().unwrap_or_default();
    check(!detail.is_empty() && !repair.is_empty(), "no sentence", problem);
    check(problem["since"].as_str().is_some_and(|since| since.ends_with('Z')), "no time", problem);
    let last_good = service.git(&["log", "-1", "--format=%H", "main", "--", &row.path]);
    check(problem["last_good_commit"] == last_good.trim(), "another last good commit", problem);

    let path = service.place.report_file(row.bad.name);
    check(fs::read(path).is_ok_and(|bytes| bytes == row.saved), "the file was touched", &row.path);
    check(service.place.committed_report(row.bad.name) == row.good, "it was committed", &row.path);
    let served = service.get(&format!("/api/v1/reports/{}", row.id));
    let is_same = served.body == row.served.body && served.header("etag") == row.served.header("etag");
    check(is_same, "not the last good state", &served.json());
    let refused = service.patch(&row.id, &decision("rejected", "Not yet"));
    let told = String::from_utf8_lossy(&refused.body).into_owned();
    check(refused.status == 409, "a decision is not refused", &told);
    if refused.status == 409 {
        let refused = refused.problem(409);
        let text = refused["detail"].as_str().unwrap_or_default();
        let at = row.bad.place.map(|(line, column)| format!("{line}:{column}: ")).unwrap_or_default();
        check(text.contains(&format!("{at}{detail}; {repair}")), "another text", &refused);
        check(refused["path"] == row.path.as_str(), "another path", &refused);
        check(refused["type"] == "urn:golive:problem:broken-file", "another type", &refused);
    }
    let n_logged = service.log().lines().filter(|line| line.contains(&row.path) && line.contains("WARN")).count();
    check(n_logged == 1, "not logged once", &n_logged);
}

fn gauge(service: &Service) -> String {
    let metrics = String::from_utf8(service.get("/metrics").body).expect("UTF-8");
    let line = metrics.lines().find_map(|line| line.strip_prefix("golive_problems "));
    line.unwrap_or("none").to_owned()
}

#[test]
fn bad_edits_are_told_and_kept_and_forgotten_once_repaired() {
    assert!(BAD_EDITS.len() >= 40);
    let place = place_of_robin();
    let service = place.serve();
    let well = service.submit("well");
    let rows = edited(&service, &place);
    let tip = service.tip();
    let mut seen = 0;
    for _ in 0..500 {
        seen = service.problems().len();
        if seen == rows.len() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20)); // between two looks
    }
    let (mut wrong, problems) = (Vec::new(), service.problems());
    for row in &rows {
        check_refused(&service, row, &problems, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} faults, {seen} problems:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(service.tip(), tip);
    let paths: Vec<_> = problems.iter().map(|problem| problem["path"].as_str().expect("a path")).collect();
    assert!(paths.is_sorted(), "{paths:?}");
    assert_eq!(gauge(&service), rows.len().to_string());

    // Another report goes its way.
    assert_eq!(service.patch(&well, &decision("approved", "Fine")).status, 200);
    service.wait_until("its file follows", || place.on_disk("well").contains("status: approved"));
    assert_eq!(service.get("/readyz").status, 200);
    let service = restarted_the_same(service);

    // Every other file is put back, the rest become edits that can be accepted.
    for (n, row) in rows.iter().enumerate() {
        let repaired = if n % 2 == 0 { row.good.clone() } else { changed(&row.good, CHANGE_EMAIL) };
        fs::write(place.report_file(row.bad.name), repaired).expect("written");
    }
    service.wait_until_no_problem();
    service.wait_until_settled();
    service.wait_until_clean();
    assert_eq!(gauge(&service), "0");
    for (n, row) in rows.iter().enumerate() {
        let report = service.report(&row.id);
        let email = if n % 2 == 0 { "alex@example.com" } else { "kim@example.com" };
        assert_eq!(report["developer_email"], email, "{}", row.bad.name);
        assert_eq!(report["revision"], 1, "{}", row.bad.name);
    }
    assert_eq!(service.git(&["rev-list", "--count", &format!("{tip}..main")]).trim(), (1 + rows.len() / 2).to_string());
    let row = &rows[0];
    assert_eq!(service.patch(&row.id, &decision("rejected", "Not yet")).status, 200);
}

#[test]
fn one_bad_edit_after_another_is_one_problem_at_its_newest_place() {
    let place = place_of_robin();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_settled();
    service.wait_until_clean();
    let path = place.report_path("mcp-one");
    place.edit("mcp-one", &[("status: pending_review", "status: aproved")]);
    let first = service.wait_for_problem(&path, "unknown-status");
    assert_eq!(first["excerpt"], "status: aproved");
    place.edit("mcp-one", &[("status: aproved", "status: pending_review"), ("alex@example.com", "alex")]);
    let second = service.wait_for_problem(&path, "invalid-developer-email");
    assert_eq!((&second["line"], &second["column"]), (&json!(5), &json!(18)));
    assert_eq!(service.problems().len(), 1);
    // Every kind of write is told the same.
    let body = crate::common::submission("mcp-one");
    for answer in [service.put(&id, &body), service.patch(&id, &decision("approved", ""))] {
        let problem = answer.problem(409);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("5:18: ")), "{problem}");
    }
    // Given up with git, it is forgotten.
    service.git(&["restore", "."]);
    service.wait_until_no_problem();
    assert_eq!(service.patch(&id, &decision("approved", "")).status, 200);
    assert_eq!(service.commits().len(), 3);
    service.wait_until_clean();
}

/// Name, what is made of a good file, rule, line and column.
type NewFile = (&'static str, fn(&str) -> String, &'static str, Option<(u64, u64)>);

#[test]
fn new_reports_that_claim_more_than_they_may_are_told() {
    let rows: [NewFile; 6] = [
        ("approved", |text| text.replace("pending_review", "approved"), "new-report", Some((6, 9))),
        ("revised", |text| text.replace("revision: 1", "revision: 3"), "new-report", Some((7, 11))),
        ("reviewed", |text| text.replace("reviewed_by: null", "reviewed_by: Kim"), "new-report", Some((10, 14))),
        ("noted", |text| text.replace("review_notes: null", "review_notes: Fine"), "new-report", Some((11, 15))),
        ("misplaced", |text| text.replace("example/misplaced", "example/elsewhere"), "wrong-path", Some((4, 17))),
        ("with-the-id-of-another", |text| text.to_owned(), "duplicate-id", Some((2, 5))),
    ];
    let place = place_of_robin();
    let service = place.serve();
    let id = service.submit("mcp-one");
    service.wait_until_settled();
    service.wait_until_clean();
    let old = place.on_disk("mcp-one");
    for (n, (name, write, rule, at)) in rows.into_iter().enumerate() {
        let new_id = if rule == "duplicate-id" { id.clone() } else { OTHER_ID.replace("7f10", &format!("7f2{n}")) };
        let good = old.replace("mcp-one", name).replace(&id, &new_id);
        let (tip, file) = (service.tip(), place.report_file(name));
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, write(&good)).expect("written");
        let problem = service.wait_for_problem(&place.report_path(name), rule);
        let (line, column) = at.unzip();
        assert_eq!((&problem["line"], &problem["column"]), (&json!(line), &json!(column)), "{problem}");
        assert_eq!(problem["last_good_commit"], Value::Null, "{problem}");
        assert_eq!(service.tip(), tip, "{name}");
        assert_eq!(fs::read_to_string(&file).expect("still there"), write(&good));
        if n % 2 == 0 && rule != "duplicate-id" {
            fs::write(&file, &good).expect("repaired");
            service.wait_until("it counts", || service.get(&format!("/api/v1/reports/{new_id}")).status == 200);
            service.wait_until_settled();
        } else {
            fs::remove_file(&file).expect("given up");
        }
        service.wait_until_no_problem();
        service.wait_until_clean();
        assert_eq!(service.report(&id)["status"], "pending_review");
    }
    restarted_the_same(service);
}

#[test]
fn file_cut_by_a_power_loss_is_restored_and_told() {
    let place = place_of_robin();
    let service = place.serve();
    let names = ["mcp-one", "mcp-two", "mcp-three"];
    let ids = names.map(|name| service.submit(name));
    service.wait_until_settled();
    service.wait_until_clean();
    let (tip, whole) = (service.tip(), names.map(|name| place.on_disk(name)));
    service.kill_9();
    // As after a restart of the machine: a process that is killed cuts nobody's file.
    fs::remove_file(place.repo().join(".git/golive/mounted")).expect("noted at the start");
    fs::write(place.report_file(names[0]), "").expect("cut");
    fs::write(place.report_file(names[1]), &whole[1][..100]).expect("cut");
    fs::write(place.report_file(names[2]), &whole[2][..whole[2].len() - 5]).expect("cut");
    let service = place.serve();
    for (name, whole) in names.iter().zip(&whole) {
        service.wait_until("the file is whole", || place.on_disk(name) == *whole);
    }
    service.wait_until_settled();
    assert_eq!(service.tip(), tip);
    let problem = service.wait_for_problem(&place.report_path(names[1]), "cut-file");
    assert!(!problem["repair"].as_str().expect("text").is_empty(), "{problem}");
    for id in &ids {
        assert_eq!(service.report(id)["revision"], 1);
    }
}
