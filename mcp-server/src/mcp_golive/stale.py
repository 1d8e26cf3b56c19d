"""What happened to a report since a version of it was read, for somebody who is refused for that.

Told from the report's history. It is an addition to an error: whatever goes
wrong here leaves the error as it is.
"""

from itertools import pairwise
from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import AfterValidator, BaseModel, TypeAdapter

from mcp_golive.call import Call
from mcp_golive.exchange import Exchange, read, version
from mcp_golive.visible import excerpt

_SECONDS = 5.0
_CHANGES_LIMIT = 5
_WORDS_LIMIT_CHARACTERS = 200

_Words = Annotated[str, AfterValidator(lambda text: excerpt(text, _WORDS_LIMIT_CHARACTERS))]


class _Person(BaseModel):
    name: _Words


class _Change(BaseModel):
    """One commit of the report."""

    commit: _Words
    committed_at: _Words
    author: _Person
    event: _Words | None
    status_after: Literal["pending_review", "approved", "rejected"] | None
    revision: int | None


async def told(exchange: Exchange, call: Call, report_id: str, bound: str) -> list[str]:
    """Return lines on what changed since `bound` was the version of the report, newest first."""
    try:
        with exchange.deadline(call, at_most_seconds=_SECONDS):
            return await _told(exchange, call, report_id, bound)
    except ToolError:
        return []


async def _told(exchange: Exchange, call: Call, report_id: str, bound: str) -> list[str]:
    response = await exchange.ask(call, "GET", f"/reports/{report_id}/history")
    changes = read(call, response, TypeAdapter(list[_Change]))
    lines: list[str] = []
    for change, before in pairwise(changes[: _CHANGES_LIMIT + 1]):
        lines.append(_line(change))
        # The version is the blob of the file, which the history does not name.
        then = await exchange.ask(
            call, "HEAD", f"/reports/{report_id}", params={"at": before.commit}
        )
        if version(then) == bound:
            return ["What changed since then, newest first:", *lines]
    return ["What changed last, newest first:", *lines]


def _line(change: _Change) -> str:
    event = change.event or "change"
    status = f", status {change.status_after}" if change.status_after else ""
    revision = f", revision {change.revision}" if change.revision else ""
    return f"- {change.committed_at}: {event} by {change.author.name}{status}{revision}"
