"""Reports are written by strangers: whatever is in one, nothing of it acts.

That no script ran, nothing was asked of another host and no policy was
violated is seen by the watch of every desk (`desk/watch.py`).
"""

from collections.abc import Callable, Iterator, Sequence

import pytest
from playwright.sync_api import expect

from desk.inspect import foreign_elements, foreign_in_text
from desk.pages import Desk
from desk.payloads import CORPORA, END_MARK, bare, in_blockquotes, own
from desk.service import Service

WAYS: list[Callable[[Sequence[str]], Iterator[str]]] = [in_blockquotes, bare]


@pytest.mark.parametrize("corpus", list(CORPORA))
@pytest.mark.parametrize("way", WAYS, ids=["quoted", "bare"])
def test_nothing_of_a_report_acts(
    corpus: str,
    way: Callable[[Sequence[str]], Iterator[str]],
    desk: Desk,
    service: Service,
) -> None:
    texts = CORPORA[corpus]()
    assert len(texts) > 50
    report = service.submit(report_data="# First\n")
    for number, text in enumerate(way(texts)):
        service.revise(report, text)
        desk.open_report(report)
        expect(desk.text).to_contain_text(END_MARK)
        settle(desk)
        assert foreign_in_text(desk.page) == [], f"bundle {number}"
        assert foreign_elements(desk.page) == [], f"bundle {number}"
        assert desk.watch.faults == [], f"bundle {number}"


@pytest.mark.parametrize("corpus", list(CORPORA))
def test_nothing_of_a_difference_acts(corpus: str, desk: Desk, service: Service) -> None:
    report = service.submit(report_data="# First\n")
    (text, *_) = in_blockquotes(CORPORA[corpus]())
    service.decide(report, "rejected", "No.")
    service.submit(report_data=text)
    for path in ("", "/diff?from=1&to=2", "/diff?from=2&to=1"):
        desk.open(f"/reports/{report['id']}{path}")
        expect(desk.page.locator(".changes").first).to_be_visible()
        settle(desk)
        assert foreign_elements(desk.page) == []


def test_report_of_1_mib_of_payloads_is_shown(desk: Desk, service: Service) -> None:
    (text, *_) = in_blockquotes(own())
    largest = (text * 200).encode()[: 1024 * 1024 - 100].decode(errors="ignore")
    report = service.submit(report_data=f"{largest}\n\n{END_MARK}\n")
    # An unoptimised program on a busy machine takes its time for the worst there is.
    desk.page.set_default_navigation_timeout(60_000)
    desk.open_report(report)
    expect(desk.text).to_contain_text(END_MARK)
    assert foreign_elements(desk.page) == []


def test_remote_image_is_a_link(desk: Desk, service: Service) -> None:
    image = "![The *plan*](https://evil.example/pixel.png)"
    report = service.submit(report_data=f"# Images\n\n{image}\n")
    desk.open_report(report)
    expect(desk.text.locator("img")).to_have_count(0)
    link = desk.text.locator("a.image")
    expect(link).to_have_attribute("href", "https://evil.example/pixel.png")
    expect(link).to_contain_text("The plan")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_heading_of_a_report_cannot_take_the_name_of_an_element(
    desk: Desk, service: Service
) -> None:
    names = ["decide", "report", "history", "search", "news", "queue", "git", "changes", "keys"]
    text = "".join(f"# {name}\n\n[to {name}](#{name})\n\n" for name in names)
    report = service.submit(report_data=text)
    desk.open_report(report)
    for name in names:
        assert desk.page.locator(f"[id={name}]").count() <= 1
    desk.text.get_by_role("link", name="to history").click()
    assert desk.page.evaluate("location.hash").startswith("#s-")
    assert foreign_in_text(desk.page) == []


def test_hidden_characters_are_spelled_out(desk: Desk, service: Service) -> None:
    text = "# Ti\u202etle\n\npay\u202ebil\u202c `co\u2066de` [li\u200bnk](https://example.com)\n"
    report = service.submit(report_data=text)
    desk.open_report(report)
    for place in ("h2", "p", "code", "a"):
        expect(desk.text.locator(place).first).to_contain_text("U+")
    expect(desk.text).to_contain_text("U+202E")
    expect(desk.page.locator("nav#contents")).to_contain_text("U+202E")


def settle(desk: Desk) -> None:
    """Give what a text might have started the time to happen."""
    desk.page.evaluate("""async () => {
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        await new Promise((done) => setTimeout(done, 0));
    }""")
