//! Replaces the values of single fields and leaves every other byte alone.
//!
//! Top-level keys each start a line ([`super::guard`] sees to that), so a value
//! lies between its key and the next one, and only comments can follow it there.

use yaml_rust2::scanner::TScalarStyle;

use super::guard::{Field, Outline};
use super::{Fault, Value, scalar};

/// Returns `yaml` with the fields of `changes` set; a field that is not there
/// is added at the end.
///
/// # Errors
/// [`Fault`] if a field to change holds a list or a mapping.
pub(super) fn apply<'a>(
    yaml: &str,
    outline: &Outline,
    changes: impl Iterator<Item = (&'static str, Value<'a>)>,
) -> Result<String, Fault> {
    let line_end = if yaml.lines().next().is_some_and(|_| yaml.contains("\r\n")) { "\r\n" } else { "\n" };
    let mut edits = Vec::new();
    let mut added = String::new();
    for (name, value) in changes {
        match outline.fields.iter().position(|field| field.name == name) {
            Some(at) => {
                let end = outline.fields.get(at + 1).map_or(yaml.len(), |next| next.start);
                edits.push(replacement(yaml, &outline.fields[at], end, &value));
            }
            None => {
                scalar::push_field(&mut added, name, &value);
                added.push('\n');
            }
        }
    }
    edits.sort_unstable_by_key(|edit| edit.0);
    let mut out = String::with_capacity(yaml.len() + 256);
    let mut done = 0;
    for (start, end, text) in edits {
        out.push_str(&yaml[done..start]);
        out.push_str(&text.replace('\n', line_end));
        done = end;
    }
    out.push_str(&yaml[done..]);
    out.push_str(&added.replace('\n', line_end));
    Ok(out)
}

/// Returns what to put in place of which bytes: start, end, text. `region_end`
/// is where the next field starts.
fn replacement(yaml: &str, field: &Field, region_end: usize, value: &Value<'_>) -> (usize, usize, String) {
    let colon = key_end(yaml, field, region_end);
    let Some((start, style)) = field.value else {
        return (colon, colon, format!(" {}", scalar::value(value)));
    };
    let start = match style {
        TScalarStyle::Literal | TScalarStyle::Folded => {
            yaml[colon..start].find(['|', '>']).map_or(start, |at| colon + at)
        }
        _ => start,
    };
    let end = start + value_len(&yaml[start..region_end], style);
    let rest_of_line = yaml[end..region_end].lines().next().unwrap_or_default();
    let header_comment = block_comment(&yaml[start..end], style);
    let text = match value {
        _ if !header_comment.is_empty() => format!("{} {header_comment}", scalar::value(value)),
        // A block needs the rest of its first line, which a comment may hold.
        Value::Text(text) if rest_of_line.trim().is_empty() && starts_on_key_line(yaml, field, start) => {
            scalar::block(text).unwrap_or_else(|| scalar::value(value))
        }
        _ => scalar::value(value),
    };
    (start, end, text)
}

/// Returns the comment on the header line of a block scalar, or an empty text.
fn block_comment(block: &str, style: TScalarStyle) -> &str {
    let header = match style {
        TScalarStyle::Literal | TScalarStyle::Folded => block.lines().next().unwrap_or_default(),
        _ => "",
    };
    header[without_comment(header).0.len()..].trim_end()
}

fn starts_on_key_line(yaml: &str, field: &Field, start: usize) -> bool {
    !yaml[field.start..start].contains('\n')
}

/// Returns the offset after the colon of the key of `field`.
fn key_end(yaml: &str, field: &Field, region_end: usize) -> usize {
    let key = &yaml[field.start..region_end];
    let after_key = match key.chars().next() {
        Some('"') => quoted_len(key, TScalarStyle::DoubleQuoted),
        Some('\'') => quoted_len(key, TScalarStyle::SingleQuoted),
        _ => 0,
    };
    let colon = key[after_key..].find(':').map_or(key.len(), |at| after_key + at + 1);
    field.start + colon
}

/// Returns the length in bytes of the scalar at the start of `region`.
fn value_len(region: &str, style: TScalarStyle) -> usize {
    match style {
        TScalarStyle::SingleQuoted | TScalarStyle::DoubleQuoted => quoted_len(region, style),
        TScalarStyle::Plain => plain_len(region),
        TScalarStyle::Literal | TScalarStyle::Folded => block_len(region),
    }
}

fn quoted_len(region: &str, style: TScalarStyle) -> usize {
    let quote = if style == TScalarStyle::SingleQuoted { '\'' } else { '"' };
    let mut chars = region.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => {
                chars.next();
            }
            '\'' if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                chars.next();
            }
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    region.len()
}

/// A plain scalar goes on over indented lines; a comment ends it.
fn plain_len(region: &str) -> usize {
    let mut len = 0;
    let mut at = 0;
    for line in region.split_inclusive('\n') {
        let (text, has_comment) = without_comment(line);
        let goes_on = at == 0 || line.starts_with([' ', '\t']) || line.trim().is_empty();
        if !goes_on {
            break;
        }
        if !text.trim().is_empty() {
            len = at + text.trim_end().len();
        }
        if has_comment {
            break;
        }
        at += line.len();
    }
    len
}

/// A block scalar is its header line, without the comment there, and all
/// indented or blank lines after it; blank ones at the end stay outside.
fn block_len(region: &str) -> usize {
    let header = region.split_inclusive('\n').next().unwrap_or_default();
    let mut len = without_comment(header).0.trim_end().len();
    let mut at = header.len();
    for line in region[header.len()..].split_inclusive('\n') {
        if !line.trim().is_empty() {
            if !line.starts_with([' ', '\t']) {
                break;
            }
            len = at + line.trim_end().len();
        }
        at += line.len();
    }
    len
}

/// Returns `line` up to a comment, and whether there is one.
fn without_comment(line: &str) -> (&str, bool) {
    line.char_indices()
        .find(|(at, c)| *c == '#' && (*at == 0 || line[..*at].ends_with([' ', '\t'])))
        .map_or((line, false), |(at, _)| (&line[..at], true))
}
