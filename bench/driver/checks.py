"""Whether git holds what was acknowledged, looked up with git alone."""

import random
import subprocess
from collections import Counter

from failure import Failure
from load import Load
from services import Golive

SAMPLES = 50


def check(golive: Golive, load: Load) -> dict[str, int]:
    """Compares the counts and a sample of texts with what was sent; returns how many were looked at."""
    sent = load.sent[golive.ids]
    reports = [line.split(" ") for line in golive.ids.read_text(encoding="ascii").splitlines()]
    same("reports acknowledged and submissions sent", len(reports), sent["post"])

    commits = int(golive.git("rev-list", "--count", "main"))
    # The first commit is the repository's own.
    same("commits and writes acknowledged", commits, 1 + sent["post"] + sent["patch"])

    files = golive.git("grep", "-h", "-E", "^status: ", "main", "--", "reports").split("\n")
    states = Counter(line.split(" ")[1].strip("\"'") for line in files if line)
    for status in ("pending_review", "approved", "rejected"):
        total = golive.get(f"/api/v1/reports?limit=1&status={status}").headers["X-Total-Count"]
        same(f"reports listed as {status} and files that say so", int(total or -1), states[status])
    same("files and reports", states.total(), len(reports))

    sample = random.sample(reports, min(SAMPLES, len(reports)))
    for _, key in sample:
        path = golive.path(f"https://github.com/example/mcp-{int(key):x}")
        file = _run("git", "-C", str(golive.repository), "cat-file", "blob", f"main:{path}")
        if file.split(b"\n---\n", 1)[1] != load.body(key):
            raise Failure(f"`{path}` does not hold the text that was sent")
    return {"reports": len(reports), "commits": commits, "bodies": len(sample)}


def fsck(golive: Golive) -> None:
    """Lets git check the repository of the stopped service."""
    done = subprocess.run(
        ["git", "-C", str(golive.repository), "fsck", "--strict", "--no-dangling", "--no-progress"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise Failure(f"`git fsck` found faults:\n{(done.stdout + done.stderr)[-2000:]}")


def same(what: str, left: int, right: int) -> None:
    if left != right:
        raise Failure(f"{what} differ: {left} and {right}")


def _run(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout
