"""No usable answer: the assistant learns what was tried, what may have happened, what to do."""

import socket
from typing import Any

import pytest
from asking import REPORT, ask, error, in_memory
from fake_service import PROBLEM, Answer, FakeService

pytestmark = pytest.mark.anyio

HTML = "text/html; charset=utf-8"
CALLS: list[tuple[str, dict[str, Any]]] = [("submit_report", REPORT), ("list_servers", {})]


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
async def test_service_down_says_so_and_names_the_address(
    tool: str, arguments: dict[str, str]
) -> None:
    with socket.socket() as unserved:
        # Bound and not listening: a connection is refused, and nobody else takes the port.
        unserved.bind(("127.0.0.1", 0))
        base_url = f"http://127.0.0.1:{unserved.getsockname()[1]}/api/v1"
        shown = error(await ask(base_url, tool, arguments))

    assert f"no connection to the golive service at `{base_url}` (API_BASE_URL)" in shown
    assert "Nothing was sent" in shown
    assert "may have been stored" not in shown


async def test_slow_submission_may_have_been_stored(fake: FakeService) -> None:
    fake.answer = fake.never
    async with in_memory(fake.base_url, timeout_seconds=0.2) as client:
        shown = error(await client.call_tool("submit_report", REPORT))

    assert f"`{fake.base_url}` (API_BASE_URL) did not answer within 0.2 seconds" in shown
    assert "may have been stored all the same: call get_report" in shown
    assert "API_TIMEOUT_SECONDS" in shown


async def test_slow_listing_is_called_again_later(fake: FakeService) -> None:
    fake.answer = fake.never
    async with in_memory(fake.base_url, timeout_seconds=0.2) as client:
        shown = error(await client.call_tool("list_servers", {}))

    assert "did not answer within 0.2 seconds. Call list_servers again later" in shown


async def test_service_works_again_after_it_was_slow(fake: FakeService) -> None:
    fake.answer = fake.never
    async with in_memory(fake.base_url, timeout_seconds=0.2) as client:
        error(await client.call_tool("list_servers", {}))
        fake.answer = Answer(body=[])
        assert not (await client.call_tool("list_servers", {})).is_error


@pytest.mark.parametrize(("tool", "arguments"), CALLS)
async def test_connection_that_breaks_off_is_told_from_one_that_never_was(
    fake: FakeService, tool: str, arguments: dict[str, str]
) -> None:
    fake.answer = Answer(body=b"{", headers={"Content-Length": "not a number"})
    shown = error(await ask(fake.base_url, tool, arguments))

    assert f"the connection to the golive service at `{fake.base_url}`" in shown
    assert "broke off" in shown
    assert ("may have been stored" in shown) == (tool == "submit_report")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(body=b"<html>welcome</html>", content_type=HTML), id="web_page"),
        pytest.param(Answer(body=b""), id="empty"),
        pytest.param(Answer(body={"reports": 1}), id="other_json"),
        pytest.param(Answer(body=b"\xff\xfe"), id="not_text"),
    ],
)
@pytest.mark.parametrize(("tool", "arguments"), CALLS)
async def test_success_that_is_not_golive_s_is_no_success(
    fake: FakeService, answer: Answer, tool: str, arguments: dict[str, str]
) -> None:
    fake.answer = answer
    shown = error(await ask(fake.base_url, tool, arguments))

    assert "not golive's JSON" in shown
    assert fake.base_url in shown
    assert "<html>" not in shown
    assert ("may have been stored" in shown) == (tool == "submit_report")


async def test_error_page_of_a_proxy_is_not_shown(fake: FakeService) -> None:
    fake.answer = Answer(status=502, body=b"<html>Bad Gateway</html>", content_type=HTML)
    shown = error(await ask(fake.base_url, "submit_report", REPORT))

    assert "failed (502)" in shown
    assert "text/html" in shown
    assert "<html>" not in shown
    assert "may have been stored" in shown


async def test_busy_proxy_cannot_promise_that_nothing_was_stored(fake: FakeService) -> None:
    fake.answer = Answer(status=503, body={"message": "no answer from upstream"})
    shown = error(await ask(fake.base_url, "submit_report", REPORT))

    assert "failed (503)" in shown
    assert "may have been stored" in shown
    assert "not golive's own (application/json)" in shown


@pytest.mark.parametrize("body", [[1], b"<html>"])
async def test_problem_that_is_none_is_not_golive_s(fake: FakeService, body: object) -> None:
    fake.answer = Answer(status=422, body=body, content_type=PROBLEM)
    shown = error(await ask(fake.base_url, "submit_report", REPORT))
    assert "refused the call (422)" in shown
    assert "not golive's own" in shown


async def test_limit_of_a_proxy_on_the_size_is_understood(fake: FakeService) -> None:
    fake.answer = Answer(status=413, body=b"<html>too large</html>", content_type=HTML)
    shown = error(await ask(fake.base_url, "submit_report", REPORT))
    assert "shorten `report_markdown`" in shown


async def test_redirect_is_named_and_not_followed(fake: FakeService) -> None:
    fake.answer = Answer(status=307, headers={"Location": "https://elsewhere.example/api/v1"})
    shown = error(await ask(fake.base_url, "submit_report", REPORT))

    assert "redirects to `https://elsewhere.example/api/v1`" in shown
    assert "set API_BASE_URL" in shown
    assert len(fake.requests) == 1
