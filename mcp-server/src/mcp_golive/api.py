"""The golive REST API, as far as the tools need it: hand in a report, list reports.

Every failure is raised as a `ToolError` whose text the assistant can act on.
Holds no rules of its own: what is valid is the service's to say.
"""

import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import anyio
import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from mcp_golive import __version__, trouble
from mcp_golive.call import Call, list_call, submit_call
from mcp_golive.models import ServerList, ServerSummary, StatusFilter, SubmittedReport
from mcp_golive.refusal import refused
from mcp_golive.settings import Settings, is_loopback

LIST_LIMIT = 1000
"""Most reports that `list_servers` shows; also the most that the API gives on one page."""

_CONNECT_TIMEOUT_SECONDS = 5.0
_PAGE = TypeAdapter(list[ServerSummary])
_ModelT = TypeVar("_ModelT")

logger = logging.getLogger(__name__)


class NewReport(BaseModel):
    """A report to hand in; the field names are the API's."""

    server_name: str
    repository_url: str
    developer_email: str
    report_data: str


class GoliveApi:
    """A connection pool to one golive service."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._base_url = settings.api_base_url
        self._timeout_seconds = settings.timeout_seconds
        self._http = http

    async def submit_report(self, report: NewReport) -> SubmittedReport:
        """Hand in `report` and return what the service recorded.

        Raises `ToolError` when the service refuses it or cannot be understood.
        """
        call = submit_call(self._base_url)
        with _deadline(call, self._timeout_seconds):
            response = await self._exchange(call, "POST", json=report.model_dump())
        return _read(call, response, TypeAdapter(SubmittedReport))

    async def list_reports(self, status: StatusFilter) -> ServerList:
        """Return the newest reports with `status`, at most `LIST_LIMIT`, following the pages.

        Raises `ToolError` when the service refuses or cannot be understood.
        """
        call = list_call(self._base_url)
        with _deadline(call, self._timeout_seconds):
            return await self._collect(call, status)

    async def _collect(self, call: Call, status: StatusFilter) -> ServerList:
        servers: list[ServerSummary] = []
        query = httpx.QueryParams({"status": status, "limit": LIST_LIMIT})
        while True:
            response = await self._exchange(call, "GET", params=query)
            page = _read(call, response, _PAGE)
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

    async def _exchange(self, call: Call, method: str, **request: Any) -> httpx.Response:  # noqa: ANN401 — httpx's own keywords
        try:
            response = await self._http.request(method, f"{self._base_url}/reports", **request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            logger.warning("%s /reports: no connection", method)
            raise trouble.unreachable(call, error) from error
        except httpx.HTTPError as error:
            logger.warning("%s /reports: %s", method, type(error).__name__)
            raise trouble.broken_off(call, error) from error
        # The status only: an answer's words may hold what people typed.
        logger.info("%s /reports: %d", method, response.status_code)
        if not response.is_success:
            raise refused(call, response)
        return response


@asynccontextmanager
async def open_api(settings: Settings) -> AsyncGenerator[GoliveApi]:
    """Open the connection pool to the service; nothing is sent before the first call."""
    async with httpx.AsyncClient(
        headers={
            "Accept": "application/json, application/problem+json",
            # The service writes this into the trailers of the commit.
            "Golive-Via": "mcp",
            "User-Agent": f"mcp-golive-server/{__version__}",
        },
        # The exchange as a whole has a deadline; a slow connect is told apart, for then
        # it is certain that no report was sent.
        timeout=httpx.Timeout(
            None, connect=min(_CONNECT_TIMEOUT_SECONDS, settings.timeout_seconds)
        ),
        # A service on this machine is never behind the proxy of the environment.
        trust_env=not is_loopback(httpx.URL(settings.api_base_url).host),
    ) as http:
        yield GoliveApi(settings, http)


@contextmanager
def _deadline(call: Call, seconds: float) -> Generator[None]:
    """Bound the whole exchange, so that a service that dribbles is slow too."""
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as error:
        logger.warning("%s: no answer within %g seconds", call.tool, seconds)
        raise trouble.timed_out(call, seconds) from error


def _read(call: Call, response: httpx.Response, adapter: TypeAdapter[_ModelT]) -> _ModelT:
    try:
        return adapter.validate_json(response.content)
    except ValidationError as error:
        raise trouble.not_the_service(call, response) from error


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
