"""A report's page: the text, who and when, history, earlier states, the way to git."""

import re
import subprocess
from pathlib import Path

from playwright.sync_api import expect

from desk import texts
from desk.api import KIM, MORGAN
from desk.pages import Desk, NewDesk
from desk.people import spoil_by_hand
from desk.service import Service

NAME = "mcp-parking"


def test_page_has_the_text_its_contents_and_who_sent_it(desk: Desk, service: Service) -> None:
    report = service.submit(NAME, report_data=texts.everything(NAME))
    answer = desk.open_report(report)
    assert answer.status == 200
    expect(desk.page.locator("h1")).to_have_text(NAME)
    main = desk.page.locator("main")
    for told in ("kari@example.com", "github.com/example/mcp-parking", "ending"):
        expect(main).to_contain_text(told)
    link = main.get_by_role("link", name="github.com/example/mcp-parking").first
    expect(link).to_have_attribute("href", "https://github.com/example/mcp-parking")
    expect(link).to_have_attribute("rel", re.compile("noopener"))

    contents = desk.page.locator("nav#contents")
    expect(contents.get_by_role("link", name="Phase 1: Security Assessment")).to_be_visible()
    contents.get_by_role("link", name="Lethal Trifecta Compliance").click()
    heading = desk.text.get_by_role("heading", name="Lethal Trifecta Compliance")
    expect(heading).to_be_in_viewport()
    expect(desk.text.locator("input[type=checkbox]:not([disabled])")).to_have_count(0)
    expect(desk.text.locator("table").first).to_be_visible()
    assert desk.text.locator("h1").count() == 0


def test_repository_by_ssh_is_no_link(desk: Desk, service: Service) -> None:
    report = service.submit(NAME, repository_url="git@github.com:example/mcp-parking.git")
    desk.open_report(report)
    expect(desk.page.locator("main")).to_contain_text("github.com:example/mcp-parking")
    assert desk.page.locator('a[href^="git@"], a[href^="ssh:"]').count() == 0


def test_history_leads_to_each_state_and_difference(desk: Desk, service: Service) -> None:
    report = service.submit(NAME, report_data="# Review\n\nThe token is in a file.\n")
    service.decide(report, "rejected", "Use a vault.", MORGAN)
    report = service.submit(NAME, report_data="# Review\n\nThe token is in a vault.\n")
    commits = service.commits(report, "%H")

    desk.open_report(report)
    expect(desk.history).to_have_count(3)
    history = desk.page.locator("ol#history")
    for commit in commits:
        expect(history).to_contain_text(commit[:7])
    expect(history).to_contain_text("Use a vault.")
    expect(history).to_contain_text("Morgan")
    expect(history).to_contain_text(re.compile("api", re.I))

    first = history.locator(f'a[href*="at={commits[0]}"]')
    first.first.click()
    expect(desk.text).to_contain_text("in a file")
    expect(desk.decision).to_have_count(0)
    expect(desk.page.locator("main")).to_contain_text(commits[0][:7])
    desk.page.locator("main").get_by_role(
        "link", name=re.compile("now|newest|latest|current", re.I)
    ).first.click()
    expect(desk.text).to_contain_text("in a vault")

    desk.page.locator(f'a[href*="/reports/{report["id"]}/diff"]').first.click()
    expect(desk.page.locator(".changes del").first).to_be_visible()
    expect(desk.page.locator(".changes ins").first).to_be_visible()


def test_changes_since_the_decision_are_those_of_all_revisions_since(
    desk: Desk, service: Service
) -> None:
    report = service.submit(NAME, report_data="alpha\n\nbeta\n\ngamma\n")
    service.decide(report, "rejected", "No.")
    report = service.submit(NAME, report_data="ALPHA\n\nbeta\n\ngamma\n")
    service.revise(report, "ALPHA\n\nbeta\n\nGAMMA\n")
    desk.open_report(report)
    marked = "".join(desk.changes.locator("ins").all_inner_texts())
    assert "ALPHA" in marked
    assert "GAMMA" in marked
    assert "beta" not in marked


def test_download_is_the_file_as_it_is_in_git(desk: Desk, service: Service) -> None:
    report = service.submit(NAME, report_data="# Rëport\r\n\r\nno end of line")
    desk.open_report(report)
    with desk.page.expect_download() as download:
        desk.page.get_by_role("link", name=re.compile("download", re.I)).first.click()
    assert download.value.suggested_filename == f"{NAME}-r1.md"
    got = Path(download.value.path()).read_bytes()
    show = ["git", "-C", service.repository, "show", f"main:{service.path(report)}"]
    assert got == subprocess.run(show, capture_output=True, check=True).stdout


def test_git_commands_are_copied_and_work(
    service: Service, new_desk: NewDesk, tmp_path: Path
) -> None:
    report = service.submit(NAME)
    service.decide(report, "rejected", "No.")
    service.submit(NAME, report_data="# Second\n")
    desk = new_desk(service, permissions=["clipboard-read", "clipboard-write"])
    desk.open_report(report)
    buttons = desk.page.locator("#git button")
    shown = desk.page.locator("#git code").all_inner_texts()
    assert buttons.count() == len(shown) >= 2
    for button, text in zip(buttons.all(), shown, strict=True):
        button.click()
        copied = desk.page.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == text.strip()
    # In the order they are shown, from a folder of one's own; the first makes the clone.
    script = "\n".join(["set -e", shown[0], "cd reports", *shown[1:]])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        ["bash", "-c", script], cwd=elsewhere, capture_output=True, check=False, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    assert "No." in done.stdout


def test_report_with_a_problem_says_so(desk: Desk, service: Service) -> None:
    report = service.submit(NAME)
    spoil_by_hand(service, report)
    desk.open_report(report)
    expect(desk.page.locator("main")).to_contain_text(
        "must be pending_review, approved or rejected"
    )
    desk.page.locator("main").get_by_role("link", name=re.compile("problem", re.I)).first.click()
    expect(desk.page).to_have_url(re.compile("/problems"))


def test_decided_report_says_who_when_and_why(desk: Desk, service: Service) -> None:
    report = service.submit(NAME)
    service.decide(report, "approved", "Good\n  to go.", KIM)
    desk.open_report(report)
    main = desk.page.locator("main")
    for told in ("Kim", "Good", "to go.", "pproved"):
        expect(main).to_contain_text(told)


def test_largest_report_is_shown_while_others_are_answered(desk: Desk, service: Service) -> None:
    text = texts.prose(texts.MIB - 100, seed=6)
    report = service.submit(NAME, report_data=text + "\n\nThe last line.\n")
    script = "url => { window.open_report = fetch(url).then((answer) => answer.status); }"
    desk.page.goto(service.url)
    desk.page.evaluate(script, f"/reports/{report['id']}")
    answers = [service.api.get("/reports").elapsed.total_seconds() for _ in range(20)]
    assert sorted(answers)[len(answers) // 2] < 0.5
    assert desk.page.evaluate("window.open_report") == 200
    desk.open_report(report)
    expect(desk.text).to_contain_text("The last line.")
