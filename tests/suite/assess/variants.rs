//! Two reports without findings, broken in one place each.

use super::{About, EXAMPLE, PARKING, PLAIN, SEARCH};

/// What is done to a report.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    /// The one place with the first text gets the second.
    Put(&'static str, &'static str),
    /// From the line that begins with the first text up to the one that begins with the second.
    Cut(&'static str, &'static str),
    /// What is cut out so, with something in its place.
    Instead(&'static str, &'static str, &'static str),
    /// The part from the first line up to the second changes places with that up to the third.
    Swap(&'static str, &'static str, &'static str),
}
use Change::{Cut, Instead, Put, Swap};

/// Name, change, rule, and the beginning of the line that it is found in.
pub(crate) type Variant = (&'static str, Change, &'static str, &'static str);

pub(crate) const OF_THE_EXAMPLE: &[Variant] = &[
    ("a phase is cut out", Cut("## Phase 3", "## Phase 4"), "phase-missing", "## Phase 4"),
    ("the text is cut off before the last phase", Cut("## Phase 6", "never"), "phase-missing", "---\n\n"),
    (
        "a phase is pasted twice",
        Put("## Phase 3: Infrastructure", "## Phase 2: Policy Compliance\n\nAgain.\n\n## Phase 3: Infrastructure"),
        "phase-repeated",
        "## Phase 2: Policy Compliance\n\nAgain",
    ),
    ("two phases change places", Swap("## Phase 4", "## Phase 5", "## Phase 6"), "phase-order", "## Phase 5"),
    (
        "a phase has the number of another",
        Put("## Phase 5: Auth", "## Phase 4: Auth"),
        "phase-heading",
        "## Phase 4: Auth",
    ),
    (
        "a phase has no number",
        Put("## Phase 4: Observability", "## Observability"),
        "phase-heading",
        "## Observability",
    ),
    (
        "a phase has another name",
        Put("## Phase 3: Infrastructure", "## Phase 3: Platform"),
        "phase-heading",
        "## Phase 3",
    ),
    ("a phase holds a placeholder alone", Cut("### Logs", "---\n\n## Phase 5"), "phase-empty", "## Phase 4"),
    ("a section is left out", Cut("### Secrets", "**Security"), "section-missing", "## Phase 1"),
    (
        "a section is a code block's heading",
        Put("### Traces\n", "```\n### Traces\n```\n"),
        "section-missing",
        "## Phase 4",
    ),
    (
        "a section holds a comment alone",
        Put(
            "MIT. Dependencies are under MIT, BSD and Apache-2.0; checked with `pip-licenses` in pipeline 812.",
            "<!-- MIT -->",
        ),
        "section-empty",
        "### Licence",
    ),
    (
        "the last section of a phase has its verdict alone",
        Put("### Conditions\n\nNone.", "### Conditions"),
        "section-empty",
        "### Conditions",
    ),
    ("a field at the head is left out", Cut("**MCP Spec Revision:**", "**Transport:**"), "field-missing", "# MCP"),
    ("a field of a section is left out", Cut("**Team:**", "**On-Call:**"), "field-missing", "### Ownership"),
    (
        "a field has no value",
        Put("**Retention:** none in the server; bookings stay in the booking system for 90 days", "**Retention:**"),
        "field-empty",
        "**Retention:**",
    ),
    (
        "a table is prose",
        Instead("| Tool |", "### Threat", "Three tools, of which two write.\n\n"),
        "table-missing",
        "### Tool Inventory",
    ),
    ("a row is left out", Cut("| MCP05", "| MCP06"), "row-missing", "| Risk |"),
    ("a column is renamed", Put("| Data Touched |", "| Remarks |"), "column-missing", "| Tool |"),
    ("a table has no rows", Cut("| `find_place`", "### Threat"), "table-empty", "| Tool |"),
    (
        "a status is empty",
        Put("| no | No process is ever started |", "| | No process is ever started |"),
        "cell-empty",
        "| MCP05",
    ),
    (
        "a status is a dash",
        Put("| no | No process is ever started |", "| – | No process is ever started |"),
        "cell-empty",
        "| MCP05",
    ),
    ("a verdict is left out", Put("**Observability:** PASS\n", ""), "verdict-missing", "## Phase 4"),
    (
        "a verdict is left open",
        Put("**Observability:** PASS\n", "**Observability:**\n"),
        "verdict-missing",
        "**Observability:**",
    ),
    (
        "a verdict is another word",
        Put("**Observability:** PASS", "**Observability:** mostly fine"),
        "verdict-unclear",
        "**Observability:**",
    ),
    (
        "a verdict offers all words",
        Put("**Observability:** PASS", "**Observability:** PASS | FAIL | PASS WITH CONDITIONS"),
        "verdict-unclear",
        "**Observability:**",
    ),
    (
        "a verdict is there twice",
        Put("**Observability:** PASS", "**Observability:** FAIL\n\nAfter the repair:\n\n**Observability:** PASS"),
        "verdict-repeated",
        "**Observability:** PASS",
    ),
    ("the risk is left out", Put("**Risk Level:** 🟢 LOW\n", ""), "risk-missing", "### Lethal"),
    ("the risk is another word", Put("🟢 LOW", "🟢 acceptable"), "risk-unclear", "**Risk Level:**"),
    ("the risk has the mark of another", Put("🟢 LOW", "🔴 LOW"), "risk-unclear", "**Risk Level:**"),
    (
        "a leg of the trifecta is open",
        Put("✅ Not in the context", "❌ In the context"),
        "cross-in-pass",
        "| Untrusted",
    ),
    ("an item does not hold", Put("✅ No audio content", "❌ No audio content"), "cross-in-pass", "- ❌"),
    (
        "another server",
        Put("**MCP Server Name:** mcp-fleet-parking", "**MCP Server Name:** mcp-fleet-fuel"),
        "name-differs",
        "**MCP Server",
    ),
    (
        "another repository",
        Put(
            "**Repository:** https://github.com/example/mcp-fleet-parking",
            "**Repository:** https://github.com/example/mcp-fleet-fuel",
        ),
        "repository-differs",
        "**Repository:**",
    ),
    (
        "a date in words",
        Put("**Review Date:** 2026-03-02", "**Review Date:** 2 March 2026"),
        "date-invalid",
        "**Review Date:**",
    ),
    ("a day that never was", Put("**Date:** 2026-03-02", "**Date:** 2026-02-30"), "date-invalid", "**Date:**"),
    (
        "a short commit",
        Put("**Git Commit:** 4be1d0c2a9f83e5567b0e0d9a4c7bb1c0f3e2a19", "**Git Commit:** 4be1d0c"),
        "commit-invalid",
        "**Git Commit:**",
    ),
    ("a value is to come", Put("**Owner:** Kari Nordmann", "**Owner:** TBD"), "placeholder", "**Owner:**"),
    (
        "a verdict is to come",
        Put("**Observability:** PASS", "**Observability:** [...]"),
        "placeholder",
        "**Observability:**",
    ),
    (
        "a date is to come",
        Put("**Review Date:** 2026-03-02", "**Review Date:** YYYY-MM-DD"),
        "placeholder",
        "**Review Date:**",
    ),
    (
        "a section is to come",
        Put("One hour, in memory; nothing is kept from one request to the next.", "TODO: ask Kari"),
        "placeholder",
        "TODO",
    ),
    ("a form is left", Put("**Owner:** Kari Nordmann", "**Owner:** <fill in>"), "placeholder", "**Owner:**"),
    ("a tick without text", Put("- ✅ No image content: the same test", "- [x]"), "tick-without-text", "- [x]"),
    (
        "a mark without a word",
        Put(
            "| ✅ None | The network policy lets it reach the booking system and the issuer of tokens, nothing else; `curl https://example.org` from the pod times out |",
            "| ✅ | |",
        ),
        "mark-without-note",
        "| External",
    ),
    (
        "the submitter signs for the reviewer",
        Put("**Reviewer:**", "**Reviewer:** morgan@example.com, approved"),
        "reviewer-filled-in",
        "**Reviewer:**",
    ),
    (
        "the submitter ticks the reviewer's box",
        Put("**Reviewer:**", "**Reviewer:**\n\n- [x] Reviewed by the platform team"),
        "reviewer-filled-in",
        "- [x]",
    ),
    ("a link to nowhere", Put("(#audit-trail)", "(#audit-log)"), "link-nowhere", "| MCP08"),
];

pub(crate) const OF_THE_PLAIN_ONE: &[Variant] = &[
    ("a phase is cut out", Cut("# Phase 2", "# Phase 3"), "phase-missing", "# Phase 3"),
    ("a phase has another number", Put("# Phase 4 -", "# Phase 5 -"), "phase-heading", "# Phase 5 - Obs"),
    ("a section is left out", Cut("## 2.5", "Verdict: PASS\n\n# Phase 3"), "section-missing", "# Phase 2"),
    ("a field of a list is left out", Cut("- Team:", "- On call:"), "field-missing", "## 2.1"),
    ("a field of a table is left out", Cut("| Transport", "| Data class"), "field-missing", "Production"),
    ("a row is left out", Cut("| 2 | Untrusted", "| 3 |"), "row-missing", "| # |"),
    (
        "a status is empty",
        Put("| No      | Nothing is executed", "|         | Nothing is executed"),
        "cell-empty",
        "| MCP05",
    ),
    (
        "a verdict is left out",
        Put("There are none.\n\nVerdict: PASS\n\n# Phase 6", "There are none.\n\n# Phase 6"),
        "verdict-missing",
        "# Phase 5",
    ),
    ("a status says that it failed", Put("Yes, fenced  |", "Not met      |"), "cross-in-pass", "| 2 | Untrusted"),
    ("the risk is low to medium", Put("level: Medium", "level: Low to medium"), "risk-unclear", "Overall"),
    ("another repository", Put("mcp-invoice-search.git>", "mcp-invoices.git>"), "repository-differs", "| Repository"),
    (
        "a commit is a branch",
        Put("- Git commit: 09ab3c5d7e9f1b2d4c6e8f0a1b3c5d7e9f0a2b4c", "- Git commit: main"),
        "commit-invalid",
        "- Git commit",
    ),
    (
        "a date in words",
        Put("2026-05-11                                                              |", "11 May 2026 |"),
        "date-invalid",
        "| Review date",
    ),
    (
        "the reviewer is named",
        Put("| Reviewer  |            |            |", "| Reviewer  | Morgan     | 2026-05-12 |"),
        "reviewer-filled-in",
        "| Reviewer",
    ),
    (
        "a sentence is to come",
        Put("Eight hours, in the keyring.", "Eight hours; where is TBD."),
        "placeholder",
        "Eight",
    ),
    ("a link to nowhere", Put("(#43-traces)", "(#traces)"), "link-nowhere", "Traces from"),
];

/// Returns `text` with the change.
///
/// # Panics
/// If the place for it is not there, or not the only one.
pub(crate) fn changed(text: &str, change: Change) -> String {
    let line = |start: &str, from: usize| {
        let at = format!("\n{text}")[from..].find(&format!("\n{start}"));
        at.map_or_else(
            || if start == "never" { text.len() } else { panic!("no line begins with {start:?}") },
            |at| at + from,
        )
    };
    match change {
        Put(from, to) => {
            assert_eq!(text.matches(from).count(), 1, "{from:?}");
            text.replacen(from, to, 1)
        }
        Cut(from, to) => changed(text, Instead(from, to, "")),
        Instead(from, to, new) => {
            let from = line(from, 0);
            format!("{}{new}{}", &text[..from], &text[line(to, from)..])
        }
        Swap(first, second, end) => {
            let (first, second) = (line(first, 0), line(second, 0));
            let end = line(end, second);
            format!("{}{}{}{}", &text[..first], &text[second..end], &text[first..second], &text[end..])
        }
    }
}

/// Both reports: name, text, what it was submitted for, what is broken in it.
pub(crate) const REPORTS: &[(&str, &str, About<'_>, &[Variant])] =
    &[("example", EXAMPLE, PARKING, OF_THE_EXAMPLE), ("plain", PLAIN, SEARCH, OF_THE_PLAIN_ONE)];
