"""A developer's assistant: the official MCP client, connected to golive's MCP server."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from programs import REPOSITORY_ROOT, child_environment

from desk.service import Service

# The MCP server has an environment of its own; what runs here is the client alone.
MCP_SERVER = REPOSITORY_ROOT / "mcp-server" / ".venv" / "bin" / "mcp-golive-server"


class Assistant:
    """Calls tools, one at a time, from a test that is not asynchronous."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        self._portal = portal
        self._client = client

    def submit_report(self, name: str, markdown: str) -> dict[str, Any]:
        """Submit a report and return the tool's structured output."""
        arguments = {
            "server_name": name,
            "repository_url": f"https://github.com/example/{name}",
            "developer_email": "kari@example.com",
            "report_markdown": markdown,
        }
        result = self._portal.call(self._client.call_tool, "submit_report", arguments)
        if result.is_error or result.structured_content is None:
            raise AssertionError(f"submit_report was refused: {result.content}")
        return result.structured_content


@contextmanager
def connected_assistant(service: Service, log: Path) -> Generator[Assistant]:
    """Start an MCP server on stdio for `service`, and connect to it."""
    with (
        # The browser's driver has this thread's event loop, so the client gets another.
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_connection(service, log)) as client,
    ):
        yield Assistant(portal, client)


@asynccontextmanager
async def _connection(service: Service, log: Path) -> AsyncGenerator[Client]:
    parameters = StdioServerParameters(
        command=str(MCP_SERVER),
        args=[],
        env=child_environment(API_BASE_URL=f"{service.url}/api/v1"),
    )
    with log.open("w", encoding="utf-8") as errlog:
        async with Client(stdio_client(parameters, errlog=errlog)) as client:
            yield client
