"""A decision from a page that has gone stale: refused, explained, and nothing typed is lost."""

import pytest
from playwright.sync_api import expect

from desk.api import KIM, MORGAN
from desk.pages import Desk
from desk.people import spoil_by_hand
from desk.service import Service

NOTES = "Not yet:\n- rotate the secret\n- name the owner 🔑"


def test_decision_of_somebody_else_is_told_and_the_second_try_works(
    desk: Desk, service: Service
) -> None:
    report = service.submit()
    desk.open_report(report)
    service.decide(report, "approved", "I was first.", KIM)
    before = service.tip()

    answer = desk.decide("rejected", NOTES, MORGAN)

    assert answer.status == 409
    assert service.tip() == before
    expect(desk.meanwhile).to_be_visible()
    expect(desk.meanwhile).to_contain_text("Kim")
    expect(desk.meanwhile).to_contain_text("pproved")
    expect(desk.meanwhile).to_contain_text("I was first.")
    expect(desk.notes).to_have_value(NOTES)
    expect(desk.reviewer).to_have_value(MORGAN)
    expect(desk.choice("rejected")).to_be_checked()

    assert desk.send_decision().status == 200
    decided = service.report(report["id"])
    assert (decided["status"], decided["review_notes"]) == ("rejected", NOTES)
    subjects = [line.split()[0] for line in service.commits(report, "%s")]
    assert subjects == ["Submit", "Approve", "Reject"]


def test_new_revision_is_told_with_its_changes(desk: Desk, service: Service) -> None:
    report = service.submit(report_data="# Review\n\nThe token is kept in a file.\n")
    desk.open_report(report)
    service.revise(report, "# Review\n\nThe token is kept in a vault.\n")

    assert desk.decide("rejected", NOTES, MORGAN).status == 409
    expect(desk.meanwhile).to_contain_text("kari@example.com")
    text = desk.meanwhile.locator(".changes")
    expect(text.locator("del")).to_have_text("file")
    expect(text.locator("ins")).to_have_text("vault")
    expect(desk.notes).to_have_value(NOTES)

    assert desk.send_decision().status == 200
    decided = service.report(report["id"])
    assert (decided["status"], decided["revision"]) == ("rejected", 2)


def test_every_step_in_between_is_told(desk: Desk, service: Service) -> None:
    report = service.submit(report_data="one\n")
    desk.open_report(report)
    service.decide(report, "rejected", "Kim's notes.", KIM)
    report = service.submit(report_data="two\n")
    service.decide(report, "approved", "Robin's notes.", "Robin <robin@example.com>")

    assert desk.decide("rejected", NOTES, MORGAN).status == 409
    for told in ("Kim's notes.", "Robin's notes.", "Kim", "Robin", "kari@example.com"):
        expect(desk.meanwhile).to_contain_text(told)


def test_page_that_goes_stale_a_second_time_is_refused_a_second_time(
    desk: Desk, service: Service
) -> None:
    report = service.submit()
    desk.open_report(report)
    service.decide(report, "approved", "First.", KIM)
    assert desk.decide("rejected", NOTES, MORGAN).status == 409

    service.decide(report, "rejected", "Second.", KIM)
    assert desk.send_decision().status == 409
    expect(desk.meanwhile).to_contain_text("Second.")
    steps = desk.meanwhile.locator("ol > li")
    expect(steps).to_have_count(1)
    expect(desk.notes).to_have_value(NOTES)
    assert desk.send_decision().status == 200


def test_commit_of_another_report_makes_no_page_stale(desk: Desk, service: Service) -> None:
    report = service.submit("mcp-one")
    desk.open_report(report)
    service.submit("mcp-two")
    assert desk.decide("approved", "", KIM).status == 200


def test_sending_the_same_decision_twice_makes_one_commit(desk: Desk, service: Service) -> None:
    report = service.submit()
    desk.open_report(report)
    desk.decide("approved", "Good.", KIM)
    before = service.tip()

    desk.open_report(report)
    assert desk.decide("approved", "Good.", KIM).status == 200
    assert service.tip() == before


@pytest.mark.parametrize(
    ("notes", "by"),
    [
        pytest.param("Some notes.", "", id="nobody_decides"),
        pytest.param("Some notes.", " Morgan", id="padded_name"),
        pytest.param("x" * (32 * 1024 + 1), "Morgan", id="notes_too_long"),
    ],
)
def test_invalid_decision_names_the_fault_and_keeps_what_was_typed(
    notes: str, by: str, desk: Desk, service: Service
) -> None:
    report = service.submit()
    desk.open_report(report)
    desk.fill_decision("rejected", notes, by)
    # Past the browser's own checks, as a browser without them would.
    desk.decision.evaluate("""form => {
        form.noValidate = true;
        for (const field of form.elements) field.removeAttribute("maxlength");
    }""")
    desk.notes.fill(notes)

    assert desk.send_decision().status == 422
    invalid = desk.decision.locator("[aria-invalid=true]")
    expect(invalid).to_have_count(1)
    fault = invalid.get_attribute("aria-describedby")
    assert fault
    expect(desk.page.locator(f"#{fault.split()[-1]}")).not_to_be_empty()
    expect(desk.notes).to_have_value(notes)
    expect(desk.reviewer).to_have_value(by)
    expect(desk.choice("rejected")).to_be_checked()
    assert service.report(report["id"])["status"] == "pending_review"


def test_decision_on_a_file_with_a_problem_is_refused_with_the_problem(
    desk: Desk, service: Service
) -> None:
    report = service.submit()
    desk.open_report(report)
    spoil_by_hand(service, report)

    assert desk.decide("approved", NOTES, KIM).status == 409
    expect(desk.page.locator("main")).to_contain_text("must be pending_review")
    expect(desk.notes).to_have_value(NOTES)
