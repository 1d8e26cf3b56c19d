//! Phases: all there, once, in order, under their names, and with something to say.

use super::findings::quote;
use super::read::Block;
use super::structure::{Structure, split};
use super::words::Names;
use super::{Report, placeholders, rules};
use crate::policy::requirements::Phase;

/// Returns for each phase whether it is there and says nothing.
pub(super) fn check(report: &mut Report<'_>) -> Vec<bool> {
    let (structure, phases) = (report.structure, report.requirements.phases.as_slice());
    if !phases.is_empty() && structure.phases.iter().all(Option::is_none) {
        let detail = format!("the text has none of the {} phases of a go-live report", phases.len());
        let repair = format!("start from `TEMPLATE.md`; the first phase is `{}`", heading(0, &phases[0]));
        report.findings.add(&rules::NO_PHASES, 1, detail, repair);
        return vec![false; phases.len()];
    }
    missing(report);
    for (phase, block) in &structure.repeated {
        let first = structure.phases[*phase].as_ref().map_or(1, |found| report.document.line(found.heading));
        let detail = format!("phase {}, {}, is there twice", phase + 1, quote(&phases[*phase].name));
        let repair = format!("keep one of the two; the other begins in line {first}");
        report.findings.add(&rules::PHASE_REPEATED, report.document.line(*block), detail, repair);
    }
    order(report);
    headings(report);
    empty(report)
}

/// Returns whether a block is of a phase that says nothing.
pub(super) fn is_within(structure: &Structure, is_empty: &[bool], block: usize) -> bool {
    let phases = structure.phases.iter().zip(is_empty).filter(|(_, is_empty)| **is_empty);
    phases.filter_map(|(phase, _)| phase.as_ref()).any(|phase| phase.body.contains(&block))
}

/// Returns the heading that phase `n`, counted from 0, should have.
pub(super) fn heading(n: usize, phase: &Phase) -> String {
    format!("## Phase {}: {}", n + 1, phase.name)
}

fn missing(report: &mut Report<'_>) {
    let structure = report.structure;
    for (n, phase) in report.requirements.phases.iter().enumerate() {
        if structure.phases[n].is_some() {
            continue;
        }
        let next = structure.phases[n + 1..].iter().flatten().map(|found| found.heading).min();
        let (line, place) = match next {
            Some(next) => (report.document.line(next), "before this line"),
            None => (report.document.last_line, "at the end"),
        };
        let detail = format!("phase {}, {}, is missing", n + 1, quote(&phase.name));
        let sections = match phase.sections.as_slice() {
            [] => String::new(),
            sections => format!(", with its sections {}", sections_of(sections.iter().map(|it| it.heading.as_str()))),
        };
        let repair = format!("add the heading `{}` {place}{sections}", heading(n, phase));
        report.findings.add(&rules::PHASE_MISSING, line, detail, repair);
    }
}

fn sections_of<'a>(headings: impl Iterator<Item = &'a str>) -> String {
    super::findings::list(headings)
}

/// The fewest phases that would have to be moved are out of order.
fn order(report: &mut Report<'_>) {
    let found: Vec<(usize, usize)> = report
        .structure
        .phases
        .iter()
        .enumerate()
        .filter_map(|(n, phase)| Some((phase.as_ref()?.heading, n)))
        .collect();
    let mut in_text = found;
    in_text.sort_unstable();
    for at in out_of_order(&in_text.iter().map(|(_, n)| *n).collect::<Vec<_>>()) {
        let (block, n) = in_text[at];
        let phase = &report.requirements.phases[n];
        let detail = format!("phase {}, {}, is not in its place", n + 1, quote(&phase.name));
        let before = in_text.iter().map(|(_, n)| *n).filter(|other| *other < n).max();
        let repair = match before {
            Some(before) => format!("move it behind phase {}", before + 1),
            None => "move it before all other phases".into(),
        };
        report.findings.add(&rules::PHASE_ORDER, report.document.line(block), detail, repair);
    }
}

/// Returns the places of `numbers` that are not on the longest way up.
fn out_of_order(numbers: &[usize]) -> Vec<usize> {
    // For each place, the length of the longest way up that ends there, and the step before it.
    let mut ways: Vec<(usize, Option<usize>)> = Vec::with_capacity(numbers.len());
    for (at, number) in numbers.iter().enumerate() {
        let before = (0..at).filter(|other| numbers[*other] < *number).max_by_key(|other| ways[*other].0);
        ways.push((before.map_or(1, |before| ways[before].0 + 1), before));
    }
    let mut kept = vec![false; numbers.len()];
    let mut at = (0..numbers.len()).max_by_key(|at| ways[*at].0);
    while let Some(place) = at {
        kept[place] = true;
        at = ways[place].1;
    }
    (0..numbers.len()).filter(|at| !kept[*at]).collect()
}

/// Returns whether phase `n`, counted from 0, is there with its number and name.
pub(super) fn is_under_its_name(report: &Report<'_>, n: usize) -> bool {
    said(report, n).is_some_and(|(_, number, is_named)| number == Some(n + 1) && is_named)
}

/// Returns the line of a phase's heading, the number in it, and whether it has its name.
fn said(report: &Report<'_>, n: usize) -> Option<(usize, Option<usize>, bool)> {
    let found = report.structure.phases[n].as_ref()?;
    let Block::Heading(said) = &report.document.blocks[found.heading] else { return None };
    let (number, name) = split(&said.text());
    let names = Names::of([report.requirements.phases[n].name.as_str()]);
    Some((said.line(), number, names.heading(&name).is_some()))
}

fn headings(report: &mut Report<'_>) {
    for (n, phase) in report.requirements.phases.iter().enumerate() {
        let Some((line, number, is_named)) = said(report, n) else { continue };
        let what = match number {
            Some(number) if number == n + 1 && is_named => continue,
            Some(number) if number == n + 1 => "has another name".to_owned(),
            Some(number) => format!("has the number {number}"),
            None => "has no number".to_owned(),
        };
        let detail = format!("the heading of phase {}, {}, {what}", n + 1, quote(&phase.name));
        let repair = format!("write `{}`", heading(n, phase));
        report.findings.add(&rules::PHASE_HEADING, line, detail, repair);
    }
}

fn empty(report: &mut Report<'_>) -> Vec<bool> {
    let mut is_empty = Vec::new();
    for (n, phase) in report.requirements.phases.iter().enumerate() {
        let found = report.structure.phases[n].as_ref();
        let says_something = |block: &Block| block.says_something() && !placeholders::is_all_of(block);
        let found = found.filter(|found| !report.document.blocks[found.body.clone()].iter().any(says_something));
        if let Some(found) = found {
            let detail = format!("phase {}, {}, says nothing", n + 1, quote(&phase.name));
            let sections = sections_of(phase.sections.iter().map(|section| section.heading.as_str()));
            let repair = match (phase.sections.is_empty(), phase.has_verdict) {
                (true, _) => "write what was looked at".to_owned(),
                (false, false) => format!("write its sections: {sections}"),
                (false, true) => format!("write its sections, {sections}, and its verdict, `**{}:** PASS`", phase.name),
            };
            report.findings.add(&rules::PHASE_EMPTY, report.document.line(found.heading), detail, repair);
        }
        is_empty.push(found.is_some());
    }
    is_empty
}

#[cfg(test)]
mod tests {
    use super::out_of_order;

    #[test]
    fn as_few_as_possible_are_out_of_order() {
        for (numbers, expected) in [
            (vec![0, 1, 2, 3], vec![]),
            (vec![0, 2, 1, 3], vec![1]),
            (vec![1, 2, 3, 0], vec![3]),
            (vec![3, 0, 1, 2], vec![0]),
            (vec![2, 1, 0], vec![0, 1]),
            (vec![], vec![]),
        ] {
            let out = out_of_order(&numbers);
            assert_eq!(out.len(), expected.len(), "{numbers:?}");
            if numbers.len() > 3 {
                assert_eq!(out, expected, "{numbers:?}");
            }
        }
    }
}
