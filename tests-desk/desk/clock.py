"""A clock that the service reads in place of the machine's, so that months pass in seconds.

By libfaketime (Debian's `faketime`), which is loaded before the program. Only
the time of day is another; timers run as they always do.
"""

import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path


class Clock:
    """The time of day, kept in `file`; it runs on from where it was last set."""

    def __init__(self, file: Path, at: datetime) -> None:
        self._file = file
        self.set(at)

    def set(self, at: datetime) -> None:
        """Set the clock."""
        beside = self._file.with_suffix(".new")
        beside.write_text(f"@{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}\n", encoding="ascii")
        beside.rename(self._file)

    def environment(self) -> dict[str, str]:
        """Return what a program needs to read this clock."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }


def _library() -> Path:
    """Return the library's path, as the program `faketime` would set it."""
    if shutil.which("faketime") is None:
        raise AssertionError("no faketime: install Debian's package of that name")
    show = ["faketime", "-m", "2026-01-01 00:00:00", "printenv", "LD_PRELOAD"]
    done = subprocess.run(show, capture_output=True, check=True, encoding="utf-8")
    return Path(done.stdout.strip().split()[-1])
