"""The six tools, with what is true of each call."""

import inspect
from collections.abc import Callable
from typing import Any

from mcp.server.mcpserver.tools import Tool
from mcp_types import ToolAnnotations

from mcp_golive.arguments import strict_tool
from mcp_golive.tools.developer import check_report, revise_report, submit_report
from mcp_golive.tools.reviewer import get_report, list_servers, review_report

_READS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_ADDS = ToolAnnotations(
    read_only_hint=False,
    # History only grows: a submission adds a revision and takes nothing away.
    destructive_hint=False,
    # The same call after a rejection is one more submission.
    idempotent_hint=False,
    open_world_hint=False,
)
_REPLACES = ToolAnnotations(
    read_only_hint=False,
    # It withdraws or overrules a decision: clients ask their person first.
    destructive_hint=True,
    # Bound to a version: the same call again is refused as stale, and changes nothing.
    idempotent_hint=True,
    open_world_hint=False,
)


def golive_tools() -> list[Tool]:
    """Return all tools with their annotations, ready to serve."""
    return [
        _tool(check_report, "Check go-live report", _READS),
        _tool(submit_report, "Submit go-live report", _ADDS),
        _tool(get_report, "Read go-live report", _READS),
        _tool(revise_report, "Replace go-live report", _REPLACES),
        _tool(list_servers, "List submitted servers", _READS),
        _tool(review_report, "Decide on go-live report", _REPLACES),
    ]


def _tool(function: Callable[..., Any], title: str, annotations: ToolAnnotations) -> Tool:
    return strict_tool(
        function, title=title, description=inspect.getdoc(function), annotations=annotations
    )
