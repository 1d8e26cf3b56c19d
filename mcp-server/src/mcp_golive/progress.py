"""Tells a waiting client that its call is still alive, so that it neither doubts nor gives up."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from mcp_golive.api import GoliveApi

GoliveContext = Context[GoliveApi, Any]

_STEPS = 10
_ResultT = TypeVar("_ResultT")


def golive(ctx: GoliveContext) -> GoliveApi:
    """Return the service that the server was started for."""
    return ctx.request_context.lifespan_context


async def waiting(ctx: GoliveContext, work: Callable[[], Awaitable[_ResultT]]) -> _ResultT:
    """Return what `work` returns, reporting progress each tenth of the longest wait.

    Nothing is sent to a client that did not ask for progress. Raises the
    `ToolError` of `work`.
    """
    results: list[_ResultT] = []
    errors: list[ToolError] = []
    ticking = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_tick, ctx, ticking)
        # Caught here, for a task group wraps what leaves it.
        try:
            results.append(await work())
        except ToolError as error:
            errors.append(error)
        ticking.cancel()
    for error in errors:
        raise error
    return results[0]


async def _tick(ctx: GoliveContext, ticking: anyio.CancelScope) -> None:
    seconds = golive(ctx).timeout_seconds
    with ticking:
        for step in range(1, _STEPS):
            await anyio.sleep(seconds / _STEPS)
            waited = seconds * step / _STEPS
            message = f"waiting for the golive service, {waited:g} of at most {seconds:g} seconds"
            await ctx.report_progress(waited, seconds, message)
