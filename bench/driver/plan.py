"""How much a run measures: `--quick`, `make bench`, `make bench-full`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    kind: str
    # Turns of each measurement; the figures are their medians.
    turns: int = 3
    # Reports that both sides hold before they are compared.
    fill: int = 10_000
    # Seconds of each run.
    seconds: float = 3.0
    growth_seconds: float = 2.0
    # Submissions of one turn at each size: at a small size they must be few, or it is no longer small.
    growth_posts: int = 2_000
    sizes: tuple[int, ...] = (100, 1_000, 3_000, 10_000, 30_000)
    hand_edits: int = 20
    idle_seconds: float = 20.0
    # The long ones; 0 leaves them out.
    sustained_seconds: float = 0.0
    disk_quiet_seconds: float = 0.0
    free_gb_needed: int = 4


PLANS = {
    "quick": Plan(
        "quick", turns=1, fill=500, seconds=0.8, growth_seconds=0.5, growth_posts=200, sizes=(100, 300, 1_000),
        hand_edits=3, idle_seconds=3.0, sustained_seconds=5.0, disk_quiet_seconds=2.0, free_gb_needed=1,
    ),
    "bench": Plan("bench"),
    "full": Plan(
        # Idle for longer than from one walk over the work tree to the next.
        "full", sizes=(100, 1_000, 10_000, 30_000, 100_000), idle_seconds=200.0,
        sustained_seconds=600.0, disk_quiet_seconds=120.0, free_gb_needed=30,
    ),
}  # fmt: skip

CLIENTS = 64
POSTGRES_POOL = 20
