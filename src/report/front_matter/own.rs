//! Front matter as golive writes it: ten lines, a field each, and nothing else.
//!
//! Most files have it for life, as few are edited by hand. It is known by its bytes, and
//! where each value is also certain by its form, no reader of YAML is asked, neither
//! before it is written nor afterwards: two of them would take a third of what a decision
//! costs, and of a start without saved state.

use chrono::{DateTime, Datelike, Timelike, Utc};
use uuid::Uuid;

use super::{MAX_BYTES, fields, read_time, scalar};
use crate::report::{Report, Status};

/// Returns the front matter of `report` without its fences.
pub(super) fn yaml(report: &Report) -> String {
    let mut yaml = String::with_capacity(512);
    for (name, value) in fields(report) {
        scalar::push_field(&mut yaml, name, &value);
        yaml.push('\n');
    }
    yaml
}

/// Returns the report whose [`yaml`] this is, if there is one that is certain.
pub(super) fn read(given: &str) -> Option<Report> {
    let mut lines = given.split('\n');
    let mut value = |name| lines.next()?.strip_prefix(name)?.strip_prefix(": ");
    // Guessed, as what comes of it is written out again.
    let report = Report {
        id: Uuid::try_parse(value("id")?).ok()?,
        server_name: text(value("server_name")?)?,
        repository_url: text(value("repository_url")?)?,
        developer_email: text(value("developer_email")?)?,
        status: Status::from_word(value("status")?)?,
        revision: value("revision")?.parse().ok()?,
        submitted_at: read_time(value("submitted_at")?)?,
        reviewed_at: value("reviewed_at").filter(is_given).and_then(read_time),
        reviewed_by: value("reviewed_by").filter(is_given).and_then(text),
        review_notes: value("review_notes").filter(is_given).and_then(text),
    };
    (is_certain(&report) && yaml(&report) == given).then_some(report)
}

fn is_given(value: &&str) -> bool {
    *value != "null"
}

/// Quotes and backslashes are escaped as in JSON; nothing else is, where it is certain.
fn text(value: &str) -> Option<String> {
    if value.starts_with('"') { serde_json::from_str(value).ok() } else { Some(value.to_owned()) }
}

/// Returns whether every reader takes [`yaml`] for this very report: printable ASCII is
/// written plain where YAML gives it no meaning, and in double quotes elsewhere.
pub(super) fn is_certain(report: &Report) -> bool {
    let optional = [&report.reviewed_by, &report.review_notes].map(|text| text.as_deref().unwrap_or_default());
    let texts = [&report.server_name, &report.repository_url, &report.developer_email].map(String::as_str);
    let texts = || texts.iter().chain(&optional);
    texts().all(|text| text.bytes().all(|byte| matches!(byte, b' '..=b'~')))
        && texts().map(|text| text.len()).sum::<usize>() < MAX_BYTES / 4
        && (1..u32::MAX).contains(&report.revision)
        && is_plain_time(report.submitted_at)
        && report.reviewed_at.is_none_or(is_plain_time)
}

/// Four digits of a year, and whole seconds that are no leap second.
fn is_plain_time(at: DateTime<Utc>) -> bool {
    (0..=9999).contains(&at.year()) && at.nanosecond() == 0
}
