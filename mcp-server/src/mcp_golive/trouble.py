"""Errors when no usable answer came: service down, slow, or somebody else.

Each is one sentence on what happened, with the address that was tried, and one
on what to do. Where a report may have been stored, the text says so.
"""

import httpx
from mcp.server.mcpserver.exceptions import ToolError

from mcp_golive.call import Call
from mcp_golive.visible import excerpt

_REASON_LIMIT_CHARACTERS = 200


def timed_out(call: Call, seconds: float) -> ToolError:
    """Return the error for a service that took longer than the time-out."""
    return ToolError(
        f"{call.service} did not answer within {seconds:g} seconds. {call.again}; "
        "a longer wait is set with API_TIMEOUT_SECONDS"
    )


def unreachable(call: Call, error: httpx.TransportError) -> ToolError:
    """Return the error for a connection that never came to be: nothing was sent."""
    return ToolError(
        f"no connection to {call.service}{_reason(error)}. Nothing was sent: check that the "
        f"service runs and that API_BASE_URL is right, then call {call.tool} again"
    )


def broken_off(call: Call, error: httpx.HTTPError) -> ToolError:
    """Return the error for a connection that ended in the middle of the exchange."""
    return ToolError(f"the connection to {call.service} broke off{_reason(error)}. {call.again}")


def not_the_service(call: Call, response: httpx.Response, wanted: str = "JSON") -> ToolError:
    """Return the error for a success whose body is not what the API gives, HTML for one."""
    kind = response.headers.get("content-type", "no content type")
    return ToolError(
        f"{call.service} answered {response.status_code} with something that is not golive's "
        f"{wanted} ({excerpt(kind, 100)}). Check that API_BASE_URL leads to golive's API and not "
        f"to a web page or a proxy. {call.again}"
    )


def redirected(call: Call, response: httpx.Response) -> ToolError:
    """Return the error for a redirect, which is not followed: it could lead a report away."""
    location = excerpt(response.headers.get("location", "nowhere"), _REASON_LIMIT_CHARACTERS)
    repair = call.nothing_stored(
        "set API_BASE_URL to the address where golive's API itself answers"
    )
    return ToolError(
        f"{call.service} redirects to `{location}`, and redirects are not followed. {repair}"
    )


def _reason(error: Exception) -> str:
    text = excerpt(str(error), _REASON_LIMIT_CHARACTERS)
    return f": {text}" if text else ""
