"""Arguments missing or wrong: each is named, nothing is sent, no value is repeated."""

from typing import Any

import pytest
from asking import REPORT, ask, error
from fake_service import FakeService

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("tool", "arguments", "expected"),
    [
        pytest.param(
            "submit_report",
            {"server_name": "secret-name"},
            [
                "`repository_url`: is missing",
                "`developer_email`: is missing",
                "`report_markdown`: is missing",
            ],
            id="every_missing_argument",
        ),
        pytest.param(
            "submit_report",
            REPORT | {"server_name": 7, "report_markdown": None},
            ["`server_name`: must be a string", "`report_markdown`: must be a string"],
            id="wrong_types",
        ),
        pytest.param(
            "submit_report",
            REPORT | {"report_data": "x"},
            ["`report_data`: is not an argument of this tool"],
            id="unknown_argument",
        ),
        pytest.param(
            "submit_report",
            REPORT | {"report_markdown": "ab\ud800"},
            ["`report_markdown`: must be whole Unicode", "character 3"],
            id="lone_surrogate",
        ),
        pytest.param(
            "list_servers",
            {"status": "pending"},
            ["`status`: must be one of 'pending_review', 'approved', 'rejected' or 'all'"],
            id="unknown_status",
        ),
        pytest.param(
            "list_servers",
            {"stauts": "approved"},
            ["`stauts`: is not an argument of this tool"],
            id="misspelt_argument",
        ),
        pytest.param("list_servers", {"status": None}, ["`status`: must be one of"], id="null"),
    ],
)
async def test_wrong_arguments_are_named_and_nothing_is_sent(
    fake: FakeService, tool: str, arguments: dict[str, Any], expected: list[str]
) -> None:
    refusal = error(await ask(fake.base_url, tool, arguments))

    for part in expected:
        assert part in refusal
    assert "secret-name" not in refusal
    assert "pydantic" not in refusal
    assert fake.requests == []


async def test_unknown_tool_is_named(fake: FakeService) -> None:
    assert "Unknown tool: approve" in error(await ask(fake.base_url, "approve", {}))
