//! One thing that is wrong, as it is told to a person. What a file holds never
//! reaches a terminal as it is: it could move the cursor or hide itself.

use std::fmt::Write;

use git2::{Oid, Repository};

use crate::assess;
use crate::report::fault::Fault;
use crate::report::text::{code_point, is_invisible};

/// Characters of a line before and after the place of a fault that are shown.
const BEFORE_MAX: usize = 200;
const AFTER_MAX: usize = 100;

/// What is wrong, where, and how to repair it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The id of the rule, `unknown-status`.
    pub rule: String,
    /// The file; `None` if it is about a commit or the whole.
    pub path: Option<String>,
    pub place: Option<(usize, usize)>,
    pub detail: String,
    pub repair: String,
    pub excerpt: Option<Excerpt>,
    /// The commit that would bring it, and its subject.
    pub commit: Option<(Oid, String)>,
    /// It refuses nothing.
    pub is_warning: bool,
}

/// The part of a line that a fault is in, fit to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    pub line: usize,
    pub text: String,
    /// Where in `text` the fault is, in bytes.
    pub start: usize,
    pub end: usize,
}

impl Finding {
    /// A finding about no file, or about one as a whole.
    pub(super) fn new(rule: &str, detail: impl Into<String>, repair: impl Into<String>) -> Self {
        Self {
            rule: rule.into(),
            path: None,
            place: None,
            detail: detail.into(),
            repair: repair.into(),
            excerpt: None,
            commit: None,
            is_warning: false,
        }
    }

    /// What the text in `file`, the one at `path`, lacks; its line is one of the file.
    pub(super) fn in_text(path: &str, found: assess::Finding, file: &[u8], is_warning: bool) -> Self {
        let excerpt = Excerpt::of(file, found.line, 1);
        let place = Some((found.line, 1));
        Self { place, excerpt, is_warning, ..Self::new(found.rule, found.detail, found.repair) }.at(path)
    }

    /// What is wrong with `file`, the one at `path`.
    pub(super) fn of(path: &str, fault: Fault, file: &[u8]) -> Self {
        let excerpt = fault.place.and_then(|(line, column)| Excerpt::of(file, line, column));
        let found = Self::new(&fault.rule.as_str(), fault.detail, fault.repair);
        Self { path: Some(path.into()), place: fault.place, excerpt, ..found }
    }

    /// Returns whether both are about one thing at one place.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.rule, &self.path, self.place, &self.detail) == (&other.rule, &other.path, other.place, &other.detail)
    }

    pub(super) fn at(self, path: &str) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// The same, found in a commit.
    pub(super) fn by(self, git: &Repository, commit: Oid) -> Self {
        Self { commit: Some((commit, subject(git, commit))), ..self }
    }
}

/// Returns the first line of a commit's message.
pub(in crate::store) fn subject(git: &Repository, commit: Oid) -> String {
    let message = git.find_commit(commit).map(|commit| String::from_utf8_lossy(commit.message_bytes()).into_owned());
    message.unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

impl Excerpt {
    /// Returns the line of `file` with the part around `column`; `None` if there is no such line.
    fn of(file: &[u8], line: usize, column: usize) -> Option<Self> {
        let bytes = file.split(|byte| *byte == b'\n').nth(line.checked_sub(1)?)?;
        let first = bytes.iter().take(4 * (column + AFTER_MAX)).copied().collect::<Vec<_>>();
        let text = String::from_utf8_lossy(first.strip_suffix(b"\r").unwrap_or(&first)).into_owned();
        let at = column.saturating_sub(1);
        let from = at.saturating_sub(BEFORE_MAX);
        let mut out = Self { line, text: String::new(), start: 0, end: 0 };
        if from > 0 {
            out.text.push('…');
        }
        let mut is_value = true;
        for (n, c) in text.chars().enumerate().skip(from).take(at - from + AFTER_MAX) {
            if n == at {
                out.start = out.text.len();
            }
            push_visible(&mut out.text, if c == '\t' { ' ' } else { c });
            is_value = n <= at || (is_value && !c.is_whitespace());
            if n >= at && is_value {
                out.end = out.text.len();
            }
        }
        if out.end == 0 {
            (out.start, out.end) = (out.text.len(), out.text.len());
        }
        Some(out)
    }
}

/// Returns `text` with every character that cannot be seen replaced by one that can.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| push_visible(&mut out, c));
    out
}

fn push_visible(out: &mut String, c: char) {
    match u32::from(c) {
        code @ 0..0x20 => out.push(char::from_u32(0x2400 + code).expect("control pictures")),
        0x7f => out.push('\u{2421}'),
        _ if c.is_control() || is_invisible(c) => {
            let _ = write!(out, "<{}>", code_point(c));
        }
        _ => out.push(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_points_at_the_word_and_hides_nothing() {
        for (line, column, text, marked) in [
            ("status: done # x", 9, "status: done # x", "done"),
            ("a: \x1b[31mred", 4, "a: \u{241b}[31mred", "\u{241b}[31mred"),
            ("é: \u{202e}x", 4, "é: <U+202E>x", "<U+202E>x"),
            ("short", 9, "short", ""),
            ("cr\r", 1, "cr", "cr"),
        ] {
            let excerpt = Excerpt::of(format!("---\n{line}\n").as_bytes(), 2, column).unwrap();
            assert_eq!((&*excerpt.text, &excerpt.text[excerpt.start..excerpt.end]), (text, marked));
        }
        let long = format!("{}X{}", "a".repeat(5000), "b".repeat(5000));
        let excerpt = Excerpt::of(long.as_bytes(), 1, 5001).unwrap();
        assert!(excerpt.text.chars().count() < 400 && excerpt.text[excerpt.start..].starts_with('X'));
        assert_eq!(Excerpt::of(b"one", 7, 1), None);
    }
}
