"""How long until an edit in the work tree is served, and what watching costs when nothing happens."""

import json
import os
import random
import time
from statistics import median
from typing import Any

from plan import Plan
from say import say
from services import Golive

# An edit that is not served by then is not taken in at all.
PATIENCE_SECONDS = 15.0
LOOK_SECONDS = 0.01


def measure(plan: Plan, golive: Golive) -> dict[str, Any]:
    golive.settle()
    golive.wait_until_assessed()
    lines = golive.ids.read_text(encoding="ascii").splitlines()
    n_files = len(lines)
    say(f"Idle for {plan.idle_seconds:.0f} s with {n_files:,} files")
    busy, start = golive.cpu_seconds(), time.monotonic()
    time.sleep(plan.idle_seconds)
    share = (golive.cpu_seconds() - busy) / (time.monotonic() - start)

    say(f"Editing {plan.hand_edits} files by hand")
    seen = []
    for line in random.sample(lines, plan.hand_edits):
        seconds = _edit(golive, line.split(" ")[0])
        if seconds is None:
            say(f"An edit was not served within {PATIENCE_SECONDS:.0f} s")
            break
        seen.append(seconds)
    return {
        "files": n_files,
        "edits": plan.hand_edits,
        "seen": len(seen),
        "median_seconds": round(median(seen), 3) if len(seen) == plan.hand_edits else None,
        "idle_cpu_percent": round(100 * share, 2),
    }


def _edit(golive: Golive, report_id: str) -> float | None:
    """Adds a line to a report as an editor does; returns the seconds until the API serves it."""
    path = golive.repository / golive.path(_report(golive, report_id)["repository_url"])
    line = f"A line by hand, {time.time_ns()}.\n"
    new = path.with_name(f".{path.name}.swp")
    new.write_bytes(path.read_bytes() + line.encode())
    start = time.monotonic()
    os.replace(new, path)
    while time.monotonic() - start < PATIENCE_SECONDS:
        if _report(golive, report_id)["report_data"].endswith(line):
            return time.monotonic() - start
        time.sleep(LOOK_SECONDS)
    return None


def _report(golive: Golive, report_id: str) -> dict[str, Any]:
    return json.load(golive.get(f"/api/v1/reports/{report_id}"))
