//! Texts of reports: one in which nothing is to be found, and what spoils it.

use serde_json::{Value, json};

/// A report in which nothing is to be found.
pub(crate) const EXAMPLE: &str = include_str!("../../../reports-repo-template/EXAMPLE.md");
/// How a row of it begins that is asked for, and what stands in its place in a text without.
pub(crate) const ROW: &str = "| External communication |";
pub(crate) const NO_ROW: &str = "| Something else |";

fn field(label: &str) -> String {
    let rest = EXAMPLE.split_once(&format!("**{label}:** ")).expect("the example has the field").1;
    rest.lines().next().expect("a value").trim().to_owned()
}

/// The submission of the example, about a repository of `owner`.
pub(crate) fn example(owner: &str) -> Value {
    let url = field("Repository");
    let name = url.rsplit('/').next().expect("a name").to_owned();
    let new_url = format!("https://github.com/{owner}/{name}");
    json!({
        "server_name": field("MCP Server Name"),
        "repository_url": new_url,
        "developer_email": "alex@example.com",
        "report_data": EXAMPLE.replace(&url, &new_url),
    })
}

/// The same, with a row of a table missing.
pub(crate) fn without_row(owner: &str) -> Value {
    let mut body = example(owner);
    let text = body["report_data"].as_str().expect("a text");
    assert!(text.contains(ROW), "the example has the row");
    body["report_data"] = json!(text.replace(ROW, NO_ROW));
    body
}
