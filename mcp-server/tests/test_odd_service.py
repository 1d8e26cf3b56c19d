"""A service that goes astray in the middle of a call: what is certain is told all the same."""

from datetime import UTC, datetime
from typing import Any

import pytest
from asking import REPORT, STORED, error, in_memory
from fake_service import PROBLEM, Answer, FakeService, Request

from mcp_golive import texts
from mcp_golive.models import ReportView

pytestmark = pytest.mark.anyio

ID = str(STORED["id"])
VERSION = "c90334d9531375e81fc975e2249d6b8013cb6f9e"
OTHER = "0" * 40
DECISION = {"id": ID, "version": VERSION, "status": "approved", "reviewed_by": "Morgan"}
STALE: dict[str, Any] = {
    "type": "urn:golive:problem:stale",
    "title": "The report was changed meanwhile",
    "detail": "send `If-Match`",
    "report_id": ID,
    "report_status": "pending_review",
    "current_etag": f'"{OTHER}"',
}
ASSESSMENT: dict[str, Any] = {
    "report": OTHER,
    "enforcement": "warn",
    "risk_level": None,
    "phases": [],
    "findings": [],
}


@pytest.mark.parametrize("history", ["slow", "broken", "foreign"])
async def test_stale_call_is_told_even_if_its_history_cannot_be(
    fake: FakeService, history: str
) -> None:
    def reply(request: Request) -> Answer:
        if request.path.endswith("/status"):
            return Answer(412, STALE, content_type=PROBLEM)
        if history == "slow":
            return fake.never(request)
        return Answer(500 if history == "broken" else 200, {"no": "history"})

    fake.answer = reply
    async with in_memory(fake.base_url, timeout_seconds=0.5) as client:
        shown = error(await client.call_tool("review_report", DECISION))

    assert "was changed after that version of it was read (412). Nothing was stored" in shown
    assert f"- existing report: {ID}, status pending_review, version {OTHER}" in shown
    assert "If-Match" not in shown
    assert "What changed" not in shown


async def test_report_whose_check_is_never_of_its_version_is_read_again_later(
    fake: FakeService,
) -> None:
    def reply(request: Request) -> Answer:
        if request.path.endswith("/assessment"):
            return Answer(body=ASSESSMENT)
        return Answer(body=STORED, headers={"ETag": f'"{VERSION}"'})

    fake.answer = reply
    async with in_memory(fake.base_url) as client:
        shown = error(await client.call_tool("get_report", {"id": ID}))
    assert "the report changes while it is read. Call get_report again later" in shown
    assert len(fake.requests) == 6


@pytest.mark.parametrize("body", [[1], {"findings": 1}, ASSESSMENT | {"findings": [1]}])
async def test_check_that_is_none_is_not_golive_s(fake: FakeService, body: object) -> None:
    def reply(request: Request) -> Answer:
        if request.path.endswith("/assessment"):
            return Answer(body=body)
        return Answer(body=STORED, headers={"ETag": f'"{VERSION}"'})

    fake.answer = reply
    async with in_memory(fake.base_url) as client:
        assert "not golive's JSON" in error(await client.call_tool("get_report", {"id": ID}))


async def test_hundreds_of_invalid_points_are_cut_and_counted(fake: FakeService) -> None:
    errors = [{"pointer": "#/report_data", "detail": f"line {n}: no"} for n in range(120)]
    fake.answer = Answer(422, {"errors": errors}, content_type=PROBLEM)
    async with in_memory(fake.base_url) as client:
        shown = error(await client.call_tool("submit_report", REPORT))
    assert shown.count("\n- `report_markdown`: line ") == 50
    assert shown.endswith("\n- and 70 more")


@pytest.mark.parametrize("text", ["soon", ""])
def test_time_that_is_none_has_not_passed(text: str) -> None:
    report = STORED | {"status": "approved", "approval_expires_at": text}
    view = ReportView.model_validate(
        report | {"version": VERSION, "enforcement": "off", "assessment": None, "text": None}
    )
    shown = texts.shown(view, datetime(2026, 6, 1, tzinfo=UTC))
    assert "expired" not in shown
