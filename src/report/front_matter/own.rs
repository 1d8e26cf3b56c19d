//! Front matter as golive writes it: ten lines, a field each, and nothing else.
//!
//! Most files have it for life, as few are edited by hand. It is known by its bytes, and
//! where each value is also certain by its form, what was written needs not be read back:
//! two passes of YAML readers would be a third of what a decision costs.

use chrono::{DateTime, Datelike, Timelike, Utc};

use super::{MAX_BYTES, fields, scalar};
use crate::report::Report;

/// Returns the front matter of `report` without its fences.
pub(super) fn yaml(report: &Report) -> String {
    let mut yaml = String::with_capacity(512);
    for (name, value) in fields(report) {
        scalar::push_field(&mut yaml, name, &value);
        yaml.push('\n');
    }
    yaml
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
