"""The prompt `go_live_review`: leads an assistant and its developer through the six phases.

Template and policy come from the service, so that they are those of the reports
repository. Without the service the prompt still works, and says what it lacks.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import anyio
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import Message, UserMessage
from pydantic import Field

from mcp_golive.policy import Policy
from mcp_golive.progress import GoliveContext, golive
from mcp_golive.prompt import wording

_NAME = "go_live_review"
_ResultT = TypeVar("_ResultT")

logger = logging.getLogger(__name__)


async def go_live_review(
    ctx: GoliveContext,
    server_name: Annotated[str, Field(description="Name of the MCP server, if known")] = "",
    repository_url: Annotated[str, Field(description="Its source repository, if known")] = "",
    developer_email: Annotated[str, Field(description="The developer's address, if known")] = "",
) -> list[Message]:
    """Go through the go-live review of an MCP server, phase by phase, and write its report.

    For each of the six phases: what to ask, what evidence to collect from the code, when to
    stop. With the template of the report and what the policy asks.
    """
    template, policy = await _read(ctx)
    known = wording.Known(server_name, repository_url, developer_email)
    blocks = [wording.opening(known), wording.instructions(policy), wording.template(template)]
    return [UserMessage("\n\n".join(blocks))]


def golive_prompts() -> list[Prompt]:
    """Return the prompt, ready to serve."""
    return [
        Prompt.from_function(
            go_live_review,
            name=_NAME,
            title="Go-live review",
            description=inspect.getdoc(go_live_review),
        )
    ]


async def _read(ctx: GoliveContext) -> tuple[str | None, Policy | None]:
    """Return template and policy, each `None` if it cannot be read now."""
    templates: list[str] = []
    policies: list[Policy] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_keep, templates, lambda: golive(ctx).template(_NAME))
        tasks.start_soon(_keep, policies, lambda: golive(ctx).policy(_NAME))
    return next(iter(templates), None), next(iter(policies), None)


async def _keep(found: list[_ResultT], read: Callable[[], Awaitable[_ResultT]]) -> None:
    try:
        found.append(await read())
    except ToolError as error:
        logger.warning("the prompt goes on without it: %s", type(error).__name__)
