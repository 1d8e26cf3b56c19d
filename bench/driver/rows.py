"""The table: each figure beside what it should reach, and whether it does."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Row:
    what: str
    figure: str
    ratio: str
    target: str
    # `None`: the target is for another size than was measured.
    met: bool | None

    def cells(self) -> list[str]:
        mark = {True: "yes", False: "**no**", None: "–"}[self.met]
        return [self.what, self.figure, self.ratio, self.target, mark]


# call: its name, throughput to reach, p99 to stay under (both against PostgreSQL).
AGAINST_POSTGRES: dict[str, tuple[str, float, float | None]] = {
    "post": ("POST, 64 clients", 2.5, 0.5),
    "post-1": ("POST, 1 client", 0.5, None),
    "patch": ("PATCH (a decision), 64 clients", 1.5, 0.7),
    "get": ("GET one report, 64 clients", 9.0, None),
    "list": ("GET a page of 50 summaries, 64 clients", 18.0, None),
    "mix": ("20 % POST, 60 % GET, 15 % list, 5 % PATCH", 5.0, None),
}
LARGE = 100_000


def rows(results: dict[str, Any]) -> list[Row]:
    table = _calls(results["side_by_side"]["calls"]) + _growth(results["growth"]) + _start(results["start"])
    table += _hand_edit(results["hand_edit"])
    if sustained := results.get("sustained"):
        table += _sustained(sustained)
    if disk := results.get("disk"):
        ratio = disk["mb"] / disk["mb_after_gc"]
        what = f"Disk after {disk['commits']:,} commits, against `git gc`"
        figure = f"{disk['mb']:,.0f} MB and {disk['mb_after_gc']:,.0f} MB"
        table.append(Row(what, figure, f"{ratio:.2f} ×", "≤ 2 ×", ratio <= 2))
    return table


def _calls(calls: dict[str, Any]) -> list[Row]:
    table = []
    for call, (what, reach, p99_reach) in AGAINST_POSTGRES.items():
        ours, theirs = calls[call]["golive"], calls[call]["postgres"]
        ratio = ours["per_second"] / theirs["per_second"]
        p99_ratio = ours["p99_ms"] / theirs["p99_ms"]
        figure = f"{ours['per_second']:,.0f}/s and {theirs['per_second']:,.0f}/s; " + (
            f"p99 {ours['p99_ms']:.1f} ms and {theirs['p99_ms']:.1f} ms"
        )
        target = f"≥ {reach:g} ×" + (f", p99 ≤ {p99_reach:g} ×" if p99_reach else "")
        met = ratio >= reach and (p99_reach is None or p99_ratio <= p99_reach)
        table.append(Row(what, figure, f"{ratio:.1f} ×, p99 {p99_ratio:.2f} ×", target, met))
    ours, bare = calls["get"]["golive"]["per_second"], calls["get"]["bare"]["per_second"]
    figure = f"{ours:,.0f}/s and {bare:,.0f}/s"
    what = "GET one report, against an axum handler with 8 KB in memory"
    table.append(Row(what, figure, f"{ours / bare:.0%}", "≥ 80 %", ours / bare >= 0.8))
    return table


def _growth(growth: list[dict[str, Any]]) -> list[Row]:
    large = growth[-1]
    small = next((size for size in growth[:-1] if size["reports"] == 1_000), growth[0])
    table = []
    for call, reach in (("post", 0.9), ("patch", 0.9), ("list", 0.95), ("get", 0.95)):
        few, many = small[call]["per_second"], large[call]["per_second"]
        what = f"{call.upper()} with {large['reports']:,} reports, against {small['reports']:,}"
        met = many / few >= reach if large["reports"] >= LARGE else None
        target = f"≥ {reach:g} × at {LARGE:,}"
        table.append(Row(what, f"{many:,.0f}/s and {few:,.0f}/s", f"{many / few:.2f} ×", target, met))
    return table


def _start(start: dict[str, Any]) -> list[Row]:
    is_large = start["reports"] >= LARGE
    at = f"with {start['reports']:,} reports"

    def row(what: str, value: float, unit: str, digits: int, reach: float) -> Row:
        met = value <= reach if is_large else None
        return Row(f"{what} {at}", f"{value:,.{digits}f} {unit}", "", f"≤ {reach:g} {unit} at {LARGE:,}", met)

    history = f"History of one report in {start['commits']:,} commits (median, p99)"
    figure = f"{start['history_p50_ms']:.2f} ms, {start['history_p99_ms']:.2f} ms"
    return [
        row("Start until ready,", start["clean_seconds"], "s", 2, 1),
        row("Start without any saved state,", start["cold_seconds"], "s", 2, 5),
        row("Resident memory after the start,", start["resident_mb"], "MB", 0, 150),
        row("Resident memory after reading all once,", start["resident_mb_all_read"], "MB", 0, 300),
        Row(history, figure, "", f"≤ 5 ms at {LARGE:,}", start["history_p99_ms"] <= 5 if is_large else None),
    ]


def _hand_edit(edit: dict[str, Any]) -> list[Row]:
    seconds, idle = edit["median_seconds"], edit["idle_cpu_percent"]
    is_large = edit["files"] >= LARGE
    seen = f"{seconds:.2f} s" if seconds is not None else f"{edit['seen']} of {edit['edits']} seen"
    seen_met = seconds is not None and seconds <= 1
    at = f"with {edit['files']:,} files"
    return [
        Row(f"Hand edit served (median) {at}", seen, "", f"≤ 1 s at {LARGE:,}", seen_met if is_large else None),
        Row(f"Idle CPU {at}", f"{idle:.1f} % of a core", "", f"≤ 1 % at {LARGE:,}", idle <= 1 if is_large else None),
    ]


def _sustained(sustained: dict[str, Any]) -> list[Row]:
    first, last = sustained["first_per_second"], sustained["last_per_second"]
    window, packs = sustained["window_seconds"], sustained["most_packs"]
    what = f"Writing for {sustained['seconds']:.0f} s: last {window} s against the first {window} s"
    figure = f"{last:,.0f}/s and {first:,.0f}/s"
    return [
        Row(what, figure, f"{last / first:.2f} ×", "≥ 0.9 ×", last / first >= 0.9),
        Row("Most packs at any time of it", str(packs), "", "≤ 100", packs <= 100),
    ]
