"""A real golive on a repository of its own, and what people do to it besides the desk."""

import json
import os
import re
import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from programs import GOLIVE, Program, running

KIM = "Kim <kim@example.com>"
MORGAN = "Morgan <morgan@example.com>"

ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Service:
    """A running golive; `url` is its origin, without a slash at the end."""

    url: str
    repository: Path
    program: Program
    api: httpx.Client

    def submit(self, name: str = "mcp-parking", **fields: str) -> dict[str, Any]:
        """Submit a report through the API; `fields` replace or add members."""
        report = {
            "server_name": name,
            "repository_url": f"https://github.com/example/{_slug(name)}",
            "developer_email": "kari@example.com",
            "report_data": f"# {name}\n\nAll well.\n",
        }
        return _good(self.api.post("/reports", json=report | fields))

    def revise(self, report: dict[str, Any], text: str, **fields: str) -> dict[str, Any]:
        """Put a new revision of `report`."""
        kept = ("server_name", "repository_url", "developer_email")
        body = {name: report[name] for name in kept} | {"report_data": text} | fields
        return _good(self.api.put(f"/reports/{report['id']}", json=body))

    def decide(
        self, report: dict[str, Any], status: str, notes: str | None = None, by: str = MORGAN
    ) -> dict[str, Any]:
        """Decide on `report` through the API."""
        body = {"status": status, "reviewed_by": by, "review_notes": notes}
        return _good(self.api.patch(f"/reports/{report['id']}/status", json=body))

    def report(self, report_id: str) -> dict[str, Any]:
        """Return the whole report as the service has it."""
        return _good(self.api.get(f"/reports/{report_id}"))

    def git(self, *arguments: str, **environment: str) -> str:
        """Run git in the reports repository as Robin, and return what it prints."""
        person = {
            "GIT_AUTHOR_NAME": "Robin",
            "GIT_AUTHOR_EMAIL": "robin@example.com",
            "GIT_COMMITTER_NAME": "Robin",
            "GIT_COMMITTER_EMAIL": "robin@example.com",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        done = subprocess.run(
            ["git", "-C", self.repository, *arguments],
            capture_output=True,
            check=False,
            encoding="utf-8",
            env=os.environ | person | environment,
        )
        if done.returncode:
            raise AssertionError(f"git {arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def tip(self) -> str:
        """Return the id of the newest commit."""
        return self.git("rev-parse", "main").strip()

    def path(self, report: dict[str, Any]) -> str:
        """Return the path of the report's file in the repository."""
        command = [GOLIVE, "path", report["repository_url"]]
        done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
        return done.stdout.strip()

    def file(self, report: dict[str, Any]) -> str:
        """Return the report's file at the tip, front matter and all."""
        return self.git("show", f"main:{self.path(report)}")

    def commits(self, report: dict[str, Any], form: str) -> list[str]:
        """Return one line by git's `--format` for each commit of the report, oldest first."""
        log = self.git("log", "--reverse", f"--format={form}", "main", "--", self.path(report))
        return log.splitlines()


def _slug(name: str) -> str:
    """Return a repository's name for a server's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _good(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise AssertionError(f"{answer.request.method} {answer.request.url}: {answer.text}")
    return answer.json()


@contextmanager
def running_service(
    directory: Path, *flags: str, port: int = 0, before: Sequence[str] = (), **environment: str
) -> Generator[Service]:
    """Run golive on the repository `directory/reports`, which it makes if it is not there.

    `before` is a command that runs golive's, such as `faketime`'s.
    """
    if not GOLIVE.is_file():
        raise AssertionError(f"no golive at {GOLIVE}: build it, or name it in GOLIVE_BIN")
    repository = directory / "reports"
    command = [*before, GOLIVE, "serve", "--listen", f"127.0.0.1:{port}", "--log-format", "json"]
    with running([*command, *flags, "--repo", repository], **environment) as program:
        started = json.loads(program.wait_for(r'\{.*"address".*\}').group())
        url = str(started.get("fields", started)["address"])
        with httpx.Client(base_url=f"{url}/api/v1", trust_env=False, timeout=ANSWER_SECONDS) as api:
            yield Service(url, repository, program, api)
        faults = [line for line in program.log if "panicked" in line or '"ERROR"' in line]
        if faults:
            raise AssertionError(f"golive's log has errors: {faults}")
