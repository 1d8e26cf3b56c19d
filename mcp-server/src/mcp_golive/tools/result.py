"""A tool's result: text for the assistant, and the same for programs."""

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel


def result(text: str, structured: BaseModel) -> CallToolResult:
    """Return the result with both."""
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=structured.model_dump(mode="json"),
    )
