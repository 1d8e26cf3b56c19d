"""A service with something for every page, and the list of its pages.

For tests that look at all pages and change nothing: accessibility, a phone's
width, print. What a POST answers is reached from a report's page by spoiling
one hidden field of the form, so that it is refused and nothing changes.
"""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desk import texts
from desk.api import KIM, MORGAN
from desk.pages import Desk
from desk.people import push_old_report, spoil_by_hand
from desk.service import Service, running_service

N_SMALL = 52
LONG_NAME = "mcp-" + "a-name-that-takes-every-character-there-is-" * 6


@dataclass(frozen=True)
class Gallery:
    """The service, and one report of each kind."""

    service: Service
    pending: dict[str, Any]
    approved: dict[str, Any]
    rejected: dict[str, Any]
    resubmitted: dict[str, Any]
    overdue: dict[str, Any]

    @property
    def pages(self) -> dict[str, Callable[[Desk], object]]:
        """The pages by name, and how to get there."""
        first = self.service.commits(self.resubmitted, "%H")[0]
        resubmitted = f"/reports/{self.resubmitted['id']}"
        paths = {
            "queue": "/",
            "queue-approved": "/?status=approved",
            "queue-rejected": "/?status=rejected",
            "queue-filtered": "/?status=all&q=mcp-small-1&owner=example&sort=name",
            "queue-narrowed": "/?risk=none&findings=errors",
            "queue-nothing-found": "/?status=all&q=there-is-no-such-word",
            "report-pending": f"/reports/{self.pending['id']}",
            "report-approved": f"/reports/{self.approved['id']}",
            "report-rejected": f"/reports/{self.rejected['id']}",
            "report-resubmitted": resubmitted,
            "report-earlier": f"{resubmitted}?at={first}",
            "report-difference": f"{resubmitted}/diff?from=1&to=5",
            "problems": "/problems",
            "activity": "/activity",
            "rules": "/rules",
            "not-found": "/nowhere",
            "report-not-found": "/reports/0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10",
        }
        pages: dict[str, Callable[[Desk], object]] = {
            name: lambda desk, path=path: desk.open(path) for name, path in paths.items()
        }
        pages["queue-next"] = self.next_of_queue
        pages["decision-stale"] = self.refused_as_stale
        pages["decision-invalid"] = self.refused_as_invalid
        pages["decision-forged"] = self.refused_as_forged
        return pages

    def next_of_queue(self, desk: Desk) -> None:
        """Go to the second page of the queue."""
        desk.open()
        with desk.page.expect_navigation():
            desk.page.locator("a[rel=next]").first.click()

    def refused_as_stale(self, desk: Desk) -> None:
        """Decide on the resubmitted report from a page as old as its first commit."""
        first = self.service.commits(self.resubmitted, "%H")[0]
        self._refused(desk, 409, "commit", first)

    def refused_as_invalid(self, desk: Desk) -> None:
        """Decide in the name of nobody."""
        self._refused(desk, 422, "reviewed_by", "")

    def refused_as_forged(self, desk: Desk) -> None:
        """Decide with a token that the desk did not give."""
        self._refused(desk, 403, "token", "forged")

    def _refused(self, desk: Desk, status: int, field: str, value: str) -> None:
        desk.open_report(self.resubmitted)
        desk.fill_decision("rejected", "Please add the threat model.", MORGAN)
        spoil = "(form, [name, value]) => { form.noValidate = true; form.elements[name].value = value; }"
        desk.decision.evaluate(spoil, [field, value])
        answer = desk.send_decision()
        if answer.status != status:
            raise AssertionError(f"a spoilt `{field}` is {answer.status}, not {status}")


@contextmanager
def running_gallery(directory: Path) -> Generator[Gallery]:
    """Run the service with all of it."""
    with running_service(directory) as service:
        overdue = push_old_report(service, "mcp-forgotten", days=20)
        for number in range(N_SMALL):
            service.submit(f"mcp-small-{number:02}")
        approved = service.submit(LONG_NAME[:255], report_data=texts.six_phases("mcp-long"))
        service.decide(approved, "approved", "Good to go.\n\n\tSecond line.", KIM)
        rejected = service.submit("mcp-rejected", report_data=texts.everything("mcp-rejected"))
        service.decide(rejected, "rejected", "FP-31 is a high finding.\n" + "wide" * 200, MORGAN)
        yield Gallery(
            service=service,
            pending=service.submit("mcp-pending", report_data=texts.everything("mcp-pending")),
            approved=approved,
            rejected=rejected,
            resubmitted=_resubmitted(service),
            overdue=overdue,
        )


def _resubmitted(service: Service) -> dict[str, Any]:
    """Make a report of five revisions, four of them rejected; one file of it is a problem."""
    spoilt = service.submit("mcp-spoilt")
    spoil_by_hand(service, spoilt)
    name = "mcp-resubmitted"
    report = service.submit(name, report_data=texts.everything(name))
    for number in range(2, 6):
        service.decide(report, "rejected", f"Round {number - 1}: FP-31 is open.", MORGAN)
        finding = f"| FP-31 | high | tried {number - 1} times |"
        text = texts.everything(name).replace("| FP-31 | high | none yet |", finding)
        report = service.submit(name, report_data=text)
    return report
