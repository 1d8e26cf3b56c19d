"""No automated finding on any page, in light and in dark."""

from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import expect

from desk.accessibility import findings
from desk.gallery import Gallery
from desk.pages import NewDesk
from desk.service import Service, running_service

Theme = Literal["light", "dark"]

in_both_themes = pytest.mark.parametrize("theme", ["light", "dark"])


@in_both_themes
def test_no_page_has_a_finding(theme: Theme, gallery: Gallery, new_desk: NewDesk) -> None:
    desk = new_desk(gallery.service, color_scheme=theme)
    found: dict[str, list[str]] = {}
    for name, go in gallery.pages.items():
        go(desk)
        found[name] = findings(desk)
    assert {name: lines for name, lines in found.items() if lines} == {}


@in_both_themes
def test_help_and_opened_parts_have_no_finding(
    theme: Theme, gallery: Gallery, new_desk: NewDesk
) -> None:
    desk = new_desk(gallery.service, color_scheme=theme)
    for name in ("queue", "report-resubmitted"):
        gallery.pages[name](desk)
        desk.page.evaluate(
            "for (const part of document.querySelectorAll('details')) part.open = true"
        )
        assert findings(desk) == [], name
        desk.page.keyboard.press("?")
        expect(desk.page.locator("dialog#keys")).to_be_visible()
        assert findings(desk) == [], name


@in_both_themes
def test_empty_service_has_no_finding(theme: Theme, service: Service, new_desk: NewDesk) -> None:
    desk = new_desk(service, color_scheme=theme)
    for path in ("/", "/?status=approved", "/problems", "/activity"):
        desk.open(path)
        assert findings(desk) == [], path


def test_phone_has_no_finding(gallery: Gallery, new_desk: NewDesk) -> None:
    desk = new_desk(gallery.service, viewport={"width": 390, "height": 844}, has_touch=True)
    for name in ("queue", "report-resubmitted", "report-difference", "problems", "activity"):
        gallery.pages[name](desk)
        assert findings(desk) == [], name


def test_every_page_has_one_heading_a_title_and_a_way_past_the_navigation(
    gallery: Gallery, new_desk: NewDesk
) -> None:
    desk = new_desk(gallery.service)
    titles: set[str] = set()
    for name, go in gallery.pages.items():
        go(desk)
        assert desk.page.locator("h1").count() == 1, name
        assert desk.page.locator("main").count() == 1, name
        titles.add(desk.page.title())
        assert desk.page.evaluate("document.documentElement.lang"), name
        desk.page.keyboard.press("Tab")
        first = desk.page.evaluate("document.activeElement.getAttribute('href')")
        if not name.startswith("decision"):  # there, the focus may begin at the fault
            assert first is not None, name
            assert first.startswith("#"), f"{name}: the first stop is not a skip link but {first}"
    assert len(titles) > 8, titles


def test_decision_is_announced(service: Service, new_desk: NewDesk) -> None:
    desk = new_desk(service)
    report = service.submit()
    desk.open_report(report)
    # A live region tells only what is put into it later, so it is there before.
    assert desk.news.get_attribute("role") == "status"
    desk.decide("approved", "", "Kim")
    expect(desk.page.get_by_role("status").filter(has_text="pproved")).to_be_visible()


def test_motion_and_contrast_wishes_are_kept(tmp_path: Path, new_desk: NewDesk) -> None:
    wishes: dict[str, Any] = {"reduced_motion": "reduce", "forced_colors": "active"}
    with running_service(tmp_path) as service:
        service.submit()
        desk = new_desk(service, **wishes)
        desk.open()
        expect(desk.rows).to_have_count(1)
        running: int = desk.page.evaluate("document.getAnimations().length")
        assert running == 0
