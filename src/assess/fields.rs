//! Values with a label: `**Risk Level:** LOW`, in lines, items, and rows of tables.

use std::ops::Range;

use super::read::{Block, Document, Line, Role, Table};
use super::structure::Structure;
use super::words::{Fit, Names};

/// A label's text is no longer.
const MAX_LABEL_CHARS: usize = 80;

/// Nothing that decides stands behind so much text.
const MAX_BYTES: usize = 4096;

/// A label and what stands behind it.
pub(super) struct Field<'a> {
    pub block: usize,
    pub line: usize,
    pub label: String,
    pub value: String,
    /// Of the lines that the value is from.
    pub links: Vec<&'a str>,
    pub source: Source,
}

/// Where a field was found. Parts of tables can be taken for fields, if nothing else is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    Line,
    Row,
    /// The head of a table: where its first row has to be the head, that may be a fact.
    Head,
    /// A column, with the first cell in it that says something.
    Column,
}

/// Returns what can be taken for a field in the text, in order.
pub(super) fn all<'a>(document: &'a Document, structure: &Structure) -> Vec<Field<'a>> {
    let mut fields = Vec::new();
    for (at, block) in document.blocks.iter().enumerate() {
        match block {
            Block::Heading(_) if structure.is_ours[at] => {}
            Block::Heading(heading) => {
                fields.extend(heading.lines.iter().filter_map(|line| field(at, line)));
            }
            Block::Line(line) => {
                let Some(mut field) = field(at, line) else { continue };
                // `**Risk Level:**`, and the value below.
                if field.value.is_empty()
                    && let Some(Block::Line(next)) = document.blocks.get(at + 1)
                    && (!line.is_last || next.role == Role::Item)
                    && split(&next.text).is_none()
                {
                    field.value = beginning(&next.text).trim().to_owned();
                    field.links.extend(next.links.iter().map(String::as_str));
                }
                fields.push(field);
            }
            Block::Table(table) => {
                fields.extend(row(at, table.line, &table.columns, Source::Head));
                fields.extend(table.rows.iter().filter_map(|it| row(at, it.line, &it.cells, Source::Row)));
                fields.extend((1..table.columns.len()).filter_map(|n| column(at, table, n)));
            }
            Block::Other { .. } => {}
        }
    }
    fields
}

/// Returns those of `fields` that are within a range of blocks.
pub(super) fn within<'f, 'a>(fields: &'f [Field<'a>], blocks: &Range<usize>) -> &'f [Field<'a>] {
    let at = |block: usize| fields.partition_point(|field| field.block < block);
    &fields[at(blocks.start)..at(blocks.end).max(at(blocks.start))]
}

/// Returns for each name the field that fits best, the first of those that fit equally.
pub(super) fn find<'f, 'a>(fields: &'f [Field<'a>], names: &[String]) -> Vec<Option<&'f Field<'a>>> {
    let lookup = Names::of(names.iter().map(String::as_str));
    let mut best: Vec<Option<((Source, Fit), &Field<'a>)>> = names.iter().map(|_| None).collect();
    for field in fields {
        if let Some((name, fit)) = lookup.label(&field.label)
            && best[name].is_none_or(|(before, _)| (field.source, fit) < before)
        {
            best[name] = Some(((field.source, fit), field));
        }
    }
    best.into_iter().map(|best| best.map(|(_, field)| field)).collect()
}

fn field(block: usize, line: &Line) -> Option<Field<'_>> {
    let (label, value) = split(beginning(&line.text))?;
    let links = line.links.iter().map(String::as_str).collect();
    Some(Field {
        block,
        line: line.number,
        label: label.to_owned(),
        value: value.trim().to_owned(),
        links,
        source: Source::Line,
    })
}

fn row(block: usize, line: usize, cells: &[Line], source: Source) -> Option<Field<'_>> {
    let (label, values) = cells.split_first()?;
    let label = beginning(&label.text).trim().trim_end_matches(':').to_owned();
    let value = values.iter().map(|cell| beginning(&cell.text).trim()).filter(|text| !text.is_empty()).take(8);
    let value = value.collect::<Vec<_>>().join(" ");
    let links = values.iter().flat_map(|cell| cell.links.iter().map(String::as_str)).collect();
    (!label.is_empty()).then_some(Field { block, line, label, value, links, source })
}

fn column(block: usize, table: &Table, n: usize) -> Option<Field<'_>> {
    let label = beginning(&table.columns[n].text).trim().to_owned();
    let cell = table.rows.iter().find_map(|row| row.cells.get(n).filter(|cell| cell.has_words()))?;
    let links = cell.links.iter().map(String::as_str).collect();
    Some(Field {
        block,
        line: cell.number,
        label,
        value: beginning(&cell.text).trim().to_owned(),
        links,
        source: Source::Column,
    })
}

/// Returns as much of a text as a field can be read from.
fn beginning(text: &str) -> &str {
    let end = (0..=text.len().min(MAX_BYTES)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

/// Returns label and value: what is before and after a colon, or else a dash.
fn split(text: &str) -> Option<(&str, &str)> {
    let end = text.char_indices().nth(MAX_LABEL_CHARS).map_or(text.len(), |(at, _)| at);
    let head = &text[..end];
    let colon = head.find([':', '：']).filter(|at| !text[*at..].starts_with("://"));
    let dash = || [" – ", " — ", " - "].iter().filter_map(|dash| head.find(dash).map(|at| (at, dash.len()))).min();
    let (at, len) = match colon {
        Some(at) => (at, text[at..].chars().next().map_or(1, char::len_utf8)),
        None => dash()?,
    };
    let (label, value) = (&text[..at], &text[at + len..]);
    label.chars().any(char::is_alphanumeric).then_some((label, value))
}
