"""Calls all there is with the inspector's command line, as a person at a terminal would."""

import json
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

from programs import child_environment

CALL_SECONDS = 60
# The inspector's exit code for a tool that answered with an error.
TOOL_ERROR = 5
N_TOOLS = 6
ERAS = ("legacy", "modern")


def inspect(url: str, home: Path) -> Generator[tuple[bool, str]]:
    """Yield for each call whether it went as expected, and a line that says what was seen."""
    for era in ERAS:
        listing = ["--method", "tools/list", "--strict"]
        code, tools = _call(url, era, home, *listing)
        names = [tool["name"] for tool in tools.get("tools", [])]
        yield code == 0 and len(names) == N_TOOLS, f"{era}: tools/list --strict: {', '.join(names)}"

        report = {
            "server_name": f"mcp-{era}",
            "repository_url": f"https://github.com/intility/mcp-{era}",
            "developer_email": "alex@intility.no",
            "report_markdown": "# Go-live report\n",
        }
        code, checked = _tool(url, era, home, "check_report", report)
        yield code == 0, f"{era}: check_report: {_first_line(checked)}"

        code, stored = _tool(url, era, home, "submit_report", report)
        yield code == 0, f"{era}: submit_report: {_first_line(stored)}"

        code, refused = _tool(url, era, home, "submit_report", report)
        yield code == TOOL_ERROR, f"{era}: submit_report again: {_first_line(refused)}"

        code, found = _tool(url, era, home, "list_servers", {"status": "pending_review"})
        servers = [server["server_name"] for server in _structured(found).get("servers", [])]
        yield code == 0 and f"mcp-{era}" in servers, f"{era}: list_servers: {', '.join(servers)}"

        code, shown = _tool(url, era, home, "get_report", {"id": _structured(stored).get("id", "")})
        bound = {name: _structured(shown).get(name, "") for name in ("id", "version")}
        yield code == 0, f"{era}: get_report: {_first_line(shown)}"

        code, revised = _tool(url, era, home, "revise_report", report | bound)
        yield code == 0, f"{era}: revise_report: {_first_line(revised)}"

        decision = bound | {"status": "approved", "reviewed_by": "Morgan"}
        code, decided = _tool(url, era, home, "review_report", decision)
        yield code == 0, f"{era}: review_report: {_first_line(decided)}"

        name = ["--prompt-name", "go_live_review"]
        code, prompt = _call(url, era, home, "--method", "prompts/get", *name)
        n_messages = len(prompt.get("messages", []))
        yield code == 0 and n_messages == 1, f"{era}: prompts/get: {n_messages} message"

        template = ["--uri", "golive://template"]
        code, read = _call(url, era, home, "--method", "resources/read", *template)
        n_contents = len(read.get("contents", []))
        yield code == 0 and n_contents == 1, f"{era}: resources/read: {n_contents} content"


def _tool(
    url: str, era: str, home: Path, name: str, arguments: dict[str, str]
) -> tuple[int, dict[str, Any]]:
    call = ["--method", "tools/call", "--tool-name", name]
    return _call(url, era, home, *call, "--tool-args-json", json.dumps(arguments))


def _call(url: str, era: str, home: Path, *options: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code, and the result as far as there is one."""
    command = ["mcp-inspector", "--cli", url, "--transport", "http", "--protocol-era", era]
    done = subprocess.run(
        [*command, "--quiet", *options],
        # It keeps files in the home directory, which are not ours to touch.
        env=child_environment(HOME=str(home)),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=CALL_SECONDS,
        check=False,
        encoding="utf-8",
    )
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, {}


def _structured(result: dict[str, Any]) -> dict[str, Any]:
    return result.get("structuredContent", {})


def _first_line(result: dict[str, Any]) -> str:
    content = result.get("content", [])
    return content[0]["text"].splitlines()[0] if content else "no content"
