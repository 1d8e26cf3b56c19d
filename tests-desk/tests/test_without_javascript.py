"""The same review in a browser that runs no script at all."""

import re

import pytest
from playwright.sync_api import expect

from desk import texts
from desk.api import KIM, MORGAN
from desk.assistant import Assistant
from desk.pages import Desk, NewDesk
from desk.service import Service


@pytest.fixture
def plain(new_desk: NewDesk, service: Service) -> Desk:
    """Seat a reviewer whose browser runs no script."""
    return new_desk(service, java_script_enabled=False)


def test_review_goes_from_submission_over_rejection_to_approval(
    plain: Desk, service: Service, assistant: Assistant
) -> None:
    name = "mcp-parking"
    report = assistant.submit_report(name, texts.six_phases(name, "| FP-31 | high | none yet |"))
    plain.open()
    plain.row(report).get_by_role("link", name=name).click()
    expect(plain.text).to_contain_text("Lethal Trifecta Compliance")
    plain.decide("rejected", "FP-31 first.", MORGAN)
    expect(plain.page.get_by_role("status").filter(has_text="ejected")).to_be_visible()

    assistant.submit_report(name, texts.six_phases(name, "| FP-31 | high | fixed in 1.4.1 |"))
    plain.open()
    plain.row(report).get_by_role("link", name=name).click()
    expect(plain.changes.locator("ins").first).to_be_visible()
    plain.decide("approved", "Good to go.", KIM)

    form = "%s|%an|%(trailers:key=Via,valueonly,separator=%x2C)"
    assert service.commits(service.report(report["id"]), form) == [
        f"Submit report `{name}`|kari@example.com|mcp",
        f"Reject report `{name}`|Morgan|web",
        f"Resubmit report `{name}`|kari@example.com|mcp",
        f"Approve report `{name}`|Kim|web",
    ]


def test_stale_decision_is_refused_with_the_notes_kept(plain: Desk, service: Service) -> None:
    report = service.submit()
    plain.open_report(report)
    service.decide(report, "approved", "I was first.", KIM)

    assert plain.decide("rejected", "Not yet.", MORGAN).status == 409
    expect(plain.meanwhile).to_contain_text("Kim")
    expect(plain.notes).to_have_value("Not yet.")
    assert plain.send_decision().status == 200
    assert service.report(report["id"])["status"] == "rejected"


def test_search_tabs_and_pages_are_links_and_a_form(plain: Desk, service: Service) -> None:
    parking = service.submit("mcp-parking")
    booking = service.submit("mcp-booking")
    service.decide(booking, "approved")

    plain.open()
    assert plain.listed() == [parking["id"]]
    plain.tab("Approved").click()
    assert plain.listed() == [booking["id"]]
    plain.tab("All").click()
    assert set(plain.listed()) == {parking["id"], booking["id"]}
    plain.search.fill("BOOK")
    plain.search.press("Enter")
    expect(plain.page).to_have_url(re.compile(r"[?&]q=BOOK\b"))
    assert plain.listed() == [booking["id"]]


def test_times_say_that_they_are_utc(plain: Desk, service: Service) -> None:
    report = service.submit()
    plain.open_report(report)
    times = plain.page.locator("#history time")
    assert times.count() >= 1
    for time in times.all():
        shown = f"{time.inner_text()} {time.get_attribute('title') or ''}"
        assert "UTC" in shown, shown


def test_no_control_is_shown_that_needs_a_script(plain: Desk, service: Service) -> None:
    report = service.submit()
    for path in ("/", f"/reports/{report['id']}"):
        plain.open(path)
        dead = plain.page.locator("button[type=button]:visible")
        assert dead.all_inner_texts() == []
