"""`list_servers` follows the pages to 1,000 reports, and says how many more there are."""

import pytest
from asking import ask, error, serve_pages, structured, summary, text
from fake_service import Answer, FakeService, Request

from mcp_golive.fence import DATA_NOTE

pytestmark = pytest.mark.anyio


async def test_status_is_passed_on_and_full_values_are_structured(fake: FakeService) -> None:
    first = summary(1, status="approved", repository_url="https://github.com/Intility/mcp-1.git")
    fake.answer = Answer(body=[first | {"revision": 3}], headers={"X-Total-Count": "1"})
    result = await ask(fake.base_url, "list_servers", {"status": "approved"})

    assert fake.requests[0].query == {"status": "approved", "limit": "1000"}
    assert structured(result) == {
        "data_note": DATA_NOTE,
        "status": "approved",
        "servers": [first],
        "total": 1,
        "complete": True,
    }
    assert "| mcp-1 | github.com/Intility/mcp-1 | approved | 2025-10-20 |" in text(result)


async def test_all_is_the_default_and_an_empty_list_is_a_sentence(fake: FakeService) -> None:
    result = await ask(fake.base_url, "list_servers", {})

    assert fake.requests[0].query["status"] == "all"
    assert text(result) == "No servers found with status: all"
    assert structured(result)["servers"] == []


async def test_short_pages_are_followed_to_the_end_in_order(fake: FakeService) -> None:
    serve_pages(fake, n_reports=250, page_limit=100)
    found = structured(await ask(fake.base_url, "list_servers", {}))

    assert [server["server_name"] for server in found["servers"]] == [
        f"mcp-{n}" for n in range(250)
    ]
    assert (found["total"], found["complete"]) == (250, True)
    assert [request.query.get("cursor") for request in fake.requests] == [None, "100", "200"]


@pytest.mark.parametrize("page_limit", [1000, 300, 5000])
async def test_list_of_2000_stops_at_1000_and_counts_the_rest(
    fake: FakeService, page_limit: int
) -> None:
    serve_pages(fake, n_reports=2000, page_limit=page_limit)
    result = await ask(fake.base_url, "list_servers", {})

    found = structured(result)
    assert (len(found["servers"]), found["total"], found["complete"]) == (1000, 2000, False)
    assert "The newest 1,000 of 2,000 reports are shown; 1,000 more are not." in text(result)
    assert text(result).count("\n| mcp-") == 1000


async def test_exactly_1000_reports_are_complete(fake: FakeService) -> None:
    serve_pages(fake, n_reports=1000, page_limit=400)
    result = await ask(fake.base_url, "list_servers", {})

    assert structured(result)["complete"] is True
    assert "more are not" not in text(result)


async def test_more_pages_without_a_count_are_still_told(fake: FakeService) -> None:
    body = [summary(number) for number in range(1000)]
    fake.answer = Answer(body=body, headers={"Link": '<?cursor=x>; rel="next"'})
    result = await ask(fake.base_url, "list_servers", {})

    assert (structured(result)["total"], structured(result)["complete"]) == (None, False)
    assert "there are more" in text(result)


@pytest.mark.parametrize(
    ("n_reports", "link"),
    [
        pytest.param(1, "<?status=all&limit=1000>", id="page_that_names_itself"),
        pytest.param(0, "<?cursor=x>", id="empty_page_with_a_next"),
        pytest.param(1, "</api/v1/reports>", id="page_without_a_cursor"),
    ],
)
async def test_pages_that_lead_nowhere_end_the_listing(
    fake: FakeService, n_reports: int, link: str
) -> None:
    body = [summary(number) for number in range(n_reports)]
    fake.answer = Answer(body=body, headers={"Link": f'{link}; rel="next"'})
    found = structured(await ask(fake.base_url, "list_servers", {}))

    assert len(fake.requests) == 1
    assert found["complete"] is False


async def test_next_page_is_asked_of_the_same_service(fake: FakeService) -> None:
    def page(request: Request) -> Answer:
        link = '<https://elsewhere.example/x?cursor=2>; rel="next"'
        headers = {} if "cursor" in request.query else {"Link": link}
        return Answer(body=[summary(len(fake.requests))], headers=headers)

    fake.answer = page
    found = structured(await ask(fake.base_url, "list_servers", {}))

    assert len(found["servers"]) == 2
    assert {request.path for request in fake.requests} == {"/api/v1/reports"}


async def test_trouble_on_a_later_page_is_an_error_and_not_a_short_list(fake: FakeService) -> None:
    def page(request: Request) -> Answer:
        if "cursor" in request.query:
            return Answer(status=500, body={"detail": "internal"})
        return Answer(body=[summary(1)], headers={"Link": '<?cursor=2>; rel="next"'})

    fake.answer = page
    assert "failed (500)" in error(await ask(fake.base_url, "list_servers", {}))
