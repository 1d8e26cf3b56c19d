//! The rules that a report's text is held against: one table, from which come the
//! ids of findings, `golive rules`, and `docs/rules.md`.

mod content;
mod structure;

use std::fmt::Write;

pub(super) use content::*;
pub(super) use structure::*;

use super::Severity;

/// A rule, and why there is one.
#[derive(Debug)]
pub struct Rule {
    /// Stable: programs and documentation name it.
    pub id: &'static str,
    pub severity: Severity,
    /// What is found, in one line.
    pub what: &'static str,
    pub why: &'static str,
    /// A piece of a report that breaks it …
    pub bad: &'static str,
    /// … and one that does not.
    pub good: &'static str,
}

/// Makes a constant of each rule, and a list of them all: no rule can be missing in it.
macro_rules! rules {
    ($list:ident: $($name:ident = $id:literal, $severity:ident, $what:literal, why: $why:literal, bad: $bad:literal, good: $good:literal;)+) => {
        $(pub(in crate::assess) const $name: $crate::assess::rules::Rule = $crate::assess::rules::Rule {
            id: $id,
            severity: $crate::assess::Severity::$severity,
            what: $what,
            why: $why,
            bad: $bad,
            good: $good,
        };)+
        pub(in crate::assess) const $list: &[$crate::assess::rules::Rule] = &[$($name),+];
    };
}
use rules;

/// Returns all rules, in the order in which one reads a report.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    STRUCTURE.iter().chain(CONTENT)
}

/// Returns the rule with this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    all().find(|rule| rule.id == id)
}

impl Severity {
    /// Returns its word, as JSON has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// The rule as a section of `docs/rules.md`.
impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "## {}\n\n*{}* · {}\n\n{}\n", self.id, self.severity.as_str(), self.what, self.why)?;
        writeln!(f, "Not so:\n\n````markdown\n{}\n````\n", self.bad)?;
        write!(f, "But so:\n\n````markdown\n{}\n````", self.good)
    }
}

/// Returns one line for each rule.
pub fn table() -> String {
    let width = all().map(|rule| rule.id.len()).max().unwrap_or_default();
    all().map(|rule| format!("{:width$}  {:7}  {}\n", rule.id, rule.severity.as_str(), rule.what)).collect()
}

/// Returns `docs/rules.md`.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    for rule in all() {
        writeln!(page, "| [`{0}`](#{0}) | {1} | {2} |", rule.id, rule.severity.as_str(), rule.what)
            .expect("a string takes every write");
    }
    for rule in all() {
        write!(page, "\n{rule}\n").expect("a string takes every write");
    }
    page
}

const HEAD: &str = "\
# What is found in a report

<!-- Made by `golive rules --markdown`; change `src/assess/rules/` instead. -->

golive reads the text of a report as markdown and holds it against the `report:` part of `golive.yaml`, which asks for
what `TEMPLATE.md` has. Comments (`<!-- … -->`) are no text. Code is text, but what it says is not looked at; nor is a
heading in it, in a quotation or in a list one of the report.

- An **error**: something that is asked for is missing, or two places contradict each other. With `enforcement: refuse`
  such a text is not taken in; with `warn` it is, and whoever reviews it sees the findings.
- A **warning**: something is doubtful. It never refuses a text.

Case, emoji, bold, numbers before a heading, the level of a heading, and further sections, columns and rows make no
difference. What has one cause is found once: a phase that is missing does not list its sections. `golive rules ID`
prints a paragraph of this page.

| rule | severity | what is found |
|---|---|---|
";
