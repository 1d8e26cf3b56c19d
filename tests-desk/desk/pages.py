"""The pages of the desk by the names of their elements; all that tests know of the markup."""

from typing import Any, Protocol

from playwright.sync_api import Locator, Page, Response

from desk.service import Service
from desk.watch import Watch


class Desk:
    """One reviewer at the desk: a browser's page, and what is done on it."""

    def __init__(self, page: Page, url: str, watch: Watch) -> None:
        self.page = page
        self.url = url
        self.watch = watch

    def new_tab(self) -> "Desk":
        """Open one more tab of the same browser."""
        return Desk(self.page.context.new_page(), self.url, self.watch)

    def open(self, path: str = "/") -> Response:
        """Go to a page by its path and query."""
        response = self.page.goto(f"{self.url}{path}")
        if response is None:
            raise AssertionError(f"no answer to {path}")
        return response

    def open_report(self, report: dict[str, Any]) -> Response:
        """Go to the page of a report."""
        return self.open(f"/reports/{report['id']}")

    # The queue

    @property
    def rows(self) -> Locator:
        """The reports on this page of the queue, in its order."""
        return self.page.locator("#queue tr[data-report]")

    def row(self, report: dict[str, Any]) -> Locator:
        """Return the row of a report."""
        return self.page.locator(f'#queue tr[data-report="{report["id"]}"]')

    def listed(self) -> list[str]:
        """Return the ids of the reports on this page of the queue, in its order."""
        found: list[str] = self.rows.evaluate_all("rows => rows.map(row => row.dataset.report)")
        return found

    def tab(self, name: str) -> Locator:
        """Return a tab of the queue, by a part of its name."""
        return self.page.locator('nav[aria-label="Status"] a').filter(has_text=name)

    @property
    def search(self) -> Locator:
        """The search field of the queue."""
        return self.page.locator("input#search[name=q]")

    def mark(self, report: dict[str, Any]) -> Locator:
        """Return what the row of a report says of the check."""
        return self.row(report).locator("td.found")

    # A report

    @property
    def found(self) -> Locator:
        """What the check found."""
        return self.page.locator("section#check")

    @property
    def findings(self) -> Locator:
        """The findings of the check, by line."""
        return self.found.locator("ol.findings > li")

    @property
    def text(self) -> Locator:
        """The rendered report."""
        return self.page.locator("article#report")

    @property
    def decision(self) -> Locator:
        """The form of the decision."""
        return self.page.locator("form#decide")

    @property
    def notes(self) -> Locator:
        """The notes of the decision."""
        return self.decision.locator("textarea[name=review_notes]")

    @property
    def reviewer(self) -> Locator:
        """Who decides."""
        return self.decision.locator("input[name=reviewed_by]")

    def choice(self, status: str) -> Locator:
        """Return the radio button of a decision."""
        return self.decision.locator(f'input[name=status][value="{status}"]')

    @property
    def button(self) -> Locator:
        """The button that sends the decision."""
        return self.decision.locator("button:not([type=button])")

    @property
    def changes(self) -> Locator:
        """What changed since the last decision."""
        return self.page.locator("section#changes")

    @property
    def meanwhile(self) -> Locator:
        """What happened since the page of a refused decision was made."""
        return self.page.locator("section#meanwhile")

    @property
    def history(self) -> Locator:
        """The entries of the report's history."""
        return self.page.locator("ol#history > li")

    @property
    def news(self) -> Locator:
        """The banner that says that the report changed."""
        return self.page.locator("#news")

    def fill_decision(self, status: str, notes: str, by: str) -> None:
        """Fill in the form without sending it."""
        self.choice(status).check()
        self.notes.fill(notes)
        self.reviewer.fill(by)

    def send_decision(self) -> Response:
        """Press the button, and return the answer to the page that came of it."""
        with self.page.expect_navigation(wait_until="load") as navigation:
            self.button.click()
        return navigation.value

    def decide(self, status: str, notes: str, by: str) -> Response:
        """Fill in the form and send it."""
        self.fill_decision(status, notes, by)
        return self.send_decision()

    # Every page

    def sideways_scroll(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate(
                "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
            )
        )


class NewDesk(Protocol):
    """Opens a browser of its own for one more reviewer."""

    def __call__(self, service: Service, **context: Any) -> Desk:  # noqa: ANN401
        """Return a desk at `service`; `context` are Playwright's options of a context."""
        ...
