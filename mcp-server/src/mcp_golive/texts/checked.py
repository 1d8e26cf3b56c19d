"""What `check_report` says: would it be taken in, what to repair, what to call next."""

from mcp_golive.assessment import CheckedReport, ExistingReport
from mcp_golive.refusal import LABEL
from mcp_golive.texts import findings
from mcp_golive.visible import visible

_REPAIR = (
    "Repair every point from evidence, never by inventing any; what cannot be shown is said to "
    "be missing. Then call check_report again"
)


def checked(result: CheckedReport) -> str:
    """Return the outcome of the dry run; nothing in it promises an approval."""
    blocks = ["\n".join([f"## {_headline(result)}", "", "Nothing was stored."])]
    if result.problems:
        blocks.append("\n".join([LABEL, *(_line(p.argument, p.problem) for p in result.problems)]))
    if result.assessment:
        blocks.append("\n".join(findings.found(result.assessment)))
        blocks.append(findings.summary(result.assessment))
    if result.report:
        blocks.append(_existing(result.report))
    blocks.append(f"Next: {_next(result)}.")
    return "\n\n".join(block for block in blocks if block)


def _headline(result: CheckedReport) -> str:
    if not result.accepted:
        return "❌ This report would be refused"
    if result.assessment is None:
        return "✅ This report would be accepted; the policy has the check of its text off"
    if result.assessment.findings:
        return f"⚠️ This report would be accepted, with {findings.count(result.assessment)}"
    return "✅ This report would be accepted, and the check found nothing to repair"


def _line(argument: str | None, problem: str) -> str:
    return f"- `{argument}`: {problem}" if argument else f"- {problem}"


def _existing(report: ExistingReport) -> str:
    return (
        f"golive has a report for this repository already: {visible(report.id)}, "
        f"status {visible(report.status)}, revision {report.revision}."
    )


def _next(result: CheckedReport) -> str:
    if result.next_tool == "check_report":
        reviewers = "; who reviews it would see these findings" if result.accepted else ""
        return f"{_REPAIR}{reviewers}"
    if result.next_tool == "revise_report":
        return (
            "ask the developer whether to replace the text of the existing report, which "
            "withdraws a decision on it. If they agree, call get_report with its id for its "
            "version, then revise_report"
        )
    revision = ", the next revision of the report" if result.event == "resubmit" else ""
    return f"ask the developer whether to hand it in{revision}. If they agree, call submit_report"
