//! One field as a line of YAML that every reader takes for the same text.
//!
//! A text stays plain only if `serde_yaml` leaves it so, too, and no reader of
//! YAML 1.1 or 1.2 could take it for something else (`no`, `1e3`, `2025-10-20`,
//! `=`, invisible characters); else it is put in double quotes, escaped. Several
//! lines are a block of `serde_yaml`'s.

use std::fmt::Write;

use super::Value;
use crate::report::text::is_invisible;

/// Adds `name: value` without a final line end; several lines only for a text of
/// several lines, which is then a literal block.
pub(super) fn push_field(out: &mut String, name: &str, value: &Value<'_>) {
    out.push_str(name);
    out.push_str(": ");
    match value {
        Value::Text(text) => match block(text) {
            Some(block) => out.push_str(&block),
            None => push_one_line(out, text),
        },
        other => push_value(out, other),
    }
}

/// Returns `value` on one line.
pub(super) fn value(value: &Value<'_>) -> String {
    let mut out = String::new();
    push_value(&mut out, value);
    out
}

fn push_value(out: &mut String, value: &Value<'_>) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Word(word) => out.push_str(word),
        Value::Text(text) => push_one_line(out, text),
    }
}

/// Returns `text` as a literal block indented by two spaces, or `None` where a
/// block could not carry it exactly or an editor would change it.
pub(super) fn block(text: &str) -> Option<String> {
    if !text.trim_end().contains('\n') {
        return None;
    }
    let is_plain_text = !text.contains(|c: char| c != '\n' && needs_escape(c));
    let is_tidy = text.split('\n').all(|line| !line.ends_with(char::is_whitespace))
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with("\n\n");
    if !is_plain_text || !is_tidy {
        return None;
    }
    let yaml = serde_yaml::to_string(&std::collections::BTreeMap::from([("k", text)])).ok()?;
    let block = yaml.strip_prefix("k: ")?;
    block.starts_with('|').then(|| block.trim_end().to_owned())
}

fn push_one_line(out: &mut String, text: &str) {
    if is_safe_plain(text) {
        return out.push_str(text);
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if needs_escape(c) => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02X}"),
                    0x100..=0xffff => write!(out, "\\u{code:04X}"),
                    _ => write!(out, "\\U{code:08X}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Returns whether `text` is a plain string to any YAML reader: it starts with
/// a letter, holds nothing that YAML gives a meaning, and is no word of YAML 1.1.
pub(super) fn is_safe_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b" ._/@+-:,()'".contains(&b))
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns whether `c` must not stand raw: control, invisible, or not a
/// character that YAML allows.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || is_invisible(c)
        || matches!(c, '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
        || matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{fffc}'..='\u{ffff}')
        || u32::from(c) & 0xfffe == 0xfffe
}
