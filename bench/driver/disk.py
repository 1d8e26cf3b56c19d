"""What the repository takes once its upkeep is done, against what `git gc` would leave of it."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

from plan import Plan
from say import say
from services import Golive

UPKEEP_SECONDS_MAX = 3600.0


def measure(plan: Plan, golive: Golive, folder: Path) -> dict[str, Any]:
    """Compares sizes of `.git`; the copy that is collected goes to `folder`. Ends the service."""
    golive.settle()
    say("Waiting until upkeep is done")
    start = unchanged = time.monotonic()
    packs = golive.packs()
    while time.monotonic() - unchanged < plan.disk_quiet_seconds and time.monotonic() - start < UPKEEP_SECONDS_MAX:
        time.sleep(1)
        if (now := golive.packs()) != packs:
            packs, unchanged = now, time.monotonic()
    commits = int(golive.git("rev-list", "--count", "main"))
    golive.stop()
    kept = _mb(golive.repository / ".git")
    say("Running `git gc` on a copy")
    # Links as links: the hooks lead to those that a person may have.
    shutil.copytree(golive.repository / ".git", folder / ".git", symlinks=True)
    subprocess.run(["git", "-C", str(folder), "gc", "--quiet", "--prune=now"], check=True, capture_output=True)
    collected = _mb(folder / ".git")
    shutil.rmtree(folder)
    return {"commits": commits, "packs": len(packs), "mb": round(kept, 1), "mb_after_gc": round(collected, 1)}


def _mb(folder: Path) -> float:
    """Returns what the files take on disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*")) / 1024**2
