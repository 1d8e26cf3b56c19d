"""The stdio transport: one client, on standard input and output, until it closes its end."""

import logging
import os
import signal

import anyio
from anyio.abc import TaskStatus

from mcp_golive.arguments import StrictServer

logger = logging.getLogger(__name__)


def serve_stdio(server: StrictServer) -> None:
    """Serve until standard input closes, SIGTERM or Ctrl-C; then the process ends with 0."""
    anyio.run(_serve, server)


async def _serve(server: StrictServer) -> None:
    async with anyio.create_task_group() as tasks:
        await tasks.start(_leave_on_signal)
        logger.info("serving MCP on standard input and output")
        try:
            await server.run_stdio_async()
        except* (BrokenPipeError, ConnectionResetError):
            logger.info("the client went away in the middle of an answer")
        tasks.cancel_scope.cancel()


async def _leave_on_signal(*, task_status: TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for signum in signals:
            logger.info("stopping on %s", signum.name)
            logging.shutdown()
            # The SDK reads standard input in a thread that nothing can wake but the client:
            # the event loop would wait for it for ever. There is no state to save.
            os._exit(0)
