//! Findings as they are made: from a rule of the table, bounded, in the order of the text.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Finding;
use super::rules::Rule;
use crate::render::visible;

/// Of the same rule; who has more repairs these first.
const MAX_PER_RULE: usize = 50;

/// More of a text than that is not quoted.
const MAX_QUOTE_CHARS: usize = 60;

#[derive(Default)]
pub(super) struct Findings {
    findings: Vec<Finding>,
    n_of: HashMap<&'static str, usize>,
}

impl Findings {
    pub(super) fn add(&mut self, rule: &Rule, line: usize, detail: impl Into<String>, repair: impl Into<String>) {
        let n = self.n_of.entry(rule.id).or_default();
        *n += 1;
        if *n <= MAX_PER_RULE {
            let (detail, repair) = (detail.into(), repair.into());
            self.findings.push(Finding { rule: rule.id, severity: rule.severity, line, detail, repair });
        }
    }

    /// Returns them by line. Where there are too many of a rule, the last says so.
    pub(super) fn into_sorted(mut self) -> Vec<Finding> {
        for (rule, n) in self.n_of.iter().filter(|(_, n)| **n > MAX_PER_RULE) {
            if let Some(last) = self.findings.iter_mut().rfind(|finding| finding.rule == *rule) {
                last.detail = format!("{} (and {} more of this rule)", last.detail, n - MAX_PER_RULE);
            }
        }
        self.findings.sort_by_key(|finding| finding.line);
        self.findings
    }
}

/// Returns `text` for a message: short, on one line, in backticks.
pub(super) fn quote(text: &str) -> String {
    let text = text.trim();
    let short = match text.char_indices().nth(MAX_QUOTE_CHARS) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    };
    format!("`{}`", visible(&short).replace('`', "'").replace(['\n', '\r'], " "))
}

/// Returns `names` as a list for a message: `` `a`, `b` and `c` ``.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names: Vec<String> = names.into_iter().map(quote).collect();
    match names.pop() {
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
        None => String::new(),
    }
}
