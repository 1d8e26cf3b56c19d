//! One field as a line of YAML that every reader takes for the same text.
//!
//! `serde_yaml` decides how a text is written; where it would leave it plain or
//! raw and YAML 1.1 and 1.2 readers could differ (`no`, `1e3`, `2025-10-20`,
//! `=`, invisible characters), the text is put in double quotes, escaped.

use std::fmt::Write;

use super::Value;
use crate::report::text::is_invisible;

/// Returns `name: value` without a final line end; several lines only for a
/// text of several lines, which is then a literal block.
pub(super) fn field(name: &str, value: &Value<'_>) -> String {
    match value {
        Value::Null => format!("{name}: null"),
        Value::Word(word) => format!("{name}: {word}"),
        Value::Text(text) => match block(text) {
            Some(block) => format!("{name}: {block}"),
            None => format!("{name}: {}", one_line(text)),
        },
    }
}

/// Returns `value` on one line.
pub(super) fn value(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Word(word) => word.clone(),
        Value::Text(text) => one_line(text),
    }
}

/// Returns `text` as a literal block indented by two spaces, or `None` where a
/// block could not carry it exactly or an editor would change it.
pub(super) fn block(text: &str) -> Option<String> {
    let is_plain_text = !text.contains(|c: char| c != '\n' && needs_escape(c));
    let is_tidy = text.split('\n').all(|line| !line.ends_with(char::is_whitespace))
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with("\n\n");
    if !text.trim_end().contains('\n') || !is_plain_text || !is_tidy {
        return None;
    }
    let yaml = serde_yaml::to_string(&std::collections::BTreeMap::from([("k", text)])).ok()?;
    let block = yaml.strip_prefix("k: ")?;
    block.starts_with('|').then(|| block.trim_end().to_owned())
}

fn one_line(text: &str) -> String {
    if is_safe_plain(text) && serde_yaml::to_string(text).is_ok_and(|yaml| yaml.trim_end() == text) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 2);
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
    out
}

/// Returns whether `text` is a plain string to any YAML reader: it starts with
/// a letter, holds nothing that YAML gives a meaning, and is no word of YAML 1.1.
fn is_safe_plain(text: &str) -> bool {
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
