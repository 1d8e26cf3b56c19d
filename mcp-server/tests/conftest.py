"""Fixtures of all tests: the event loop, the fake service, the real one."""

from collections.abc import Generator

import pytest
from fake_service import FakeService, running_fake
from programs import Golive, running_golive


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run asynchronous tests on the event loop that the server runs on."""
    return "asyncio"


@pytest.fixture
def fake() -> Generator[FakeService]:
    """Run a service that answers what the test tells it to."""
    with running_fake() as service:
        yield service


@pytest.fixture(scope="module")
def golive(tmp_path_factory: pytest.TempPathFactory) -> Generator[Golive]:
    """Run a real golive, on a repository of this test module's own."""
    with running_golive(tmp_path_factory.mktemp("golive")) as service:
        yield service
