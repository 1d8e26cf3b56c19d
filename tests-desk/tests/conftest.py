"""Fixtures of all tests: the browser, a service, reviewers at the desk, an assistant."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from desk.assistant import Assistant, connected_assistant
from desk.chromium import running_chromium
from desk.gallery import Gallery, running_gallery
from desk.pages import Desk, NewDesk
from desk.service import Service, running_service
from desk.watch import Watch

# A page that does not come, or has no such element, is known to be wrong by then.
ACTION_MS = 10_000


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    """Run one browser for all tests of a worker; each test has contexts of its own."""
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def service(tmp_path: Path) -> Generator[Service]:
    """Run a service on an empty repository."""
    with running_service(tmp_path) as service:
        yield service


@pytest.fixture
def new_desk(browser: Browser) -> Generator[NewDesk]:
    """Make reviewers, and see in the end that nothing happened that must never happen."""
    contexts: list[Any] = []
    watches: list[Watch] = []

    def new(service: Service, **options: Any) -> Desk:  # noqa: ANN401
        context = browser.new_context(**options)
        context.set_default_timeout(ACTION_MS)
        contexts.append(context)
        watch = Watch(context, service.url)
        watches.append(watch)
        return Desk(context.new_page(), service.url, watch)

    yield new
    faults = [fault for watch in watches for fault in watch.faults]
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture
def desk(new_desk: NewDesk, service: Service) -> Desk:
    """Seat one reviewer at the desk of `service`."""
    return new_desk(service)


@pytest.fixture
def assistant(service: Service, tmp_path: Path) -> Generator[Assistant]:
    """Connect a developer's assistant to `service` by MCP."""
    with connected_assistant(service, tmp_path / "mcp.log") as assistant:
        yield assistant


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Generator[Gallery]:
    """Run a service that has something for every page; tests only look at it."""
    with running_gallery(tmp_path_factory.mktemp("gallery")) as gallery:
        yield gallery
