"""Writing without a pause: whether the last minute is as fast as the first, and how packs pile up."""

import threading
from pathlib import Path
from statistics import mean
from typing import Any

from load import Load
from plan import Plan
from say import say
from services import Golive
from tools import Tools

LOOK_SECONDS = 0.25
# Post, get, list, patch: mostly decisions, or ten minutes would leave two million files.
WEIGHTS = (10, 0, 0, 90)


def measure(plan: Plan, tools: Tools, load: Load, folder: Path) -> dict[str, Any]:
    with Golive(tools.golive, folder) as golive:
        load.run(golive.base, "post", golive.ids, count=plan.fill)
        say(f"Writing for {plan.sustained_seconds:.0f} s")
        most, done = [0], threading.Event()

        def watch() -> None:
            while not done.wait(LOOK_SECONDS):
                most[0] = max(most[0], len(golive.packs()))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            figures = load.run(
                golive.base, "mix", golive.ids, seconds=plan.sustained_seconds, weights=",".join(map(str, WEIGHTS))
            )
        finally:
            done.set()
            watcher.join()
    # The second in which the clients end is not a whole one.
    seconds = figures["each_second"][: int(plan.sustained_seconds)]
    window = min(60, max(1, len(seconds) // 5))
    return {
        "seconds": plan.sustained_seconds,
        "writes": figures["requests"],
        "window_seconds": window,
        "first_per_second": round(mean(seconds[:window]), 1),
        "last_per_second": round(mean(seconds[-window:]), 1),
        "most_packs": most[0],
        "p99_ms": figures["p99_ms"],
        "each_second": seconds,
    }
