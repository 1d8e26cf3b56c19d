"""Pages update by themselves, and a reviewer who is at work loses nothing by it."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from desk.api import KIM, MORGAN
from desk.pages import Desk
from desk.people import push_old_report, spoil_by_hand
from desk.service import Service, running_service

N_TABS = 8

# Where the page is scrolled to, once it no longer moves.
AT_REST = """async () => {
    let before;
    do {
        before = window.scrollY;
        await new Promise((done) => setTimeout(done, 100));
    } while (before !== window.scrollY);
    return before;
}"""
MANY = 40


def test_typing_in_the_search_goes_on_while_the_queue_changes(desk: Desk, service: Service) -> None:
    service.submit("mcp-first")
    desk.open()
    desk.search.focus()
    desk.page.keyboard.type("parking lot")
    desk.search.evaluate("field => field.setSelectionRange(2, 5, 'backward')")

    report = service.submit("mcp-second")
    expect(desk.row(report)).to_be_visible()

    expect(desk.search).to_be_focused()
    expect(desk.search).to_have_value("parking lot")
    assert desk.search.evaluate("field => [field.selectionStart, field.selectionEnd]") == [2, 5]
    desk.page.keyboard.type("X")
    expect(desk.search).to_have_value("paXng lot")


def test_notes_survive_a_decision_of_somebody_else(desk: Desk, service: Service) -> None:
    report = service.submit()
    desk.open_report(report)
    desk.choice("rejected").check()
    desk.reviewer.fill(MORGAN)
    desk.notes.focus()
    desk.page.keyboard.type("Half a sent")

    service.decide(report, "approved", "I was first.", KIM)
    expect(desk.news).to_contain_text("Kim")
    desk.page.keyboard.type("ence.")

    expect(desk.notes).to_be_focused()
    expect(desk.notes).to_have_value("Half a sentence.")
    expect(desk.reviewer).to_have_value(MORGAN)
    expect(desk.choice("rejected")).to_be_checked()
    assert desk.send_decision().status == 409
    expect(desk.notes).to_have_value("Half a sentence.")


def test_commit_of_another_report_is_no_news_on_this_one(desk: Desk, service: Service) -> None:
    report = service.submit("mcp-one")
    desk.open_report(report)
    events_are_heard(desk.page, lambda: service.submit("mcp-two"))
    expect(desk.news).to_be_empty()


def test_row_scroll_and_focus_stay_where_they_were(desk: Desk, service: Service) -> None:
    for number in range(MANY):
        service.submit(f"mcp-{number:02}")
    desk.open()
    chosen = desk.listed()[30]
    for _ in range(31):
        desk.page.keyboard.press("j")
    top = desk.page.evaluate(AT_REST)
    assert top > 0

    report = service.submit("mcp-new")
    expect(desk.row(report)).to_be_attached()

    assert desk.page.evaluate("document.activeElement.closest('tr')?.dataset.report") == chosen
    assert abs(desk.page.evaluate(AT_REST) - top) < 40
    desk.page.keyboard.press("j")
    assert desk.page.evaluate("document.activeElement.closest('tr').dataset.report") != chosen


def test_tabs_and_picture_follow(desk: Desk, service: Service) -> None:
    report = service.submit("mcp-one")
    desk.open()
    expect(desk.page.locator("svg.chart")).to_be_visible()
    expect(desk.tab("Pending")).to_contain_text("1")
    picture = desk.page.locator("svg.chart").inner_html()

    service.decide(report, "approved")
    expect(desk.row(report)).to_have_count(0)
    expect(desk.tab("Pending")).to_contain_text("0")
    expect(desk.tab("Approved")).to_contain_text("1")
    expect(desk.page.locator("svg.chart")).not_to_have_js_property("innerHTML", picture)


def test_filtered_queue_stays_filtered(desk: Desk, service: Service) -> None:
    service.submit("mcp-parking")
    desk.open("/?status=pending_review&q=park&sort=name")
    assert len(desk.listed()) == 1
    service.submit("mcp-booking")
    wanted = service.submit("mcp-parking-two")
    expect(desk.row(wanted)).to_be_visible()
    assert len(desk.listed()) == 2
    assert "q=park" in desk.page.url


def test_commits_of_others_and_problems_are_told_too(desk: Desk, service: Service) -> None:
    desk.open()
    pushed = push_old_report(service, "mcp-pushed", days=1)
    expect(desk.row(pushed)).to_be_visible()

    desk.open("/problems")
    report = service.submit("mcp-spoilt")
    spoil_by_hand(service, report)
    expect(desk.page.locator("main")).to_contain_text("status: aproved")


def test_activity_goes_on(desk: Desk, service: Service) -> None:
    service.submit("mcp-one")
    desk.open("/activity")
    expect(desk.page.locator("main")).to_contain_text("mcp-one")
    service.submit("mcp-two")
    expect(desk.page.locator("main")).to_contain_text("mcp-two")


def test_burst_of_commits_ends_in_what_there_is(desk: Desk, service: Service) -> None:
    desk.open()
    for number in range(MANY):
        service.submit(f"mcp-{number:02}")
    expect(desk.rows).to_have_count(MANY)
    expect(desk.tab("Pending")).to_contain_text(str(MANY))


def test_page_goes_on_after_the_service_was_away(
    desk: Desk, service: Service, tmp_path: Path
) -> None:
    desk.open()
    port = int(service.url.rpartition(":")[2])
    # An open page does not hold up the end: all streams end with the service.
    assert service.program.stop() == 0
    with running_service(tmp_path, port=port) as again:
        report = again.submit("mcp-after")
        expect(desk.row(report)).to_be_visible(timeout=20_000)
        desk.page.close()
    desk.watch.forgive(r"net::ERR_(CONNECTION|INCOMPLETE)")


def test_many_open_tabs_do_not_take_all_connections(desk: Desk, service: Service) -> None:
    # A browser opens six connections to a service that speaks HTTP/1.1.
    reports = [service.submit(f"mcp-{number}") for number in range(N_TABS)]
    tabs: list[Desk] = []
    for report in reports:
        tab = desk.new_tab()
        tab.open_report(report)
        tabs.append(tab)
    tabs[-1].decide("approved", "", KIM)
    assert service.report(reports[-1]["id"])["status"] == "approved"
    service.decide(reports[0], "rejected", "Not yet.", MORGAN)
    expect(tabs[0].news).to_contain_text("Morgan")


def events_are_heard(page: Page, action: Callable[[], object]) -> None:
    """Run `action`, and wait until an open stream of the page itself has told of it.

    The page tells by an attribute: to wait for an expression needs `eval`, which its policy forbids
    from the second look on.
    """
    page.evaluate("""() => {
        const told = document.documentElement.dataset;
        const stream = new EventSource("/api/v1/events");
        stream.addEventListener("open", () => { told.stream = "open"; });
        stream.addEventListener("commit", () => { stream.close(); told.stream = "told"; });
    }""")
    document = page.locator("html")
    expect(document).to_have_attribute("data-stream", "open")
    action()
    expect(document).to_have_attribute("data-stream", "told")
