"""The tools of who hands in a report: check it, submit it, replace it.

One function is one tool: signature and docstring are what the assistant reads.
A refused call raises `ToolError`; nothing of a failure is ever returned as if
it were a result.
"""

from typing import Annotated

from mcp_types import CallToolResult

from mcp_golive import inputs, texts
from mcp_golive.api import Bound, NewReport
from mcp_golive.assessment import CheckedReport, DryRun, InvalidArgument
from mcp_golive.models import RevisedReport, SubmittedReport
from mcp_golive.problem import Problem
from mcp_golive.progress import GoliveContext, golive, waiting
from mcp_golive.refusal import argument, repair
from mcp_golive.tools.result import result


async def check_report(
    ctx: GoliveContext,
    server_name: inputs.ServerName,
    repository_url: inputs.RepositoryUrl,
    developer_email: inputs.DeveloperEmail,
    report_markdown: inputs.ReportMarkdown,
) -> Annotated[CallToolResult, CheckedReport]:
    """Check a go-live report before it is handed in: a dry run, nothing is stored.

    Lists everything that would refuse it and everything that the check of the text finds
    missing or wrong, with line and repair, and says which tool to call next. Call it until
    no findings remain; repair findings from evidence, never by inventing any.
    """
    report = _report(server_name, repository_url, developer_email, report_markdown)
    dry_run = await waiting(ctx, lambda: golive(ctx).check_report(report))
    checked = _checked(dry_run)
    return result(texts.checked(checked), checked)


async def submit_report(
    ctx: GoliveContext,
    server_name: inputs.ServerName,
    repository_url: inputs.RepositoryUrl,
    developer_email: inputs.DeveloperEmail,
    report_markdown: inputs.ReportMarkdown,
) -> Annotated[CallToolResult, SubmittedReport]:
    """Submit a completed MCP go-live report for platform team review.

    One report stands for one source repository. A repository whose report is pending
    review or approved is refused, with that report's id: use revise_report there. After a
    rejection the repaired report is submitted again with this tool. Call check_report first,
    and ask the developer before you submit.
    """
    report = _report(server_name, repository_url, developer_email, report_markdown)
    stored = await waiting(ctx, lambda: golive(ctx).submit_report(report))
    return result(texts.submitted(stored), stored)


async def revise_report(  # noqa: PLR0913 — one argument each, as the service has them
    ctx: GoliveContext,
    *,
    id: inputs.ReportId,
    server_name: inputs.ServerName,
    repository_url: inputs.RepositoryUrl,
    developer_email: inputs.DeveloperEmail,
    report_markdown: inputs.ReportMarkdown,
    version: inputs.Version,
) -> Annotated[CallToolResult, RevisedReport]:
    """Replace the text of a report that is pending review, approved or expired.

    The new version goes back to review, and a decision on the earlier one is withdrawn; the
    history keeps both. The repository stays the same. The call is bound to `version`: if
    the report was changed after you read it, nothing is stored. Ask the developer first.
    """
    report = _report(server_name, repository_url, developer_email, report_markdown)
    stored = await waiting(ctx, lambda: golive(ctx).revise_report(Bound(id, version), report))
    return result(texts.revised(stored), stored)


def _report(
    server_name: str, repository_url: str, developer_email: str, report_markdown: str
) -> NewReport:
    return NewReport(
        server_name=server_name,
        repository_url=repository_url,
        developer_email=developer_email,
        report_data=report_markdown,
    )


def _checked(dry_run: DryRun) -> CheckedReport:
    findings = dry_run.assessment.findings if dry_run.assessment else []
    ready = dry_run.accepted and not findings
    handing_in = "revise_report" if dry_run.event == "revise" else "submit_report"
    return CheckedReport(
        accepted=dry_run.accepted,
        event=dry_run.event,
        next_tool=handing_in if ready else "check_report",
        report=dry_run.report,
        enforcement=dry_run.enforcement,
        problems=_invalid_arguments(dry_run),
        assessment=dry_run.assessment,
    )


def _invalid_arguments(dry_run: DryRun) -> list[InvalidArgument]:
    """Return what refuses the submission, without the findings, which the assessment has."""
    invalid: list[InvalidArgument] = []
    for members in dry_run.problems:
        problem = Problem.of(members)
        is_told = bool(members.get("findings")) and dry_run.assessment is not None
        if not problem.invalid:
            invalid.append(InvalidArgument(argument=None, problem=problem.detail or problem.title))
        invalid += [
            InvalidArgument(argument=argument(field) or None, problem=repair(field))
            for field in problem.invalid
            if not (is_told and field.field == "report_data")
        ]
    return invalid
