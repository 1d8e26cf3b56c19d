"""Replacing a report and deciding on it, bound to the version that was read; on a real golive."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from asking import error, in_memory, structured, text
from mcp import Client
from programs import Golive
from reporting import decide, new_report, stored

pytestmark = pytest.mark.anyio

NOWHERE = "0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10"
REVIEWER = "Morgan <morgan@intility.no>"


@pytest.fixture
async def client(golive: Golive) -> AsyncGenerator[Client]:
    """Connect to a server object whose service is a real one."""
    async with in_memory(golive.base_url) as client:
        yield client


async def submit(client: Client, report: dict[str, str]) -> dict[str, Any]:
    """Hand in `report` and return its id and its version, as the other tools take them."""
    result = structured(await client.call_tool("submit_report", report))
    return {"id": result["id"], "version": result["version"]}


async def test_new_version_of_a_pending_report_is_its_next_revision(
    client: Client, golive: Golive
) -> None:
    report = new_report()
    bound = await submit(client, report)
    changed = report | {"report_markdown": "# Better\n"}
    result = await client.call_tool("revise_report", changed | bound)

    revised = structured(result)
    now = stored(golive, bound["id"])
    assert (revised["revision"], revised["changed"]) == (2, True)
    assert revised["version"] == now["version"] != bound["version"]
    assert now["report_data"] == "# Better\n"
    assert f"**Version:** {now['version']}" in text(result)
    assert "Via: mcp" in golive.newest_commit()


async def test_new_version_of_an_approved_report_goes_back_to_review(
    client: Client, golive: Golive
) -> None:
    report = new_report()
    bound = await submit(client, report)
    decide(golive, bound["id"], "approved")
    version = stored(golive, bound["id"])["version"]
    changed = report | {"report_markdown": "# Better\n", "id": bound["id"], "version": version}

    revised = structured(await client.call_tool("revise_report", changed))
    assert (revised["status"], revised["revision"]) == ("pending_review", 2)


async def test_equal_version_records_nothing_and_says_so(client: Client, golive: Golive) -> None:
    report = new_report()
    bound = await submit(client, report)
    commit = golive.newest_commit()
    result = await client.call_tool("revise_report", report | bound)

    assert (structured(result)["changed"], structured(result)["revision"]) == (False, 1)
    assert "Nothing was recorded" in text(result)
    assert golive.newest_commit() == commit


async def test_new_version_for_another_repository_is_refused(client: Client) -> None:
    bound = await submit(client, new_report())
    shown = error(await client.call_tool("revise_report", new_report() | bound))
    assert "- `repository_url`: must be the repository of this report" in shown
    assert "Nothing was stored" in shown


async def test_conflict_of_a_submission_leads_to_the_call_that_replaces(
    client: Client, golive: Golive
) -> None:
    report = new_report()
    bound = await submit(client, report)
    changed = report | {"report_markdown": "# Better\n"}
    shown = error(await client.call_tool("submit_report", changed))

    assert "call revise_report with the id and the version below" in shown
    version = bound["version"]
    assert f"- existing report: {bound['id']}, status pending_review, version {version}" in shown
    assert "PUT" not in shown
    await client.call_tool("revise_report", changed | bound)
    assert stored(golive, bound["id"])["revision"] == 2


@pytest.mark.parametrize("status", ["approved", "rejected"])
async def test_decision_is_recorded_with_reviewer_notes_and_way_in(
    client: Client, golive: Golive, status: str
) -> None:
    bound = await submit(client, new_report())
    decision = {"status": status, "reviewed_by": REVIEWER, "review_notes": "FP-31 *first*.\n\n> x"}
    result = await client.call_tool("review_report", bound | decision)

    now = stored(golive, bound["id"])
    assert decision.items() <= now.items()
    assert structured(result)["version"] == now["version"]
    assert text(result).startswith(f"✅ Decision recorded: {status}\n")
    commit = golive.newest_commit()
    assert "Via: mcp" in commit
    assert f"Report-Blob: {bound['version']}" in commit


@pytest.mark.parametrize("notes", ["null", '{"a": 1}', "[1]", "true"])
async def test_notes_that_look_like_json_are_notes(
    client: Client, golive: Golive, notes: str
) -> None:
    bound = await submit(client, new_report())
    decision = {"status": "rejected", "reviewed_by": REVIEWER, "review_notes": notes}
    structured(await client.call_tool("review_report", bound | decision))
    assert stored(golive, bound["id"])["review_notes"] == notes


@pytest.mark.parametrize("notes", [{}, {"review_notes": None}, {"review_notes": ""}])
async def test_decision_without_notes_has_none(
    client: Client, golive: Golive, notes: dict[str, Any]
) -> None:
    bound = await submit(client, new_report())
    decision = {"status": "approved", "reviewed_by": REVIEWER} | notes
    result = structured(await client.call_tool("review_report", bound | decision))
    assert result["review_notes"] is None
    assert stored(golive, bound["id"])["review_notes"] is None


async def test_same_decision_on_what_it_left_is_no_second_one(client: Client) -> None:
    bound = await submit(client, new_report())
    decision = {"status": "approved", "reviewed_by": REVIEWER}
    first = structured(await client.call_tool("review_report", bound | decision))
    again = await client.call_tool(
        "review_report", bound | decision | {"version": first["version"]}
    )

    assert structured(again)["changed"] is False
    assert "Nothing was recorded" in text(again)


async def test_same_call_again_is_refused_and_changes_nothing(
    client: Client, golive: Golive
) -> None:
    bound = await submit(client, new_report())
    decision = bound | {"status": "approved", "reviewed_by": REVIEWER}
    structured(await client.call_tool("review_report", decision))
    commit = golive.newest_commit()

    assert "was changed after" in error(await client.call_tool("review_report", decision))
    assert golive.newest_commit() == commit


async def test_decision_on_what_changed_meanwhile_says_what_changed_and_to_read_again(
    client: Client, golive: Golive
) -> None:
    report = new_report()
    bound = await submit(client, report)
    decide(golive, bound["id"], "rejected")
    await client.call_tool("submit_report", report | {"report_markdown": "# Better\n"})
    before = stored(golive, bound["id"])
    decision = bound | {"status": "approved", "reviewed_by": REVIEWER}
    shown = error(await client.call_tool("review_report", decision))

    assert "Nothing was stored: call get_report, read what is there now" in shown
    assert "then call review_report with the new version" in shown
    assert f"version {before['version']}" in shown
    assert "If-Match" not in shown
    told = shown.split("What changed since then, newest first:\n")[1].splitlines()
    assert [line.split(": ", 1)[1] for line in told] == [
        "resubmit by alex@intility.no, status pending_review, revision 2",
        "reject by platform@intility.no, status rejected, revision 1",
    ]
    assert stored(golive, bound["id"]) == before


async def test_new_version_of_what_changed_meanwhile_is_refused_the_same_way(
    client: Client, golive: Golive
) -> None:
    report = new_report()
    bound = await submit(client, report)
    decide(golive, bound["id"], "approved")
    changed = report | {"report_markdown": "# Better\n"}
    shown = error(await client.call_tool("revise_report", changed | bound))

    assert "approve by platform@intility.no, status approved, revision 1" in shown
    assert stored(golive, bound["id"])["status"] == "approved"


async def test_version_from_nowhere_is_told_what_changed_last(client: Client) -> None:
    report = new_report()
    bound = await submit(client, report)
    second = await client.call_tool("revise_report", report | bound | {"report_markdown": "# 2\n"})
    assert structured(second)["revision"] == 2
    decision = {"status": "approved", "reviewed_by": REVIEWER, "version": "0" * 40}
    shown = error(await client.call_tool("review_report", bound | decision))
    assert "What changed last, newest first:\n- " in shown


@pytest.mark.parametrize("tool", ["revise_report", "review_report"])
async def test_report_that_is_not_there_is_looked_for(client: Client, tool: str) -> None:
    arguments = {"id": NOWHERE, "version": "0" * 40} | (
        new_report() if tool == "revise_report" else {"status": "approved", "reviewed_by": REVIEWER}
    )
    shown = error(await client.call_tool(tool, arguments))
    assert "golive has no such report (404). Nothing was stored: call get_report" in shown


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"id": "../../healthz"}, "`id`: must be the id of a report"),
        ({"id": f"{NOWHERE}\n"}, "`id`: must be the id of a report"),
        ({"version": '"' + "0" * 40 + '"'}, "`version`: must be the version of the report"),
        ({"version": "0" * 40 + '", "'}, "`version`: must be the version of the report"),
        ({"status": "pending_review"}, "`status`: must be one of 'approved' or 'rejected'"),
    ],
)
async def test_argument_of_the_wrong_form_is_named_and_nothing_is_sent(
    client: Client, golive: Golive, wrong: dict[str, str], expected: str
) -> None:
    commit = golive.newest_commit()
    arguments = {"id": NOWHERE, "version": "0" * 40, "status": "approved", "reviewed_by": REVIEWER}
    shown = error(await client.call_tool("review_report", arguments | wrong))
    assert expected in shown
    assert golive.newest_commit() == commit
