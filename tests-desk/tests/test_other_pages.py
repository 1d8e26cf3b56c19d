"""Problems, activity, empty states, errors."""

import re

import httpx
from playwright.sync_api import expect

from desk.api import MORGAN
from desk.assistant import Assistant
from desk.pages import Desk
from desk.people import push_old_report, spoil_by_hand
from desk.service import Service


def test_problem_is_shown_with_its_place_reason_and_repair_until_it_is_repaired(
    desk: Desk, service: Service
) -> None:
    report = service.submit("mcp-parking")
    desk.open("/problems")
    main = desk.page.locator("main")
    expect(main).not_to_contain_text("reports/")

    spoil_by_hand(service, report)
    path = service.path(report)
    for told in (path, "status: aproved", "must be", "correct it", "mcp-parking"):
        expect(main).to_contain_text(told, ignore_case=True)
    expect(main).to_contain_text(re.compile(r"\b6\b"))

    file = service.repository / path
    file.write_text(file.read_text(encoding="utf-8").replace("aproved", "approved"), "utf-8")
    expect(main).not_to_contain_text("status: aproved")


def test_navigation_tells_how_many_problems_there_are(desk: Desk, service: Service) -> None:
    report = service.submit()
    spoil_by_hand(service, report)
    desk.open()
    link = desk.page.get_by_role("link", name=re.compile("problem", re.I)).first
    expect(link).to_contain_text("1")


def test_activity_tells_every_commit_newest_first_with_its_way_in(
    desk: Desk, service: Service, assistant: Assistant
) -> None:
    by_mcp = assistant.submit_report("mcp-by-mcp", "# One\n")
    service.submit("mcp-by-api")
    push_old_report(service, "mcp-by-push", days=1)
    desk.open(f"/reports/{by_mcp['id']}")
    desk.decide("rejected", "Not\nyet.", MORGAN)

    desk.open("/activity")
    main = desk.page.locator("main")
    text = main.inner_text()
    for told in ("mcp-by-mcp", "mcp-by-api", "mcp-by-push", "Morgan", "Robin", "Not", "yet."):
        assert told in text, told
    for way in ("mcp", "api", "web|desk|this page", "git"):
        assert re.search(rf"\b({way})\b", text, re.IGNORECASE), way
    for commit in service.git("log", "--format=%H", "main").split():
        expect(main).to_contain_text(commit[:7])
    assert text.index("Not") < text.index("mcp-by-api")
    main.get_by_role("link", name="mcp-by-api").first.click()
    expect(desk.page.locator("h1")).to_have_text("mcp-by-api")


def test_activity_goes_back_to_the_first_commit(desk: Desk, service: Service) -> None:
    for number in range(120):
        service.submit(f"mcp-{number:03}")
    desk.open("/activity")
    for _ in range(20):
        following = desk.page.locator("a[rel=next]")
        if following.count() == 0:
            break
        with desk.page.expect_navigation():
            following.first.click()
    expect(desk.page.locator("main")).to_contain_text("Start the reports repository")


def test_empty_service_says_how_to_submit_the_first_report(desk: Desk) -> None:
    desk.open()
    expect(desk.page.locator("main")).to_contain_text("claude mcp add")
    desk.open("/problems")
    expect(desk.page.locator("main")).to_contain_text(re.compile(r"\bno\b|\bevery\b", re.I))
    desk.open("/activity")
    expect(desk.page.locator("main")).to_contain_text("Start the reports repository")


def test_queue_that_is_done_says_so(desk: Desk, service: Service) -> None:
    report = service.submit()
    service.decide(report, "approved")
    desk.open()
    expect(desk.rows).to_have_count(0)
    main = desk.page.locator("main")
    expect(main).not_to_contain_text("claude mcp add")
    expect(main).to_contain_text(re.compile("nothing|no report", re.I))


def test_unknown_pages_are_pages_for_people_and_problems_for_programs(
    desk: Desk, service: Service
) -> None:
    unknown = "/reports/0198c5f2-7a51-7c3e-9b52-0d6a4e1b7f10"
    for path in ("/nowhere", unknown, f"{unknown}/diff", "/reports/x", "/assets/none.js"):
        answer = desk.open(path)
        assert answer.status == 404, path
        assert answer.headers["content-type"].startswith("text/html"), path
        expect(desk.page.locator("h1")).to_be_visible()
        desk.page.get_by_role("link", name=re.compile("queue|reports", re.I)).first.click()
        expect(desk.page).to_have_url(f"{desk.url}/")

        program = httpx.get(f"{service.url}{path}", trust_env=False)
        assert program.status_code == 404
        assert program.headers["Content-Type"] == "application/problem+json", path

    api = desk.open("/api/v1/reports/nowhere")
    assert api.headers["content-type"] == "application/problem+json"


def test_no_page_says_what_is_inside_the_service(desk: Desk) -> None:
    answer = desk.open("/nowhere")
    assert "server" not in answer.headers
