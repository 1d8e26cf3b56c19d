"""Arguments that do not fit a tool: refused with a text that names each one.

The SDK's own text repeats the arguments' values, a whole report among them, and
an argument that it does not know it drops without a word: `list_servers` with a
misspelt `status` would list everything.
"""

from collections.abc import Callable
from typing import Annotated, Any, cast

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails, PydanticCustomError

from mcp_golive.api import GoliveApi
from mcp_golive.visible import excerpt


class StrictServer(MCPServer[GoliveApi]):
    """An MCP server whose errors about arguments are short sentences, without their values."""

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        context: Context[GoliveApi, Any] | None = None,
    ) -> CallToolResult | InputRequiredResult:
        """Call the tool; raise `ToolError` with every argument that needs repair."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                raise _repair(name, error.__cause__) from None
            raise


def _encodable(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise PydanticCustomError(
            "lone_surrogate",
            "must be whole Unicode, but holds half of a surrogate pair at character {position}",
            {"position": error.start + 1},
        ) from error
    return text


Text = Annotated[str, AfterValidator(_encodable)]
"""A string argument; JSON's escapes can spell strings that no UTF-8 request can carry."""


class _NothingExtra(BaseModel):
    model_config = ConfigDict(extra="forbid")


def strict_tool(function: Callable[..., Any], **kwargs: Any) -> Tool:  # noqa: ANN401 — the SDK's own keywords
    """Return `function` as a tool that refuses arguments which are not in its signature."""
    tool = Tool.from_function(function, **kwargs)
    lenient = tool.fn_metadata.arg_model
    # Both are read anew at every call and every listing, so this is all it takes.
    strict = create_model(lenient.__name__, __base__=(lenient, _NothingExtra))
    tool.fn_metadata.arg_model = cast(type[ArgModelBase], strict)
    tool.parameters = strict.model_json_schema(by_alias=True)
    return tool


def _repair(tool: str, error: ValidationError) -> ToolError:
    lines = [_line(details) for details in error.errors(include_url=False, include_input=False)]
    return ToolError(
        "\n".join(
            [f"the arguments do not fit {tool}, so nothing was sent. Repair every one:", *lines]
        )
    )


def _line(details: ErrorDetails) -> str:
    argument = excerpt(".".join(str(part) for part in details["loc"]), 100)
    match details["type"]:
        case "missing":
            problem = "is missing"
        case "extra_forbidden":
            problem = "is not an argument of this tool; remove it"
        case "string_type":
            problem = "must be a string"
        case "literal_error":
            problem = f"must be one of {details.get('ctx', {}).get('expected', 'its values')}"
        case _:
            problem = excerpt(details["msg"], 200)
    return f"- `{argument}`: {problem}"
