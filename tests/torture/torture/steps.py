"""One program with its output in a log, bounded in time, ended with all it started."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

#: Between two looks at how far a program is.
TICK_SECONDS = 5


@dataclass(frozen=True)
class Ended:
    """How a program ended. `code` is None if it had to be ended."""

    code: int | None
    seconds: float


@dataclass(frozen=True)
class Log:
    """A file for what programs print, and who looks at it now and then meanwhile."""

    path: Path
    look: Callable[[], None]


def run(command: list[str], folder: Path, log: Log, env: Mapping[str, str], minutes: float) -> Ended:
    """Runs `command`; what it prints is appended to `log`."""
    start = time.monotonic()
    with log.path.open("ab") as output:
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
            while code is None and time.monotonic() - start < minutes * 60:
                code = wait(process, min(TICK_SECONDS, minutes * 60))
                log.look()
            if code is None:
                output.write(f"torture: ended after {minutes:g} minutes\n".encode())
        finally:
            end(process)
    return Ended(code, time.monotonic() - start)


def wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """Returns how the program ended; `None` if it goes on for longer than `seconds`."""
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the program: first it may clean up, then it has to go."""
    for number, patience in ((signal.SIGTERM, 20), (signal.SIGKILL, 20)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        wait(process, patience)
    process.wait()
