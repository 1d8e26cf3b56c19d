"""Measures golive against a PostgreSQL service, and against itself as it grows.

Run it as `make bench` or `make bench-full`; `scripts/bench --quick` tries all of it within two minutes.
"""

import argparse
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import checks
import disk
import growth
import hand_edit
import machine
import postgres
import side_by_side
import start
import sustained
from failure import Failure
from load import Load
from plan import PLANS, Plan
from publish import BUSY_PERCENT, markdown, publish
from rows import rows
from say import say
from tools import Tools

PROJECT = Path(__file__).resolve().parents[2]
COMMANDS = {"quick": "scripts/bench --quick", "bench": "make bench", "full": "make bench-full"}


def main() -> int:
    arguments = _arguments()
    plan = PLANS["quick" if arguments.quick else "full" if arguments.full else "bench"]
    tools = Tools.built(arguments.target, arguments.golive)
    out = arguments.out or _out(plan, arguments.target)
    # The README shows what stands in docs/.
    readme = PROJECT / "README.md" if out == PROJECT / "docs" else None
    # Both ways of being ended leave through the `with` blocks below, which end what was started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        postgres.find()
        machine.refuse_unfit(arguments.dir, plan.free_gb_needed)
        folder = Path(tempfile.mkdtemp(prefix="golive-bench-", dir=arguments.dir))
        try:
            # PostgreSQL may run as another user, who has to get to its folder.
            folder.chmod(0o755)
            results = _measure(plan, tools, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if arguments.golive:
            results["machine"]["commit"] = "another binary, by --golive"
        table = rows(results)
        publish(results, table, out, tools.chart, readme)
    except Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted; everything it started has ended", file=sys.stderr)
        return 130
    print("\n".join(markdown(table)))
    say(f"Written to {out}")
    return 0


def _measure(plan: Plan, tools: Tools, folder: Path) -> dict[str, Any]:
    if (busy := machine.busy()) > BUSY_PERCENT:
        say(f"Others use {busy:.0f} % of the processors: the figures will be off")
    load = Load(tools.load)
    results: dict[str, Any] = {
        "command": COMMANDS[plan.kind],
        "machine": machine.describe(PROJECT, folder) | {"busy_percent": round(busy)},
        "turns": plan.turns,
        "seconds": plan.seconds,
        "growth_posts": plan.growth_posts,
        "side_by_side": side_by_side.measure(plan, tools, load, folder / "side-by-side"),
    }
    shutil.rmtree(folder / "side-by-side")
    with ExitStack() as stack:
        results["growth"], largest = growth.measure(plan, tools, load, folder / "growth", stack)
        results["start"] = start.measure(plan, largest, load)
        checks.check(largest, load)
        results["hand_edit"] = hand_edit.measure(plan, largest)
        if plan.disk_quiet_seconds:
            results["disk"] = disk.measure(plan, largest, folder / "collected")
    shutil.rmtree(folder / "growth")
    if plan.sustained_seconds:
        results["sustained"] = sustained.measure(plan, tools, load, folder / "sustained")
    return results


def _out(plan: Plan, target: Path) -> Path:
    """A quick run tells nothing worth keeping: it does not replace what a whole one found."""
    return target / "bench/quick" if plan.kind == "quick" else PROJECT / "docs"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="make bench takes about 6 minutes after the build, make bench-full about 24 and 30 GB of disk.\n"
        "Close what else runs on the machine. Ctrl-C ends all that was started and deletes the run's folder.\n"
        "Results: docs/benchmark.md, .json, .svg and the README's section (--quick: in target/bench/quick).",
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="tiny sizes, one turn: does it all work?")
    size.add_argument(
        "--full", action="store_true", help="100,000 reports, ten minutes of writing, disk against git gc"
    )
    parser.add_argument(
        "--dir", type=Path, default=Path("/var/tmp"), help="where the data goes; a folder on a disk (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="write the results there, and leave docs/ and the README alone")
    parser.add_argument("--golive", type=Path, help="measure this binary instead of the one built here")
    parser.add_argument("--target", type=Path, default=PROJECT / "target", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
