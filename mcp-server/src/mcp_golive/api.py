"""The golive REST API, as far as the tools need it: check, hand in, read, decide, list.

Every failure is raised as a `ToolError` whose text the assistant can act on.
Holds no rules of its own: what is valid is the service's to say.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal

import httpx
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, TypeAdapter

from mcp_golive import stale, trouble
from mcp_golive.assessment import DryRun, StoredAssessment
from mcp_golive.call import Call
from mcp_golive.exchange import Exchange, open_exchange, read, version
from mcp_golive.listing import collect
from mcp_golive.models import (
    ReportInForce,
    ReviewedReport,
    RevisedReport,
    ServerList,
    ServerSummary,
    StatusFilter,
    SubmittedReport,
)
from mcp_golive.policy import Policy
from mcp_golive.refusal import StaleError
from mcp_golive.settings import Settings
from mcp_golive.visible import excerpt

GUIDE_SECONDS = 10.0
"""Longest wait for the template and the policy: the prompt works without them."""

# A report that is written to all the time: its check belongs to one version of it.
_READS_MAX = 3


class NewReport(BaseModel):
    """A report to hand in; the field names are the API's."""

    server_name: str
    repository_url: str
    developer_email: str
    report_data: str


class Decision(BaseModel):
    """A decision on a report; the field names are the API's."""

    status: Literal["approved", "rejected"]
    reviewed_by: str
    review_notes: str | None


class WholeReport(ReportInForce):
    """A report with its text."""

    report_data: str


@dataclass(frozen=True)
class Bound:
    """The report that a call is about, as it was read: it fails if that changed."""

    report_id: str
    version: str


@dataclass(frozen=True)
class ReadReport:
    """A report as it was read."""

    report: WholeReport
    version: str | None
    assessment: StoredAssessment


class GoliveApi:
    """The calls on one golive service."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @property
    def timeout_seconds(self) -> float:
        """Longest wait for one call's whole exchange with the service."""
        return self._exchange.timeout_seconds

    async def check_report(self, report: NewReport) -> DryRun:
        """Return what would become of `report` if it were handed in; nothing is stored."""
        call = self._exchange.call("check_report")
        with self._exchange.deadline(call):
            response = await self._exchange.ask(
                call, "POST", "/reports/check", json=report.model_dump()
            )
        return read(call, response, TypeAdapter(DryRun))

    async def submit_report(self, report: NewReport) -> SubmittedReport:
        """Hand in `report` and return what the service recorded."""
        call = self._exchange.call("submit_report")
        with self._exchange.deadline(call):
            response = await self._exchange.ask(call, "POST", "/reports", json=report.model_dump())
        stored = read(call, response, TypeAdapter(SubmittedReport))
        return stored.model_copy(update={"version": version(response)})

    async def revise_report(self, bound: Bound, report: NewReport) -> RevisedReport:
        """Hand in a new version of the report, if it is as it was read."""
        call = self._exchange.call("revise_report")
        response = await self._write(call, "PUT", "", bound, report)
        stored = read(call, response, TypeAdapter(RevisedReport))
        return stored.model_copy(update=_written(response, bound))

    async def review_report(self, bound: Bound, decision: Decision) -> ReviewedReport:
        """Record `decision` on the report, if it is as it was read."""
        call = self._exchange.call("review_report")
        response = await self._write(call, "PATCH", "/status", bound, decision)
        stored = read(call, response, TypeAdapter(ReviewedReport))
        return stored.model_copy(update=_written(response, bound))

    async def get_report(self, *, report_id: str | None, repository_url: str | None) -> ReadReport:
        """Return one report, found by its id or else by its repository, and its check."""
        call = self._exchange.call("get_report")
        with self._exchange.deadline(call):
            found = report_id or await self._find(call, repository_url or "")
            return await self._read(call, found)

    async def list_reports(self, status: StatusFilter) -> ServerList:
        """Return the newest reports with `status`, as many as `listing` shows."""
        call = self._exchange.call("list_servers")
        with self._exchange.deadline(call):
            return await collect(self._exchange, call, status)

    async def template(self, reader: str) -> str:
        """Return the template of the reports repository, for `reader` (as errors name it)."""
        call = self._exchange.call(reader)
        with self._exchange.deadline(call, at_most_seconds=GUIDE_SECONDS):
            response = await self._exchange.ask(
                call, "GET", "/template", headers={"Accept": "text/markdown, */*;q=0.1"}
            )
        if not response.headers.get("content-type", "").startswith("text/markdown"):
            raise trouble.not_the_service(call, response, "template")
        return response.content.decode("utf-8", "replace")

    async def policy(self, reader: str) -> Policy:
        """Return the rules of the reports repository, for `reader` (as errors name it)."""
        call = self._exchange.call(reader)
        with self._exchange.deadline(call, at_most_seconds=GUIDE_SECONDS):
            response = await self._exchange.ask(call, "GET", "/policy")
        return read(call, response, TypeAdapter(Policy))

    async def _find(self, call: Call, repository_url: str) -> str:
        query = {"repository_url": repository_url}
        response = await self._exchange.ask(call, "GET", "/reports", params=query)
        found = read(call, response, TypeAdapter(list[ServerSummary]))
        if not found:
            raise ToolError(
                f"golive has no report for the repository `{excerpt(repository_url, 500)}`. Check "
                "the address; to hand in a first report, call check_report and then submit_report"
            )
        return found[0].id

    async def _read(self, call: Call, report_id: str) -> ReadReport:
        """Read the report and its check until both are of one version."""
        for _ in range(_READS_MAX):
            response = await self._exchange.ask(call, "GET", f"/reports/{report_id}")
            report = read(call, response, TypeAdapter(WholeReport))
            checked = await self._exchange.ask(call, "GET", f"/reports/{report_id}/assessment")
            assessment = read(call, checked, TypeAdapter(StoredAssessment))
            if assessment.report == version(response):
                return ReadReport(report, version(response), assessment)
        raise ToolError("the report changes while it is read. Call get_report again later")

    async def _write(
        self, call: Call, method: str, part: str, bound: Bound, body: BaseModel
    ) -> httpx.Response:
        """Send `body` to the report's address, or `part` of it."""
        try:
            with self._exchange.deadline(call):
                return await self._exchange.ask(
                    call,
                    method,
                    f"/reports/{bound.report_id}{part}",
                    json=body.model_dump(),
                    headers={"If-Match": f'"{bound.version}"'},
                )
        except StaleError as error:
            # What is certain must not be lost if the history is slow: it has a bound of its own.
            changes = await stale.told(self._exchange, call, bound.report_id, bound.version)
            raise ToolError("\n".join([str(error), *changes])) from error


@asynccontextmanager
async def open_api(settings: Settings) -> AsyncGenerator[GoliveApi]:
    """Open the connection pool to the service; nothing is sent before the first call."""
    async with open_exchange(settings) as exchange:
        yield GoliveApi(exchange)


def _written(response: httpx.Response, bound: Bound) -> dict[str, object]:
    """Return what the answer to a write tells beside its body."""
    now = version(response)
    return {"version": now, "changed": now != bound.version}
