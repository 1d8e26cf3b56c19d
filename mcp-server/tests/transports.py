"""The server as a program of its own, and the SDK's client at the other end of a transport."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from programs import MCP_SERVER, child_environment, running_http_server


@asynccontextmanager
async def over(transport: str, mode: str, base_url: str, *flags: str) -> AsyncGenerator[Client]:
    """Start a server for the service at `base_url` and connect to it over `transport`."""
    if transport == "http":
        with running_http_server(base_url, *flags) as (_, address):
            async with Client(f"{address}/mcp", mode=mode) as client:
                yield client
        return
    parameters = StdioServerParameters(
        command=MCP_SERVER[0],
        args=[*MCP_SERVER[1:], *flags],
        env=child_environment(API_BASE_URL=base_url),
    )
    async with Client(stdio_client(parameters), mode=mode) as client:
        yield client
