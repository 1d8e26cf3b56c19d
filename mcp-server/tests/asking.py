"""Asking the server as an assistant does: through the SDK's client."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Literal

from fake_service import Answer, FakeService, Request
from mcp import Client
from mcp_types import CallToolResult, TextContent

from mcp_golive.server import build_server
from mcp_golive.settings import Settings

LEGACY = "2025-11-25"
MODERN = "2026-07-28"
Generation = Literal["2025-11-25", "2026-07-28"]

TEN_SECONDS = 10.0

REPORT = {
    "server_name": "mcp-servicenow",
    "repository_url": "https://github.com/intility/mcp-servicenow",
    "developer_email": "alex@intility.no",
    "report_markdown": "# MCP Go-Live Production Readiness Report\n",
}
STORED = {
    "id": "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10",
    "server_name": "mcp-servicenow",
    "repository_url": "https://github.com/intility/mcp-servicenow",
    "developer_email": "alex@intility.no",
    "report_data": "# MCP Go-Live Production Readiness Report\n",
    "status": "pending_review",
    "submitted_at": "2025-10-20T10:00:00Z",
    "reviewed_at": None,
    "reviewed_by": None,
    "review_notes": None,
    "revision": 1,
}
INITIALIZE: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
"""The first message of a client of the older generation."""


def mode(generation: Generation) -> str:
    """Return the SDK client's mode for a protocol generation."""
    return "legacy" if generation == LEGACY else generation


@asynccontextmanager
async def in_memory(
    base_url: str, *, timeout_seconds: float = TEN_SECONDS, generation: Generation = MODERN
) -> AsyncGenerator[Client]:
    """Connect to a server object whose service is at `base_url`."""
    server = build_server(Settings(api_base_url=base_url, timeout_seconds=timeout_seconds))
    async with Client(server, mode=mode(generation)) as client:
        yield client


async def ask(base_url: str, tool: str, arguments: dict[str, Any]) -> CallToolResult:
    """Call `tool` once, in memory."""
    async with in_memory(base_url) as client:
        return await client.call_tool(tool, arguments)


def text(result: CallToolResult) -> str:
    """Return the text of a result, which has exactly one."""
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


def error(result: CallToolResult) -> str:
    """Return the text of a refused call; it is never a traceback."""
    assert result.is_error, text(result)
    assert "Traceback" not in text(result)
    return text(result)


def structured(result: CallToolResult) -> dict[str, Any]:
    """Return the structured output of a call that succeeded."""
    assert not result.is_error, text(result)
    assert result.structured_content is not None
    return result.structured_content


def summary(number: int, **fields: str) -> dict[str, str]:
    """Return the `number`th report of a list, as the API gives it."""
    return {
        "id": f"0198c5f2-7a51-7c3e-9b52-{number:012x}",
        "server_name": f"mcp-{number}",
        "repository_url": f"https://github.com/intility/mcp-{number}",
        "status": "pending_review",
        "submitted_at": "2025-10-20T10:00:00Z",
        **fields,
    }


def serve_pages(fake: FakeService, n_reports: int, page_limit: int) -> None:
    """Let `fake` hold `n_reports` and give at most `page_limit` of them on one page."""

    def page(request: Request) -> Answer:
        start = int(request.query.get("cursor", "0"))
        end = min(start + min(int(request.query["limit"]), page_limit), n_reports)
        link = f'</api/v1/reports?status=all&limit=1000&cursor={end}>; rel="next"'
        return Answer(
            body=[summary(number) for number in range(start, end)],
            headers={"X-Total-Count": str(n_reports)} | ({"Link": link} if end < n_reports else {}),
        )

    fake.answer = page
