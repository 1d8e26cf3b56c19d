"""Runs the load tool. A wrong answer ends the whole bench: fast and wrong is not measured."""

import json
import subprocess
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from failure import Failure
from plan import CLIENTS

Figures = dict[str, Any]


class Load:
    """The tool, and how many of each call each service got in all, by its file of ids."""

    def __init__(self, binary: Path) -> None:
        self.binary = binary
        self.sent: dict[Path, Counter[str]] = {}
        self.seed = 0

    def run(self, base: str, call: str, ids: Path | None = None, clients: int = CLIENTS, **options: Any) -> Figures:
        self.seed += 1
        command = [str(self.binary), "run", "--base", base, "--call", call, "--clients", str(clients)]
        command += ["--seed", str(self.seed)]
        if ids is not None:
            command += ["--ids", str(ids)]
        for name, value in options.items():
            command.append(f"--{name.replace('_', '-')}")
            command += [] if value is True else [str(value)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"`{' '.join(command)}`: {done.stderr.strip()}")
        figures = json.loads(done.stdout)
        if figures["n_faults"]:
            faults = "\n  ".join(figures["faults"])
            raise Failure(f"{figures['n_faults']} wrong answers to {call} from {base}:\n  {faults}")
        if ids is not None:
            self.sent.setdefault(ids, Counter()).update(figures["calls"])
        return figures

    def body(self, key: str) -> bytes:
        """Returns the text that was sent with this key."""
        return subprocess.run([str(self.binary), "body", key], capture_output=True, check=True).stdout


def middle(runs: list[Figures]) -> Figures:
    """Returns the medians over the turns."""
    fields = ("per_second", "p50_ms", "p99_ms")
    return {field: round(median(run[field] for run in runs), 3) for field in fields} | {
        "turns": [{field: round(run[field], 3) for field in fields} for run in runs]
    }
