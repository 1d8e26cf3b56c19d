"""A golive's REST API, as the tests use it."""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

KIM = "Kim <kim@example.com>"
MORGAN = "Morgan <morgan@example.com>"

ANSWER_SECONDS = 30.0


@dataclass(frozen=True)
class Api:
    """A golive somewhere; `url` is its origin, without a slash at the end."""

    url: str
    api: httpx.Client

    def submit(self, name: str = "mcp-parking", **fields: str) -> dict[str, Any]:
        """Submit a report; `fields` replace or add members."""
        report = {
            "server_name": name,
            "repository_url": f"https://github.com/example/{_slug(name)}",
            "developer_email": "kari@example.com",
            "report_data": f"# {name}\n\nAll well.\n",
        }
        return good(self.api.post("/reports", json=report | fields))

    def revise(self, report: dict[str, Any], text: str, **fields: str) -> dict[str, Any]:
        """Put a new revision of `report`."""
        kept = ("server_name", "repository_url", "developer_email")
        body = {name: report[name] for name in kept} | {"report_data": text} | fields
        return good(self.api.put(f"/reports/{report['id']}", json=body))

    def decide(
        self, report: dict[str, Any], status: str, notes: str | None = None, by: str = MORGAN
    ) -> dict[str, Any]:
        """Decide on `report`."""
        body = {"status": status, "reviewed_by": by, "review_notes": notes}
        return good(self.api.patch(f"/reports/{report['id']}/status", json=body))

    def report(self, report_id: str) -> dict[str, Any]:
        """Return the whole report as the service has it."""
        return good(self.api.get(f"/reports/{report_id}"))

    def now(self) -> datetime:
        """Return the service's time of day, by what it says of an answer."""
        return parsedate_to_datetime(self.api.get("/reports?limit=1").headers["Date"])


def good(answer: httpx.Response) -> dict[str, Any]:
    """Return what a success says."""
    if not answer.is_success:
        raise AssertionError(f"{answer.request.method} {answer.request.url}: {answer.text}")
    return answer.json()


@contextmanager
def connected(url: str) -> Generator[Api]:
    """Connect to the service at `url`."""
    with httpx.Client(base_url=f"{url}/api/v1", trust_env=False, timeout=ANSWER_SECONDS) as client:
        yield Api(url, client)


def _slug(name: str) -> str:
    """Return a repository's name for a server's."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
