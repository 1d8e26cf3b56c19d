"""The queue: what waits, oldest first; found, filtered, sorted and paged by its address."""

import re

from playwright.sync_api import expect

from desk.pages import Desk
from desk.people import push_old_report
from desk.service import Service

PAGE_ROWS = 50
MOST_BYTES = 100 * 1024


def test_queue_shows_what_waits_oldest_first(desk: Desk, service: Service) -> None:
    old = push_old_report(service, "mcp-old", days=3)
    first = service.submit("mcp-first")
    again = service.submit("mcp-again")
    decided = service.submit("mcp-decided")
    service.decide(decided, "approved")
    service.decide(again, "rejected", "No.")
    service.submit("mcp-again", report_data="# Second\n")

    desk.open()
    assert desk.listed()[0] == old["id"]
    assert set(desk.listed()) == {old["id"], first["id"], again["id"]}
    row = desk.row(again)
    for told in ("mcp-again", "github.com/example/mcp-again", "kari@example.com"):
        expect(row).to_contain_text(told)
    # It was here before: that tells more than a number.
    expect(row).to_contain_text("revision 2", ignore_case=True)
    expect(row).to_contain_text(re.compile("again|resubmi", re.IGNORECASE))


def test_tabs_count_and_lead_to_their_reports(desk: Desk, service: Service) -> None:
    reports = [service.submit(f"mcp-{number}") for number in range(6)]
    for report in reports[:2]:
        service.decide(report, "approved")
    service.decide(reports[2], "rejected")

    desk.open()
    for name, count, listed in [
        ("Pending", 3, reports[3:]),
        ("Approved", 2, reports[:2]),
        ("Rejected", 1, reports[2:3]),
        ("All", 6, reports),
    ]:
        expect(desk.tab(name)).to_contain_text(str(count))
        desk.tab(name).click()
        expect(desk.tab(name)).to_have_attribute("aria-current", re.compile("page|true"))
        assert set(desk.listed()) == {report["id"] for report in listed}


def test_search_finds_names_repositories_developers_and_notes(desk: Desk, service: Service) -> None:
    by_name = service.submit("mcp-Straße")
    by_repository = service.submit("mcp-two", repository_url="https://git.example/Team/Parking")
    by_developer = service.submit("mcp-three", developer_email="Bilberry@example.com")
    by_notes = service.submit("mcp-four")
    service.decide(by_notes, "rejected", "Rotate the quince secret.")

    for words, found in [
        ("mcp-STRASSE", by_name),
        ("team parking", by_repository),
        ("BILBERRY", by_developer),
        ("quince rotate", by_notes),
    ]:
        desk.open("/?status=all")
        desk.search.fill(words)
        desk.search.press("Enter")
        expect(desk.page).to_have_url(re.compile(r"[?&]q="))
        assert desk.listed() == [found["id"]], words
        expect(desk.search).to_have_value(re.compile(r"\S"))


def test_address_holds_the_whole_state(desk: Desk, service: Service) -> None:
    old = push_old_report(service, "mcp-old", days=30)
    other = service.submit("mcp-b", repository_url="https://github.com/team/mcp-b")
    first = service.submit("mcp-a", repository_url="https://github.com/team/mcp-a")
    service.decide(first, "rejected", "No.")

    desk.open("/?status=all&owner=TEAM&sort=name")
    assert desk.listed() == [first["id"], other["id"]]
    desk.open("/?status=pending_review&age=7")
    assert desk.listed() == [old["id"]]
    desk.open("/?status=all&sort=newest")
    assert desk.listed()[-1] == old["id"]
    desk.open("/?status=all&sort=updated")
    assert desk.listed()[0] == first["id"]

    # The tabs keep what was searched for and how it is sorted.
    desk.open("/?status=pending_review&q=mcp&owner=team&sort=name")
    expect(desk.search).to_have_value("mcp")
    desk.tab("All").click()
    for part in ("q=mcp", "owner=team", "sort=name"):
        assert part in desk.page.url
    assert desk.listed() == [first["id"], other["id"]]
    desk.page.go_back()
    assert desk.listed() == [other["id"]]


def test_pages_follow_one_another_without_a_gap(desk: Desk, service: Service) -> None:
    n_reports = 2 * PAGE_ROWS + 5
    expected = [service.submit(f"mcp-{number:03}")["id"] for number in range(n_reports)]
    for sort in ("oldest", "newest", "name", "updated"):
        seen: list[str] = []
        desk.open(f"/?sort={sort}")
        while True:
            seen += desk.listed()
            following = desk.page.locator("a[rel=next]")
            if following.count() == 0:
                break
            assert len(desk.listed()) == PAGE_ROWS
            with desk.page.expect_navigation():
                following.first.click()
        assert sorted(seen) == sorted(expected), sort
        assert len(seen) == n_reports, sort


def test_full_page_is_small(desk: Desk, service: Service) -> None:
    for number in range(PAGE_ROWS):
        service.submit(f"mcp-{number:02}-{'long-' * 40}")
    answer = desk.open()
    assert len(desk.listed()) == PAGE_ROWS
    assert len(answer.body()) < MOST_BYTES


def test_nothing_found_says_so_and_leads_back(desk: Desk, service: Service) -> None:
    service.submit()
    desk.open("/?q=there-is-no-such-word")
    expect(desk.rows).to_have_count(0)
    expect(desk.search).to_have_value("there-is-no-such-word")
    desk.page.locator("main").get_by_role("link", name=re.compile("^clear", re.I)).first.click()
    expect(desk.rows).to_have_count(1)


def test_picture_is_told_to_those_who_do_not_see_it(desk: Desk, service: Service) -> None:
    report = service.submit()
    service.decide(report, "approved")
    desk.open()
    picture = desk.page.locator("svg.chart")
    expect(picture).to_be_visible()
    expect(picture.locator("> title")).not_to_be_empty()
    assert picture.locator("[style]").count() == 0


def test_typing_mistake_in_the_address_is_a_page_that_says_so(desk: Desk, service: Service) -> None:
    service.submit()
    for query in ("status=aproved", "sort=fastest", "age=old", "cursor=x"):
        answer = desk.open(f"/?{query}")
        assert 400 <= answer.status < 500, query
        assert answer.headers["content-type"].startswith("text/html")
        expect(desk.page.locator("main")).to_contain_text(query.split("=")[0])
