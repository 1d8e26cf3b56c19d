//! `GET /api/v1/reports` searched, narrowed and sorted, and the numbers beside
//! it: what is found is what the reports say.

use crate::common::{Answer, Place, Service, decision, submission};
use serde_json::{Value, json};

fn names(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let name = |report: &Value| report["server_name"].as_str().expect("a name").to_owned();
    answer.json().as_array().expect("a list").iter().map(name).collect()
}

fn list(service: &Service, query: &str) -> Vec<String> {
    let answer = service.get(&format!("/api/v1/reports?{query}"));
    let names = names(&answer);
    assert_eq!(answer.header("x-total-count"), names.len().to_string(), "{query}");
    names
}

/// Submits a report and returns its id.
fn submit(service: &Service, name: &str, url: &str, email: &str) -> String {
    let body = json!({"server_name": name, "repository_url": url, "developer_email": email, "report_data": "# Text\n"});
    let answer = service.post(&body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().expect("an id").to_owned()
}

/// Four reports of three owners.
fn some(service: &Service) -> [String; 4] {
    [
        ("Ærlig Server", "https://github.com/Intility/mcp-one", "alex@example.com"),
        ("beta", "git@gitlab.com:Team/Sub/two.git", "kim@example.com"),
        ("STRASSE", "https://git.example.com/intility/three", "alex@example.com"),
        ("delta", "https://git.example.com/four", "robin@example.org"),
    ]
    .map(|(name, url, email)| submit(service, name, url, email))
}

#[test]
fn search_finds_words_in_name_repository_developer_and_notes_in_any_case() {
    let place = Place::new();
    let service = place.serve();
    let ids = some(&service);
    service.patch(&ids[1], &decision("rejected", "Rate limits are MISSING.\nΣίσυφος"));
    for (query, expected) in [
        ("q=", &["delta", "STRASSE", "beta", "Ærlig Server"][..]),
        ("q=%C3%A6RLIG", &["Ærlig Server"]),
        ("q=stra%C3%9Fe", &["STRASSE"]),
        ("q=INTILITY", &["STRASSE", "Ærlig Server"]),
        ("q=alex%20mcp", &["Ærlig Server"]),
        ("q=mcp+server++alex", &["Ærlig Server"]),
        ("q=missing+rate", &["beta"]),
        ("q=%CF%83%CE%AF%CF%83%CF%85%CF%86%CE%BF%CF%82", &["beta"]),
        ("q=example.com/intility/three", &["STRASSE"]),
        ("q=missing+alex", &[]),
        ("q=.*", &[]),
        ("q=Morgan", &[]),
        ("q=rejected", &[]),
    ] {
        assert_eq!(list(&service, query), expected, "{query}");
    }
    // The text of a report is not searched, and what is gone is not found.
    assert_eq!(list(&service, "q=Text"), [""; 0]);
    assert_eq!(service.patch(&ids[1], &decision("approved", "good")).status, 200);
    assert_eq!(list(&service, "q=missing"), [""; 0]);
}

#[test]
fn owner_status_and_times_narrow_the_list_together() {
    let place = Place::new();
    let service = place.serve();
    let ids = some(&service);
    service.patch(&ids[2], &decision("approved", ""));
    for (query, expected) in [
        ("owner=intility", &["STRASSE", "Ærlig Server"][..]),
        ("owner=INTILITY&status=approved", &["STRASSE"]),
        ("owner=intility&q=mcp", &["Ærlig Server"]),
        ("owner=team%2Fsub", &["beta"]),
        ("owner=team", &[]),
        ("owner=intil", &[]),
        ("submitted_before=2001-01-01T00:00:00Z", &[]),
        ("submitted_before=2999-01-01T00:00:00Z&status=approved", &["STRASSE"]),
        ("updated_since=2001-01-01T00:00:00Z&owner=intility&sort=name", &["STRASSE", "Ærlig Server"]),
        ("sort=name", &["beta", "delta", "STRASSE", "Ærlig Server"]),
        ("sort=oldest", &["Ærlig Server", "beta", "STRASSE", "delta"]),
        ("sort=oldest&status=pending_review", &["Ærlig Server", "beta", "delta"]),
        ("sort=newest", &["delta", "STRASSE", "beta", "Ærlig Server"]),
    ] {
        assert_eq!(list(&service, query), expected, "{query}");
    }
    let submitted_at = service.get(&format!("/api/v1/reports/{}", ids[3])).json()["submitted_at"].clone();
    let until = format!("submitted_before={}", submitted_at.as_str().expect("a time"));
    assert_eq!(list(&service, &until).len(), 4);
}

#[test]
fn latest_change_is_first_whatever_it_was() {
    let place = Place::new();
    let service = place.serve();
    let ids = some(&service);
    // Times are whole seconds: the change has to be of a later one.
    let updated = || service.get("/api/v1/reports?sort=updated&limit=1").json()[0]["updated_at"].clone();
    let before = updated();
    let before: chrono::DateTime<chrono::Utc> = before.as_str().expect("a time").parse().expect("RFC 3339");
    service.wait_until("a second has passed", || chrono::Utc::now() > before + chrono::TimeDelta::seconds(1));
    service.patch(&ids[0], &decision("rejected", "no"));
    assert_eq!(list(&service, "sort=updated")[0], "Ærlig Server");
    assert_eq!(list(&service, "sort=newest")[0], "delta");
}

#[test]
fn pages_follow_their_link_in_every_order() {
    let place = Place::new();
    let service = place.serve();
    for (n, name) in ["c x", "A_1", "b&=%", "a_1", "æ", "B"].into_iter().enumerate() {
        submit(&service, name, &format!("https://github.com/example/{n}"), "alex@example.com");
    }
    for query in
        ["sort=newest", "sort=oldest", "sort=updated", "sort=name", "sort=name&q=example&owner=EXAMPLE", "q=example"]
    {
        let whole = list(&service, query);
        assert_eq!(whole.len(), 6);
        let (mut found, mut address) = (Vec::new(), format!("/api/v1/reports?limit=1&{query}"));
        loop {
            let answer = service.get(&address);
            assert_eq!(answer.header("x-total-count"), "6");
            found.extend(names(&answer));
            match answer.header("link").strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\"")) {
                Some(next) => address = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(found, whole, "{query}");
    }
}

#[test]
fn a_cursor_fits_its_own_order_alone() {
    let place = Place::new();
    let service = place.serve();
    some(&service);
    let sorts = ["newest", "oldest", "updated", "name"];
    for from in sorts {
        let answer = service.get(&format!("/api/v1/reports?limit=1&sort={from}"));
        let (_, cursor) = answer.header("link").split_once("cursor=").expect("a cursor");
        let cursor = cursor.split('>').next().expect("an end");
        for to in sorts {
            let answer = service.get(&format!("/api/v1/reports?cursor={cursor}&sort={to}"));
            if from == to {
                assert_eq!(answer.status, 200, "{from}");
            } else {
                assert_eq!(answer.pointers(), ["?cursor"], "{from} {to}");
            }
        }
    }
}

#[test]
fn parameters_that_are_not_right_are_422_all_at_once() {
    let place = Place::new();
    let service = place.serve();
    let long = "x".repeat(256);
    for (query, pointers) in [
        (format!("q={long}"), &["?q"][..]),
        ("owner=".into(), &["?owner"]),
        ("sort=random&submitted_before=yesterday&q=a&q=b".into(), &["?q", "?sort", "?submitted_before"]),
    ] {
        assert_eq!(service.get(&format!("/api/v1/reports?{query}")).pointers(), pointers, "{query}");
    }
    assert_eq!(service.get(&format!("/api/v1/reports?q={}", "%C3%A6".repeat(255))).status, 200);
}

#[test]
fn the_list_of_then_is_searched_as_it_was() {
    let place = Place::new();
    let service = place.serve();
    let ids = some(&service);
    let then = service.git(&["rev-parse", "main"]).trim().to_owned();
    service.patch(&ids[0], &decision("approved", "splendid"));
    assert_eq!(list(&service, "q=splendid"), ["Ærlig Server"]);
    assert_eq!(list(&service, &format!("q=splendid&at={then}")), [""; 0]);
    assert_eq!(list(&service, &format!("q=mcp&sort=name&at={then}")), ["Ærlig Server"]);
}

#[test]
fn statistics_are_those_of_the_list_and_follow_each_commit() {
    let place = Place::new();
    let service = place.serve();
    let statistics = || service.get("/api/v1/statistics").json();
    let empty = statistics();
    assert_eq!(empty["counts"], json!({"pending_review": 0, "approved": 0, "rejected": 0}));
    assert_eq!((&empty["oldest_pending_at"], &empty["owners"]), (&Value::Null, &json!([])));
    let ids = some(&service);
    service.patch(&ids[0], &decision("approved", ""));
    service.patch(&ids[3], &decision("rejected", ""));
    let answer = service.get("/api/v1/statistics");
    assert_eq!(answer.header("golive-commit"), service.git(&["rev-parse", "main"]).trim());
    let now = answer.json();
    assert_eq!(now["counts"], json!({"pending_review": 2, "approved": 1, "rejected": 1}));
    let oldest = service.get("/api/v1/reports?status=pending_review&sort=oldest").json()[0]["submitted_at"].clone();
    assert_eq!(now["oldest_pending_at"], oldest);
    assert_eq!(now["owners"], json!([{"name": "intility", "n_reports": 2}, {"name": "team/sub", "n_reports": 1}]));
    let weeks = now["weeks"].as_array().expect("weeks");
    let start = |week: &Value| week["start"].as_str().expect("a day").parse::<chrono::NaiveDate>().expect("a day");
    assert_eq!(weeks.len(), 26);
    assert!(weeks.windows(2).all(|pair| (start(&pair[1]) - start(&pair[0])).num_days() == 7));
    let last = &weeks[25];
    assert!((0..7).contains(&(chrono::Utc::now().date_naive() - start(last)).num_days()));
    assert_eq!(last["waiting"], 2);
    assert_eq!((&last["approved"], &last["rejected"]), (&json!(1), &json!(1)));
    assert_eq!(service.get("/api/v1/statistics?x=1").pointers(), ["?x"]);
}

#[test]
fn file_is_that_of_git_under_a_name_of_its_own() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let first = service.git(&["rev-parse", "main"]).trim().to_owned();
    service.patch(&id, &decision("rejected", "no"));
    service.post(&submission("known"));
    let address = format!("/api/v1/reports/{id}/file");
    let answer = service.get(&address);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, place.committed_report("known").as_bytes());
    assert_eq!(answer.header("content-type"), "text/markdown; charset=utf-8");
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"known-r2.md\"");
    let tag = answer.header("etag").to_owned();
    assert_eq!(tag, service.get(&format!("/api/v1/reports/{id}")).header("etag"));
    assert_eq!(service.send("GET", &address, &[("if-none-match", &tag)], []).status, 304);
    let then = service.get(&format!("{address}?at={first}"));
    assert_eq!(then.body, service.git(&["show", &format!("{first}:{}", place.report_path("known"))]).as_bytes());
    assert_eq!(then.header("content-disposition"), "attachment; filename=\"known-r1.md\"");
    assert_eq!(then.header("golive-commit"), first);
    let absent = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";
    service.get(&format!("/api/v1/reports/{absent}/file")).problem(404);
    assert_eq!(service.get(&format!("{address}?x=1")).pointers(), ["?x"]);
}
