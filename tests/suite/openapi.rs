//! `/openapi.json` against the service: every route and method is in it and
//! nothing else, its references resolve, its limits are those of the rules, and
//! what the service answers is what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common::{Answer, Place, Service, decision, submission};
use serde_json::{Map, Value, json};

const ABSENT: &str = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10";
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];
const JSON: (&str, &str) = ("content-type", "application/json");

fn document(service: &Service) -> Value {
    let answer = service.get("/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

fn members(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or_else(|| panic!("not an object: {value}"))
}

/// All methods of a documented path, `HEAD` beside `GET`.
fn methods(path_item: &Value) -> BTreeSet<String> {
    let mut methods: BTreeSet<_> = members(path_item).keys().map(|method| method.to_uppercase()).collect();
    if methods.contains("GET") {
        methods.insert("HEAD".into());
    }
    methods
}

/// Calls `visit` with each object in `value`.
fn for_each_object(value: &Value, visit: &mut impl FnMut(&Map<String, Value>)) {
    match value {
        Value::Object(members) => {
            visit(members);
            members.values().for_each(|value| for_each_object(value, visit));
        }
        Value::Array(items) => items.iter().for_each(|value| for_each_object(value, visit)),
        _ => {}
    }
}

fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.strip_prefix('#').expect("a reference into the document"))
            .unwrap_or_else(|| panic!("{reference} leads nowhere")),
        None => schema,
    }
}

#[test]
fn description_is_openapi_3_1_and_whole() {
    let place = Place::new();
    let service = place.serve();
    let document = document(&service);
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1.")));
    assert_eq!(
        (&document["info"]["title"], &document["info"]["version"]),
        (&json!("golive"), &json!(env!("CARGO_PKG_VERSION")))
    );
    for_each_object(&document, &mut |object| {
        if let Some(Value::String(reference)) = object.get("$ref") {
            resolve(&document, &json!({"$ref": reference}));
        }
    });
    let mut ids = BTreeSet::new();
    for (path, item) in members(&document["paths"]) {
        for (method, operation) in members(item) {
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{method} {path} has no operationId"));
            assert!(ids.insert(id), "{id} stands there twice");
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{id} has no summary");
            let declared = operation["parameters"].as_array().cloned().unwrap_or_default();
            let declared = declared.iter().filter(|parameter| parameter["in"] == "path");
            let declared: BTreeSet<_> = declared.map(|parameter| parameter["name"].as_str().expect("a name")).collect();
            let in_path: BTreeSet<_> =
                path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(declared, in_path, "{id}");
            for (status, response) in members(&operation["responses"]) {
                assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{id} {status}");
            }
        }
    }
}

/// Returns the paths in the router's source.
fn routes_in(folder: &Path, routes: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("a file").path();
        if path.is_dir() {
            routes_in(&path, routes);
            continue;
        }
        // Pages are for people; what they offer, the calls that are described offer too.
        if path.ends_with("http/desk.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("UTF-8");
        let calls = source.split(".route(").skip(1);
        routes
            .extend(calls.filter_map(|rest| Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0.to_owned())));
    }
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let place = Place::new();
    let service = place.serve();
    let document = document(&service);
    let documented: BTreeSet<_> = members(&document["paths"]).keys().cloned().collect();
    let mut routes = BTreeSet::new();
    routes_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut routes);
    // Git's own protocol: git describes it, and no client is made from a description.
    routes.retain(|route| !route.starts_with("/reports.git"));
    assert_eq!(documented, routes);
}

#[test]
fn the_methods_described_are_those_answered() {
    let place = Place::new();
    let service = place.serve();
    let id = service.submit("known");
    for (path, item) in members(&document(&service)["paths"]) {
        let described = methods(item);
        for method in METHODS {
            if (method, path.as_str()) == ("GET", "/api/v1/events") {
                // Its answer has no end.
                assert_eq!(service.events("", &[]).status, 200);
                continue;
            }
            let answer = service.send(method, &path.replace("{id}", &id).replace("{n}", "1"), &[JSON], []);
            if described.contains(method) {
                assert!(!matches!(answer.status, 404 | 405), "{method} {path}: {}", answer.status);
            } else {
                assert_eq!(answer.status, 405, "{method} {path}");
                let allowed: BTreeSet<_> =
                    answer.header("allow").split(',').map(|name| name.trim().to_owned()).collect();
                assert_eq!(allowed, described, "{path}");
            }
        }
    }
}

#[test]
fn requests_are_described_with_their_limits_and_no_other_fields() {
    let place = Place::new();
    let service = place.serve();
    let document = document(&service);
    let request = |path: &str, method: &str| {
        let body = &document["paths"][path][method]["requestBody"];
        assert_eq!(body["required"], true, "{method} {path}");
        resolve(&document, &body["content"]["application/json"]["schema"]).clone()
    };
    let submission = request("/api/v1/reports", "post");
    assert_eq!(submission, request("/api/v1/reports/{id}", "put"));
    let decision = request("/api/v1/reports/{id}/status", "patch");
    let optional = BTreeSet::from(["review_notes"]);
    for (schema, lengths) in [
        (
            &submission,
            BTreeMap::from([
                ("server_name", (Some(1), 255)),
                ("repository_url", (Some(1), 500)),
                ("developer_email", (None, 255)),
                ("report_data", (Some(1), 1024 * 1024)),
            ]),
        ),
        (&decision, BTreeMap::from([("reviewed_by", (Some(1), 255)), ("review_notes", (None, 32 * 1024))])),
    ] {
        assert_eq!(schema["additionalProperties"], false);
        let required: BTreeSet<_> =
            schema["required"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
        let all: BTreeSet<_> = members(&schema["properties"]).keys().map(String::as_str).collect();
        assert_eq!(required, &all - &optional);
        for (name, (min, max)) in lengths {
            let property = &schema["properties"][name];
            assert_eq!(property["maxLength"], max, "{name}");
            if let Some(min) = min {
                assert_eq!(property["minLength"], min, "{name}");
            }
        }
    }
    let statuses = json!(["pending_review", "approved", "rejected"]);
    assert_eq!(resolve(&document, &decision["properties"]["status"])["enum"], statuses);
    let list = &document["paths"]["/api/v1/reports"]["get"]["parameters"];
    let parameter = |name: &str| {
        let found = list.as_array().expect("a list").iter().find(|parameter| parameter["name"] == name);
        resolve(&document, &found.unwrap_or_else(|| panic!("no {name}"))["schema"]).clone()
    };
    assert_eq!(parameter("status")["enum"], json!(["pending_review", "approved", "rejected", "all"]));
    assert_eq!((&parameter("limit")["minimum"], &parameter("limit")["maximum"]), (&json!(1), &json!(1000)));
    assert_eq!(parameter("updated_since")["format"], "date-time");
    parameter("cursor");
}

/// Returns what is wrong with `value` by `schema`, as far as this document's
/// schemas go: types, enums, members.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let schema = resolve(document, schema);
    if let Some(choices) = schema["oneOf"].as_array() {
        let of_each: Vec<_> = choices.iter().map(|choice| faults(document, choice, value, at)).collect();
        return if of_each.iter().any(Vec::is_empty) { Vec::new() } else { of_each.concat() };
    }
    let types: Vec<_> = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return vec![format!("{at} has no type in the description")],
    };
    let is_of = |name: &&str| match value {
        Value::Null => *name == "null",
        Value::Bool(_) => *name == "boolean",
        Value::Number(_) => matches!(*name, "integer" | "number"),
        Value::String(_) => *name == "string",
        Value::Array(_) => *name == "array",
        Value::Object(_) => *name == "object",
    };
    let mut found = Vec::new();
    if !types.iter().any(is_of) {
        found.push(format!("{at}: {value} is not {types:?}"));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is not in the enum"));
    }
    if let Value::Array(items) = value {
        found.extend(items.iter().flat_map(|item| faults(document, &schema["items"], item, at)));
    }
    if let (Value::Object(object), Value::Object(properties)) = (value, &schema["properties"]) {
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                found.push(format!("{at} lacks {name}"));
            }
        }
        for (name, value) in object {
            match properties.get(name) {
                Some(schema) => found.extend(faults(document, schema, value, &format!("{at}/{name}"))),
                None => found.push(format!("{at} has {name}, which is not described")),
            }
        }
    }
    found
}

/// Returns what of `answer` is not described for the operation.
fn undescribed(document: &Value, method: &str, path: &str, answer: &Answer) -> Vec<String> {
    let name = format!("{method} {path} {}", answer.status);
    let response = &document["paths"][path][method.to_lowercase()]["responses"][answer.status.to_string()];
    if response.is_null() {
        return vec![name];
    }
    let media_type = answer.header("content-type").split(';').next().unwrap_or_default();
    if answer.body.is_empty() {
        return if response["content"].is_null() { Vec::new() } else { vec![format!("{name}: no body")] };
    }
    let content = &response["content"][media_type];
    match media_type {
        _ if content.is_null() => vec![format!("{name} as {media_type}")],
        "application/json" | "application/problem+json" => faults(document, &content["schema"], &answer.json(), &name),
        _ => Vec::new(),
    }
}

/// Method, path as described, id, headers, body, the status to come.
type Call<'a> = (&'a str, &'a str, &'a str, Vec<(&'a str, &'a str)>, String, u16);

#[test]
fn every_answer_seen_is_described_with_its_content_type_and_members() {
    let place = Place::new();
    let service = place.serve();
    let document = document(&service);
    let id = service.submit("known");
    let tag = service.get(&format!("/api/v1/reports/{id}")).header("etag").to_owned();
    let (list, one, status) = ("/api/v1/reports", "/api/v1/reports/{id}", "/api/v1/reports/{id}/status");
    let check = "/api/v1/reports/check";
    let text = |value: Value| value.to_string();
    let revised = || {
        let mut body = submission("known");
        body["report_data"] = json!("another text\n");
        body.to_string()
    };
    let stale = ("if-match", "\"0\"");
    let host = ("host", "evil.example");
    let mut calls: Vec<Call> = vec![
        ("POST", list, &id, vec![JSON], text(submission("new")), 201),
        ("POST", list, &id, vec![JSON], "{".into(), 400),
        ("POST", list, &id, vec![JSON], text(submission("known")), 409),
        ("POST", list, &id, vec![JSON], " ".repeat(9_000_000), 413),
        ("POST", list, &id, vec![], text(submission("new")), 415),
        ("POST", list, &id, vec![JSON], "{}".into(), 422),
        ("GET", list, &id, vec![], String::new(), 200),
        ("GET", "/api/v1/reports?limit=0", &id, vec![], String::new(), 422),
        ("GET", one, &id, vec![], String::new(), 200),
        ("GET", one, &id, vec![("if-none-match", &tag)], String::new(), 304),
        ("GET", one, ABSENT, vec![], String::new(), 404),
        ("GET", one, "x", vec![], String::new(), 404),
        ("PUT", one, &id, vec![JSON], "[".into(), 400),
        ("PUT", one, ABSENT, vec![JSON], text(submission("known")), 404),
        ("PUT", one, &id, vec![JSON, stale], revised(), 412),
        ("PUT", one, &id, vec![JSON], " ".repeat(9_000_000), 413),
        ("PUT", one, &id, vec![("content-type", "text/plain")], revised(), 415),
        ("PUT", one, &id, vec![JSON], text(submission("other")), 422),
        ("PUT", one, &id, vec![JSON], revised(), 200),
        ("PATCH", status, &id, vec![JSON], "nonsense".into(), 400),
        ("PATCH", status, ABSENT, vec![JSON], text(decision("approved", "x")), 404),
        ("PATCH", status, &id, vec![JSON], text(decision("pending_review", "x")), 409),
        ("PATCH", status, &id, vec![JSON, stale], text(decision("approved", "x")), 412),
        ("PATCH", status, &id, vec![JSON], " ".repeat(9_000_000), 413),
        ("PATCH", status, &id, vec![("content-type", "text/plain")], text(decision("approved", "x")), 415),
        ("PATCH", status, &id, vec![JSON], "{}".into(), 422),
        ("PATCH", status, &id, vec![JSON], text(decision("approved", "x")), 200),
        ("GET", one, &id, vec![], String::new(), 200),
        ("GET", list, &id, vec![], String::new(), 200),
        ("GET", "/api/v1/reports/{id}/history", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/reports/{id}/history", ABSENT, vec![], String::new(), 404),
        ("GET", "/api/v1/reports/{id}/revisions/{n}", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/reports/{id}/revisions/{n}", ABSENT, vec![], String::new(), 404),
        ("GET", "/api/v1/reports/{id}/diff", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/reports/{id}/diff", &id, vec![("accept", "application/json")], String::new(), 200),
        ("GET", "/api/v1/reports/{id}/diff", ABSENT, vec![], String::new(), 404),
        ("GET", "/api/v1/reports/{id}/diff?from=x", &id, vec![], String::new(), 422),
        ("GET", "/api/v1/reports/{id}?at=x", &id, vec![], String::new(), 422),
        ("GET", "/api/v1/reports?at=2001-01-01T00:00:00Z", &id, vec![], String::new(), 404),
        ("GET", "/api/v1/reports?sort=oldest&q=known&owner=example", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/reports/{id}/file", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/reports/{id}/file", ABSENT, vec![], String::new(), 404),
        ("GET", "/api/v1/reports/{id}/file?at=x", &id, vec![], String::new(), 422),
        ("GET", "/api/v1/reports/{id}/assessment", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/reports/{id}/assessment", ABSENT, vec![], String::new(), 404),
        ("GET", "/api/v1/reports/{id}/assessment?at=x", &id, vec![], String::new(), 422),
        ("GET", "/api/v1/reports?risk=none&findings=errors", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/template", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/template?x=1", &id, vec![], String::new(), 422),
        ("POST", check, &id, vec![JSON], text(submission("new")), 200),
        ("POST", check, &id, vec![JSON], text(submission("known")), 200),
        ("POST", check, &id, vec![JSON], "{}".into(), 200),
        ("POST", check, &id, vec![JSON], "[]".into(), 422),
        ("POST", check, &id, vec![JSON], "{".into(), 400),
        ("POST", check, &id, vec![JSON], " ".repeat(9_000_000), 413),
        ("POST", check, &id, vec![], "{}".into(), 415),
        ("GET", "/api/v1/activity", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/activity?cursor=x", &id, vec![], String::new(), 422),
        ("GET", "/api/v1/statistics", &id, vec![], String::new(), 200),
        ("GET", "/api/v1/statistics?x=1", &id, vec![], String::new(), 422),
        ("GET", "/api/v1/events?x=1", &id, vec![], String::new(), 422),
        ("GET", "/healthz", &id, vec![], String::new(), 200),
        ("GET", "/readyz", &id, vec![], String::new(), 200),
        ("GET", "/metrics", &id, vec![], String::new(), 200),
        ("GET", "/openapi.json", &id, vec![], String::new(), 200),
    ];
    let described = members(&document["paths"]);
    for (path, item) in described {
        for method in METHODS.into_iter().filter(|method| !item[method.to_lowercase()].is_null()) {
            calls.push((method, path, &id, vec![JSON, host], String::new(), 421));
        }
    }
    let mut found = Vec::new();
    for (method, path, id, headers, body, status) in calls {
        // A refused body may cost the connection, so each call has its own.
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let host = if headers.contains("host:") { "" } else { "host: localhost\r\n" };
        let target = path.replace("{id}", id).replace("{n}", "1");
        let head = format!("{method} {target} HTTP/1.1\r\n{host}{headers}content-length: {}\r\n\r\n", body.len());
        let answer = service.raw(&head, body.as_bytes());
        assert_eq!(answer.status, status, "{method} {path}: {}", String::from_utf8_lossy(&answer.body));
        found.extend(undescribed(&document, method, path.split('?').next().expect("a path"), &answer));
    }
    assert!(found.is_empty(), "not described:\n{}", found.join("\n"));
}

#[test]
fn description_can_be_read_but_not_framed() {
    let place = Place::new();
    let service = place.serve();
    let page = service.get("/docs/");
    assert_eq!(page.status, 200);
    for part in ["default-src 'none'", "script-src 'self';", "base-uri 'none'", "frame-ancestors 'none'"] {
        let policy = page.header("content-security-policy");
        assert!(policy.contains(part), "no {part}: {policy}");
    }
    assert_eq!((page.header("x-frame-options"), page.header("referrer-policy")), ("DENY", "same-origin"));
}
