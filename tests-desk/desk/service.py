"""A real golive on a repository of its own, whose git is at hand."""

import json
import os
import subprocess
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from programs import GOLIVE, Program, running

from desk.api import Api, connected


@dataclass(frozen=True)
class Service(Api):
    """A running golive that was started here."""

    repository: Path
    program: Program

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


@contextmanager
def running_service(
    directory: Path, *, port: int = 0, environment: Mapping[str, str] | None = None
) -> Generator[Service]:
    """Run golive on the repository `directory/reports`, which it makes if it is not there."""
    if not GOLIVE.is_file():
        raise AssertionError(f"no golive at {GOLIVE}: build it, or name it in GOLIVE_BIN")
    repository = directory / "reports"
    command = [GOLIVE, "serve", "--listen", f"127.0.0.1:{port}", "--log-format", "json"]
    with running([*command, "--repo", repository], **(environment or {})) as program:
        started = json.loads(program.wait_for(r'\{.*"address".*\}').group())
        url = str(started.get("fields", started)["address"])
        with connected(url) as api:
            yield Service(url, api.api, repository, program)
        faults = [line for line in program.log if "panicked" in line or '"ERROR"' in line]
        if faults:
            raise AssertionError(f"golive's log has errors: {faults}")
