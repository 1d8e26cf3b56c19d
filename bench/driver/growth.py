"""What a call costs with few and with many reports in store."""

from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from load import Figures, Load, middle
from plan import Plan
from say import say
from services import Golive
from tools import Tools

# Smaller repositories are made anew for each turn: its own submissions would make them large.
FRESH_MAX = 1_000


def measure(
    plan: Plan, tools: Tools, load: Load, folder: Path, stack: ExitStack
) -> tuple[list[dict[str, Any]], Golive]:
    """Returns the figures for each size, and the largest service, which goes on until `stack` ends."""
    folder.mkdir()
    kept = {}
    for size in plan.sizes:
        if size > FRESH_MAX or size == max(plan.sizes):
            kept[size] = stack.enter_context(Golive(tools.golive, folder / str(size)))
            _fill(kept[size], load, size)
    runs: dict[int, dict[str, list[Figures]]] = defaultdict(lambda: defaultdict(list))
    # Turns outside, sizes inside: what disturbs the machine for a while disturbs all sizes alike.
    for turn in range(plan.turns):
        for size in plan.sizes:
            with ExitStack() as turn_stack:
                golive = kept.get(size)
                if golive is None:
                    golive = turn_stack.enter_context(Golive(tools.golive, folder / f"{size}-{turn}"))
                    _fill(golive, load, size)
                for call, figures in _turn(plan, golive, load).items():
                    runs[size][call].append(figures)
            shown = ", ".join(f"{call} {turns[-1]['per_second']:,.0f}/s" for call, turns in runs[size].items())
            say(f"Turn {turn + 1} of {plan.turns}, {size:,} reports: {shown}")
    figures = [{"reports": size} | {call: middle(turns) for call, turns in runs[size].items()} for size in plan.sizes]
    largest = kept.pop(max(kept))
    for golive in kept.values():
        golive.stop()
    return figures, largest


def _fill(golive: Golive, load: Load, size: int) -> None:
    if size >= 10_000:
        say(f"Submitting {size:,} reports")
    load.run(golive.base, "post", golive.ids, count=size)


def _turn(plan: Plan, golive: Golive, load: Load) -> dict[str, Figures]:
    figures = {}
    for call in ("get", "list", "patch", "post"):
        golive.settle()
        bound: dict[str, Any] = {"count": plan.growth_posts} if call == "post" else {"seconds": plan.growth_seconds}
        figures[call] = load.run(golive.base, call, golive.ids, **bound)
    return figures
