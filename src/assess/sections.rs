//! Sections of the phases, and the fields that are asked for in them and at the head.

use super::fields::{self, Field};
use super::findings::{list, quote};
use super::structure::FoundSection;
use super::verdicts::Said;
use super::words::words;
use super::{Report, placeholders, rules, sign_off, tables, value};
use crate::policy::requirements::{Phase, Section};

/// Looks at the head of the report, and at every section.
pub(super) fn check(report: &mut Report<'_>, is_empty: &[bool], verdicts: &[Option<Said>]) {
    let front = fields::within(report.fields, &report.structure.front);
    let line = if report.document.blocks.is_empty() { 1 } else { report.document.line(0) };
    check_fields(report, front, &report.requirements.fields, line, "at the head of the report");
    let phases = report.requirements.phases.iter().enumerate();
    for (n, phase) in phases {
        let Some(found) = report.structure.phases[n].as_ref().filter(|_| !is_empty[n]) else { continue };
        missing(report, n, phase, &found.sections, report.document.line(found.heading));
        for (section, found) in phase.sections.iter().zip(&found.sections) {
            if let Some(found) = found {
                check_section(report, section, found, verdicts[n]);
            }
        }
    }
}

fn missing(report: &mut Report<'_>, n: usize, phase: &Phase, found: &[Option<FoundSection>], line: usize) {
    let missing = phase.sections.iter().zip(found).filter(|(_, found)| found.is_none());
    let missing: Vec<&str> = missing.map(|(section, _)| section.heading.as_str()).collect();
    if missing.is_empty() {
        return;
    }
    let name = if missing.len() == 1 { "section" } else { "sections" };
    let detail = format!("phase {}, {}, has no {name} {}", n + 1, quote(&phase.name), list(missing.iter().copied()));
    let headings = missing.iter().map(|heading| format!("`### {heading}`")).collect::<Vec<_>>().join(", ");
    let repair = format!("add {headings} to the phase; if it does not apply, say why");
    report.findings.add(&rules::SECTION_MISSING, line, detail, repair);
}

fn check_section(report: &mut Report<'_>, section: &Section, found: &FoundSection, verdict: Option<Said>) {
    let line = report.document.line(found.heading);
    // The verdict stands behind the last section of its phase, and is not of it.
    let verdict = verdict.map_or(0, |verdict| verdict.line);
    let blocks = found.body.clone().filter(|block| report.document.line(*block) != verdict);
    if !blocks.clone().any(|block| report.document.blocks[block].says_something()) {
        let detail = format!("the section {} says nothing", quote(&section.heading));
        let repair = "write below the heading what was looked at, or `None`, and why; comments are no text";
        report.findings.add(&rules::SECTION_EMPTY, line, detail, repair);
        return;
    }
    let is_all_placeholder = |block: usize| {
        let block = &report.document.blocks[block];
        !block.says_something() || placeholders::is_all_of(block)
    };
    if blocks.clone().all(is_all_placeholder) {
        return;
    }
    let fields = fields::within(report.fields, &found.body);
    check_fields(report, fields, &section.fields, line, &format!("in the section {}", quote(&section.heading)));
    tables::check(report, section, found);
}

/// `line` and `place` are of what the fields are asked for in.
fn check_fields(report: &mut Report<'_>, fields: &[Field<'_>], names: &[String], line: usize, place: &str) {
    let mut missing = Vec::new();
    for (name, field) in names.iter().zip(fields::find(fields, names)) {
        let is_risk = is_risk(name);
        let has_value = |field: &Field<'_>| field.value.chars().any(char::is_alphanumeric);
        match field {
            None if is_risk => risk_missing(report, line, name),
            None => missing.push(name.as_str()),
            Some(field) if sign_off::is_reviewer(name) || placeholders::find(&field.value).is_some() => {}
            Some(field) if is_risk && !has_value(field) && value::risk(&field.value).is_none() => {
                risk_missing(report, field.line, name);
            }
            Some(field) if is_risk => risk_unclear(report, field),
            Some(field) if !has_value(field) => {
                let detail = format!("the field {} {place} has no value", quote(name));
                let repair = format!("write it behind the label, `**{name}:** …`; if there is none, say `none`");
                report.findings.add(&rules::FIELD_EMPTY, field.line, detail, repair);
            }
            Some(_) => {}
        }
    }
    if !missing.is_empty() {
        let (word, verb) = if missing.len() == 1 { ("field", "is") } else { ("fields", "are") };
        let detail = format!("the {word} {} {verb} missing {place}", list(missing.iter().copied()));
        let lines = missing.iter().map(|name| format!("`**{name}:** …`")).collect::<Vec<_>>().join(", ");
        report.findings.add(&rules::FIELD_MISSING, line, detail, format!("add {lines}, each on a line of its own"));
    }
}

/// Returns whether a field is the risk level, which has rules of its own.
pub(super) fn is_risk(name: &str) -> bool {
    words(name).concat().ends_with("risklevel")
}

fn risk_missing(report: &mut Report<'_>, line: usize, name: &str) {
    let repair = format!("add `**{name}:** LOW`, `MEDIUM` or `HIGH`");
    report.findings.add(&rules::RISK_MISSING, line, "the risk level is missing", repair);
}

fn risk_unclear(report: &mut Report<'_>, field: &Field<'_>) {
    if value::risk(&field.value).is_none() {
        let detail =
            format!("the risk level {} is none of `LOW`, `MEDIUM` and `HIGH`, or more than one", quote(&field.value));
        let repair = "write one of the words, with 🟢, 🟡 or 🔴 in front of it if you like; an explanation may follow";
        report.findings.add(&rules::RISK_UNCLEAR, field.line, detail, repair);
    }
}
