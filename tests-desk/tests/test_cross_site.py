"""Nobody decides but a person at the desk's own page."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from desk.api import MORGAN
from desk.pages import Desk, NewDesk
from desk.service import Service, running_service

ATTACK = """<!doctype html><title>A cat</title>
<form id=f method=post action="{action}"{extra}>
  <input name=status value=approved><input name=review_notes value="">
  <input name=reviewed_by value="Morgan"><input name=version value="{version}">
  <input name=token value="{token}">
</form><script>f.submit()</script>"""


def fields(desk: Desk) -> dict[str, str]:
    """Return what the form of an open report would send to approve it."""
    found: dict[str, str] = desk.decision.evaluate("form => Object.fromEntries(new FormData(form))")
    return found | {"status": "approved", "review_notes": "", "reviewed_by": MORGAN}


def post(desk: Desk, path: str, data: dict[str, str], **headers: str) -> httpx.Response:
    """Send a form as the reviewer's browser would, with its headers and cookies."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"Origin": desk.url, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"} | names
    sent = {name: value for name, value in sent.items() if value}
    cookies = desk.page.context.cookies()
    sent["Cookie"] = "; ".join(f"{c.get('name')}={c.get('value')}" for c in cookies)
    return httpx.post(f"{desk.url}{path}", data=data, headers=sent, trust_env=False)


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="origin_elsewhere"),
        pytest.param({"Origin": "null"}, id="origin_null"),
        pytest.param({"Origin": "http://127.0.0.1:1"}, id="origin_of_another_port"),
        pytest.param({"Sec_Fetch_Site": "cross-site"}, id="cross_site"),
        pytest.param({"Sec_Fetch_Site": "same-site"}, id="same_site"),
        pytest.param({"Sec_Fetch_Site": "cross-site", "Origin": ""}, id="no_origin"),
    ],
)
def test_form_from_elsewhere_is_refused(
    headers: dict[str, str], desk: Desk, service: Service
) -> None:
    report = service.submit()
    desk.open_report(report)
    before = service.tip()
    answer = post(desk, f"/reports/{report['id']}/decision", fields(desk), **headers)
    assert answer.status_code == 403
    assert service.tip() == before


@pytest.mark.parametrize("token", ["", "forged", None])
def test_form_without_the_desk_s_token_is_refused(
    token: str | None, desk: Desk, service: Service
) -> None:
    report = service.submit()
    desk.open_report(report)
    data = fields(desk)
    assert len(data["token"]) >= 22, "a token that can be guessed is none"
    del data["token"]
    if token is not None:
        data["token"] = token
    before = service.tip()
    assert post(desk, f"/reports/{report['id']}/decision", data).status_code == 403
    assert service.tip() == before


def test_same_form_from_the_desk_is_accepted(desk: Desk, service: Service) -> None:
    report = service.submit()
    desk.open_report(report)
    answer = post(desk, f"/reports/{report['id']}/decision", fields(desk))
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(f"/reports/{report['id']}")
    assert service.report(report["id"])["status"] == "approved"


def test_token_of_another_browser_is_refused(
    desk: Desk, new_desk: NewDesk, service: Service
) -> None:
    report = service.submit()
    desk.open_report(report)
    other = new_desk(service)
    other.open_report(report)
    data = fields(desk) | {"token": fields(other)["token"]}
    assert post(desk, f"/reports/{report['id']}/decision", data).status_code == 403


def test_cookie_goes_nowhere_else(desk: Desk, service: Service) -> None:
    desk.open_report(service.submit())
    for cookie in desk.page.context.cookies():
        assert cookie.get("httpOnly")
        assert cookie.get("sameSite") in ("Lax", "Strict")


def test_form_that_outlives_the_service_keeps_what_was_typed(
    desk: Desk, service: Service, tmp_path: Path
) -> None:
    report = service.submit()
    desk.open_report(report)
    desk.fill_decision("rejected", "An hour of thoughts.", MORGAN)
    port = int(service.url.rpartition(":")[2])
    assert service.program.stop() == 0
    with running_service(tmp_path, port=port) as again:
        desk.send_decision()
        if again.report(report["id"])["status"] == "pending_review":
            expect(desk.notes).to_have_value("An hour of thoughts.")
            expect(desk.reviewer).to_have_value(MORGAN)
            expect(desk.choice("rejected")).to_be_checked()
            desk.send_decision()
        assert again.report(report["id"])["review_notes"] == "An hour of thoughts."
        desk.page.close()
    desk.watch.forgive(r"net::ERR_(CONNECTION|INCOMPLETE)")


def test_refusal_is_a_page_that_says_what_to_do(desk: Desk, service: Service) -> None:
    report = service.submit()
    desk.open_report(report)
    data = fields(desk) | {"token": "forged"}
    answer = post(desk, f"/reports/{report['id']}/decision", data)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert f"/reports/{report['id']}" in answer.text


@pytest.mark.parametrize("extra", ["", " enctype=multipart/form-data", " enctype=text/plain"])
def test_other_page_cannot_send_the_form_for_its_visitor(
    extra: str, new_desk: NewDesk, service: Service
) -> None:
    report = service.submit()
    victim = new_desk(service)
    victim.open_report(report)
    stolen = fields(victim)
    before = service.tip()
    html = ATTACK.format(
        action=f"{service.url}/reports/{report['id']}/decision", extra=extra, **just(stolen)
    )
    with serving(html) as attacker:
        # Also by the name of the same machine: another port is another origin.
        for address in (attacker, attacker.replace("127.0.0.1", "localhost")):
            with victim.page.expect_navigation(url=f"{service.url}/**"):
                victim.page.goto(address, wait_until="commit")
            assert victim.page.locator("h1").count() == 1
            assert service.tip() == before
    victim.watch.forgive(r"^request: GET http://(127\.0\.0\.1|localhost):")


def test_other_page_cannot_show_the_desk_in_a_frame(new_desk: NewDesk, service: Service) -> None:
    report = service.submit()
    victim = new_desk(service)
    html = f"<!doctype html><title>x</title><iframe src='{service.url}/reports/{report['id']}'></iframe>"
    with serving(html) as attacker:
        victim.page.goto(attacker)
        (frame,) = victim.page.frames[1:]
        assert frame.locator("form").count() == 0
    victim.watch.forgive(r"^request: GET http://127|X-Frame-Options|frame-ancestors|Framing")


def test_address_is_never_told_to_other_sites(desk: Desk, service: Service) -> None:
    report = service.submit(report_data="[out](https://example.com/)\n")
    desk.page.context.route("https://example.com/**", lambda route: route.fulfill(body="ok"))
    desk.open_report(report)
    with desk.page.expect_request("https://example.com/") as request:
        desk.text.get_by_role("link", name="out").click()
    assert "referer" not in request.value.headers
    desk.watch.forgive(r"^request: GET https://example\.com/")


def just(data: dict[str, str]) -> dict[str, str]:
    """Return what the attack's form needs of a stolen one."""
    return {name: data[name] for name in ("version", "commit", "token")}


@contextmanager
def serving(html: str) -> Generator[str]:
    """Serve one page on a port of its own; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, format: str, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()
