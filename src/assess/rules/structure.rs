//! Rules about the form of a report: phases, sections, fields and tables.

use super::rules;

rules! { STRUCTURE:
TOO_MUCH = "too-much-markup", Error,
    "the text is too much to be read",
    why: "Each text is read anew whenever it is shown, so reading must be bounded: 4 MiB, and 65,536 lines, words with \
marks and cells. A report ten times as long as `EXAMPLE.md` is within that. What is longer was not written to be read by a person; \
raw logs and scans belong beside the report, with a link.",
    bad: "### Test Results\n\n(the whole output of the test runner, 70,000 lines)",
    good: "### Test Results\n\n**Unit Tests:** 214 passed; log: https://ci.example.com/runs/812";

NO_PHASES = "no-phases", Error,
    "none of the phases is there",
    why: "A text without any of the phases is not a go-live report, and a list of all that it lacks would help nobody. \
Start from `TEMPLATE.md`.",
    bad: "# Go-live report\n\nEverything is fine.",
    good: "# MCP Go-Live Production Readiness Report\n\n## Phase 1: Security Assessment\n\n…";

PHASE_MISSING = "phase-missing", Error,
    "a phase is missing",
    why: "The checklist was not done to its end, or a part of it was lost on the way. A phase that does not apply is \
there as well, and says why it does not. It begins with a heading; a line in bold is none.",
    bad: "## Phase 2: Policy Compliance\n\n…\n\n## Phase 4: Observability",
    good: "## Phase 2: Policy Compliance\n\n…\n\n## Phase 3: Infrastructure\n\n…\n\n## Phase 4: Observability";

PHASE_REPEATED = "phase-repeated", Error,
    "a phase is there twice",
    why: "With two answers to one question, nobody knows which of them was approved. Only the first is looked at.",
    bad: "## Phase 2: Policy Compliance\n\n…\n\n## Phase 2: Policy Compliance (new)",
    good: "## Phase 2: Policy Compliance\n\n…";

PHASE_ORDER = "phase-order", Error,
    "a phase is not in its place",
    why: "Later phases build on earlier ones, and reviewers find their way by the order. A phase in another place is \
mostly one that was pasted there.",
    bad: "## Phase 3: Infrastructure\n\n…\n\n## Phase 2: Policy Compliance",
    good: "## Phase 2: Policy Compliance\n\n…\n\n## Phase 3: Infrastructure";

PHASE_HEADING = "phase-heading", Warning,
    "a phase has another number or name",
    why: "The phase was understood by its name, or by its number alone. Programs and people who look for the heading \
do not find it.",
    bad: "## Phase 4: Infrastructure",
    good: "## Phase 3: Infrastructure";

PHASE_EMPTY = "phase-empty", Error,
    "a phase says nothing",
    why: "A heading alone, or one with a placeholder, is a phase that was left out.",
    bad: "## Phase 2: Policy Compliance\n\n[... rest of report ...]",
    good: "## Phase 2: Policy Compliance\n\n### Ownership\n\n**Owner:** Kari Nordmann\n\n…";

SECTION_MISSING = "section-missing", Error,
    "sections of a phase are missing",
    why: "Each section is a question that somebody was hurt by before. One that does not apply is there as well, and \
says why it does not. All that are missing in a phase are one finding.",
    bad: "## Phase 1: Security Assessment\n\n### Lethal Trifecta Compliance\n\n…\n\n**Security Assessment:** PASS",
    good: "## Phase 1: Security Assessment\n\n### Lethal Trifecta Compliance\n\n…\n\n### Secrets\n\nNone: the server \
holds no secret.";

SECTION_EMPTY = "section-empty", Error,
    "a section says nothing",
    why: "The guidance of the template is a comment, which is no text: a section that holds nothing else was not \
filled in. Write what you know, or `None`, and why.",
    bad: "### Exceptions\n\n<!-- Id, expiry and approver of each exception, or None. -->\n\n### Conditions",
    good: "### Exceptions\n\nNone.";

FIELD_MISSING = "field-missing", Error,
    "fields are missing",
    why: "A field is a value that reviewers compare, and programs read: the label, a colon, the value, on a line of \
its own, in an item of a list, or in the row of a table. All that are missing in one place are one finding.",
    bad: "### Ownership\n\nThe fleet team takes care.",
    good: "### Ownership\n\n**Owner:** Kari Nordmann\n**Team:** Fleet\n**On-Call:** fleet rota, day and night";

FIELD_EMPTY = "field-empty", Error,
    "a field has no value",
    why: "A label without a value is a question without an answer. Where there is nothing to say, say so in a word: \
`none`, `not applicable: stdio`.",
    bad: "**Retention:**",
    good: "**Retention:** none, nothing is stored";

TABLE_MISSING = "table-missing", Error,
    "a section has no table",
    why: "Where the same is asked of several things, a table shows at a glance what was left out. A list or a \
paragraph hides it.",
    bad: "### Tool Inventory\n\nThere are three tools, of which one writes.",
    good: "### Tool Inventory\n\n| Tool | Read/Write | Destructive | Data Touched | Scope |\n|---|---|---|---|---|\n\
| `find_place` | read | no | places | `parking.read` |";

COLUMN_MISSING = "column-missing", Error,
    "columns of a table are missing",
    why: "A column that is not there is a question that was asked of no row. Further columns are welcome.",
    bad: "| Component | Status |\n|---|---|\n| Untrusted content | ✅ Not in the context |",
    good: "| Component | Status | Notes |\n|---|---|---|\n| Untrusted content | ✅ Not in the context | Only sums \
are returned |";

ROW_MISSING = "row-missing", Error,
    "rows of a table are missing",
    why: "Each row of the template is a danger that has to be looked at, also where it turns out not to apply. \
The first words of a row count; what follows them is free.",
    bad: "| Component | Status | Notes |\n|---|---|---|\n| Access to private data | ✅ OBO only | Tokens of the user |",
    good: "| Component | Status | Notes |\n|---|---|---|\n| Access to private data | ✅ OBO only | Tokens of the user |\n\
| Untrusted content | ✅ None | Only sums are returned |\n| External communication | ✅ None | All calls internal |";

TABLE_EMPTY = "table-empty", Error,
    "a table has no rows",
    why: "The head of a table is the question, its rows are the answer. If there is nothing to list, one row says so.",
    bad: "| Tool | Read/Write | Destructive | Data Touched | Scope |\n|---|---|---|---|---|",
    good: "| Tool | Read/Write | Destructive | Data Touched | Scope |\n|---|---|---|---|---|\n| none: resources only \
| read | no | documents | `docs.read` |";

CELL_EMPTY = "cell-empty", Error,
    "a cell of a table is empty",
    why: "A row with an empty cell was looked at halfway. In the column for the status a dash says nothing either; \
cells for notes may be empty.",
    bad: "| MCP05 Command injection | | no shell is started | review |",
    good: "| MCP05 Command injection | no | no shell is started | review |";
}
