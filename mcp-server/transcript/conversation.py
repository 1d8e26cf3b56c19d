"""One review, told step by step: what each assistant calls, and what it is answered.

A scripted client plays Kari's assistant, who hands in, and Morgan's, who
reviews, through the real MCP server on a real golive.
"""

import subprocess
from pathlib import Path
from typing import Any

from mcp import Client
from mcp_types import TextContent
from programs import REPOSITORY_ROOT, Golive
from steady import Steady
from transports import over

EXAMPLE = REPOSITORY_ROOT / "reports-repo-template" / "EXAMPLE.md"
_REVIEWER = "Morgan <morgan@example.com>"
# Long texts are told by their first lines.
_BLOCK_LINES = 4
_PROMPT_LINES = 12


class Conversation:
    """The lines of the story so far, and the assistants' one connection."""

    def __init__(self, client: Client) -> None:
        self.lines: list[str] = []
        self._client = client
        self._steady = Steady()

    def say(self, text: str) -> None:
        """Tell what happens next."""
        self.lines += ["", f"# {text}"] if self.lines else [f"# {text}"]

    async def prompt(self, **arguments: str) -> None:
        """Use the prompt, and tell how its text begins."""
        self.lines.append(f"> prompt go_live_review({_spelled(arguments)})")
        (message,) = (await self._client.get_prompt("go_live_review", arguments)).messages
        assert isinstance(message.content, TextContent)
        lines = message.content.text.splitlines()
        own = lines[_PROMPT_LINES : lines.index("## The template") + 1]
        headings = [line for line in own if line.startswith(("## ", "### Phase"))]
        self._answer([*lines[:_PROMPT_LINES], "…", *headings, "…"])

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 — any argument
        """Call a tool, tell its text, and return its structured output, if it has any."""
        self.lines.append(f"> {tool}({_spelled(arguments)})")
        result = await self._client.call_tool(tool, arguments)
        (content,) = result.content
        assert isinstance(content, TextContent)
        self._answer(_shortened(content.text.splitlines()))
        return result.structured_content or {}

    def git(self, golive: Golive, *arguments: str) -> None:
        """Tell what git prints in the reports repository."""
        self.lines.append(f"$ git {' '.join(arguments)}")
        done = subprocess.run(
            ["git", "-C", golive.repository, "--no-pager", *arguments],
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        self._answer(done.stdout.splitlines())

    def _answer(self, lines: list[str]) -> None:
        self.lines += [f"  {self._steady(line)}".rstrip() for line in lines]


async def told(golive: Golive) -> str:
    """Play the whole story on `golive` and return it."""
    async with over("stdio", "auto", golive.base_url) as client:
        conversation = Conversation(client)
        await _play(conversation, golive)
    return "\n".join(conversation.lines) + "\n"


async def _play(talk: Conversation, golive: Golive) -> None:
    complete = EXAMPLE.read_text(encoding="utf-8")
    about = _about(complete)
    incomplete = _with(_without(complete, "| Untrusted content |"), "**Coverage:** 91 %", "")
    better = _with(complete, "accepted by Kari Nordmann", "fixed in 1.4.1, commit 9f2c1e0, by")
    newer = _with(better, " 1.4.0 / ", " 1.5.0 / ")

    talk.say("Kari wants to bring an MCP server into production. The prompt leads through it.")
    await talk.prompt(**about)
    talk.say("Six phases later the report is written down. Would it be taken in?")
    await talk.call("check_report", **about, report_markdown=incomplete)
    talk.say("Two things were lost. They are put back, from what was found in the code.")
    await talk.call("check_report", **about, report_markdown=complete)
    talk.say('"Shall I submit it?" Kari says yes.')
    await talk.call("submit_report", **about, report_markdown=complete)

    talk.say("Morgan of the platform team asks what waits, and reads it.")
    await talk.call("list_servers", status="pending_review")
    read = await talk.call("get_report", repository_url=about["repository_url"], include_text=True)
    bound = {"id": read["id"], "version": read["version"]}
    talk.say('"Reject it: FLEET-231 can be fixed before it goes live."')
    notes = "FLEET-231 can be fixed before it goes live: fix it."
    await talk.call(
        "review_report", **bound, status="rejected", reviewed_by=_REVIEWER, review_notes=notes
    )

    talk.say("Kari asks what is missing.")
    await talk.call("get_report", repository_url=about["repository_url"])
    talk.say("FLEET-231 is fixed, the report says where, and goes in again.")
    await talk.call("check_report", **about, report_markdown=better)
    await talk.call("submit_report", **about, report_markdown=better)

    talk.say("Morgan's assistant still has the version that was read before: nothing is decided.")
    await talk.call("review_report", **bound, status="approved", reviewed_by=_REVIEWER)
    talk.say("It reads the report again, and Morgan approves what is there now.")
    read = await talk.call("get_report", id=read["id"])
    bound = {"id": read["id"], "version": read["version"]}
    await talk.call("review_report", **bound, status="approved", reviewed_by=_REVIEWER)

    talk.say("Later the server changes. The report is approved, so it is replaced, not submitted.")
    await talk.call("submit_report", **about, report_markdown=newer)
    read = await talk.call("get_report", id=read["id"])
    bound = {"id": read["id"], "version": read["version"]}
    await talk.call("revise_report", **bound, **about, report_markdown=newer)

    talk.say("Each step is a commit.")
    talk.git(golive, "log", "--reverse", "--format=%an: %s", "main")


def _about(report: str) -> dict[str, str]:
    """Return who and what `report` is about, from its head."""
    fields = {
        "server_name": "**MCP Server Name:** ",
        "repository_url": "**Repository:** ",
        "developer_email": "**Developer:** ",
    }
    lines = report.splitlines()
    return {
        name: next(line for line in lines if line.startswith(label)).removeprefix(label).strip()
        for name, label in fields.items()
    }


def _without(report: str, start: str) -> str:
    lines = report.splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(start)]
    assert len(kept) == len(lines) - 1, f"no line of the example starts with {start!r}"
    return "".join(kept)


def _with(report: str, old: str, new: str) -> str:
    assert report.count(old) == 1, f"the example does not hold {old!r} once"
    return report.replace(old, new)


def _spelled(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={_value(name, value)}" for name, value in arguments.items())


def _value(name: str, value: Any) -> str:  # noqa: ANN401 — any argument
    if name == "report_markdown":
        return f"<{len(value.splitlines())} lines>"
    return f"<{name}>" if name in ("id", "version") else repr(value)


def _shortened(lines: list[str]) -> list[str]:
    """Return `lines` with only the first of each long fenced block."""
    shown: list[str] = []
    fence, n_inside = "", 0
    for line in lines:
        if fence and line == fence:
            fence = ""
        elif fence:
            n_inside += 1
            if n_inside > _BLOCK_LINES:
                if n_inside == _BLOCK_LINES + 1:
                    shown.append("…")
                continue
        elif line.startswith(("```", "~~~")):
            fence, n_inside = line.removesuffix("text"), 0
        shown.append(line)
    return shown


README = Path(__file__).resolve().parents[1] / "README.md"
BEGIN = "<!-- Written by `transcript/run --write`: begin -->\n"
END = "<!-- end -->\n"
# Longer than any fence in an answer.
_FENCE = "``````"


def section(conversation: str) -> str:
    """Return the part of the README that holds `conversation`."""
    return f"{BEGIN}{_FENCE}\n{conversation}{_FENCE}\n{END}"
