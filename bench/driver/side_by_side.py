"""golive against the PostgreSQL service, in turns; GET against a bare handler as well."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import checks
from load import Figures, Load, middle
from plan import Plan
from postgres import Postgres
from say import say
from services import Bare, Golive, PostgresService
from tools import Tools

# The order matters: what only reads comes first, in all its turns, or it would read many more reports than
# are said to be stored; and submissions before decisions, so that there is something to decide on.
READS = {"get": "get", "list": "list"}
WRITES = {"post": "post", "patch": "patch", "mix": "mix", "post-1": "post"}
LIST_PATHS = {
    "golive": "/api/v1/reports?status=pending_review&limit=50",
    "postgres": "/tuned/reports?status=pending_review&limit=50",
}


def measure(plan: Plan, tools: Tools, load: Load, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    runs: dict[str, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    golive = Golive(tools.golive, folder / "golive")
    with Postgres(folder) as database:
        service = PostgresService(tools.postgres_service, folder / "postgres-service", database)
        with service, golive, Bare(tools.bare, folder / "bare") as bare:
            for side in (service, golive):
                say(f"Submitting {plan.fill:,} reports to {side.name}")
                load.run(side.base, "post", side.ids, count=plan.fill)
            # Or the planner guesses wrong for the list.
            database.query("golive", "vacuum analyze")
            golive.wait_until_assessed()
            waited = 0.0
            for turn, name, call in _in_turns(plan.turns):
                for side in (service, golive):
                    waited = max(waited, golive.settle())
                    figures = load.run(
                        side.base, call, side.ids, clients=1 if name == "post-1" else 64,
                        seconds=plan.seconds, list_path=LIST_PATHS[side.name],
                    )  # fmt: skip
                    runs[name][side.name].append(figures)
                if name == "get":
                    runs[name]["bare"].append(load.run(bare.base, "path", path="/8k", seconds=plan.seconds))
                say(f"Turn {turn + 1} of {plan.turns}, {name}: " + _line(runs[name]))
            golive.settle()
            say("Comparing what git holds with what was sent")
            checked = checks.check(golive, load)
            rows = int(database.query("golive", "select count(*) from mcp_server_reports"))
            checks.same("rows in PostgreSQL and submissions sent", rows, load.sent[service.ids]["post"])
    checks.fsck(golive)
    sides = {name: {side: middle(turns) for side, turns in by_side.items()} for name, by_side in runs.items()}
    return {"reports": plan.fill, "calls": sides, "checked": checked, "settled_seconds": round(waited, 1)}


def _in_turns(turns: int) -> Iterator[tuple[int, str, str]]:
    for calls in (READS, WRITES):
        for turn in range(turns):
            for name, call in calls.items():
                yield turn, name, call


def _line(by_side: dict[str, list[Figures]]) -> str:
    return ", ".join(f"{side} {turns[-1]['per_second']:,.0f}/s" for side, turns in by_side.items())
