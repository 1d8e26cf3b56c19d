"""The desk without a mouse."""

import re

from playwright.sync_api import expect

from desk.api import KIM
from desk.pages import Desk
from desk.service import Service

FOCUSED_ROW = "document.activeElement.closest('tr[data-report]')?.dataset.report ?? null"
FOCUSED = """() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return null;
    // A radio button may leave it to its label.
    const style = getComputedStyle(element.type === "radio" ? element.closest("label") : element);
    const outline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    return { html: element.outerHTML.slice(0, 120), visible: outline || style.boxShadow !== "none" };
}"""


def test_reports_are_walked_and_opened_by_letters(desk: Desk, service: Service) -> None:
    reports = [service.submit(f"mcp-{number}") for number in range(3)]
    desk.open()
    order = desk.listed()
    assert len(order) == len(reports)

    for key, row in [
        ("j", 0),
        ("j", 1),
        ("j", 2),
        ("j", 2),
        ("k", 1),
        ("k", 0),
        ("k", 0),
        ("j", 1),
    ]:
        desk.page.keyboard.press(key)
        assert desk.page.evaluate(FOCUSED_ROW) == order[row], f"{key} to row {row}"
    desk.page.keyboard.press("Enter")
    expect(desk.page).to_have_url(f"{desk.url}/reports/{order[1]}")

    desk.page.go_back()
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("o")
    expect(desk.page).to_have_url(re.compile("/reports/"))


def test_slash_goes_to_the_search_where_letters_are_letters(desk: Desk, service: Service) -> None:
    wanted = service.submit("mcp-jokes")
    service.submit("mcp-parking")
    desk.open()
    desk.page.keyboard.press("/")
    expect(desk.search).to_be_focused()
    expect(desk.search).to_have_value("")
    desk.page.keyboard.type("jokes?")
    expect(desk.search).to_have_value("jokes?")
    expect(desk.page.locator("dialog#keys")).to_be_hidden()
    desk.page.keyboard.press("Backspace")
    desk.page.keyboard.press("Enter")
    expect(desk.page).to_have_url(re.compile(r"[?&]q=jokes\b"))
    assert desk.listed() == [wanted["id"]]


def test_question_mark_shows_the_keys_and_escape_hides_them(desk: Desk, service: Service) -> None:
    report = service.submit()
    for path in ("/", f"/reports/{report['id']}", "/problems", "/activity"):
        desk.open(path)
        keys = desk.page.locator("dialog#keys")
        expect(keys).to_be_hidden()
        desk.page.keyboard.press("?")
        expect(keys).to_be_visible()
        for key in ("j", "k", "/", "?"):
            expect(keys.locator("kbd").get_by_text(key, exact=True).first).to_be_visible()
        desk.page.keyboard.press("Escape")
        expect(keys).to_be_hidden()


def test_g_and_a_letter_go_to_the_pages(desk: Desk, service: Service) -> None:
    service.submit()
    desk.open()
    for letter, path in [("p", "/problems"), ("a", "/activity"), ("q", "/")]:
        desk.page.keyboard.press("g")
        desk.page.keyboard.press(letter)
        expect(desk.page).to_have_url(f"{desk.url}{path}")


def test_shortcuts_leave_the_browser_s_own_alone(desk: Desk, service: Service) -> None:
    service.submit()
    desk.open()
    for keys in ("Control+j", "Alt+j", "Meta+j"):
        desk.page.keyboard.press(keys)
        assert desk.page.evaluate(FOCUSED_ROW) is None, keys


def test_decision_is_made_without_a_mouse(desk: Desk, service: Service) -> None:
    report = service.submit()
    desk.open()
    desk.page.keyboard.press("j")
    desk.page.keyboard.press("Enter")
    expect(desk.decision).to_be_visible()

    tab_to(desk, "input[name=status]")
    desk.page.keyboard.press("Space")
    while desk.page.evaluate("document.activeElement.value") != "approved":
        desk.page.keyboard.press("ArrowDown")
    tab_to(desk, "textarea[name=review_notes]")
    desk.page.keyboard.type("j and k and / and ? are letters here")
    tab_to(desk, "input[name=reviewed_by]")
    desk.page.keyboard.type(KIM)
    tab_to(desk, "form#decide button:not([type=button])")
    desk.page.keyboard.press("Enter")
    expect(desk.page.get_by_role("status").filter(has_text="pproved")).to_be_visible()

    decided = service.report(report["id"])
    assert decided["status"] == "approved"
    assert decided["review_notes"] == "j and k and / and ? are letters here"


def test_every_control_is_reached_by_tab_and_shows_its_focus(desk: Desk, service: Service) -> None:
    report = service.submit(report_data="# One\n\n[link](https://example.com)\n\n## Two\n")
    service.decide(report, "rejected", "No.")
    service.submit(report_data="# One\n\n[link](https://example.com)\n\n## Three\n")
    for path in ("/", f"/reports/{report['id']}", "/problems", "/activity"):
        desk.open(path)
        wanted = desk.page.evaluate(COUNT_CONTROLS)
        seen: list[str] = []
        for _ in range(wanted + 20):
            desk.page.keyboard.press("Tab")
            focused = desk.page.evaluate(FOCUSED)
            if focused is None:
                break
            assert focused["visible"], f"focus is not visible on {focused['html']}"
            seen.append(focused["html"])
        missed = desk.page.evaluate(MISSED_CONTROLS)
        assert not missed, path
        assert len(seen) >= wanted, path


CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']"
# A group of radio buttons is one stop; what is not shown is none.
COUNT_CONTROLS = f"""() => {{
    window.__reached = new Set();
    document.addEventListener("focusin", (event) => window.__reached.add(event.target));
    window.__controls = [...document.querySelectorAll("{CONTROLS}")].filter(
        (control) => control.checkVisibility({{ visibilityProperty: true }}) && !control.disabled);
    const groups = new Set(), alone = [];
    for (const control of window.__controls) {{
        if (control.type === "radio") groups.add(control.name); else alone.push(control);
    }}
    return groups.size + alone.length;
}}"""
MISSED_CONTROLS = """() => {
    const reached = (control) => window.__reached.has(control) || (control.type === "radio"
        && [...window.__reached].some((other) => other.name === control.name));
    return window.__controls.filter((control) => !reached(control)).map(
        (control) => control.outerHTML.slice(0, 120));
}"""


def tab_to(desk: Desk, selector: str) -> None:
    """Press Tab until the focus is on what `selector` finds."""
    for _ in range(200):
        desk.page.keyboard.press("Tab")
        if desk.page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"no Tab leads to {selector}")
