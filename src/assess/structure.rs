//! Where the phases and sections of a report are.

use std::ops::Range;

use super::read::{Block, Document, Heading};
use super::words::{Fit, Names, words};
use crate::policy::requirements::{Phase, Requirements};

/// The parts of a report, as ranges of its blocks.
pub(super) struct Structure {
    /// What comes before the first phase.
    pub front: Range<usize>,
    /// One for each phase that is asked for.
    pub phases: Vec<Option<FoundPhase>>,
    /// Further headings of a phase that has one already: the phase, the block.
    pub repeated: Vec<(usize, usize)>,
    /// Block → it is the heading of a phase or of a section.
    pub is_ours: Vec<bool>,
}

pub(super) struct FoundPhase {
    pub heading: usize,
    /// What follows the heading.
    pub body: Range<usize>,
    /// One for each section that is asked for.
    pub sections: Vec<Option<FoundSection>>,
}

pub(super) struct FoundSection {
    pub heading: usize,
    pub body: Range<usize>,
}

/// What a heading says of the phase it begins.
struct Candidate {
    block: usize,
    level: u8,
    phase: usize,
    is_named: bool,
}

impl Structure {
    pub(super) fn of(document: &Document, requirements: &Requirements) -> Self {
        let headings: Vec<(usize, &Heading)> = document
            .blocks
            .iter()
            .enumerate()
            .filter_map(|(n, block)| match block {
                Block::Heading(heading) if heading.is_outermost => Some((n, heading)),
                _ => None,
            })
            .collect();
        let (mut starts, repeated) = phase_headings(&headings, &requirements.phases);
        let mut is_ours = vec![false; document.blocks.len()];
        let n_blocks = document.blocks.len();
        starts.extend(repeated.iter().map(|(_, block)| (None, *block)));
        starts.sort_unstable_by_key(|(_, block)| *block);
        let front = 0..starts.first().map_or(n_blocks, |(_, block)| *block);
        let mut phases: Vec<Option<FoundPhase>> = requirements.phases.iter().map(|_| None).collect();
        for (n, (phase, block)) in starts.iter().enumerate() {
            is_ours[*block] = true;
            let Some(phase) = *phase else { continue };
            let end = starts.get(n + 1).map(|(_, next)| *next);
            let found = found_phase(&headings, *block, end, n_blocks, &requirements.phases[phase]);
            found.sections.iter().flatten().for_each(|section| is_ours[section.heading] = true);
            phases[phase] = Some(found);
        }
        Self { front, phases, repeated, is_ours }
    }
}

type Starts = Vec<(Option<usize>, usize)>;

/// Returns the heading of each phase that has one, and the headings that repeat one.
fn phase_headings(headings: &[(usize, &Heading)], phases: &[Phase]) -> (Starts, Vec<(usize, usize)>) {
    let names = Names::of(phases.iter().map(|phase| phase.name.as_str()));
    let all: Vec<(bool, Candidate)> =
        headings.iter().filter_map(|(block, heading)| candidate(*block, heading, &names, phases.len())).collect();
    let mut found: Vec<Option<&Candidate>> = vec![None; phases.len()];
    let mut repeated = Vec::new();
    // `Phase 2: Policy Compliance` before `Phase 2`, and that before `Policy Compliance`.
    for (says_phase, is_named) in [(true, true), (true, false), (false, true)] {
        for (_, candidate) in
            all.iter().filter(|(says, candidate)| (*says, candidate.is_named) == (says_phase, is_named))
        {
            match &mut found[candidate.phase] {
                place @ None => *place = Some(candidate),
                // Below it, it is a part of something else: of a summary, say.
                Some(first) if says_phase && is_named && candidate.level <= first.level => {
                    repeated.push((candidate.phase, candidate.block));
                }
                Some(_) => {}
            }
        }
    }
    let starts = found.iter().flatten().map(|candidate| (Some(candidate.phase), candidate.block)).collect();
    (starts, repeated)
}

/// Returns the phase that a heading may begin, and whether it says `Phase`.
fn candidate(block: usize, heading: &Heading, names: &Names, n_phases: usize) -> Option<(bool, Candidate)> {
    let (number, name) = split(&heading.text());
    let named = names.heading(&name).filter(|(_, fit)| number.is_some() || *fit == Fit::Same);
    let phase = match named {
        Some((phase, _)) => phase,
        None => number?.checked_sub(1).filter(|phase| *phase < n_phases)?,
    };
    Some((number.is_some(), Candidate { block, level: heading.level, phase, is_named: named.is_some() }))
}

/// Returns the number of `Phase 3: Name`, and the name.
pub(super) fn split(heading: &str) -> (Option<usize>, String) {
    let words = words(heading);
    let phase = words.iter().take(3).position(|word| word == "phase");
    match phase.and_then(|at| Some((at, words.get(at + 1)?.parse().ok()?))) {
        Some((at, number)) => (Some(number), words[at + 2..].join(" ")),
        None => (None, words.join(" ")),
    }
}

/// `end` is the next phase's heading, `n_blocks` that of the text.
fn found_phase(
    headings: &[(usize, &Heading)],
    start: usize,
    end: Option<usize>,
    n_blocks: usize,
    phase: &Phase,
) -> FoundPhase {
    let names = Names::of(phase.sections.iter().map(|section| section.heading.as_str()));
    let within = headings.iter().filter(|(block, _)| *block > start && end.is_none_or(|end| *block < end));
    let level = headings.iter().find(|(block, _)| *block == start).map_or(1, |(_, heading)| heading.level);
    let mut best: Vec<Option<(Fit, usize)>> = vec![None; phase.sections.len()];
    let mut inside = Vec::new();
    let mut stop = end.unwrap_or(n_blocks);
    for (block, heading) in within {
        let name = names.heading(&heading.text());
        // After the last phase, a heading of its level begins something else.
        if name.is_none() && end.is_none() && heading.level <= level {
            stop = *block;
            break;
        }
        inside.push((*block, heading.level));
        if let Some((section, fit)) = name
            && best[section].is_none_or(|(before, _)| fit < before)
        {
            best[section] = Some((fit, *block));
        }
    }
    let starts: Vec<usize> = best.iter().flatten().map(|(_, block)| *block).collect();
    let section = |(_, block): (Fit, usize)| {
        let at = inside.partition_point(|(other, _)| *other < block);
        let level = inside[at].1;
        let next = inside[at + 1..].iter().find(|(other, its)| *its <= level || starts.contains(other));
        FoundSection { heading: block, body: block + 1..next.map_or(stop, |(next, _)| *next) }
    };
    FoundPhase { heading: start, body: start + 1..stop, sections: best.iter().map(|best| best.map(section)).collect() }
}
