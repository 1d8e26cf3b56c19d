"""The whole review at the desk, from an assistant's submission to the approval in git."""

import pytest
from playwright.sync_api import expect

from desk import texts
from desk.api import KIM, MORGAN
from desk.assistant import Assistant
from desk.pages import Desk, NewDesk
from desk.service import Service

OPEN_FINDING = "| FP-31 | high | none yet |"
FIXED_FINDING = "| FP-31 | high | fixed in 1.4.1 |"
NAME = "mcp-parking"

# Subject, author, way in.
STORY = [
    "Submit report `mcp-parking`|kari@example.com <kari@example.com>|mcp",
    "Reject report `mcp-parking`|Morgan <morgan@example.com>|web",
    "Resubmit report `mcp-parking`|kari@example.com <kari@example.com>|mcp",
    "Approve report `mcp-parking`|Kim <kim@example.com>|web",
]


def test_review_goes_from_submission_over_rejection_to_approval(
    desk: Desk, service: Service, assistant: Assistant
) -> None:
    # The queue is empty, and fills by itself.
    desk.open()
    expect(desk.rows).to_have_count(0)
    stayed(desk)
    report = assistant.submit_report(NAME, texts.six_phases(NAME, OPEN_FINDING))
    expect(desk.row(report)).to_be_visible()
    expect(desk.row(report)).to_contain_text(NAME)
    expect(desk.row(report)).to_contain_text("github.com/example/mcp-parking")
    expect(desk.row(report)).to_contain_text("kari@example.com")
    assert has_stayed(desk)

    # Morgan reads it, and sends it back.
    desk.row(report).get_by_role("link", name=NAME).click()
    expect(desk.page.locator("h1")).to_have_text(NAME)
    expect(desk.text).to_contain_text("Lethal Trifecta Compliance")
    expect(desk.changes).to_have_count(0)
    answer = desk.decide("rejected", "FP-31 is a high finding.\nFix it first.", MORGAN)
    assert answer.status == 200
    expect(desk.page.get_by_role("status").filter(has_text="ejected")).to_be_visible()
    expect(desk.history).to_have_count(2)
    expect(desk.history.filter(has_text="Morgan")).to_contain_text("FP-31 is a high finding.")
    assert service.report(report["id"])["status"] == "rejected"

    # Kari's assistant submits again; the page tells that it is no longer what there is.
    assistant.submit_report(NAME, texts.six_phases(NAME, FIXED_FINDING))
    expect(desk.news).to_contain_text("kari@example.com")
    desk.open()
    desk.row(report).get_by_role("link", name=NAME).click()

    # What changed is marked by word, above the fold.
    expect(desk.changes.locator("del").first).to_be_visible()
    assert "none" in "".join(desk.changes.locator("del").all_inner_texts())
    assert "fixed" in "".join(desk.changes.locator("ins").all_inner_texts())
    assert "FP-31" not in "".join(desk.changes.locator("ins").all_inner_texts())
    box = desk.changes.bounding_box()
    height = desk.page.evaluate("window.innerHeight")
    assert box is not None
    assert box["y"] < height

    # Kim approves it.
    desk.decide("approved", "FP-31 is fixed. Good to go.", KIM)
    expect(desk.page.get_by_role("status").filter(has_text="pproved")).to_be_visible()
    expect(desk.history).to_have_count(4)

    # Each step is a commit, and says so in plain git.
    form = "%s|%an <%ae>|%(trailers:key=Via,valueonly,separator=%x2C)"
    assert service.commits(service.report(report["id"]), form) == STORY
    decisions = service.git("log", "--format=%b", "--grep=^Reject", "main")
    assert "    FP-31 is a high finding.\n    Fix it first.\n" in decisions
    assert "Status: pending_review -> rejected\n" in decisions


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_decided_report_can_be_decided_otherwise_and_reopened(
    status: str, desk: Desk, service: Service
) -> None:
    report = service.submit()
    service.decide(report, status, "First thoughts.")
    other = {"approved": "rejected", "rejected": "approved"}[status]

    desk.open_report(report)
    desk.decide(other, "Second thoughts.", KIM)
    assert service.report(report["id"])["status"] == other

    desk.open_report(report)
    desk.decide("pending_review", "", KIM)
    assert service.report(report["id"])["status"] == "pending_review"
    subjects = [line.split()[0] for line in service.commits(report, "%s")]
    assert subjects == ["Submit", *(verb(s) for s in (status, other)), "Reopen"]


def test_reviewer_is_remembered_by_the_browser(desk: Desk, service: Service) -> None:
    first, second = service.submit("mcp-one"), service.submit("mcp-two")
    desk.open_report(first)
    desk.decide("approved", "", KIM)

    desk.open_report(second)
    expect(desk.reviewer).to_have_value(KIM)


def test_notes_come_to_git_as_they_were_typed(desk: Desk, service: Service) -> None:
    report = service.submit()
    notes = "Erste Zeile – «ja»\n\n  indented\tand tabbed\n# not a heading\nVia: forged\n🚀"
    desk.open_report(report)
    desk.decide("rejected", notes, MORGAN)

    assert service.report(report["id"])["review_notes"] == notes
    (via,) = {
        line
        for line in service.commits(report, "%(trailers:key=Via,valueonly,separator=%x2C)")
        if line != "api"
    }
    assert via == "web"


def test_two_reviewers_see_each_other_s_decisions(
    desk: Desk, new_desk: NewDesk, service: Service
) -> None:
    report = service.submit()
    other = new_desk(service)
    other.open()
    expect(other.row(report)).to_be_visible()

    desk.open_report(report)
    desk.decide("approved", "", KIM)
    expect(other.row(report)).to_have_count(0)
    expect(other.tab("Approved")).to_contain_text("1")


def stayed(desk: Desk) -> None:
    """Mark the page, so that a reload would be seen."""
    desk.page.evaluate("window.__stayed = true")


def has_stayed(desk: Desk) -> bool:
    """Return whether the page is the one that was marked."""
    return bool(desk.page.evaluate("window.__stayed === true"))


def verb(status: str) -> str:
    """Return the first word of a decision's commit."""
    return {"approved": "Approve", "rejected": "Reject"}[status]
