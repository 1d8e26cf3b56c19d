"""What the check found in a report's text, as lines under a label."""

from mcp_golive.assessment import Assessment, Finding, PhaseVerdict
from mcp_golive.refusal import LABEL

_SHOWN = 50
_VERDICTS = {
    "pass": "PASS",
    "pass_with_conditions": "PASS WITH CONDITIONS",
    "fail": "FAIL",
    None: "no verdict",
}


def count(assessment: Assessment) -> str:
    """Return how many findings there are, as in `2 errors, 1 warning`."""
    return f"{_counted(assessment.errors, 'error')}, {_counted(assessment.warnings, 'warning')}"


def found(assessment: Assessment) -> list[str]:
    """Return the label and one line for each finding; nothing if there are none."""
    if not assessment.findings:
        return []
    lines = [_line(finding) for finding in assessment.findings[:_SHOWN]]
    n_more = assessment.errors + assessment.warnings - len(lines)
    more = [f"- and {n_more:,} more: repair these first, then look again"] if n_more > 0 else []
    return [LABEL, *lines, *more]


def summary(assessment: Assessment) -> str:
    """Return one line on the report's own risk level and verdicts."""
    risk = assessment.risk_level.upper() if assessment.risk_level else "none named"
    verdicts = "; ".join(_phase(phase) for phase in assessment.phases)
    return f"Risk level: {risk}." + (f" Verdicts: {verdicts}." if verdicts else "")


def _line(finding: Finding) -> str:
    return (
        f"- line {finding.line}, {finding.severity} `{finding.rule}`: {finding.detail}. "
        f"Repair: {finding.repair}"
    )


def _phase(phase: PhaseVerdict) -> str:
    return f"{phase.number} {phase.name}: {_VERDICTS[phase.verdict]}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
