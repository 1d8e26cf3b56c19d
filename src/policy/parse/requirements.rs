//! What a report must hold, as `golive.yaml` says it.

use super::node::{Keys, Node};
use crate::policy::requirements::{Phase, Requirements, Section};
use crate::report::fault::Fault;
use crate::report::text::check_one_line;

/// Items of one list.
const ITEMS_MAX: usize = 100;
const TEXT_CHARS_MAX: usize = 255;

/// Reads `fields` and `phases` below `report`; what is not there stays as it is.
pub(super) fn read(report: &Keys<'_>, requirements: &mut Requirements) -> Result<(), Fault> {
    if let Some(fields) = report.get("fields") {
        requirements.fields = texts(fields)?;
    }
    if let Some(phases) = report.get("phases") {
        requirements.phases = phases.items(ITEMS_MAX)?.iter().map(phase).collect::<Result<_, _>>()?;
    }
    Ok(())
}

fn phase(node: &Node<'_>) -> Result<Phase, Fault> {
    let keys = node.keys(&["name", "verdict", "sections"])?;
    let sections = match keys.get("sections") {
        Some(sections) => sections.items(ITEMS_MAX)?.iter().map(section).collect::<Result<_, _>>()?,
        None => Vec::new(),
    };
    let has_verdict = keys.get("verdict").map_or(Ok(false), Node::switch)?;
    Ok(Phase { name: required(node, &keys, "name")?, has_verdict, sections })
}

fn section(node: &Node<'_>) -> Result<Section, Fault> {
    let keys = node.keys(&["heading", "fields", "columns", "rows"])?;
    let list = |name| keys.get(name).map_or_else(|| Ok(Vec::new()), texts);
    let section = Section {
        heading: required(node, &keys, "heading")?,
        fields: list("fields")?,
        columns: list("columns")?,
        rows: list("rows")?,
    };
    match keys.get("rows") {
        Some(rows) if section.columns.is_empty() && !section.rows.is_empty() => {
            Err(rows.fault("are of a table without columns", "name its `columns` as well"))
        }
        _ => Ok(section),
    }
}

fn required(node: &Node<'_>, keys: &Keys<'_>, name: &str) -> Result<String, Fault> {
    match keys.get(name) {
        Some(found) => text(found),
        None => Err(node.fault(&format!("has no `{name}`"), &format!("write `{name}: …` into it"))),
    }
}

fn texts(list: &Node<'_>) -> Result<Vec<String>, Fault> {
    list.items(ITEMS_MAX)?.iter().map(text).collect()
}

fn text(node: &Node<'_>) -> Result<String, Fault> {
    let text = node.text()?;
    check_one_line(text, TEXT_CHARS_MAX).map_err(|detail| node.fault(&detail, "correct it"))?;
    Ok(text.to_owned())
}
