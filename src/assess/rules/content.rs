//! Rules about what a report says: verdicts, facts, contradictions, what was left over.

use super::rules;

rules! { CONTENT:
VERDICT_MISSING = "verdict-missing", Error,
    "a phase has no verdict",
    why: "The verdict is what the author stands by. It is the last line of a phase: its name, a colon, and `PASS`, \
`FAIL` or `PASS WITH CONDITIONS`.",
    bad: "## Phase 4: Observability\n\n### Logs\n\nStructured, to standard output.",
    good: "## Phase 4: Observability\n\n### Logs\n\nStructured, to standard output.\n\n**Observability:** PASS";

VERDICT_UNCLEAR = "verdict-unclear", Error,
    "a verdict is none of the three words",
    why: "`OK`, `mostly`, or all three words as the template offers them, can be read as one likes. What follows the \
word is free.",
    bad: "**Observability:** mostly fine",
    good: "**Observability:** PASS WITH CONDITIONS, see Conditions";

VERDICT_REPEATED = "verdict-repeated", Error,
    "a phase has two verdicts",
    why: "Two verdicts are none, even where they agree today: one of them will be forgotten in the next revision.",
    bad: "**Observability:** FAIL\n\n…\n\n**Observability:** PASS",
    good: "**Observability:** PASS";

RISK_MISSING = "risk-missing", Error,
    "there is no risk level",
    why: "The risk level decides who has to look at a server, and the queue is sorted by it. It stands where the \
lethal trifecta is judged: private data, untrusted content and communication to the outside. None or one of them is \
`LOW`, two are `MEDIUM`, all three are `HIGH`.",
    bad: "### Lethal Trifecta Compliance\n\n| Component | Status | Notes |\n|---|---|---|\n| … | … | … |",
    good: "### Lethal Trifecta Compliance\n\n**Risk Level:** 🟢 LOW\n\n| Component | Status | Notes |\n|---|---|---|\n\
| … | … | … |";

RISK_UNCLEAR = "risk-unclear", Error,
    "the risk level is none of the three words",
    why: "`LOW`, `MEDIUM` or `HIGH`, one of them. A mark alone cannot be searched for, and one of another colour than \
the word contradicts it.",
    bad: "**Risk Level:** 🔴 low to medium",
    good: "**Risk Level:** 🟡 MEDIUM, as untrusted text is read";

RISK_TOO_LOW = "risk-too-low", Error,
    "the risk is low, although a leg of the trifecta is open",
    why: "A row of the trifecta with ❌ says that a danger is not under control. A risk that is `LOW` beside it was \
written before, or not thought through.",
    bad: "**Risk Level:** 🟢 LOW\n\n| Component | Status | Notes |\n|---|---|---|\n| Untrusted content | ❌ Web pages | \
… |",
    good: "**Risk Level:** 🟡 MEDIUM\n\n| Component | Status | Notes |\n|---|---|---|\n| Untrusted content | ❌ Web \
pages | … |";

CROSS_IN_PASS = "cross-in-pass", Error,
    "something does not hold, and the phase passes",
    why: "A row or an item with ❌ (or a status such as `Failed`, `Not met`) contradicts the verdict `PASS`. If it is \
acceptable, the verdict is `PASS WITH CONDITIONS`, and the conditions say until when.",
    bad: "- ❌ Commits are signed\n\n**Policy Compliance:** PASS",
    good: "- ❌ Commits are signed\n\n**Policy Compliance:** PASS WITH CONDITIONS";

NAME_DIFFERS = "name-differs", Error,
    "the report names another server",
    why: "The report was submitted for one server and is about another one: mostly it was copied. What is approved \
is what the text says.",
    bad: "**MCP Server Name:** mcp-servicenow\n\n(submitted as `mcp-parking`)",
    good: "**MCP Server Name:** mcp-parking";

REPOSITORY_DIFFERS = "repository-differs", Error,
    "the report names another repository",
    why: "The decision is about the code in the submitted repository. Spellings of one repository (`https://`, `git@`, \
`.git`) are the same.",
    bad: "**Repository:** https://github.com/example/mcp-servicenow\n\n(submitted for \
`https://github.com/example/mcp-parking`)",
    good: "**Repository:** https://github.com/example/mcp-parking";

DATE_INVALID = "date-invalid", Error,
    "a date is no date",
    why: "`03.04.2026` is a day in March for some and in April for others, and 30 February is none at all. \
`YYYY-MM-DD` can be read by everybody, and sorted.",
    bad: "**Review Date:** 2 March 2026",
    good: "**Review Date:** 2026-03-02";

COMMIT_INVALID = "commit-invalid", Error,
    "a commit is not a whole commit id",
    why: "A branch or a tag moves, and a short id stops being unique. Only the 40 hexadecimal digits that \
`git rev-parse HEAD` prints name the code that was looked at.",
    bad: "**Commit:** main",
    good: "**Commit:** 4be1d0c2a9f83e5567b0e0d9a4c7bb1c0f3e2a19";

PLACEHOLDER = "placeholder", Error,
    "something was to be filled in",
    why: "`TODO`, `TBD`, `[...]`, `<fill in>` and their like say that the report is not finished. In code they are \
what they are, as is a `TODO` in the middle of a sentence.",
    bad: "**Owner:** TBD",
    good: "**Owner:** Kari Nordmann";

TICK_WITHOUT_TEXT = "tick-without-text", Error,
    "a box is ticked, and nothing stands beside it",
    why: "A tick says that somebody has looked; only the text says at what.",
    bad: "- [x]",
    good: "- [x] Force pushes to `main` are refused: ruleset 12";

MARK_WITHOUT_NOTE = "mark-without-note", Warning,
    "a row has a mark, and not a word about it",
    why: "A row of marks is done in a second, without a look at the server. One word of proof shows that there was one.",
    bad: "| Untrusted content | ✅ | |",
    good: "| Untrusted content | ✅ | Only sums are returned, see `tests/test_sums.py` |";

REVIEWER_FILLED_IN = "reviewer-filled-in", Error,
    "the reviewer's part of the sign-off is filled in",
    why: "A report is written by its author. The decision of a reviewer is a commit of its own, with their name; a name \
in the text looks like one and is none.",
    bad: "**Developer:** kari@example.com\n**Date:** 2026-03-02\n**Reviewer:** morgan@example.com, approved",
    good: "**Developer:** kari@example.com\n**Date:** 2026-03-02\n**Reviewer:**";

LINK_NOWHERE = "link-nowhere", Warning,
    "a link leads to no heading of the text",
    why: "Whoever follows it stays where they are. The heading was renamed, or its text has other words than the link.",
    bad: "See [the controls](#threat-reviews).\n\n### Threat Review",
    good: "See [the controls](#threat-review).\n\n### Threat Review";
}
