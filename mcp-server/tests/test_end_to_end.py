"""Every tool, over both transports, in both protocol generations, against a real golive."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asking import LEGACY, MODERN, error, structured, text
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import CallToolResult, TextResourceContents
from programs import MCP_SERVER, Golive, child_environment, running_http_server
from reporting import decide, new_report, stored, template_of

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024

each_transport = pytest.mark.parametrize("transport", ["stdio", "http"])
# The client's three ways to settle the protocol, and the generation that each comes to.
GENERATIONS = {"legacy": LEGACY, MODERN: MODERN, "auto": MODERN}
each_mode = pytest.mark.parametrize("mode", list(GENERATIONS))


@pytest.fixture(scope="module")
def address(golive: Golive) -> Generator[str]:
    """Run one MCP server over HTTP for all tests of this module."""
    with running_http_server(golive.base_url) as (program, address):
        yield address
        program.stop()
        assert "Traceback" not in "\n".join(program.log)


@pytest.fixture
def log(tmp_path: Path) -> Generator[Path]:
    """Name the file for the log of a server on stdio, which holds no traceback in the end."""
    path = tmp_path / "log"
    yield path
    assert not path.exists() or "Traceback" not in path.read_text(encoding="utf-8")


@asynccontextmanager
async def connect(
    transport: str, mode: str, golive: Golive, address: str, log: Path
) -> AsyncGenerator[Client]:
    """Connect the SDK's client to a real server, which it starts itself on stdio."""
    if transport == "http":
        async with Client(f"{address}/mcp", mode=mode) as client:
            yield client
        return
    parameters = StdioServerParameters(
        command=MCP_SERVER[0],
        args=MCP_SERVER[1:],
        env=child_environment(API_BASE_URL=golive.base_url),
    )
    with log.open("w", encoding="utf-8") as errlog:
        async with Client(stdio_client(parameters, errlog=errlog), mode=mode) as client:
            yield client


@each_transport
@each_mode
async def test_report_goes_from_submission_over_rejection_to_approval(
    transport: str, mode: str, golive: Golive, address: str, log: Path
) -> None:
    report = new_report()
    async with connect(transport, mode, golive, address, log) as client:
        assert client.protocol_version == GENERATIONS[mode]

        async def submit() -> CallToolResult:
            return await client.call_tool("submit_report", report)

        async def listed(status: str) -> list[str]:
            found = await client.call_tool("list_servers", {"status": status})
            return [server["id"] for server in structured(found)["servers"]]

        first = await submit()
        report_id = structured(first)["id"]
        assert f"**Report ID:** {report_id}\n" in text(first)
        assert "Via: mcp" in golive.newest_commit()
        assert stored(golive, report_id)["report_data"] == report["report_markdown"]
        assert report_id in await listed("pending_review")
        assert report_id in await listed("all")
        assert report_id not in await listed("approved")

        conflict = error(await submit())
        assert f"existing report: {report_id}, status pending_review" in conflict

        decide(golive, report_id, "rejected")
        assert report_id in await listed("rejected")
        again = structured(await submit())
        assert (again["id"], again["revision"]) == (report_id, 2)

        decide(golive, report_id, "approved")
        assert report_id in await listed("approved")
        assert f"{report_id}, status approved" in error(await submit())


@each_transport
@each_mode
async def test_both_sides_find_their_tools_the_prompt_and_the_template(
    transport: str, mode: str, golive: Golive, address: str, log: Path
) -> None:
    report = new_report()
    changed = report | {"report_markdown": "# Better\n"}
    async with connect(transport, mode, golive, address, log) as client:

        async def call(tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 — any
            return structured(await client.call_tool(tool, arguments))

        prompt = await client.get_prompt("go_live_review", {"server_name": report["server_name"]})
        (template,) = (await client.read_resource("golive://template")).contents
        assert (await call("check_report", **report))["event"] == "submit"
        report_id = (await call("submit_report", **report))["id"]

        read = await call("get_report", repository_url=report["repository_url"], include_text=True)
        assert read["text"]["text"] == report["report_markdown"]
        bound = {"id": report_id, "version": read["version"]}
        decision = {"status": "rejected", "reviewed_by": "Morgan", "review_notes": "phase 2"}
        await call("review_report", **bound, **decision)
        assert (await call("get_report", id=report_id))["review_notes"] == "phase 2"
        assert (await call("check_report", **changed))["event"] == "resubmit"
        bound["version"] = (await call("submit_report", **changed))["version"]

        approved = await call("review_report", **bound, status="approved", reviewed_by="Morgan")
        assert approved["status"] == "approved"
        stale = error(await client.call_tool("revise_report", report | bound))
        bound["version"] = approved["version"]
        assert (await call("revise_report", **report, **bound))["revision"] == 3

    assert "What changed since then" in stale
    assert len(prompt.messages) == 1
    assert isinstance(template, TextResourceContents)
    assert template.text == template_of(golive)


@each_transport
@pytest.mark.parametrize("mode", ["legacy", MODERN])
async def test_invalid_report_is_refused_with_every_problem(
    transport: str, mode: str, golive: Golive, address: str, log: Path
) -> None:
    wrong = {
        "server_name": "two\nlines",
        "repository_url": "ftp://example.com/a/b",
        "developer_email": "nobody",
        "report_markdown": "",
    }
    async with connect(transport, mode, golive, address, log) as client:
        refusal = error(await client.call_tool("submit_report", wrong))
        missing = error(await client.call_tool("submit_report", {}))
        unknown = error(await client.call_tool("list_servers", {"status": "pending"}))

    for argument in wrong:
        assert f"- `{argument}`: " in refusal
        assert f"- `{argument}`: is missing" in missing
    assert "must be one of" in unknown


@each_transport
@pytest.mark.parametrize("mode", ["legacy", MODERN])
async def test_report_of_1_mib_is_stored_byte_for_byte_and_one_byte_more_is_refused(
    transport: str, mode: str, golive: Golive, address: str, log: Path
) -> None:
    largest = '# "Report"\r\n' + "é\u202e\x01\\" * (MIB // 8)
    largest += "x" * (MIB - len(largest.encode("utf-8")))
    async with connect(transport, mode, golive, address, log) as client:
        result = await client.call_tool("submit_report", new_report(report_markdown=largest))
        too_large = new_report(report_markdown=largest + "x")
        refusal = error(await client.call_tool("submit_report", too_large))

    assert stored(golive, structured(result)["id"])["report_data"] == largest
    assert "report_markdown" in refusal
    assert "Nothing was stored" in refusal


@pytest.mark.parametrize(
    "name", ["a|b|c", "`code`", "<img src=x>", "[click](https://example.com)", "**bold**", "a\\|b"]
)
async def test_name_full_of_markup_keeps_its_row_and_its_value(
    name: str, golive: Golive, address: str, log: Path
) -> None:
    async with connect("http", MODERN, golive, address, log) as client:
        report = new_report(server_name=name)
        report_id = structured(await client.call_tool("submit_report", report))["id"]
        result = await client.call_tool("list_servers", {"status": "pending_review"})

    servers = {server["id"]: server for server in structured(result)["servers"]}
    assert servers[report_id]["server_name"] == name
    (row,) = [
        line
        for line in text(result).splitlines()
        if report["repository_url"].removeprefix("https://") in line
    ]
    assert row.replace("\\\\", "").replace("\\|", "").count("|") == 5
