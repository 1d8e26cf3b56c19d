"""What the check of the service makes of a report's text: findings, verdicts, risk.

Readers of the service's JSON and parts of the tools' structured output. A
finding may quote the text, so its words are made visible as they are read.
"""

from typing import Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, Field, model_validator

from mcp_golive.fence import DATA_NOTE
from mcp_golive.visible import excerpt, visible

FINDINGS_LIMIT = 100
"""Most findings in a structured output; a text of noise has many more."""

_WORDS_LIMIT_CHARACTERS = 1000


def _sentence(text: str) -> str:
    return excerpt(text, _WORDS_LIMIT_CHARACTERS)


Enforcement = Annotated[
    Literal["off", "warn", "refuse"],
    Field(
        description="What the policy does with findings: nothing is checked, they are shown, or "
        "those that are errors refuse a submission."
    ),
]
Words = Annotated[str, AfterValidator(_sentence)]


class Finding(BaseModel):
    """One thing that the text does not say, or says twice."""

    rule: Annotated[str, AfterValidator(visible), Field(description="Id of the rule.")]
    severity: Literal["error", "warning"]
    line: Annotated[int, Field(description="Line of the report's text, 1 for the first.")]
    detail: Annotated[Words, Field(description="What is wrong; may quote the text (data).")]
    repair: Annotated[Words, Field(description="How to repair it.")]


class PhaseVerdict(BaseModel):
    """What one phase of the report came to."""

    number: Annotated[int, Field(description="Number of the phase, from 1.")]
    name: Annotated[str, AfterValidator(visible), Field(description="Name of the phase.")]
    verdict: Annotated[
        Literal["pass", "pass_with_conditions", "fail"] | None,
        Field(description="Its verdict line; null if there is none that can be understood."),
    ]
    line: Annotated[int | None, Field(description="Line of its heading; null if it is missing.")]


class Assessment(BaseModel):
    """What the text says, and what it does not."""

    risk_level: Annotated[
        Literal["low", "medium", "high"] | None,
        Field(description="The report's own word for its risk; null if it has none."),
    ]
    phases: list[PhaseVerdict]
    errors: Annotated[int, Field(description="How many findings are errors.")]
    warnings: Annotated[int, Field(description="How many findings are warnings.")]
    findings: Annotated[
        list[Finding],
        Field(description=f"What is missing or wrong, by line; at most {FINDINGS_LIMIT}."),
    ]

    @model_validator(mode="before")
    @classmethod
    def _count(cls, members: Any) -> Any:  # noqa: ANN401 — whatever the service sent
        """Count the findings, of which only the first are kept."""
        if not isinstance(members, dict):
            return members
        known = cast(dict[str, Any], members)
        if not isinstance(known.get("findings"), list):
            return known
        findings = cast(list[Any], known["findings"])
        n_errors = sum(_is_error(finding) for finding in findings)
        counts = {"errors": n_errors, "warnings": len(findings) - n_errors}
        return known | counts | {"findings": findings[:FINDINGS_LIMIT]}


class StoredAssessment(Assessment):
    """The check of a stored report, as the service gives it."""

    report: str
    """The version of the report that was read."""

    enforcement: Enforcement


class ExistingReport(BaseModel):
    """The report that golive has for the repository already."""

    id: Annotated[str, Field(description="Id of the report, a UUID.")]
    status: Annotated[str, Field(description="Where it stands in the review.")]
    revision: Annotated[int, Field(description="Number of its newest submission, from 1.")]


class DryRun(BaseModel):
    """What would become of a submission, as the service gives it."""

    accepted: bool
    event: Literal["submit", "resubmit", "revise"] | None
    report: ExistingReport | None
    enforcement: Enforcement
    problems: list[dict[str, Any]]
    assessment: Assessment | None


class InvalidArgument(BaseModel):
    """One thing that refuses the submission."""

    argument: Annotated[
        str | None, Field(description="The argument to repair; null if it is none of them.")
    ]
    problem: Annotated[str, Field(description="What is wrong with it and how to repair it.")]


class CheckedReport(BaseModel):
    """What would become of this submission; nothing was stored."""

    data_note: Annotated[str, Field(description="How to take what people typed.")] = DATA_NOTE
    accepted: Annotated[bool, Field(description="Whether it would be taken in now.")]
    event: Annotated[
        Literal["submit", "resubmit", "revise"] | None,
        Field(description="What it would be: a first report, one after a rejection, a new version"),
    ]
    next_tool: Annotated[
        Literal["submit_report", "revise_report", "check_report"],
        Field(
            description="What to call next: check_report once more after the repair, or, when the "
            "developer agrees, the tool that hands it in."
        ),
    ]
    report: Annotated[ExistingReport | None, Field(description="null if golive has none.")]
    enforcement: Enforcement
    problems: Annotated[
        list[InvalidArgument], Field(description="What refuses it; all of it at once.")
    ]
    assessment: Annotated[
        Assessment | None,
        Field(description="What the check makes of the text; null if it was not checked."),
    ]


def _is_error(finding: Any) -> bool:  # noqa: ANN401 — whatever the service sent
    return isinstance(finding, dict) and cast(dict[str, Any], finding).get("severity") == "error"
