//! Marks, and what they contradict: ticks without text, crosses in phases that
//! pass, and a low risk beside them.

use std::ops::Range;

use super::fields::{self, Field};
use super::findings::quote;
use super::read::{Block, Role, Table};
use super::structure::FoundSection;
use super::verdicts::Said;
use super::{Report, Risk, Verdict, rules, sections, tables, value};
use crate::policy::requirements::Section;

/// A row or an item that says that something does not hold.
struct Cross {
    block: usize,
    line: usize,
    what: String,
}

/// The section that the risk level is asked for in, and what it says.
struct RiskAt<'a> {
    body: Range<usize>,
    risk: Risk,
    line: usize,
    rows: &'a [String],
}

/// Returns the risk level of the report.
pub(super) fn check(report: &mut Report<'_>, verdicts: &[Option<Said>]) -> Option<Risk> {
    ticks(report);
    let risk = risk_at(report);
    for (n, phase) in report.requirements.phases.iter().enumerate() {
        let Some(found) = &report.structure.phases[n] else { continue };
        let passes = verdicts[n].filter(|said| said.verdict == Some(Verdict::Pass));
        for cross in crosses(report, found.body.clone()) {
            let low = risk.as_ref().filter(|at| at.risk == Risk::Low && at.covers(report, &cross));
            if let Some(said) = passes {
                let also = low.map_or(String::new(), |at| format!(" and the risk level in line {} is `LOW`", at.line));
                let detail = format!(
                    "{} does not hold, but the verdict of phase {}, {}, is `PASS`{also}",
                    quote(&cross.what),
                    n + 1,
                    quote(&phase.name)
                );
                let repair =
                    format!("correct the row, or the verdict in line {}: `PASS WITH CONDITIONS`, `FAIL`", said.line);
                report.findings.add(&rules::CROSS_IN_PASS, cross.line, detail, repair);
            } else if let Some(at) = low {
                let detail =
                    format!("the risk level is `LOW`, but {} in line {} does not hold", quote(&cross.what), cross.line);
                let repair = "write `MEDIUM` or `HIGH`, or correct the row";
                report.findings.add(&rules::RISK_TOO_LOW, at.line, detail, repair);
            }
        }
    }
    risk.map(|at| at.risk).or_else(|| anywhere(report))
}

fn ticks(report: &mut Report<'_>) {
    for block in &report.document.blocks {
        if let Block::Line(line) = block
            && line.role == Role::TickedBox
            && !line.has_words()
        {
            let repair = "write behind the box what was looked at, and where one can see it";
            let detail = "a box is ticked, and nothing stands beside it";
            report.findings.add(&rules::TICK_WITHOUT_TEXT, line.number, detail, repair);
        }
    }
}

fn crosses(report: &Report<'_>, body: Range<usize>) -> Vec<Cross> {
    let mut crosses = Vec::new();
    for block in body {
        match &report.document.blocks[block] {
            Block::Line(line) if value::begins_with_cross(&line.text) => {
                crosses.push(Cross { block, line: line.number, what: line.text.clone() });
            }
            Block::Table(table) => {
                crosses.extend(rows(table).map(|(line, what)| Cross { block, line, what }));
            }
            _ => {}
        }
    }
    crosses
}

/// Returns line and first cell of the rows whose status says no.
fn rows(table: &Table) -> impl Iterator<Item = (usize, String)> {
    let status = table.columns.iter().position(|column| tables::is_status(&column.text));
    table.rows.iter().filter_map(move |row| {
        row.cells.get(status?).filter(|cell| value::is_cross(&cell.text))?;
        Some((row.line, row.cells.first().map_or_else(String::new, |cell| cell.text.clone())))
    })
}

impl RiskAt<'_> {
    /// Returns whether a cross is one of those that the risk level is about.
    fn covers(&self, report: &Report<'_>, cross: &Cross) -> bool {
        let names = super::words::Names::of(self.rows.iter().map(String::as_str));
        let is_table = matches!(report.document.blocks[cross.block], Block::Table(_));
        is_table && self.body.contains(&cross.block) && names.heading(&cross.what).is_some()
    }
}

fn risk_at<'a>(report: &Report<'a>) -> Option<RiskAt<'a>> {
    let phases = report.requirements.phases.iter().zip(&report.structure.phases);
    let sections =
        phases.flat_map(|(phase, found)| phase.sections.iter().zip(found.iter().flat_map(|it| &it.sections)));
    let asked = sections.filter(|(section, _)| section.fields.iter().any(|name| sections::is_risk(name)));
    asked.filter_map(|(section, found)| risk_in(report, section, found.as_ref()?)).next()
}

fn risk_in<'a>(report: &Report<'a>, section: &'a Section, found: &FoundSection) -> Option<RiskAt<'a>> {
    let fields = fields::within(report.fields, &found.body);
    let (line, risk) = risk_of(fields, &section.fields)?;
    Some(RiskAt { body: found.body.clone(), risk, line, rows: &section.rows })
}

/// A report that is not asked for its risk level, or names it elsewhere, may say it.
fn anywhere(report: &Report<'_>) -> Option<Risk> {
    risk_of(report.fields, &["Overall Risk Level".to_owned(), "Risk Level".to_owned()]).map(|(_, risk)| risk)
}

fn risk_of(fields: &[Field<'_>], names: &[String]) -> Option<(usize, Risk)> {
    let found = fields::find(fields, names);
    let risks = names.iter().zip(found).filter(|(name, _)| sections::is_risk(name));
    risks.filter_map(|(_, field)| field.and_then(|field| Some((field.line, value::risk(&field.value)?)))).next()
}
