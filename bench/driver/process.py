"""Programs that run beside the driver: started, awaited, measured, ended."""

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

from failure import Failure

START_SECONDS_MAX = 120.0
STOP_SECONDS_MAX = 60.0


class Process:
    """A program with an HTTP port. Leaving the `with` block ends it."""

    def __init__(self, command: list[str], log: Path, port: int, ready: str, environment: dict[str, str]) -> None:
        self.command, self.log, self.port, self.ready = command, log, port, ready
        self.environment = environment
        self.base = f"127.0.0.1:{port}"
        self.child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> float:
        """Starts it and returns the seconds until it was ready."""
        start = time.monotonic()
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal is for the driver, which ends things in order.
            self.child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=os.environ | self.environment,
            )  # fmt: skip
        try:
            while not self._is_ready():
                if self.child.poll() is not None or time.monotonic() - start > START_SECONDS_MAX:
                    tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise Failure(f"`{' '.join(self.command)}` did not start:\n{tail}")
                time.sleep(0.002)
        except BaseException:
            self.stop()
            raise
        return time.monotonic() - start

    def stop(self) -> None:
        if self.child is None:
            return
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.child = None

    def get(self, path: str) -> http.client.HTTPResponse:
        """Returns the answer to a GET, its body not yet read."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        return connection.getresponse()

    def resident_mb(self) -> float:
        return _status_kb(self._pid(), "VmRSS") / 1024

    def cpu_seconds(self) -> float:
        """Returns the processor time used so far, ended children included."""
        fields = Path(f"/proc/{self._pid()}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def _pid(self) -> int:
        if self.child is None:
            raise Failure(f"`{self.command[0]}` is not running")
        return self.child.pid

    def _is_ready(self) -> bool:
        try:
            return self.get(self.ready).status == 200
        except OSError:
            return False


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _status_kb(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0
