"""One program with its output in a log, bounded in time, ended with all it started."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Ended:
    """How a program ended. `code` is None if it had to be ended."""

    code: int | None
    seconds: float


def run(command: list[str], folder: Path, log: Path, env: Mapping[str, str], minutes: float) -> Ended:
    """Runs `command`; what it prints is appended to `log`."""
    start = time.monotonic()
    with log.open("ab") as output:
        output.write(f"$ {' '.join(command)}\n".encode())
        output.flush()
        try:
            # A session of its own: what it starts can be ended with it.
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            output.write(f"{error}\n".encode())
            return Ended(127, time.monotonic() - start)
        code = None
        try:
            code = process.wait(minutes * 60)
        except subprocess.TimeoutExpired:
            output.write(f"torture: ended after {minutes:g} minutes\n".encode())
        finally:
            end(process)
    return Ended(code, time.monotonic() - start)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the program: first it may clean up, then it has to go."""
    for number, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 20)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    process.wait()
