//! The tables that sections are asked for.

use super::findings::{list, quote};
use super::read::{Block, Line, Row, Table};
use super::structure::FoundSection;
use super::words::{Fit, Names, words};
use super::{Report, rules};
use crate::policy::requirements::Section;

/// Columns of this name may say nothing.
const NOTES: &[&str] = &["notes", "note", "comment", "comments", "remarks"];

/// Columns of this name say whether something holds.
const STATUS: &[&str] = &["status", "result", "verdict", "state", "check", "ok", "outcome", "compliant"];

/// Looks at the table of a section, if it is asked for one.
pub(super) fn check(report: &mut Report<'_>, section: &Section, found: &FoundSection) {
    if section.columns.is_empty() {
        return;
    }
    let names = Names::of(section.columns.iter().map(String::as_str));
    let tables = report.document.blocks[found.body.clone()].iter().filter_map(|block| match block {
        Block::Table(table) => Some((table, columns(table, &names, section.columns.len()))),
        _ => None,
    });
    let n_found = |columns: &[Option<usize>]| columns.iter().flatten().count();
    // Of equal ones the first.
    let best = tables
        .filter(|(_, columns)| n_found(columns) > 0)
        .reduce(|best, other| if n_found(&other.1) > n_found(&best.1) { other } else { best });
    let Some((table, columns)) = best else {
        let detail = format!("the section {} has no table of its own", quote(&section.heading));
        let repair = format!("add a table with the head `| {} |`", section.columns.join(" | "));
        report.findings.add(&rules::TABLE_MISSING, report.document.line(found.heading), detail, repair);
        return;
    };
    missing_columns(report, section, table, &columns);
    missing_rows(report, section, table, &columns);
    for row in &table.rows {
        check_row(report, section, row, &columns);
    }
}

/// Returns whether a column of this name says whether something holds.
pub(super) fn is_status(name: &str) -> bool {
    STATUS.contains(&words(name).concat().as_str())
}

/// Returns for each column that is asked for the one that fits best.
fn columns(table: &Table, names: &Names, n_names: usize) -> Vec<Option<usize>> {
    let mut best: Vec<Option<(Fit, usize)>> = vec![None; n_names];
    for (at, column) in table.columns.iter().enumerate() {
        if let Some((name, fit)) = names.label(&column.text)
            && best[name].is_none_or(|(before, _)| fit < before)
        {
            best[name] = Some((fit, at));
        }
    }
    best.into_iter().map(|best| best.map(|(_, at)| at)).collect()
}

fn missing_columns(report: &mut Report<'_>, section: &Section, table: &Table, columns: &[Option<usize>]) {
    let missing = section.columns.iter().zip(columns).filter(|(_, at)| at.is_none());
    let missing: Vec<&str> = missing.map(|(name, _)| name.as_str()).collect();
    if !missing.is_empty() {
        let word = if missing.len() == 1 { "column" } else { "columns" };
        let detail = format!("the table in {} has no {word} {}", quote(&section.heading), list(missing));
        let repair = format!("give it the head `| {} |`", section.columns.join(" | "));
        report.findings.add(&rules::COLUMN_MISSING, table.line, detail, repair);
    }
}

fn missing_rows(report: &mut Report<'_>, section: &Section, table: &Table, columns: &[Option<usize>]) {
    let names = Names::of(section.rows.iter().map(String::as_str));
    let first = columns[0].unwrap_or(0);
    let mut is_there = vec![false; section.rows.len()];
    for row in &table.rows {
        if let Some((name, _)) = row.cells.get(first).and_then(|cell| names.heading(&cell.text)) {
            is_there[name] = true;
        }
    }
    let missing = section.rows.iter().zip(&is_there).filter(|(_, is_there)| !**is_there);
    let missing: Vec<&str> = missing.map(|(name, _)| name.as_str()).collect();
    if table.rows.is_empty() && missing.is_empty() {
        let detail = format!("the table in {} has no rows", quote(&section.heading));
        let repair = "add a row for each thing there is; if there is none, one row that says so";
        report.findings.add(&rules::TABLE_EMPTY, table.line, detail, repair);
    }
    if !missing.is_empty() {
        let word = if missing.len() == 1 { "row" } else { "rows" };
        let detail =
            format!("the table in {} has no {word} {}", quote(&section.heading), list(missing.iter().copied()));
        let rows = missing.iter().map(|name| format!("`| {name} | … |`")).collect::<Vec<_>>().join(", ");
        let repair = format!("add {rows}; if it does not apply, say so in the row");
        report.findings.add(&rules::ROW_MISSING, table.line, detail, repair);
    }
}

fn check_row(report: &mut Report<'_>, section: &Section, row: &Row, columns: &[Option<usize>]) {
    let cell = |at: usize| row.cells.get(at);
    let is_notes = |name: &str| NOTES.contains(&words(name).concat().as_str());
    let is_answer = |name: &str| is_status(name) || words(name).concat() == "applies";
    let is_empty = |cell: Option<&Line>, is_answer: bool| {
        let text = cell.map_or("", |cell| cell.text.trim());
        text.is_empty() || (is_answer && text.chars().all(|c| matches!(c, '-' | '–' | '—' | '_' | '…' | '?' | ' ')))
    };
    let asked = || section.columns.iter().zip(columns).filter_map(|(name, at)| Some((name, (*at)?)));
    let empty = asked().filter(|(name, at)| !is_notes(name) && is_empty(cell(*at), is_answer(name)));
    let empty: Vec<&str> = empty.map(|(name, _)| name.as_str()).collect();
    let first = row.cells.first().map_or("", |cell| cell.text.as_str());
    if !empty.is_empty() {
        let word = if empty.len() == 1 { "cell" } else { "cells" };
        let detail = if row.cells.iter().all(|cell| cell.text.trim().is_empty()) {
            format!("a row of the table in {} is empty", quote(&section.heading))
        } else {
            format!("the row {} has nothing in the {word} {}", quote(first), list(empty))
        };
        report.findings.add(
            &rules::CELL_EMPTY,
            row.line,
            detail,
            "fill it in, or leave the row out if nothing is asked in it",
        );
        return;
    }
    let status = asked().find(|(name, _)| is_status(name)).and_then(|(_, at)| Some((at, cell(at)?)));
    if let Some((at, status)) = status {
        let others = row.cells.iter().enumerate().filter(|(n, _)| *n != 0 && *n != at);
        let says_nothing = !status.has_words() && !others.into_iter().any(|(_, cell)| cell.has_words());
        if says_nothing {
            let detail = format!("the row {} has a mark, and not a word about it", quote(first));
            let repair = "write beside the mark what was looked at";
            report.findings.add(&rules::MARK_WITHOUT_NOTE, row.line, detail, repair);
        }
    }
}
