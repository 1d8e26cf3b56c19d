"""Starting a service that holds many reports, the memory it takes, and the history of one report."""

import time
from statistics import median
from typing import Any

from load import Load
from plan import Plan
from say import say
from services import Golive


def measure(plan: Plan, golive: Golive, load: Load) -> dict[str, Any]:
    """Restarts the service several times; it runs at the end."""
    golive.settle()
    n_reports = len(golive.ids.read_text(encoding="ascii").splitlines())
    say(f"Restarting with {n_reports:,} reports")
    clean, cold = [], []
    for _ in range(plan.turns):
        golive.stop()
        golive.forget()
        cold.append(golive.start())
        golive.settle()
        golive.stop()
        clean.append(golive.start())
    # What a start leaves to do afterwards belongs to the start.
    time.sleep(2)
    after_start = golive.resident_mb()
    history = load.run(golive.base, "history", golive.ids, clients=1, count=300)
    load.run(golive.base, "get", golive.ids, count=n_reports, in_order=True)
    return {
        "reports": n_reports,
        "commits": int(golive.git("rev-list", "--count", "main")),
        "clean_seconds": round(median(clean), 3),
        "cold_seconds": round(median(cold), 3),
        "resident_mb": round(after_start, 1),
        "resident_mb_all_read": round(golive.resident_mb(), 1),
        "history_p50_ms": history["p50_ms"],
        "history_p99_ms": history["p99_ms"],
    }
