"""What came of each attack and mutant: a line each, and a sum."""

import re
import shutil
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from .steps import Log


@dataclass(frozen=True)
class Outcome:
    """What came of one, and what it says of itself."""

    kind: Literal["passed", "failed", "skipped"]
    says: str
    seconds: float


#: Where nextest is, by its own lines.
TESTS_DONE = re.compile(r"\(\s*(\d+)/(\d+)\)")
#: Between two lines on how far an attack is, where lines stay.
NEWS_SECONDS = 60


class Tally:
    """Counts outcomes, of `n_all` that will be, and keeps a log of each in `folder`."""

    def __init__(self, folder: Path, n_all: int = 0) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder = folder
        self.n_all = n_all
        self.start = self.told = time.monotonic()
        self.outcomes: list[Outcome] = []

    def log(self, name: str) -> Log:
        """Returns the file for the output of `name`; who looks at it says how far it is."""
        path = self.folder / f"{name}.log"
        return Log(path, partial(self.look, name, path))

    def look(self, name: str, log: Path) -> None:
        """Says how far `name` is: on one line of a terminal, or now and then."""
        now = time.monotonic()
        is_terminal = sys.stderr.isatty()
        if not is_terminal and now - self.told < NEWS_SECONDS:
            return
        self.told = now
        done = TESTS_DONE.findall(log.read_text(errors="replace") if log.exists() else "")
        tests = f", test {done[-1][0]} of {done[-1][1]} is done" if done else ""
        minutes = (now - self.start) / 60
        line = f"        {minutes:.0f} min: {name}, {len(self.outcomes) + 1} of {self.n_all}{tests}"
        print(f"\r{line}\x1b[K" if is_terminal else line, end="" if is_terminal else "\n", file=sys.stderr, flush=True)

    def add(self, name: str, outcome: Outcome) -> None:
        """Notes `outcome`, and prints its line."""
        self.outcomes.append(outcome)
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        line = f"{outcome.kind:8}{name:34}{outcome.seconds:6.0f} s  {outcome.says}".rstrip()
        print(line, flush=True)
        if outcome.kind == "failed":
            print(f"        see {self.log(name).path}", flush=True)

    def end(self) -> int:
        """Prints the sum and returns the exit code."""
        n = {kind: sum(outcome.kind == kind for outcome in self.outcomes) for kind in ("passed", "failed", "skipped")}
        skipped = f", {n['skipped']} skipped" if n["skipped"] else ""
        print(f"{n['passed']} passed, {n['failed']} failed{skipped}")
        # Nothing at all is no proof.
        return 0 if n["passed"] and not n["failed"] else 1
