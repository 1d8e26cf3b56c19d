"""One go-live review, told step by step: what the developer's assistant does
over MCP, what the reviewer does over REST, and what git has to show for it.

Speaks to a running `make run`; the server in it is made up anew each time.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
from mcp import Client
from mcp_types import TextContent

LISTEN = os.environ["GOLIVE_LISTEN"]
API = f"http://{LISTEN}/api/v1"
MCP = f"http://127.0.0.1:{os.environ['MCP_PORT']}/mcp"
REPO = Path(os.environ["GOLIVE_REPO"])
REPORT = Path(__file__).with_name("report.md").read_text(encoding="utf-8")

NAME = f"mcp-parking-{time.strftime('%H%M%S')}"
URL = f"https://github.com/example/{NAME}"


def say(text: str) -> None:
    """Print what happens next."""
    print(f"\n\033[1m# {text}\033[0m" if sys.stdout.isatty() else f"\n# {text}")


def show(text: str) -> None:
    """Print an answer, indented."""
    print("\n".join(f"  {line}".rstrip() for line in text.strip().splitlines()))


async def call(client: Client, tool: str, arguments: dict[str, str]) -> str:
    """Call a tool as an assistant does and return its text."""
    shown = ", ".join(f"{name}={value!r}" for name, value in arguments.items() if name != "report_markdown")
    print(f"> {tool}({shown}{', report_markdown=…' if 'report_markdown' in arguments else ''})")
    result = await client.call_tool(tool, arguments)
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    if result.is_error:
        sys.exit(f"the tool refused: {text}")
    show(text)
    return text


def decide(report_id: str, status: str, notes: str) -> None:
    """Decide on a report as a reviewer does."""
    print(f"> PATCH /api/v1/reports/{report_id}/status  {status}: {notes}")
    answer = httpx.patch(
        f"{API}/reports/{report_id}/status",
        json={"status": status, "reviewed_by": "Morgan <morgan@example.com>", "review_notes": notes},
    )
    answer.raise_for_status()
    show(f"{answer.json()['status']}, commit {answer.headers['golive-commit'][:12]}")


def git(*arguments: str) -> str:
    """Run git in the reports repository, show and return what it prints."""
    shown = " ".join(arguments)
    print(f"$ git {shown}")
    output = subprocess.run(["git", "--no-pager", *arguments], cwd=REPO, capture_output=True, text=True, check=True).stdout
    show(output)
    return output


async def main() -> None:
    """Tell the story."""
    submission = {"server_name": NAME, "repository_url": URL, "developer_email": "kari@example.com"}
    first = REPORT.replace("{name}", NAME).replace("{findings}", "| FP-31 | high | none yet |")
    second = REPORT.replace("{name}", NAME).replace("{findings}", "| FP-31 | high | fixed in 1.4.1, see commit 9f2c1e0 |")

    async with Client(MCP) as assistant:
        say(f"Kari's assistant has finished the six phases for {NAME} and hands in the report.")
        await call(assistant, "submit_report", {**submission, "report_markdown": first})
        say("Morgan of the platform team asks what is waiting.")
        await call(assistant, "list_servers", {"status": "pending_review"})

        found = httpx.get(f"{API}/reports", params={"status": "pending_review"}).json()
        report_id = next(report["id"] for report in found if report["server_name"] == NAME)
        say("Morgan reads it and sends it back.")
        decide(report_id, "rejected", "FP-31 is a high finding without a decision.")
        say("Kari repairs that, and the assistant submits again: the same report, revision 2.")
        await call(assistant, "submit_report", {**submission, "report_markdown": second})
        say("This time it is fine.")
        decide(report_id, "approved", "FP-31 is fixed. Good to go.")

    path = git("grep", "-l", f"^id: {report_id}$", "main", "--", "reports").strip().removeprefix("main:")
    say("Each step is a commit. This is the whole story, with nothing but git:")
    git("log", "--reverse", "--stat=72", "--format=%n%h %an: %s%n%n%b", "main", "--", path)
    say("What changed between the two submissions:")
    submissions = git("log", "--format=%h", "--grep=^Submit", "--grep=^Resubmit", "main", "--", path).split()
    git("diff", submissions[1], submissions[0], "--", path)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except* (httpx.ConnectError, ConnectionError):
        sys.exit(f"golive does not answer at {API} and {MCP}; start it with `make run` in another terminal")
