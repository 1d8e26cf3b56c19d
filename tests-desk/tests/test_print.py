"""A report printed from the browser is the report, and nothing of the desk around it."""

import io

from playwright.sync_api import expect
from pypdf import PdfReader

from desk import texts
from desk.api import KIM
from desk.gallery import Gallery
from desk.pages import Desk, NewDesk
from desk.service import Service

# A4 with the margins of a printer, in CSS pixels.
PAPER = {"width": 718, "height": 1047}

WIDE_AS_REPORTS_ARE = """\
| {columns} |
|{rules}|
| {cells} |

`{long}` https://example.com/{long}

```
{long}
```
""".format(
    columns=" | ".join(f"Component {n}" for n in range(10)),
    rules="---|" * 9 + "---",
    cells=" | ".join(f"`mcp-component-number-{n}`" for n in range(10)),
    long="a_word_without_an_end_" * 12,
)


def printed(desk: Desk) -> PdfReader:
    """Return the PDF that the browser makes of the page."""
    return PdfReader(io.BytesIO(desk.page.pdf(format="A4")))


def test_pdf_has_the_report_and_who_decided(service: Service, new_desk: NewDesk) -> None:
    name = "mcp-parking"
    report = service.submit(name, report_data=texts.everything(name))
    service.decide(report, "approved", "Good to go since FP-31 is fixed.", KIM)
    desk = new_desk(service, color_scheme="dark")
    desk.open_report(report)
    pdf = printed(desk)
    text = "\n".join(page.extract_text() for page in pdf.pages)

    for told in (name, "Lethal Trifecta Compliance", "kari@example.com", "pproved", "Kim"):
        assert told in text, told
    assert "github.com/example/mcp-parking" in text
    for control in ("Reviewed by", "Download", "Copy", "Search", "git log", "Skip to"):
        assert control not in text, control


def test_only_the_report_is_on_paper(gallery: Gallery, new_desk: NewDesk) -> None:
    desk = new_desk(gallery.service, color_scheme="dark")
    gallery.pages["report-resubmitted"](desk)
    desk.page.emulate_media(media="print")
    expect(desk.text).to_be_visible()
    for hidden in ("form#decide", "#git", "nav[aria-label]", "button", "dialog", "#news"):
        for element in desk.page.locator(hidden).all():
            expect(element).to_be_hidden()


def test_paper_is_white_whatever_the_theme(gallery: Gallery, new_desk: NewDesk) -> None:
    desk = new_desk(gallery.service, color_scheme="dark")
    gallery.pages["report-approved"](desk)
    desk.page.emulate_media(media="print", color_scheme="dark")
    background, ink = desk.page.evaluate("""() => {
        const style = getComputedStyle(document.body);
        return [style.backgroundColor, getComputedStyle(document.querySelector("#report")).color];
    }""")
    assert background in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
    red, green, blue = (int(part) for part in ink.removeprefix("rgb(").rstrip(")").split(","))
    assert max(red, green, blue) < 100, ink


def test_nothing_is_cut_at_the_edge_of_the_paper(service: Service, new_desk: NewDesk) -> None:
    report = service.submit(report_data=WIDE_AS_REPORTS_ARE)
    desk = new_desk(service, viewport=PAPER)
    desk.open_report(report)
    desk.page.emulate_media(media="print")
    cut: list[str] = desk.text.evaluate("""text => [...text.querySelectorAll("p, pre, table, li")]
        .filter((element) => element.getBoundingClientRect().right > document.body.clientWidth + 1
            || (element.localName === "pre" && element.scrollWidth > element.clientWidth))
        .map((element) => element.outerHTML.slice(0, 100))""")
    assert cut == []
