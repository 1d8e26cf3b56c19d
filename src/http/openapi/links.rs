//! What leads where: how an answer's values are those of the next request.

use serde_json::{Value, json};

/// Where the id of a report stands in an answer, or in the request that it answers.
const BODY: &str = "$response.body#/id";
const PATH: &str = "$request.path.id";

/// From a call and the status of its answer to another call: where that gets its
/// parameters from.
type Link = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);
const LINKS: &[Link] = &[
    ("submit_report", "201", "get_report", &[("id", BODY)]),
    ("submit_report", "201", "revise_report", &[("id", BODY), ("if-match", "$response.header.etag")]),
    ("submit_report", "201", "decide_report", &[("id", BODY), ("if-match", "$response.header.etag")]),
    ("submit_report", "201", "get_history", &[("id", BODY)]),
    ("submit_report", "201", "get_assessment", &[("id", BODY)]),
    ("submit_report", "201", "get_revision", &[("id", BODY), ("n", "$response.body#/revision")]),
    ("list_reports", "200", "get_report", &[("id", "$response.body#/0/id"), ("at", "$response.header.golive-commit")]),
    ("get_report", "200", "get_report", &[("id", PATH), ("if-none-match", "$response.header.etag")]),
    ("get_report", "200", "get_file", &[("id", PATH), ("at", "$response.header.golive-commit")]),
    ("get_report", "200", "decide_report", &[("id", PATH), ("if-match", "$response.header.etag")]),
    ("decide_report", "200", "get_report", &[("id", PATH)]),
    ("decide_report", "200", "get_history", &[("id", PATH)]),
    ("decide_report", "200", "decide_report", &[("id", PATH), ("if-match", "$response.header.etag")]),
    ("revise_report", "200", "get_revision", &[("id", PATH), ("n", "$response.body#/revision")]),
    ("revise_report", "200", "get_diff", &[("id", PATH), ("to", "$response.header.golive-commit")]),
    ("get_history", "200", "get_report", &[("id", PATH), ("at", "$response.body#/0/commit")]),
    ("get_history", "200", "get_diff", &[("id", PATH), ("to", "$response.body#/0/commit")]),
    ("list_activity", "200", "stream_events", &[("last_event_id", "$response.body#/0/commit")]),
];

/// Adds them to the description `document`.
pub(super) fn add(document: &mut Value) {
    let paths = document["paths"].as_object_mut().expect("an object");
    let operations = paths.values_mut().filter_map(Value::as_object_mut).flat_map(|path| path.values_mut());
    for operation in operations {
        let from = operation["operationId"].as_str().unwrap_or_default().to_owned();
        for (_, status, to, parameters) in LINKS.iter().filter(|(link, ..)| *link == from) {
            let parameters: Value = parameters.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
            operation["responses"][status]["links"][to] = json!({"operationId": to, "parameters": parameters});
        }
    }
}
