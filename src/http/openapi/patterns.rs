//! The rules about input, as far as a schema can say them, so that a client can
//! hold what it sends against the description. What stands here never refuses what
//! the rules accept; what no pattern can say stands in the descriptions.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::report::text::is_invisible;

const UUID: &str = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
const COMMIT: &str = "[0-9a-fA-F]{7,40}";

/// Adds them to the description `document`.
pub(super) fn add(document: &mut Value) {
    let line = one_line();
    let schemas = &mut document["components"]["schemas"];
    let submission = &mut schemas["Submission"]["properties"];
    add_to(&mut submission["server_name"], &json!({"pattern": line}));
    add_to(&mut submission["repository_url"], &repository_url());
    add_to(&mut submission["report_data"], &json!({"pattern": "^[^\\u0000]*$"}));
    let decision = &mut schemas["Decision"]["properties"];
    add_to(&mut decision["reviewed_by"], &json!({"pattern": line}));
    add_to(&mut decision["review_notes"], &json!({"pattern": "^[^\\u0000]*$"}));
    let paths = document["paths"].as_object_mut().expect("an object");
    let operations = paths.values_mut().filter_map(Value::as_object_mut).flat_map(|path| path.values_mut());
    let parameters = operations.filter_map(|operation| operation.get_mut("parameters")?.as_array_mut()).flatten();
    for parameter in parameters {
        if let Some(schema) = of_parameter(parameter["name"].as_str().unwrap_or_default()) {
            add_to(&mut parameter["schema"], &schema);
        }
    }
}

/// Returns what the schema of the parameter `name` says beside its type.
fn of_parameter(name: &str) -> Option<Value> {
    Some(match name {
        "at" => json!({"anyOf": [{"pattern": format!("^{COMMIT}$")}, {"format": "date-time"}]}),
        "from" | "to" => json!({"pattern": format!("^(?:[0-9]{{1,6}}|{COMMIT})$")}),
        "cursor" => json!({"pattern": format!(
            "^(?:-?[0-9]{{1,18}}_{UUID}|(?:oldest|updated)_{UUID}_-?[0-9]{{1,18}}|name_{UUID}_.*|{COMMIT})$"
        )}),
        "owner" => json!({"minLength": 1}),
        "q" => json!({"maxLength": super::super::list::SEARCH_MAX}),
        "repository_url" => {
            let mut schema = repository_url();
            add_to(&mut schema, &json!({"minLength": 1, "maxLength": 500}));
            schema
        }
        _ => return None,
    })
}

/// Adds the members of `more` to `schema`.
fn add_to(schema: &mut Value, more: &Value) {
    let schema = schema.as_object_mut().expect("a schema");
    schema.extend(more.as_object().expect("an object").clone());
}

/// The three forms of an address, hosts, percent-encoding, owner and name are more
/// than a pattern can say: a format of golive's own, of which the field tells.
fn repository_url() -> Value {
    json!({"format": "repository-url"})
}

/// One line without white space at its ends, of characters that can be seen.
fn one_line() -> String {
    let inside = class(|c| c.is_control() || is_invisible(c));
    let ends = class(|c| c.is_control() || is_invisible(c) || c.is_whitespace());
    format!("^[^{ends}](?:[^{inside}]*[^{ends}])?$")
}

/// Returns the characters that `is_in` names as what stands between brackets in a
/// pattern of ECMA-262, with the `u` flag as JSON Schema has it.
fn class(is_in: impl Fn(char) -> bool) -> String {
    let mut text = String::new();
    let mut chars = ('\0'..=char::MAX).peekable();
    while let Some(first) = chars.by_ref().find(|c| is_in(*c)) {
        let mut last = first;
        while let Some(next) = chars.next_if(|c| is_in(*c)) {
            last = next;
        }
        push(&mut text, first);
        if last > first {
            text.push('-');
            push(&mut text, last);
        }
    }
    text
}

fn push(text: &mut String, c: char) {
    match u32::from(c) {
        // An escape for these is written differently everywhere.
        0x1_0000.. => text.push(c),
        code => write!(text, "\\u{code:04x}").expect("a string takes everything"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_runs_of_characters() {
        assert_eq!(
            class(|c| matches!(c, 'a'..='c' | 'x' | '\u{e0001}'..='\u{e0002}')),
            "\\u0061-\\u0063\\u0078\u{e0001}-\u{e0002}"
        );
    }
}
