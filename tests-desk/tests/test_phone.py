"""A phone's width: nothing runs out of the page sideways."""

import pytest

from desk.gallery import Gallery
from desk.pages import NewDesk

WIDEST = """() => {
    const edge = document.scrollingElement.clientWidth;
    const scrolls = (element) => element !== null && element !== document.body
        && (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(element).overflowX)
            || scrolls(element.parentElement));
    return [...document.querySelectorAll("body *")]
        .filter((element) => element.getBoundingClientRect().right > edge + 1 && !scrolls(element.parentElement))
        .map((element) => element.outerHTML.slice(0, 100)).slice(0, 5);
}"""


@pytest.mark.parametrize("width", [390, 320, 768])
def test_no_page_scrolls_sideways(width: int, gallery: Gallery, new_desk: NewDesk) -> None:
    desk = new_desk(gallery.service, viewport={"width": width, "height": 844})
    found: dict[str, list[str]] = {}
    for name, go in gallery.pages.items():
        go(desk)
        if desk.sideways_scroll() > 0:
            found[name] = desk.page.evaluate(WIDEST)
    assert found == {}


def test_wide_table_scrolls_in_itself(gallery: Gallery, new_desk: NewDesk) -> None:
    desk = new_desk(gallery.service, viewport={"width": 390, "height": 844})
    gallery.pages["report-pending"](desk)
    table = desk.text.locator("div.table").last
    assert table.evaluate("box => box.scrollWidth > box.clientWidth")
    assert table.get_attribute("tabindex") == "0"


def test_controls_are_large_enough_for_a_finger(gallery: Gallery, new_desk: NewDesk) -> None:
    desk = new_desk(gallery.service, viewport={"width": 390, "height": 844}, has_touch=True)
    for name in ("queue", "report-pending"):
        gallery.pages[name](desk)
        small: list[str] = desk.page.evaluate("""() => [...document.querySelectorAll(
            "button, input:not([type=hidden]):not([type=radio]):not([type=checkbox]), select, textarea, nav a")]
            .filter((control) => control.checkVisibility() && !control.closest("article, #contents"))
            .filter((control) => { const box = control.getBoundingClientRect();
                return box.width > 0 && (box.height < 24 || box.width < 24); })
            .map((control) => control.outerHTML.slice(0, 100))""")
        assert small == [], name
