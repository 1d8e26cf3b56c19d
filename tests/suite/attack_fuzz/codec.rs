//! The codec of a report file, and what a changed one means.

use chrono::{DateTime, Utc};
use golive::report::change::{Before, Hand, Way, judge};
use golive::report::front_matter::{self, decode, edit, encode};
use golive::report::{Report, Status, merge};

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

/// What can be read can be written: nothing changed is the same bytes, and a decision
/// changes its fields and nothing of the text.
pub(super) fn front_matter(file: &[u8]) {
    let _ = front_matter::body(file);
    let _ = front_matter::place(file, "status");
    let decoded = match decode(file) {
        Ok(decoded) => decoded,
        Err(fault) => {
            assert!(!fault.detail.is_empty() && !fault.repair.is_empty(), "{fault:?}");
            let (line, column) = fault.place.expect("a place");
            assert!(
                line <= 2 + file.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() && column > 0,
                "{fault:?}"
            );
            return;
        }
    };
    assert_eq!(edit(file, &decoded.report, &decoded.report, None).as_deref(), Ok(file));
    let again = encode(&decoded.report, decoded.body).expect("what was read can be written");
    assert_eq!(decode(&again).as_ref(), Ok(&decoded));
    let decided = Report {
        status: Status::Rejected,
        reviewed_at: Some(at(1_760_954_400)),
        reviewed_by: Some("Morgan: \"no\" # 1".into()),
        review_notes: Some("Two\n\n# lines\n---\n".into()),
        ..decoded.report.clone()
    };
    // A form that cannot be changed field by field is refused, and never written wrongly.
    if let Ok(edited) = edit(file, &decoded.report, &decided, None) {
        let read = decode(&edited).expect("what was written can be read");
        assert_eq!((&read.report, read.body), (&decided, decoded.body));
        let back = edit(&edited, &decided, &decoded.report, None).expect("what was changed can be changed back");
        assert_eq!(decode(&back).as_ref(), Ok(&decoded));
    }
}

/// The input as texts of fields, cut where it has a NUL or a line of dashes.
pub(super) fn fields(input: &[u8]) {
    let text = String::from_utf8_lossy(input).replace('\0', "");
    let mut parts = text.split("---");
    let mut part = || parts.next().unwrap_or_default().to_owned();
    let report = Report {
        id: uuid::Uuid::nil(),
        server_name: part(),
        repository_url: part(),
        developer_email: part(),
        status: Status::Approved,
        revision: 1 + (input.len() as u32 % 1000),
        submitted_at: at(input.len() as i64),
        reviewed_at: Some(at(1)),
        reviewed_by: Some(part()),
        review_notes: Some(part()),
    };
    let file = match encode(&report, input) {
        Ok(file) => file,
        // Only what is longer than any front matter may be.
        Err(fault) => return assert!(text.len() > 16 * 1024, "{fault}"),
    };
    let read = decode(&file).expect("what was written can be read");
    assert_eq!((&read.report, read.body), (&report, input));
    let yaml = std::str::from_utf8(&file[4..file.len() - input.len() - 4]).expect("UTF-8");
    let other: std::collections::HashMap<String, serde_yaml::Value> = serde_yaml::from_str(yaml).expect("YAML to all");
    assert_eq!(other["server_name"], serde_yaml::Value::String(report.server_name), "{yaml}");
    assert_eq!(other["review_notes"].as_str(), report.review_notes.as_deref(), "{yaml}");
}

const FILE: &str = include_str!("../../data/fuzz/front-matter/approved.md");

/// The input as a new version of a report that was approved, whichever way it comes in.
pub(super) fn change(file: &[u8]) {
    let path = "reports/8/5/8/intility-mcp-servicenow-858aa02d9d8c9425.md";
    let before = decode(FILE.as_bytes()).expect("a report").report;
    for way in [Way::Edit, Way::Commit, Way::Push] {
        let hand =
            Hand { way, who: Some("Robin <robin@example.com>"), at: at(1_761_000_000), body_limit_bytes: 1 << 20 };
        let Ok(judged) = judge(path, Some(Before { report: &before, file: FILE.as_bytes() }), file, hand) else {
            continue;
        };
        let report = &judged.report;
        assert_eq!(report.id, before.id, "the id never changes");
        assert!((before.revision..=before.revision + 1).contains(&report.revision), "{report:?}");
        let has_new_text = front_matter::body(file).is_ok_and(|body| !FILE.as_bytes().ends_with(body))
            && report.revision > before.revision;
        assert!(!has_new_text || report.status == Status::PendingReview, "a decision over another text: {report:?}");
        assert_eq!(report.status == Status::PendingReview, report.reviewed_by.is_none(), "{report:?}");
        assert_eq!(judged.says, decode(file).expect("it was judged").report);
        // What the service would commit of it says the state in force.
        if let Ok(written) = edit(file, &judged.says, report, None) {
            assert_eq!(&decode(&written).expect("readable").report, report);
        }
    }
    let _ = merge::merge(path, &[FILE.as_bytes()], file, FILE.as_bytes());
    let ours = FILE.replace("alex@", "kim@");
    if let Ok(merged) = merge::merge(path, &[FILE.as_bytes()], file, ours.as_bytes()) {
        decode(&merged).expect("what was joined can be read");
    }
}
