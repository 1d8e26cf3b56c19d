//! Links within the text that lead to no heading.

use std::collections::HashSet;

use super::findings::quote;
use super::words::words;
use super::{Report, phases, rules};

pub(super) fn check(report: &mut Report<'_>) {
    let absent = absent(report);
    for (line, url) in &report.document.nowhere {
        // Where it leads is missing, and was found to be.
        if absent.contains(&words(url).concat()) {
            continue;
        }
        let detail = format!("the link to {} leads to no heading of this text", quote(url));
        let repair = "link to a heading: its words in lower case, with `-` for spaces, and no punctuation";
        report.findings.add(&rules::LINK_NOWHERE, *line, detail, repair);
    }
}

/// Returns the words of the headings that are asked for and are not there as they should be.
fn absent(report: &Report<'_>) -> HashSet<String> {
    let mut absent = HashSet::new();
    for (n, phase) in report.requirements.phases.iter().enumerate() {
        if !phases::is_under_its_name(report, n) {
            absent.insert(words(&phases::heading(n, phase)).concat());
        }
        let found = report.structure.phases[n].as_ref();
        for (at, section) in phase.sections.iter().enumerate() {
            if found.is_none_or(|found| found.sections[at].is_none()) {
                absent.insert(words(&section.heading).concat());
            }
        }
    }
    absent
}
