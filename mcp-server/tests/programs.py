"""Real programs for the tests: started on free ports, waited for by their own words, ended."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx

START_SECONDS = 30.0
STOP_SECONDS = 5.0

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]
GOLIVE = Path(os.environ.get("GOLIVE_BIN", REPOSITORY_ROOT / "target" / "debug" / "golive"))
MCP_SERVER = [sys.executable, "-m", "mcp_golive"]


class Program:
    """A running program whose standard error is read line by line."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(environment),
        )
        self.log: list[str] = []
        self._lines: Queue[str | None] = Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def wait_for(self, pattern: str) -> re.Match[str]:
        """Return the first match in a line of the log that was not waited for yet."""
        while True:
            try:
                line = self._lines.get(timeout=START_SECONDS)
            except Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line matches {pattern!r}; log: {self.log}")
            if match := re.search(pattern, line):
                return match

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        """Send `signum` and return the exit code; it has to come within `STOP_SECONDS`."""
        self.process.send_signal(signum)
        return self.ended()

    def ended(self) -> int:
        """Wait for the end, and return the exit code."""
        code = self.process.wait(timeout=STOP_SECONDS)
        self._reader.join()
        return code

    def clean_up(self) -> None:
        """End the program in any case, and close its pipes."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        self._reader.join()
        for pipe in (self.process.stdin, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            self.log.append(line)
            self._lines.put(line)
        self._lines.put(None)


def child_environment(**extra: str) -> dict[str, str]:
    """Return the environment for a child: this one's way to programs and to coverage, `extra`."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or name.startswith("COVERAGE_")
    } | extra


@contextmanager
def running(command: Sequence[str | Path], **environment: str) -> Generator[Program]:
    """Run `command` until the block ends."""
    program = Program(command, child_environment(**environment))
    try:
        yield program
    finally:
        program.clean_up()


@dataclass(frozen=True)
class Golive:
    """A running service."""

    base_url: str
    repository: Path

    def newest_commit(self) -> str:
        """Return the message of the newest commit in the reports repository."""
        command = ["git", "-C", self.repository, "log", "-1", "--format=%B", "main"]
        return subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout


@contextmanager
def running_golive(directory: Path) -> Generator[Golive]:
    """Run the real service on a new reports repository in `directory`."""
    if not GOLIVE.is_file():
        raise AssertionError(f"no golive at {GOLIVE}: build it, or name it in GOLIVE_BIN")
    repository = directory / "reports"
    command = [GOLIVE, "serve", "--listen", "127.0.0.1:0", "--log-format", "json"]
    with running([*command, "--repo", repository]) as golive:
        started: dict[str, Any] = json.loads(golive.wait_for(r'\{.*"address".*\}').group())
        yield Golive(f"{_address(started)}/api/v1", repository)


@contextmanager
def running_http_server(api_base_url: str, *flags: str) -> Generator[tuple[Program, str]]:
    """Run the MCP server over HTTP on a free port; yield it and the address before `/mcp`."""
    command = [*MCP_SERVER, "--transport", "http", "--port", "0", *flags]
    with running(command, API_BASE_URL=api_base_url) as program:
        address = program.wait_for(r"serving MCP at (http://\S+)/mcp").group(1)
        # The socket listens before the server does: answered means started.
        health = httpx.get(f"{address}/health", timeout=START_SECONDS, trust_env=False)
        health.raise_for_status()
        yield program, address


def _address(started: dict[str, Any]) -> str:
    """Return the address in a start line, whose fields may stand under `fields`."""
    fields: dict[str, Any] = started.get("fields", started)
    return str(fields["address"])
