//! The verdict of each phase: one, in one of three words.

use super::fields::{self, Field, Source};
use super::findings::quote;
use super::read::Block;
use super::structure::FoundPhase;
use super::words::words;
use super::{Report, Verdict, placeholders, rules, value};
use crate::policy::requirements::Phase;

const WORDS: &str = "`PASS`, `FAIL` or `PASS WITH CONDITIONS`";

/// What stands where the verdict is asked for.
#[derive(Clone, Copy)]
pub(super) struct Said {
    pub verdict: Option<Verdict>,
    pub line: usize,
}

/// How surely a label is that of a verdict; the first is surest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sure {
    /// `Security Assessment`, `Phase 1 Verdict`.
    Named,
    /// `Verdict`.
    General,
    /// In the row of a table.
    Row,
}

/// Returns for each phase what it says, if it says anything.
pub(super) fn check(report: &mut Report<'_>, is_empty: &[bool]) -> Vec<Option<Said>> {
    let phases = &report.requirements.phases;
    let check = |(n, phase): (usize, &Phase)| {
        let found = report.structure.phases[n].as_ref().filter(|_| !is_empty[n])?;
        check_phase(report, n, phase, found)
    };
    phases.iter().enumerate().map(check).collect()
}

fn check_phase(report: &mut Report<'_>, n: usize, phase: &Phase, found: &FoundPhase) -> Option<Said> {
    let fields = fields::within(report.fields, &found.body);
    let mut said: Vec<(Sure, &Field<'_>)> =
        fields.iter().filter_map(|field| Some((sure(n, phase, field)?, field))).collect();
    let surest = said.iter().map(|(sure, field)| (value::verdict(&field.value).is_none(), *sure)).min();
    said.retain(|(sure, field)| Some((value::verdict(&field.value).is_none(), *sure)) == surest);
    let heading_line = report.document.line(found.heading);
    let line = format!("`**{}:** PASS`", phase.name);
    if let [(sure, first), (_, second), ..] = said.as_slice()
        && *sure != Sure::Row
        && surest.is_some_and(|(is_unclear, _)| !is_unclear)
        && phase.has_verdict
    {
        let detail = format!("phase {}, {}, has two verdicts", n + 1, quote(&phase.name));
        let repair = format!("keep one of the two; the other is in line {}", first.line);
        report.findings.add(&rules::VERDICT_REPEATED, second.line, detail, repair);
    }
    let field = match said.first() {
        Some((_, field)) => *field,
        None => {
            if let Some(verdict) = below_or_in_heading(report, found) {
                return Some(verdict);
            }
            if phase.has_verdict {
                let detail = format!("phase {}, {}, has no verdict", n + 1, quote(&phase.name));
                let repair = format!("end the phase with the line {line}, or `FAIL`, or `PASS WITH CONDITIONS`");
                report.findings.add(&rules::VERDICT_MISSING, heading_line, detail, repair);
            }
            return None;
        }
    };
    let verdict = value::verdict(&field.value);
    let is_placeholder = placeholders::find(&field.value).is_some();
    if verdict.is_none() && phase.has_verdict && !is_placeholder {
        if field.value.chars().any(char::is_alphanumeric) {
            let detail = format!("the verdict {} of phase {} is none of {WORDS}", quote(&field.value), n + 1);
            let repair = format!("write one of the words, as in {line}; an explanation may follow it");
            report.findings.add(&rules::VERDICT_UNCLEAR, field.line, detail, repair);
        } else {
            let detail = format!("the verdict of phase {}, {}, is left open", n + 1, quote(&phase.name));
            report.findings.add(&rules::VERDICT_MISSING, field.line, detail, format!("write one of {WORDS}"));
        }
    }
    Some(Said { verdict, line: field.line })
}

fn sure(n: usize, phase: &Phase, field: &Field<'_>) -> Option<Sure> {
    let label = words(&field.label).concat();
    let name = words(&phase.name).concat();
    let phase = format!("phase{}", n + 1);
    let rest = label.strip_prefix(&phase).unwrap_or(&label);
    let is_named =
        rest.strip_prefix(&name).is_some_and(|rest| matches!(rest, "" | "verdict" | "result" | "conclusion"));
    let is_verdict = matches!(rest, "verdict" | "result" | "conclusion");
    if is_named || (is_verdict && rest.len() < label.len()) {
        Some(if field.source != Source::Line { Sure::Row } else { Sure::Named })
    } else if matches!(label.as_str(), "verdict" | "phaseverdict" | "overallverdict" | "conclusion" | "overall") {
        Some(if field.source != Source::Line { Sure::Row } else { Sure::General })
    } else {
        None
    }
}

/// `### Verdict`, and the word below; or the word in the phase's own heading.
fn below_or_in_heading(report: &Report<'_>, found: &FoundPhase) -> Option<Said> {
    let blocks = &report.document.blocks;
    let below = found.body.clone().find_map(|block| match (&blocks[block], blocks.get(block + 1)) {
        (Block::Heading(heading), Some(Block::Line(line)))
            if matches!(words(&heading.text()).concat().as_str(), "verdict" | "phaseverdict" | "overallverdict") =>
        {
            Some(Said { verdict: Some(value::verdict(&line.text)?), line: line.number })
        }
        _ => None,
    });
    below.or_else(|| {
        let Block::Heading(heading) = &blocks[found.heading] else { return None };
        let text = heading.text();
        let mut parts = text.split([':', '–', '—', '-', '(']).skip(1);
        let verdict = parts.find_map(value::verdict)?;
        Some(Said { verdict: Some(verdict), line: heading.line() })
    })
}
