"""Reports that no other test has, and what a real golive holds of them."""

import subprocess
import time
import uuid
from typing import Any

import httpx
from asking import REPORT
from programs import REPOSITORY_ROOT, START_SECONDS, Golive

EXAMPLE = REPOSITORY_ROOT / "reports-repo-template" / "EXAMPLE.md"

"""A filled-in template, in which the check finds nothing."""


def new_report(**fields: str) -> dict[str, str]:
    """Return the arguments of a submission for a repository that no other test has."""
    name = f"mcp-{uuid.uuid4().hex}"
    url = f"https://github.com/intility/{name}"
    return REPORT | {"server_name": name, "repository_url": url} | fields


def decide(golive: Golive, report_id: str, status: str, notes: str = "see phase 2") -> None:
    """Decide as a reviewer does, through the API."""
    body = {"status": status, "reviewed_by": "platform@intility.no", "review_notes": notes}
    url = f"{golive.base_url}/reports/{report_id}/status"
    httpx.patch(url, json=body, trust_env=False).raise_for_status()


def stored(golive: Golive, report_id: str) -> dict[str, Any]:
    """Return the whole report as the service has it, and its version."""
    answer = httpx.get(f"{golive.base_url}/reports/{report_id}", trust_env=False)
    return answer.raise_for_status().json() | {"version": answer.headers["etag"].strip('"')}


def example() -> dict[str, str]:
    """Return the arguments of a submission that the check finds nothing in."""
    text = EXAMPLE.read_text(encoding="utf-8")
    name = _field(text, "MCP Server Name")
    url = _field(text, "Repository")
    report = new_report(developer_email=_field(text, "Developer"))
    # The head of a report names what it is about.
    text = text.replace(url, report["repository_url"]).replace(name, report["server_name"])
    return report | {"report_markdown": text}


def without(report: dict[str, str], start: str) -> dict[str, str]:
    """Return `report` without the one line of its text that begins with `start`."""
    lines = report["report_markdown"].splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(start)]
    assert len(kept) == len(lines) - 1, start
    return report | {"report_markdown": "".join(kept)}


def template_of(golive: Golive) -> str:
    """Return the template of the reports repository as the service has it."""
    answer = httpx.get(f"{golive.base_url}/template", trust_env=False)
    return answer.raise_for_status().content.decode("utf-8")


def set_policy(golive: Golive, rules: str) -> None:
    """Commit `rules` as the policy, with all there is to add; wait until they are in force."""
    (golive.repository / "golive.yaml").write_text(f"golive: 1\n{rules}", encoding="utf-8")
    before = httpx.get(f"{golive.base_url}/policy", trust_env=False).headers["etag"]
    git = [
        "git",
        "-C",
        golive.repository,
        "-c",
        "user.name=Kim",
        "-c",
        "user.email=kim@example.com",
    ]
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "Set the rules"], check=True)
    end = time.monotonic() + START_SECONDS
    while httpx.get(f"{golive.base_url}/policy", trust_env=False).headers["etag"] == before:
        assert time.monotonic() < end, "the policy did not come into force"
        time.sleep(0.05)


def _field(text: str, label: str) -> str:
    start = f"**{label}:** "
    return next(line for line in text.splitlines() if line.startswith(start)).removeprefix(start)
