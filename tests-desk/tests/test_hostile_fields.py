"""What strangers typed in one line is text wherever it is shown: names, notes, queries, files."""

from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from desk.api import KIM, MORGAN
from desk.inspect import foreign_elements
from desk.pages import Desk
from desk.payloads import CORPORA, own
from desk.people import spoil_by_hand
from desk.service import Service

IMAGE = "<img src=x onerror=alert(1)>"


def one_line(corpus: str) -> list[str]:
    """Return the texts of a corpus that may be a server's name, for all that is known here."""
    return [
        t for t in CORPORA[corpus]() if 0 < len(t) <= 255 and t.isprintable() and t == t.strip()
    ]


@pytest.mark.parametrize("corpus", ["own", "published_xss", "naughty_strings"])
def test_name_is_text_in_every_row(corpus: str, desk: Desk, service: Service) -> None:
    names: dict[str, str] = {}
    for number, name in enumerate(one_line(corpus)):
        answer = service.api.post(
            "/reports",
            json={
                "server_name": name,
                "repository_url": f"https://github.com/example/mcp-{number}",
                "developer_email": "kari@example.com",
                "report_data": "# x\n",
            },
        )
        if answer.is_success:
            names[answer.json()["id"]] = name
    assert len(names) > 30

    seen: dict[str, str] = {}
    desk.open()
    while True:
        assert foreign_elements(desk.page) == []
        shown: dict[str, str] = desk.rows.evaluate_all("""rows => Object.fromEntries(
            rows.map(row => [row.dataset.report, row.querySelector("a").textContent]))""")
        seen |= shown
        following = desk.page.locator("a[rel=next]")
        if following.count() == 0:
            break
        with desk.page.expect_navigation():
            following.first.click()
    assert seen.keys() == names.keys()
    for report_id, name in names.items():
        text = " ".join(seen[report_id].split())
        # A long one may end in an ellipsis; nothing else may be left out or changed.
        if len(name) > 100 and text.endswith("…"):
            assert len(text) > 60
            assert " ".join(name.split()).startswith(text.removesuffix("…"))
        else:
            assert text == " ".join(name.split())


def test_notes_and_reviewers_are_text_on_every_page(desk: Desk, service: Service) -> None:
    report = service.submit(IMAGE, repository_url="https://github.com/example/mcp-image")
    texts = [*own(), *one_line("published_xss")[:60]]
    for number, text in enumerate(texts):
        body: dict[str, Any] = {
            "status": ("approved", "rejected")[number % 2],
            "review_notes": text.replace("\0", ""),
            "reviewed_by": f"{text[:200]} {number}",
        }
        path = f"/reports/{report['id']}/status"
        if not service.api.patch(path, json=body).is_success:
            service.api.patch(path, json=body | {"reviewed_by": MORGAN}).raise_for_status()
    commit = service.tip()

    page = f"/reports/{report['id']}"
    for path in (page, f"{page}?at={commit}", "/activity", "/?status=all", "/?status=all&q=alert"):
        desk.open(path)
        assert foreign_elements(desk.page) == [], path
    desk.open(page)
    expect(desk.history.first).to_be_visible()
    assert desk.history.count() >= 20


@pytest.mark.parametrize(
    "path",
    [
        "/?q={}",
        "/?owner={}",
        "/?status=all&age={}",
        "/?sort={}",
        "/?risk={}",
        "/?findings={}",
        "/rules?{}",
        "/?status={}",
        "/?cursor={}",
        "/?{}=x",
        "/{}",
        "/reports/{}",
        "/reports/ID?at={}",
        "/reports/ID/diff?from={}&to=1",
        "/activity?cursor={}",
        "/problems?{}",
    ],
)
def test_address_is_text(path: str, desk: Desk, service: Service) -> None:
    report = service.submit()
    hostile = [
        "'\"><script>alert(1)</script>",
        IMAGE,
        '" autofocus onfocus=alert(1) x="',
        "\u202eevil",
    ]
    for text in hostile:
        desk.open(path.replace("ID", report["id"]).format(quote(text, safe="")))
        assert foreign_elements(desk.page) == [], text


def test_refused_form_gives_back_what_was_typed_as_text(desk: Desk, service: Service) -> None:
    report = service.submit()
    desk.open_report(report)
    notes = "\n".join(["</textarea></form><script>alert(1)</script>", IMAGE, "\u202eabc"])
    desk.fill_decision("rejected", notes, f" {IMAGE}")
    desk.decision.evaluate("form => { form.noValidate = true; }")
    assert desk.send_decision().status == 422
    expect(desk.notes).to_have_value(notes)
    expect(desk.reviewer).to_have_value(f" {IMAGE}")
    assert foreign_elements(desk.page) == []


def test_news_is_text(desk: Desk, service: Service) -> None:
    report = service.submit()
    desk.open_report(report)
    service.decide(report, "approved", IMAGE, f"{IMAGE} <{'x' * 9}@example.com>")
    expect(desk.news).to_contain_text("x")
    expect(desk.news).to_be_visible()
    assert foreign_elements(desk.page) == []


def test_stale_decision_tells_of_hostile_ones_as_text(desk: Desk, service: Service) -> None:
    report = service.submit(report_data="one\n")
    desk.open_report(report)
    service.decide(report, "rejected", IMAGE, IMAGE)
    service.submit(report_data=f"{IMAGE}\n[x](javascript:alert(1))\n")
    assert desk.decide("approved", "", KIM).status == 409
    expect(desk.meanwhile).to_contain_text(IMAGE)
    assert foreign_elements(desk.page) == []


def test_file_with_a_problem_is_text(desk: Desk, service: Service) -> None:
    report = service.submit(IMAGE, repository_url="https://github.com/example/mcp-image")
    spoil_by_hand(service, report, new=f"{IMAGE}\u202e<script>alert(1)</script>")
    for path in ("/problems", f"/reports/{report['id']}"):
        desk.open(path)
        expect(desk.page.locator("main")).to_contain_text("onerror=alert(1)")
        assert foreign_elements(desk.page) == [], path
