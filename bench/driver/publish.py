"""Writes what was found: numbers, table, picture, and the README's section."""

import json
import subprocess
from pathlib import Path
from typing import Any

from rows import Row

BEGIN, END = "<!-- Written by `make bench`: begin -->", "<!-- end -->"
# More than that is told beside the figures.
BUSY_PERCENT = 10
HEADER = ["what", "measured", "ratio", "to reach", "reached"]


def publish(results: dict[str, Any], table: list[Row], folder: Path, chart: Path, readme: Path | None) -> None:
    """Writes `benchmark.json`, `.md` and `.svg` to the folder, and the README's part if there is one."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, picture = folder / "benchmark.json", folder / "benchmark.svg"
    numbers.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    subprocess.run([str(chart), str(numbers), str(picture)], check=True)
    (folder / "benchmark.md").write_text(_page(results, table), encoding="utf-8")
    if readme is not None:
        text = readme.read_text(encoding="utf-8")
        before, rest = text.split(BEGIN, 1)
        after = rest.split(END, 1)[1]
        part = "\n".join([BEGIN, machine_line(results), "", *markdown(table), END])
        readme.write_text(before + part + after, encoding="utf-8")


def markdown(table: list[Row]) -> list[str]:
    lines = [HEADER, ["---"] * len(HEADER), *(row.cells() for row in table)]
    return ["| " + " | ".join(cells) + " |" for cells in lines]


def machine_line(results: dict[str, Any]) -> str:
    machine = results["machine"]
    busy = ""
    if machine["busy_percent"] > BUSY_PERCENT:
        busy = f" **Others used {machine['busy_percent']} % of the processors: measure again.**"
    return (
        f"Measured on {machine['date']} at commit `{machine['commit']}` with `{results['command']}`: "
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gb']:g} GB, {machine['file_system']} on "
        f"{machine['disk']} (a sync of 4 KB takes {machine['sync_ms']:.2f} ms), {machine['kernel']}, "
        f"PostgreSQL {machine['postgres']}, git {machine['git']}. "
        "Load tool, services and database share the cores, so the ratios say more than the figures." + busy
    )


def _page(results: dict[str, Any], table: list[Row]) -> str:
    fill, checked = results["side_by_side"]["reports"], results["side_by_side"]["checked"]
    lines = [
        "# Benchmark",
        "",
        machine_line(results),
        "",
        *markdown(table),
        "",
        "![Throughput and p99 of each call against PostgreSQL, and cost against size](benchmark.svg)",
        "",
        f"- **Side by side**: both services hold {fill:,} reports of 4 to 10 KB; PostgreSQL has its default, durable "
        f"settings, its service a pool of 20. Medians of {results['turns']} turns of {results['seconds']:g} s, "
        "taken alternately; what only reads before what writes. The figure of golive comes first. Its work tree "
        "follows within moments after a write: "
        f"each run waited for that, at most {results['side_by_side']['settled_seconds']:g} s.",
        "- **Growth**: all reports are of one owner. Each size is measured in each turn; submissions "
        f"({results['growth_posts']:,} a turn) start at the size named.",
        "- **Start**: warm page cache, until `/readyz` is 200. Without saved state means without `.git/golive`.",
        "- **Right answers**: every status, and every 128th answer in full, is compared with what was sent; "
        f"afterwards git alone was asked: {checked['commits']:,} commits for as many acknowledged writes, "
        f"the counts per status, {checked['bodies']} texts by `git cat-file`, `git fsck`. One wrong answer ends it.",
        "- A `–` under *reached*: the target is for 100,000 reports; `make bench-full` measures that.",
        "",
        "Numbers: [benchmark.json](benchmark.json). How: [bench/README.md](../bench/README.md).",
        "",
    ]
    return "\n".join(lines)
