"""All pages of a list of reports, up to as many as a tool shows."""

import httpx
from pydantic import TypeAdapter

from mcp_golive.call import Call
from mcp_golive.exchange import Exchange, read
from mcp_golive.models import ServerList, ServerSummary, StatusFilter

LIST_LIMIT = 1000
"""Most reports that `list_servers` shows; also the most that the API gives on one page."""

_PAGE = TypeAdapter(list[ServerSummary])


async def collect(exchange: Exchange, call: Call, status: StatusFilter) -> ServerList:
    """Return the newest reports with `status`, at most `LIST_LIMIT`, following the pages.

    Raises `ToolError` when the service refuses or cannot be understood.
    """
    servers: list[ServerSummary] = []
    query = httpx.QueryParams({"status": status, "limit": LIST_LIMIT})
    while True:
        response = await exchange.ask(call, "GET", "/reports", params=query)
        page = read(call, response, _PAGE)
        servers += page
        next_query = _next_query(response)
        # An empty page, or one that names itself as the next, would go on for ever.
        if not next_query or len(servers) >= LIST_LIMIT or not page or next_query == query:
            break
        query = next_query
    shown = servers[:LIST_LIMIT]
    complete = next_query is None and len(servers) == len(shown)
    total = len(shown) if complete else _total(response, above=len(shown))
    return ServerList(status=status, servers=shown, total=total, complete=complete)


def _next_query(response: httpx.Response) -> httpx.QueryParams | None:
    """Return the query of the next page, from `Link: <…>; rel="next"`.

    Only the query is taken: behind a gateway the service does not know its own
    outer path, and no link leads a request to another host.
    """
    link = response.links.get("next", {}).get("url")
    return None if link is None else httpx.QueryParams(link.partition("?")[2])


def _total(response: httpx.Response, *, above: int) -> int | None:
    """Return `X-Total-Count` if it makes sense: more reports exist than the `above` shown."""
    count = response.headers.get("x-total-count", "")
    return int(count) if count.isdecimal() and int(count) > above else None
