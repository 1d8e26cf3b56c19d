"""One exchange with the golive service: a request, its answer, and nothing that takes for ever.

Every failure is raised as a `ToolError` whose text the assistant can act on.
"""

import logging
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

import anyio
import httpx
from pydantic import TypeAdapter, ValidationError

from mcp_golive import __version__, trouble
from mcp_golive.call import Call
from mcp_golive.refusal import refused
from mcp_golive.settings import Settings, is_loopback

_CONNECT_TIMEOUT_SECONDS = 5.0
_ModelT = TypeVar("_ModelT")

logger = logging.getLogger(__name__)


class Exchange:
    """A connection pool to one golive service."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._base_url = settings.api_base_url
        self.timeout_seconds = settings.timeout_seconds
        self._http = http

    def call(self, tool: str) -> Call:
        """Return what the errors of one call of `tool` speak of."""
        return Call(tool=tool, api_base_url=self._base_url)

    async def ask(self, call: Call, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 — httpx's own keywords
        """Send one request to `path` below the base address and return the answer, a success.

        `path` is logged, so what people typed goes into `params`.
        Raises `ToolError` when there is no connection, no whole answer, or a refusal.
        """
        try:
            response = await self._http.request(method, f"{self._base_url}{path}", **request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            logger.warning("%s %s: no connection", method, path)
            raise trouble.unreachable(call, error) from error
        except httpx.HTTPError as error:
            logger.warning("%s %s: %s", method, path, type(error).__name__)
            raise trouble.broken_off(call, error) from error
        # The status only: an answer's words may hold what people typed.
        logger.info("%s %s: %d", method, path, response.status_code)
        if not response.is_success:
            raise refused(call, response)
        return response

    @contextmanager
    def deadline(self, call: Call, *, at_most_seconds: float | None = None) -> Generator[None]:
        """Bound all exchanges of the block, so that a service that dribbles is slow too.

        The bound is the setting, or `at_most_seconds` if that is less. Raises
        `ToolError` when it is over.
        """
        seconds = min(self.timeout_seconds, at_most_seconds or self.timeout_seconds)
        try:
            with anyio.fail_after(seconds):
                yield
        except TimeoutError as error:
            logger.warning("%s: no answer within %g seconds", call.tool, seconds)
            raise trouble.timed_out(call, seconds) from error


def read(call: Call, response: httpx.Response, adapter: TypeAdapter[_ModelT]) -> _ModelT:
    """Return the body of a success; raise `ToolError` when it is not what golive's API gives."""
    try:
        return adapter.validate_json(response.content)
    except ValidationError as error:
        raise trouble.not_the_service(call, response) from error


def version(response: httpx.Response) -> str | None:
    """Return the version that the answer's `ETag` names, without its quotes."""
    tag = response.headers.get("etag", "")
    return tag.strip('"') or None


@asynccontextmanager
async def open_exchange(settings: Settings) -> AsyncGenerator[Exchange]:
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
        yield Exchange(settings, http)
