"""2,000 reports in a real golive: the list stops at 1,000 and counts the rest."""

import anyio
import httpx
import pytest
from asking import REPORT, ask, structured, text
from programs import Golive

pytestmark = pytest.mark.anyio

N_REPORTS = 2000
N_AT_ONCE = 64


async def submit_all(golive: Golive) -> None:
    """Submit `N_REPORTS` reports straight to the API, `N_AT_ONCE` at a time."""
    numbers = iter(range(N_REPORTS))

    async def submit(client: httpx.AsyncClient) -> None:
        for number in numbers:
            report = {
                "server_name": f"mcp-{number}",
                "repository_url": f"https://github.com/intility/mcp-{number}",
                "developer_email": REPORT["developer_email"],
                "report_data": f"# Report {number}\n",
            }
            answer = await client.post(f"{golive.base_url}/reports", json=report)
            answer.raise_for_status()

    async with (
        httpx.AsyncClient(timeout=60, trust_env=False) as client,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(N_AT_ONCE):
            tasks.start_soon(submit, client)


async def test_list_of_2000_reports_shows_1000_and_counts_the_rest(golive: Golive) -> None:
    await submit_all(golive)
    result = await ask(golive.base_url, "list_servers", {})

    found = structured(result)
    assert (len(found["servers"]), found["total"], found["complete"]) == (1000, N_REPORTS, False)
    assert len({server["id"] for server in found["servers"]}) == 1000
    assert "The newest 1,000 of 2,000 reports are shown; 1,000 more are not." in text(result)

    approved = await ask(golive.base_url, "list_servers", {"status": "approved"})
    assert text(approved) == "No servers found with status: approved"
