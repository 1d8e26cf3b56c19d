"""Times are the reader's, and exact UTC on hover."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from desk.pages import NewDesk
from desk.people import push_old_report
from desk.service import Service

ZONES = ["Pacific/Auckland", "America/St_Johns", "UTC"]


@pytest.mark.parametrize("zone", ZONES)
def test_times_are_in_the_reader_s_zone_with_utc_in_the_title(
    zone: str, service: Service, new_desk: NewDesk
) -> None:
    report = service.submit()
    service.decide(report, "rejected", "No.")
    desk = new_desk(service, timezone_id=zone, locale="en-GB")
    for path in ("/?status=all", f"/reports/{report['id']}", "/activity"):
        desk.open(path)
        times = desk.page.locator("time[datetime]:visible")
        expect(times.first).to_be_visible()
        clocks = 0
        for time in times.all():
            stamp = time.get_attribute("datetime") or ""
            at = datetime.fromisoformat(stamp)
            title = time.get_attribute("title") or ""
            assert at.strftime("%Y-%m-%d") in title, (path, title)
            assert at.strftime("%H:%M:%S") in title, (path, title)
            assert re.search(r"UTC|Z\b", title), (path, title)
            if shown := re.search(r"\b\d{1,2}:\d\d\b", time.inner_text()):
                clocks += 1
                assert shown.group() == at.astimezone(ZoneInfo(zone)).strftime("%H:%M"), path
        # How long ago it was may be told in words, but not everywhere.
        assert clocks > 0 or path.startswith("/?"), path


def test_what_waits_too_long_is_marked_in_words(service: Service, new_desk: NewDesk) -> None:
    old = push_old_report(service, "mcp-forgotten", days=20)
    recent = push_old_report(service, "mcp-recent", days=2)
    new = service.submit("mcp-new")
    desk = new_desk(service)
    desk.open()

    assert desk.listed() == [old["id"], recent["id"], new["id"]]
    waiting = desk.row(old).locator(".waiting")
    expect(waiting).to_have_class(re.compile(r"\boverdue\b"))
    expect(waiting).to_contain_text("20 days")
    expect(waiting).to_contain_text(re.compile("overdue", re.IGNORECASE))
    expect(desk.row(recent).locator(".waiting")).to_contain_text("2 days")
    expect(desk.page.locator("#queue .overdue")).to_have_count(1)
