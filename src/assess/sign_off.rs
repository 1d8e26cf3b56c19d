//! The reviewer's part of the sign-off: left open by whoever submits the report.

use super::fields::{Field, Source};
use super::findings::quote;
use super::read::{Block, Role};
use super::words::words;
use super::{Report, rules};

/// What says that nobody has reviewed it yet.
const OPEN: &[&str] =
    &["pending", "awaiting", "waiting", "empty", "left", "open", "to", "tbd", "tbc", "todo", "none", "n", "na", "not"];

pub(super) fn check(report: &mut Report<'_>) {
    for field in reviewers(report).iter().filter(|field| !is_open(&field.value)) {
        add(report, field.line, &field.value);
    }
    let Some(section) = section(report) else { return };
    for block in section {
        if let Block::Line(line) = &report.document.blocks[block]
            && line.role == Role::TickedBox
            && is_of_reviewer(&line.text)
        {
            add(report, line.number, &line.text);
        }
    }
}

fn add(report: &mut Report<'_>, line: usize, said: &str) {
    let detail = format!("the reviewer's part says {} before anybody has reviewed the report", quote(said));
    let repair = "leave it empty: the decision is recorded beside the report, with the reviewer's name";
    report.findings.add(&rules::REVIEWER_FILLED_IN, line, detail, repair);
}

/// Returns the lines that are the reviewer's.
pub(super) fn lines(report: &Report<'_>) -> Vec<usize> {
    reviewers(report).iter().map(|field| field.line).collect()
}

/// Returns whether a field that is asked for is the reviewer's.
pub(super) fn is_reviewer(name: &str) -> bool {
    is_of_reviewer(name)
}

/// Returns the reviewer's fields: anywhere in the text, and all that begin so in the sign-off.
fn reviewers<'a>(report: &Report<'a>) -> Vec<&'a Field<'a>> {
    let section = section(report).unwrap_or(0..0);
    let is_reviewers = |field: &&Field<'_>| {
        let label = words(&field.label).concat();
        let is_exact = matches!(label.as_str(), "reviewer" | "reviewedby" | "approvedby" | "approver");
        (field.source == Source::Line && is_exact) || (section.contains(&field.block) && is_of_reviewer(&field.label))
    };
    report.fields.iter().filter(is_reviewers).collect()
}

fn is_of_reviewer(text: &str) -> bool {
    let words = words(text);
    let mut words = words.iter().map(String::as_str);
    match words.next() {
        Some("reviewer" | "reviewer's" | "approver") => true,
        Some("reviewed" | "approved") => words.next() == Some("by"),
        _ => false,
    }
}

/// Returns the blocks of the sign-off.
fn section(report: &Report<'_>) -> Option<std::ops::Range<usize>> {
    let phases = report.requirements.phases.iter().zip(&report.structure.phases);
    let mut sections =
        phases.flat_map(|(phase, found)| phase.sections.iter().zip(found.iter().flat_map(|it| &it.sections)));
    let found = sections.find(|(section, _)| words(&section.heading).concat() == "signoff");
    found.and_then(|(_, found)| found.as_ref().map(|found| found.body.clone()))
}

fn is_open(value: &str) -> bool {
    words(value).first().is_none_or(|word| OPEN.contains(&word.as_str()))
}
