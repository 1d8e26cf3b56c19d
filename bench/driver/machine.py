"""What was measured, and on what."""

import datetime
import os
import platform
import subprocess
import time
from pathlib import Path
from statistics import median

import postgres
from failure import Failure

# What is in memory is not durable, however often it is synced.
VOLATILE = {"tmpfs", "ramfs"}
BUSY_SECONDS = 3.0


def describe(project: Path, folder: Path) -> dict[str, str | int | float]:
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "file_system": file_system(folder),
        "disk": _disk(folder),
        "sync_ms": round(_sync_ms(folder), 3),
        "kernel": f"{platform.system()} {platform.release()}",
        "git": _run("git", "--version").split()[2],
        "postgres": postgres.version(),
        "commit": _commit(project),
        "date": datetime.date.today().isoformat(),
    }


def file_system(folder: Path) -> str:
    """Returns the type of the file system that holds the folder."""
    kinds = {}
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, place, kind, *_ = line.split(" ")
        kinds[place] = kind
    places = [str(folder), *map(str, folder.parents)]
    return next((kinds[place] for place in places if place in kinds), "unknown")


def refuse_unfit(folder: Path, free_gb_needed: int) -> None:
    """Raises `Failure` if nothing durable can be measured in the folder."""
    kind = file_system(folder)
    if kind in VOLATILE:
        raise Failure(
            f"`{folder}` is in memory ({kind}), where a sync means nothing; name a folder on a disk with --dir"
        )
    status = os.statvfs(folder)
    free_gb = status.f_bavail * status.f_frsize / 1024**3
    if free_gb < free_gb_needed:
        raise Failure(
            f"`{folder}` has {free_gb:.0f} GB free, {free_gb_needed} are needed; name another folder with --dir"
        )


def busy() -> float:
    """Returns the share of the processors, in percent, that others use now.

    The load average would be that of the build that has just ended.
    """
    idle_before, all_before = _ticks()
    time.sleep(BUSY_SECONDS)
    idle, everything = _ticks()
    return 100 * (1 - (idle - idle_before) / max(1, everything - all_before))


def _ticks() -> tuple[int, int]:
    fields = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()[1:9]
    ticks = [int(field) for field in fields]
    return ticks[3] + ticks[4], sum(ticks)


def _commit(project: Path) -> str:
    commit = _run("git", "-C", str(project), "rev-parse", "--short=12", "HEAD")
    # What is not part of the program, such as the results of an earlier run, may differ.
    changed = _run("git", "-C", str(project), "status", "--porcelain", "--", "src", "Cargo.toml", "Cargo.lock")
    return commit if not changed else f"{commit}-dirty"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _disk(folder: Path) -> str:
    device = folder.stat().st_dev
    block = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    # A partition's folder is in its disk's.
    for place in (block, block.parent):
        try:
            name = (place / "device/model").read_text(encoding="utf-8").strip()
            return f"{place.name} ({name})"
        except OSError:
            continue
    return block.name if block.exists() else "unknown"


def _sync_ms(folder: Path) -> float:
    """Returns what one `fdatasync` of 4 KB takes: the price of durability here."""
    took = []
    path = folder / "sync"
    with path.open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(1000 * (time.perf_counter() - start))
    path.unlink()
    return median(took)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
