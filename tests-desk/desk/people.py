"""What people do to the reports repository beside the service: saved files, pushed commits."""

import os
import tempfile
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from desk.service import Service

WAIT_SECONDS = 30.0
BETWEEN_LOOKS_SECONDS = 0.05

NEW_REPORT = """\
---
id: {id}
server_name: {name}
repository_url: {url}
developer_email: alex@example.com
status: pending_review
revision: 1
submitted_at: {at}
reviewed_at: null
reviewed_by: null
review_notes: null
---
{text}"""


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    """Look until it holds, for a bounded time."""
    end = time.monotonic() + WAIT_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise AssertionError(f"after {WAIT_SECONDS:.0f} seconds it does not hold that {what}")
        time.sleep(BETWEEN_LOOKS_SECONDS)


def push_old_report(service: Service, name: str, days: int) -> dict[str, Any]:
    """Push a commit of `days` ago with a new report, and return the report."""
    return push_report(service, name, datetime.now(UTC) - timedelta(days=days))


def push_report(
    service: Service, name: str, when: datetime | None = None, text: str = "# Old\n\nAll well.\n"
) -> dict[str, Any]:
    """Push a commit of `when`, or of the service's now, with a new report; return the report."""
    report_id = str(uuid.uuid4())
    url = f"https://github.com/example/{name}"
    path = service.path({"repository_url": url})
    at = f"{when or service.now():%Y-%m-%dT%H:%M:%SZ}"
    with cloned(service) as clone:
        file = clone / path
        file.parent.mkdir(parents=True, exist_ok=True)
        new = NEW_REPORT.format(id=report_id, name=name, url=url, at=at, text=text)
        file.write_text(new, encoding="utf-8")
        push(service, clone, f"Add {name}", at)
    wait_until("a pushed report is served", lambda: _is_served(service, report_id))
    return service.report(report_id)


def approve_by_push(service: Service, report: dict[str, Any], notes: str) -> None:
    """Push a commit that approves, and wait until it counts."""
    with cloned(service) as clone:
        file = clone / service.path(report)
        text = file.read_text(encoding="utf-8")
        text = text.replace("status: pending_review", "status: approved")
        text = text.replace("review_notes: null", f'review_notes: "{notes}"')
        file.write_text(text, encoding="utf-8")
        push(service, clone, "Approve by hand", f"{service.now():%Y-%m-%dT%H:%M:%SZ}")
    wait_until("a pushed decision counts", lambda: _status(service, report) == "approved")


@contextmanager
def cloned(service: Service) -> Generator[Path]:
    """Clone the reports repository over HTTP, until the block ends."""
    with tempfile.TemporaryDirectory() as clone:
        service.git("clone", "--quiet", f"{service.url}/reports.git", clone)
        yield Path(clone)


def push(service: Service, clone: Path, message: str, at: str) -> None:
    """Commit all that is in `clone` as of `at`, and push it."""
    dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    service.git("-C", str(clone), "add", "--all")
    service.git("-C", str(clone), "commit", "--quiet", "--message", message, **dates)
    service.git("-C", str(clone), "push", "--quiet")


def spoil_by_hand(
    service: Service, report: dict[str, Any], old: str = "pending_review", new: str = "aproved"
) -> None:
    """Save the report's file with a fault in it, and wait until it is listed as a problem."""
    path = service.path(report)
    file = service.repository / path
    wait_until("the file is in the work tree", file.exists)
    text = file.read_text(encoding="utf-8")
    if old not in text:
        raise AssertionError(f"no {old!r} in {text!r}")
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    # The file is of the service's time, whatever clock that goes by.
    at = service.now().timestamp()
    os.utime(file, times=(at, at))
    wait_until("the file is a problem", lambda: path in problems(service))


def problems(service: Service) -> list[str]:
    """Return the paths of the files that could not be accepted."""
    found: list[dict[str, Any]] = service.api.get("/problems").raise_for_status().json()
    return [problem["path"] for problem in found]


def _status(service: Service, report: dict[str, Any]) -> str:
    return str(service.report(report["id"])["status"])


def _is_served(service: Service, report_id: str) -> bool:
    return service.api.get(f"/reports/{report_id}").is_success
