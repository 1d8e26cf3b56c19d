//! A whole report as JSON.

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use memchr::memmem;

use super::api::ReportDocument;
use super::problem::Problem;
use crate::report::{Report, front_matter};

/// Where its text comes in the document. In a value the quotes would be escaped.
const TEXT_FIELD: &[u8] = br#""report_data":"#;
const NO_TEXT: &str = "";
/// Escapes make a text longer by this part of it, mostly.
const ESCAPES_SHARE: usize = 16;
/// What is said of a report beside its text is not longer, mostly.
const REST_LEN: usize = 512;

/// Returns `report` with the text of its `file` as JSON, in bytes of their own size: what grows by doubling is
/// copied each time, and is kept half empty.
///
/// # Errors
/// [`Problem`], internal: `file` is no report's.
pub(super) fn render_file(
    report: &Report,
    file: &[u8],
    approval_expires_at: Option<DateTime<Utc>>,
) -> Result<Bytes, Problem> {
    let body = front_matter::body(file).map_err(|fault| Problem::internal(fault.to_string()))?;
    let body = std::str::from_utf8(body).map_err(|error| Problem::internal(error.to_string()))?;
    let without = serde_json::to_vec(&ReportDocument::new(report, NO_TEXT, approval_expires_at));
    let without = without.map_err(|error| Problem::internal(error.to_string()))?;
    let mut json = Vec::with_capacity(file.len() + file.len() / ESCAPES_SHARE + REST_LEN);
    put_text(&without, body, &mut json);
    Ok(json.into_boxed_slice().into())
}

/// Appends the document `without` text to `json`, with `body` for its text. `serde_json` looks at each byte by itself,
/// a tenth of what it takes to answer a report that is not in memory.
fn put_text(without: &[u8], body: &str, json: &mut Vec<u8>) {
    let at = memmem::find(without, TEXT_FIELD).expect("each document has a text") + TEXT_FIELD.len();
    json.extend_from_slice(&without[..at]);
    json_escape_simd::escape_into(body, json);
    json.extend_from_slice(&without[at + "\"\"".len()..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::report::Status;

    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<String>(),
            "[ -~\n\t]{0,80}",
            "[\\x00-\\x1f\\x7f\"\\\\/]{1,3}",
            Just("\"report_data\":\"\"".to_owned()),
        ];
        prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]
        #[test]
        fn report_is_what_serde_json_makes_of_its_document(name in text(), notes in text(), body in text()) {
            let report = Report {
                id: Uuid::from_u128(7),
                server_name: name,
                repository_url: "https://example.com/o/r".into(),
                developer_email: "dev@example.com".into(),
                status: Status::Approved,
                revision: 2,
                submitted_at: DateTime::UNIX_EPOCH,
                reviewed_at: Some(DateTime::UNIX_EPOCH),
                reviewed_by: Some("ann@example.com".into()),
                review_notes: Some(notes),
            };
            let json = |body| serde_json::to_vec(&ReportDocument::new(&report, body, None)).expect("as JSON");
            let mut found = Vec::new();
            put_text(&json(NO_TEXT), &body, &mut found);
            prop_assert_eq!(String::from_utf8(found), String::from_utf8(json(&body)));
        }
    }
}
