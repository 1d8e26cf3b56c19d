"""What every answer forbids the browser to do."""

import re

import httpx
import pytest
from playwright.sync_api import expect

from desk.pages import Desk
from desk.service import Service

PATHS = ["/", "/reports/ID", "/reports/ID/diff?from=1&to=1", "/problems", "/activity", "/nowhere"]


@pytest.mark.parametrize("path", PATHS)
def test_page_forbids_everything_but_its_own_files(path: str, service: Service) -> None:
    report = service.submit()
    answer = httpx.get(
        f"{service.url}{path.replace('ID', report['id'])}",
        headers={"Accept": "text/html"},
        trust_env=False,
    )
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    directives = {
        name: values
        for name, *values in (
            part.split()
            for part in answer.headers["Content-Security-Policy"].split(";")
            if part.strip()
        )
    }
    assert directives["default-src"] == ["'none'"]
    for name in ("script-src", "style-src", "img-src", "connect-src", "form-action"):
        assert directives[name] == ["'self'"], name
    for name in ("base-uri", "frame-ancestors"):
        assert directives[name] == ["'none'"], name
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_assets_are_kept_for_ever_under_the_name_of_their_content(
    desk: Desk, service: Service
) -> None:
    desk.open()
    assets: list[str] = desk.page.evaluate(
        "[...document.querySelectorAll('link[rel=stylesheet], script[src]')].map(e => e.href ?? e.src)"
    )
    scripts: list[str] = desk.page.evaluate("[...document.scripts].map(script => script.src)")
    addresses = {address for address in [*assets, *scripts] if address}
    assert len(addresses) >= 2
    for address in addresses:
        assert re.search(r"/assets/[a-z-]+\.[0-9a-f]{8,}\.(css|js)$", address), address
        answer = httpx.get(address, trust_env=False)
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_pages_are_not_kept(service: Service) -> None:
    answer = httpx.get(service.url, headers={"Accept": "text/html"}, trust_env=False)
    assert "no-" in answer.headers["Cache-Control"]


def test_page_of_the_api_still_works(desk: Desk, service: Service) -> None:
    desk.open("/docs")
    expect(desk.page.locator(".swagger-ui").first).to_be_visible()
    expect(desk.page.locator(".opblock").first).to_be_visible()


def test_program_that_asks_for_no_page_gets_the_page_all_the_same(service: Service) -> None:
    # `curl http://…/` asks for anything: what is at `/` is the page.
    answer = httpx.get(service.url, headers={"Accept": "*/*"}, trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")


def test_only_allowed_hosts_are_answered(service: Service) -> None:
    answer = httpx.get(service.url, headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 421
