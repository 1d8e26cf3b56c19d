"""What came of each attack and mutant: a line each, and a sum."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Outcome:
    """What came of one, and what it says of itself."""

    kind: Literal["passed", "failed", "skipped"]
    says: str
    seconds: float


class Tally:
    """Counts outcomes, and keeps a log of each in `folder`."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder = folder
        self.outcomes: list[Outcome] = []

    def log(self, name: str) -> Path:
        """Returns the file for the output of `name`."""
        return self.folder / f"{name}.log"

    def add(self, name: str, outcome: Outcome) -> None:
        """Notes `outcome`, and prints its line."""
        self.outcomes.append(outcome)
        line = f"{outcome.kind:8}{name:34}{outcome.seconds:6.0f} s  {outcome.says}".rstrip()
        print(line, flush=True)
        if outcome.kind == "failed":
            print(f"        see {self.log(name)}", flush=True)

    def end(self) -> int:
        """Prints the sum and returns the exit code."""
        n = {kind: sum(outcome.kind == kind for outcome in self.outcomes) for kind in ("passed", "failed", "skipped")}
        skipped = f", {n['skipped']} skipped" if n["skipped"] else ""
        print(f"{n['passed']} passed, {n['failed']} failed{skipped}")
        # Nothing at all is no proof.
        return 0 if n["passed"] and not n["failed"] else 1
