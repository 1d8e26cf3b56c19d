"""A service that is slow or away: every tool answers in time, says so, and shows that it lives."""

import socket
import threading
import time
from collections.abc import Generator
from typing import Any

import pytest
from asking import MODERN, REPORT, error, in_memory
from transports import over

pytestmark = pytest.mark.anyio

ID = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10"
BOUND = {"id": ID, "version": "0" * 40}
CALLS: dict[str, dict[str, Any]] = {
    "check_report": REPORT,
    "submit_report": REPORT,
    "get_report": {"id": ID},
    "revise_report": REPORT | BOUND,
    "list_servers": {},
    "review_report": BOUND | {"status": "approved", "reviewed_by": "Morgan"},
}
WRITES = {"submit_report", "revise_report", "review_report"}
each_tool = pytest.mark.parametrize("tool", list(CALLS))


@pytest.fixture
def silent() -> Generator[str]:
    """Run a service that takes connections and requests, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []
        thread = threading.Thread(target=_take, args=(listener, taken))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in taken:
            connection.close()


@pytest.fixture
def dribbling() -> Generator[str]:
    """Run a service that sends the head of an answer, and then a byte now and then."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_dribble, args=(listener, ended))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture
def closed() -> Generator[str]:
    """Name a service at a port that nobody listens on, and nobody else can take."""
    with socket.socket() as unserved:
        unserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unserved.getsockname()[1]}/api/v1"


@each_tool
async def test_service_that_never_answers_is_given_up_in_time(silent: str, tool: str) -> None:
    began = time.monotonic()
    async with in_memory(silent, timeout_seconds=0.3) as client:
        shown = error(await client.call_tool(tool, CALLS[tool]))

    assert 0.3 <= time.monotonic() - began < 5
    assert f"`{silent}` (API_BASE_URL) did not answer within 0.3 seconds" in shown
    assert ("all the same: call get_report" in shown) == (tool in WRITES)
    assert (f"Call {tool} again later" in shown) == (tool not in WRITES)


@each_tool
async def test_service_that_dribbles_is_given_up_in_time(dribbling: str, tool: str) -> None:
    began = time.monotonic()
    async with in_memory(dribbling, timeout_seconds=0.3) as client:
        shown = error(await client.call_tool(tool, CALLS[tool]))

    assert time.monotonic() - began < 5
    assert "did not answer within 0.3 seconds" in shown


@each_tool
async def test_service_that_is_away_is_told_at_once(closed: str, tool: str) -> None:
    async with in_memory(closed) as client:
        shown = error(await client.call_tool(tool, CALLS[tool]))

    assert f"no connection to the golive service at `{closed}` (API_BASE_URL)" in shown
    assert "Nothing was sent" in shown
    assert f"then call {tool} again" in shown


@each_tool
async def test_waiting_client_hears_that_the_call_is_alive(silent: str, tool: str) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with in_memory(silent, timeout_seconds=1.0) as client:
        error(await client.call_tool(tool, CALLS[tool], progress_callback=hear))

    assert len(heard) >= 5
    assert [progress for progress, _, _ in heard] == sorted(progress for progress, _, _ in heard)
    assert {total for _, total, _ in heard} == {1.0}
    assert heard[0][2] == "waiting for the golive service, 0.1 of at most 1 seconds"


@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize("mode", ["legacy", MODERN])
async def test_client_at_the_other_end_of_a_transport_hears_it_too(
    silent: str, transport: str, mode: str
) -> None:
    heard: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total, message))

    async with over(transport, mode, silent, "--timeout", "1") as client:
        shown = error(await client.call_tool("list_servers", {}, progress_callback=hear))

    assert "did not answer within 1 seconds" in shown
    assert len(heard) >= 3


def _take(listener: socket.socket, taken: list[socket.socket]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        taken.append(connection)


def _dribble(listener: socket.socket, ended: threading.Event) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not ended.wait(0.05):
                connection.sendall(b" ")
        except OSError:
            pass
        finally:
            connection.close()
