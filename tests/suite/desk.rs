//! The pages of the desk, without a browser: what they answer, under which
//! headers, and what of hostile input comes through.

use crate::common::desk::{assert_guarded, value_after};
use crate::common::{Place, Service, decision, submission};
use serde_json::json;

/// Field values that would run, hide or break out if they were not escaped.
const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)> '`{{7*7}}";

fn ids_in(html: &str) -> Vec<String> {
    html.split("data-report=\"").skip(1).map(|rest| rest[..36].to_owned()).collect()
}

fn reject_and_resubmit(service: &Service<'_>, name: &str, text: &str) -> String {
    let id = service.submit(name);
    assert_eq!(service.patch(&id, &decision("rejected", "Say who owns it.")).status, 200);
    let mut again = submission(name);
    again["report_data"] = json!(text);
    assert_eq!(service.post(&again).status, 201);
    id
}

#[test]
fn every_page_is_guarded_and_names_its_commit() {
    let place = Place::new();
    let service = place.serve();
    let id = reject_and_resubmit(&service, "mcp-one", "# Report\n\nNew.\n");
    let first = service.commits()[2].clone();
    for path in [
        "/".to_owned(),
        "/?status=all&q=one&owner=example&age=0&sort=name".to_owned(),
        format!("/reports/{id}"),
        format!("/reports/{id}?at={first}"),
        format!("/reports/{id}/diff"),
        "/problems".to_owned(),
        "/activity".to_owned(),
    ] {
        let page = service.page(&path);
        let html = page.assert_page(200);
        assert_eq!(page.header("golive-commit"), service.commits()[0], "{path}");
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        assert!(html.contains("<main id=\"main\"") && html.contains("class=\"skip\""), "{path}");
        assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains(" onclick"), "{path}");
    }
}

#[test]
fn assets_are_kept_for_good_and_the_page_names_them() {
    let place = Place::new();
    let service = place.serve();
    let html = service.html("/");
    for (start, media_type) in [
        ("<link rel=\"stylesheet\" href=\"", "text/css; charset=utf-8"),
        ("<script src=\"", "text/javascript; charset=utf-8"),
        ("<link rel=\"icon\" href=\"", "image/svg+xml"),
    ] {
        let asset = service.get(&value_after(&html, start, "\""));
        assert_eq!((asset.status, asset.header("content-type")), (200, media_type));
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(asset.header("x-content-type-options"), "nosniff");
    }
    assert_eq!(service.get("/assets/desk.000000000000.css").status, 404);
}

#[test]
fn queue_shows_what_waits_oldest_first_and_the_rest_behind_tabs() {
    let place = Place::new();
    let service = place.serve();
    assert!(service.html("/").contains("claude mcp add"), "what to do first");
    let ids: Vec<_> = ["mcp-one", "mcp-two", "mcp-three"].map(|name| service.submit(name)).into();
    assert_eq!(service.patch(&ids[1], &decision("approved", "Fine in every way.")).status, 200);
    assert_eq!(ids_in(&service.html("/")), [ids[0].clone(), ids[2].clone()]);
    assert_eq!(ids_in(&service.html("/?status=approved")), [ids[1].clone()]);
    assert_eq!(ids_in(&service.html("/?status=all&q=EVERY+way")), [ids[1].clone()]);
    assert_eq!(ids_in(&service.html("/?status=all&sort=name")).len(), 3);
    assert!(service.html("/?q=nothing").contains("No report matches"));
    assert!(service.html("/?status=rejected").contains("No report is rejected"));
    let html = service.page("/?status=waiting&age=x&colour=red").assert_page(422);
    for parameter in ["?status", "?age", "?colour"] {
        assert!(html.contains(&format!("<code>{parameter}</code>")), "{parameter}: {html}");
    }
}

#[test]
fn pages_of_the_queue_hold_each_report_once_and_stay_small() {
    let place = Place::new();
    let service = place.serve();
    for n in 0..120 {
        let mut report = submission(&format!("mcp-{n:03}"));
        report["server_name"] = json!(format!("mcp-{n:03} {}", "ü".repeat(200)));
        assert_eq!(service.post(&report).status, 201);
    }
    let (mut path, mut seen) = ("/".to_owned(), Vec::new());
    for n_rows in [50, 50, 20] {
        let html = service.html(&path);
        assert!(html.len() < 100_000, "{}", html.len());
        let ids = ids_in(&html);
        assert_eq!(ids.len(), n_rows, "{path}");
        seen.extend(ids);
        if n_rows == 50 {
            path = value_after(&html, "rel=\"next\" href=\"", "\"").replace("&#38;", "&");
        } else {
            assert!(!html.contains("rel=\"next\""));
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 120);
}

#[test]
fn hostile_values_are_shown_and_never_run() {
    let place = Place::new();
    let service = place.serve();
    let mut report = submission("mcp-one");
    report["server_name"] = json!(HOSTILE);
    report["report_data"] = json!(format!("# {HOSTILE}\n\n{HOSTILE}\n\n[x](javascript:alert(1)) a\u{202e}b\n"));
    let id = service.post(&report).json()["id"].as_str().expect("an id").to_owned();
    let hostile =
        json!({"status": "rejected", "reviewed_by": HOSTILE, "review_notes": format!("</textarea>{HOSTILE}\u{202e}")});
    assert_eq!(service.patch(&id, &hostile).status, 200);
    report["report_data"] = json!(format!("# Other\n\n{HOSTILE}</textarea>\n"));
    assert_eq!(service.post(&report).status, 201);
    let first = service.commits()[2].clone();
    for path in [
        "/".to_owned(),
        format!("/?q={}", "%22%3E%3Cscript%3Ealert(1)"),
        format!("/reports/{id}"),
        format!("/reports/{id}?at={first}"),
        format!("/reports/{id}/diff"),
        "/activity".to_owned(),
    ] {
        let html = service.html(&path);
        assert_eq!(html.matches("<script").count(), 1, "the desk's own alone: {path}");
        for bad in ["<img", "=\"javascript:", "</textarea>\"", "\u{202e}"] {
            assert!(!html.contains(bad), "{bad} in {path}");
        }
    }
}

#[test]
fn report_page_shows_what_changed_since_the_decision() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    assert!(!service.html(&format!("/reports/{id}")).contains("id=\"changes\""), "nothing was decided yet");
    assert_eq!(service.patch(&id, &decision("rejected", "Say who owns it.")).status, 200);
    for text in ["# Report\n\nOwned by nobody.\n", "# Report\n\nOwned by the platform team.\n"] {
        let mut again = submission("mcp-one");
        again["report_data"] = json!(text);
        assert_eq!(service.put(&id, &again).status, 200);
    }
    let html = service.html(&format!("/reports/{id}"));
    let changes = value_after(&html, "id=\"changes\"", "</section>");
    assert!(changes.contains("Say who owns it.") && changes.contains("All well."), "{changes}");
    assert!(changes.contains("platform") && !changes.contains("nobody"), "since the decision: {changes}");
    let history = value_after(&html, "<ol id=\"history\"", "</ol>");
    assert_eq!(history.matches("<li").count(), 4, "{history}");
}

#[test]
fn earlier_states_and_differences_are_shown_without_a_form() {
    let place = Place::new();
    let service = place.serve();
    let id = reject_and_resubmit(&service, "mcp-one", "# Report\n\nEntirely new.\n");
    let commits = service.commits();
    let html = service.html(&format!("/reports/{id}?at={}", commits[2]));
    assert!(html.contains("id=\"earlier\"") && html.contains(&commits[2][..10]), "{html}");
    assert!(html.contains("All well.") && !html.contains("Entirely new."));
    assert!(!html.contains("<form id=\"decide\""));
    let html = service.html(&format!("/reports/{id}/diff?from={}&to=2", commits[2]));
    assert!(html.contains("Entirely new.") && html.contains("All well."));
    assert!(service.html(&format!("/reports/{id}/diff?from=0&to=1")).contains("All well."));
    service.page(&format!("/reports/{id}?at=0000000")).assert_page(422);
    service.page(&format!("/reports/{id}/diff?from=0000000")).assert_page(422);
    service.page(&format!("/reports/{id}/diff?from=7")).assert_page(404);
}

#[test]
fn people_get_pages_of_errors_and_programs_documents() {
    let place = Place::new();
    let service = place.serve();
    let missing = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";
    for path in ["/nothing", "/reports/x", &format!("/reports/{missing}"), "/assets/x"] {
        let html = service.page(path).assert_page(404);
        assert!(html.contains("href=\"/\""), "a way on: {html}");
        service.get(path).problem(404);
    }
    for path in ["/api/v1/reports/x", "/api/v2", "/metrics/x"] {
        service.page(path).problem(404);
    }
    let stranger = service.send("GET", "/", &[("host", "evil.example"), ("accept", "text/html")], []);
    stranger.problem(421);
}

#[test]
fn problems_are_shown_with_line_and_repair() {
    let place = Place::new();
    let service = place.serve();
    assert!(service.html("/problems").contains("Every file is in order"));
    let id = service.submit("mcp-one");
    service.wait_until_mirrored();
    place.edit("mcp-one", &[("status: pending_review", "status: <b>aproved</b>")]);
    service.wait_for_problem(&place.report_path("mcp-one"), "unknown-status");
    let html = service.html("/problems");
    for part in
        [&place.report_path("mcp-one"), "line 6", "unknown-status", "&#60;b&#62;aproved", &format!("/reports/{id}")]
    {
        assert!(html.contains(part), "no {part}: {html}");
    }
    let html = service.html(&format!("/reports/{id}"));
    assert!(html.contains("role=\"alert\"") && !html.contains("<form id=\"decide\""), "{html}");
    assert!(service.html("/").contains("file has a problem"));
}

#[test]
fn activity_tells_every_commit_newest_first() {
    let place = Place::new();
    let service = place.serve();
    let id = reject_and_resubmit(&service, "mcp-one", "# Report\n");
    let html = service.html("/activity");
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}: {html}"));
    assert!(at("Revision 2 submitted") < at("Rejected") && at("Rejected") < at("Start the reports repository"));
    assert!(html.contains(&format!("/reports/{id}")) && html.contains("Say who owns it."));
}

#[test]
fn large_report_is_shown_and_holds_up_nobody() {
    let place = Place::new();
    let service = place.serve();
    let mut report = submission("mcp-large");
    report["report_data"] = json!("- [ ] word **word** `word` | word\n".repeat(30_000));
    let id = service.post(&report).json()["id"].as_str().expect("an id").to_owned();
    std::thread::scope(|scope| {
        let large = scope.spawn(|| service.page(&format!("/reports/{id}")));
        for _ in 0..20 {
            assert_guarded(&service.page("/"));
        }
        large.join().expect("an answer").assert_page(200);
    });
}

#[test]
fn long_notes_are_shortened_in_the_history_but_not_at_their_own_state() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("mcp-one");
    let notes = format!("{}END", "é".repeat(2000));
    service.patch(&id, &decision("rejected", "Short."));
    assert_eq!(service.patch(&id, &decision("pending_review", &notes)).status, 200);
    let commit = service.tip();
    let history = |path: &str| value_after(&service.html(path), "id=\"history\"", "</ol>");
    let link = format!("<a href=\"/reports/{id}?at={commit}#history\">");
    let now = history(&format!("/reports/{id}"));
    assert!(now.contains("éé…") && !now.contains("END") && now.matches(&link).count() == 1, "{now}");
    let then = history(&format!("/reports/{id}?at={commit}"));
    assert!(then.contains("ééEND") && !then.contains(&link), "{then}");
}
