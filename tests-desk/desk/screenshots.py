"""Takes a picture of every page, in both themes, on a desktop and on a phone.

    python -m desk.screenshots DIRECTORY

The service and the browser have a clock of their own, so that the pictures
tell of the same day whenever they are taken. Run by `scripts/screenshots`.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser

from desk.api import MORGAN
from desk.chromium import running_chromium
from desk.clock import Clock
from desk.pages import Desk
from desk.seeding import NOW, plan, play, play_by_hand
from desk.service import Service, running_service
from desk.watch import Watch

Theme = Literal["light", "dark"]
THEMES: list[Theme] = ["light", "dark"]
# A page can be as long as its report; a picture need not be longer than this.
SIZES = {1440: 1500, 390: 1700}
UNLIKE = 10

Go = Callable[[Desk], object]


def pages(service: Service, reports: dict[int, dict[str, Any]]) -> dict[str, Go]:
    """Return the pages by the names of their pictures, and how to get there."""
    everything = list(reports.values())
    pending = [report for report in everything if report["status"] == "pending_review"]
    again = max(pending, key=lambda report: report["revision"])
    approved = next(report for report in everything if report["status"] == "approved")
    mixed = next(report for report in everything if report["server_name"].startswith("خادم"))
    largest = max(everything, key=lambda report: len(report["report_data"]))
    commits = service.commits(again, "%H")

    def at(path: str) -> Go:
        return lambda desk: desk.open(path)

    def stale(desk: Desk) -> None:
        desk.open_report(again)
        blob = service.git("rev-parse", f"{commits[0]}:{service.path(again)}").strip()
        desk.decision.evaluate("(form, blob) => { form.elements.version.value = blob; }", blob)
        desk.decide("rejected", "FP-31 is open.\nPlease add the threat model.", MORGAN)

    def helped(desk: Desk) -> None:
        desk.open()
        desk.page.keyboard.press("?")

    return {
        "queue": at("/"),
        "queue-all": at("/?status=all&sort=newest"),
        "queue-search": at("/?status=all&q=booking&owner=intility&sort=name"),
        "queue-nothing": at("/?q=there-is-no-such-word"),
        "report": lambda desk: desk.open_report(again),
        "report-approved": lambda desk: desk.open_report(approved),
        "report-right-to-left": lambda desk: desk.open_report(mixed),
        "report-largest": lambda desk: desk.open_report(largest),
        "report-earlier": at(f"/reports/{again['id']}?at={commits[0]}"),
        "difference": at(f"/reports/{again['id']}/diff?from=1&to={again['revision']}"),
        "decision-stale": stale,
        "problems": at("/problems"),
        "activity": at("/activity"),
        "rules": at("/rules"),
        "not-found": at("/nowhere"),
        "help": helped,
    }


def take(browser: Browser, service: Service, pages: dict[str, Go], directory: Path) -> None:
    """Write `NAME-WIDTH-THEME.png` of each page into `directory`."""
    for width in SIZES:
        for theme in THEMES:
            context = browser.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=theme,
                timezone_id="Europe/Oslo",
                locale="en-GB",
                reduced_motion="reduce",
            )
            context.clock.install(time=NOW)
            watch = Watch(context, service.url)
            desk = Desk(context.new_page(), service.url, watch)
            for name, go in pages.items():
                go(desk)
                _picture(desk, directory / f"{name}-{width}-{theme}.png")
            context.close()
            if watch.faults:
                raise AssertionError(f"the pages did what they may not do: {watch.faults}")


def _picture(desk: Desk, path: Path) -> None:
    size = desk.page.viewport_size
    if size is None:
        raise AssertionError("a page without a size")
    # Not `full_page`: what is drawn for that is the whole of a report of 1 MiB.
    whole: int = desk.page.evaluate("document.scrollingElement.scrollHeight")
    desk.page.set_viewport_size(
        {"width": size["width"], "height": min(whole, SIZES[size["width"]])}
    )
    desk.page.screenshot(path=path, animations="disabled")
    desk.page.set_viewport_size(size)
    # A palette keeps the files small, and no eye sees it on pages like these.
    with Image.open(path) as picture:
        image = picture.convert("RGB")
    palette = _palette(image)
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)


def _palette(image: Image.Image) -> Image.Image:
    """Return the picture's commonest colours as they are, and rarer ones that are unlike them."""
    counted: Any = image.getcolors(image.width * image.height)
    chosen: list[tuple[int, int, int]] = []
    for _, colour in sorted(counted, reverse=True):
        if all(max(map(abs, map(int.__sub__, colour, other))) >= UNLIKE for other in chosen):
            chosen.append(colour)
    palette = Image.new("P", (1, 1))
    palette.putpalette([channel for colour in chosen[:256] for channel in colour])
    return palette


def main() -> None:
    """Read the command line, and do it."""
    parser = argparse.ArgumentParser(description="Take a picture of every page.")
    parser.add_argument("directory", type=Path, help="where the pictures go")
    directory: Path = parser.parse_args().directory
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        steps = plan()
        clock = Clock(Path(temporary, "clock"), steps[0].at)
        environment = clock.environment()
        with (
            running_chromium() as browser,
            running_service(Path(temporary), environment=environment) as service,
            running_service(Path(temporary, "empty"), environment=environment) as empty,
        ):
            reports = play(service, steps, clock)
            play_by_hand(service, clock)
            sys.stderr.write(f"{len(reports)} reports; taking pictures\n")
            take(browser, service, pages(service, reports), directory)
            take(browser, empty, {"queue-empty": lambda desk: desk.open()}, directory)


if __name__ == "__main__":
    main()
