"""The report's template as a resource, for clients that attach resources to a conversation."""

from mcp.server.mcpserver.exceptions import ResourceError, ToolError
from mcp.server.mcpserver.resources import FunctionResource, Resource

from mcp_golive.api import open_api
from mcp_golive.settings import Settings

TEMPLATE_URI = "golive://template"


def golive_resources(settings: Settings) -> list[Resource]:
    """Return the template, read from the service that `settings` name at each reading."""

    async def template() -> str:
        # The SDK gives a resource at a fixed address no context, so it connects by itself.
        async with open_api(settings) as api:
            try:
                return await api.template(f"the resource {TEMPLATE_URI}")
            except ToolError as error:
                raise ResourceError(str(error)) from error

    return [
        FunctionResource.from_function(
            fn=template,
            uri=TEMPLATE_URI,
            name="template",
            title="Template of a go-live report",
            description="What a go-live report looks like, as the reports repository has it now: "
            "six phases with their headings, tables and verdict lines, to be filled in.",
            mime_type="text/markdown",
        )
    ]
