//! Requests to ids, addresses and hosts and by methods that are not there. Each
//! gets its problem document, and nothing changes.

use crate::common::refusals::Refusals;
use crate::common::{Place, Service, decision, submission};

/// A report of nobody.
const ABSENT: &str = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";

fn head(method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n\r\n")
}

/// Sends the three calls on one report to `target`, which takes the place of its address.
fn on_report(service: &Service, refusals: &mut Refusals, target: &str) {
    let (revision, decision) = (submission("known").to_string(), decision("approved", "fine").to_string());
    for (method, target, body) in [
        ("GET", target.to_owned(), ""),
        ("PUT", target.to_owned(), &revision),
        ("PATCH", format!("{target}/status"), &decision),
    ] {
        refusals.check(&format!("{method} {target}"), &service.send_to(method, &target, body), 404, &[], "");
    }
}

#[test]
fn ids_that_are_none_are_404_and_reach_no_file() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    let simple = id.replace('-', "");
    let blob = service.get(&format!("/api/v1/reports/{id}")).header("etag").replace('"', "");
    let spellings = [
        simple,
        blob,
        format!("{{{id}}}"),
        format!("%7B{id}%7D"),
        format!("urn:uuid:{id}"),
        format!("{id}%00"),
        format!("{id}%20"),
        format!("%20{id}"),
        format!("{id}%0a"),
        format!("{id}.md"),
        format!("{id}/"),
        format!("{id}%2f"),
        format!("./{id}"),
        format!("..%2freports%2f{id}"),
        id[..35].to_owned(),
        format!("{id}0"),
        id.replace('-', "_"),
        id.replacen('-', "%E2%80%90", 1),
    ];
    let others = [
        ABSENT,
        "7",
        "0",
        "-1",
        "null",
        "id",
        "*",
        "%00",
        "%ff",
        "%",
        "%zz",
        "%F0%9F%A6%80",
        ".",
        "..",
        "%2e%2e",
        "~",
        "../../../../etc/passwd",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e%2f%2e%2e%2fgolive.yaml",
        "..%5c..%5cgolive.yaml",
        "....//golive.yaml",
        "%252e%252e%252fgolive.yaml",
        "..;/healthz",
        ".git/config",
        ".git%2fconfig",
        "/etc/passwd",
        "HEAD",
        "main:golive.yaml",
        "00000000-0000-0000-0000-00000000000g",
        "'%20OR%201=1",
        "%3Cscript%3E",
        "a%0d%0aX:%20y",
    ];
    for spelling in spellings.iter().map(String::as_str).chain(others) {
        on_report(&service, &mut refusals, &format!("/api/v1/reports/{spelling}"));
    }
    on_report(&service, &mut refusals, &format!("/api/v1/reports/{}", "a".repeat(5000)));
    refusals.end();
}

#[test]
fn addresses_that_are_not_there_are_404() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    for target in [
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/reports",
        "/API/v1/reports",
        "/api/v1/report",
        "/api/v1/reports/",
        "//api/v1/reports",
        "/api//v1/reports",
        "/api/v1/reports%2f",
        "/api/v1/../../etc/passwd",
        "/../etc/passwd",
        "/.git/config",
        "/golive.yaml",
        "/reports",
        "/healthz/",
        "/openapi.yaml",
        "/%00",
        "/%ff",
        &format!("/api/v1/reports/{id}/status/x"),
        &format!("/reports/{id}/x"),
    ] {
        for (method, body) in [("GET", String::new()), ("POST", submission("new").to_string())] {
            refusals.check(&format!("{method} {target}"), &service.send_to(method, target, &body), 404, &[], "");
        }
    }
    refusals.end();
}

#[test]
fn methods_that_are_not_there_are_405_and_named() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    let mut refusals = Refusals::of(&service);
    let body = submission("known").to_string();
    for (path, allowed) in [
        ("/api/v1/reports".into(), &["GET", "HEAD", "POST"][..]),
        (format!("/api/v1/reports/{id}"), &["GET", "HEAD", "PUT"]),
        (format!("/api/v1/reports/{id}/status"), &["PATCH"]),
        ("/healthz".into(), &["GET", "HEAD"]),
        ("/readyz".into(), &["GET", "HEAD"]),
        ("/metrics".into(), &["GET", "HEAD"]),
        ("/openapi.json".into(), &["GET", "HEAD"]),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get"] {
            if allowed.contains(&method) {
                continue;
            }
            let answer = service.send_to(method, &path, &body);
            refusals.check(&format!("{method} {path}"), &answer, 405, &[], "`Allow`");
            let mut named: Vec<_> = answer.header("allow").split(',').map(str::trim).collect();
            named.sort_unstable();
            if named != allowed {
                refusals.note(&format!("{method} {path}"), &format!("Allow: {named:?}"));
            }
        }
    }
    refusals.end();
}

#[test]
fn other_hosts_are_421_and_change_nothing() {
    let place = Place::new();
    let service = place.serve();
    let mut refusals = Refusals::of(&service);
    let body = submission("new").to_string();
    let length = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
    for host in [
        "Host: evil.example",
        "Host: evil.example:8080",
        "Host: 127.0.0.1.evil.example",
        "Host: localhost.evil.example",
        "Host: evil.example@localhost",
        "Host: localhost@evil.example",
        "Host: localhost:evil.example",
        "Host: 0.0.0.0",
        "Host: 127.0.0.2",
        "Host: 127.1",
        "Host: [::]",
        "Host: [::2]:80",
        "Host: ",
        "X-Forwarded-Host: localhost",
    ] {
        for (method, target, length, body) in
            [("POST", "/api/v1/reports", length.as_str(), body.as_str()), ("GET", "/healthz", "X: y", "")]
        {
            let head = format!("{method} {target} HTTP/1.1\r\n{host}\r\n{length}\r\n\r\n");
            refusals.check(
                &format!("{method} {host}"),
                &service.raw(&head, body.as_bytes()),
                421,
                &[],
                "--allowed-host",
            );
        }
    }
    for target in [
        "http://evil.example/healthz",
        "http://localhost@evil.example/healthz",
        "http://localhost:x@evil.example/healthz",
    ] {
        refusals.check(target, &service.raw(&head("GET", target, "X: y"), b""), 421, &[], "--allowed-host");
    }
    refusals.end();
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]", "[::1]:8080"] {
        let head = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(service.raw(&head, b"").status, 200, "{host}");
    }
}
