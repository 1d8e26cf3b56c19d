"""The HTTP transport: health, sessions where the protocol has them, and only allowed host names."""

from collections.abc import Generator
from typing import Any

import httpx
import pytest
from asking import INITIALIZE
from programs import running_http_server

from mcp_golive.http import transport_security

NOWHERE = "http://127.0.0.1:1/api/v1"


def post(address: str, message: dict[str, Any], **headers: str) -> httpx.Response:
    """Send one message to the server at `address`."""
    accept = {"Accept": "application/json, text/event-stream"}
    return httpx.post(f"{address}/mcp", json=message, headers=accept | headers, trust_env=False)


@pytest.fixture(scope="module")
def address() -> Generator[str]:
    """Run one server with the default flags, without a service behind it."""
    with running_http_server(NOWHERE) as (_, address):
        yield address


def test_health_answers_while_the_process_lives_even_without_a_service(address: str) -> None:
    answer = httpx.get(f"{address}/health", trust_env=False)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_older_generation_gets_a_session(address: str) -> None:
    answer = post(address, INITIALIZE)
    assert answer.status_code == 200
    assert answer.headers["mcp-session-id"]


def test_foreign_names_are_refused_and_other_ports_are_not(address: str) -> None:
    assert post(address, INITIALIZE, Host="evil.example").status_code == 421
    assert post(address, INITIALIZE, Origin="https://evil.example").status_code == 403
    assert post(address, INITIALIZE, Origin=address).status_code == 200
    # A tunnel or a container comes in by another port.
    assert post(address, INITIALIZE, Host="localhost:9").status_code == 200
    assert post(address, INITIALIZE, Host="localhost").status_code == 200


def test_allowed_host_is_answered_beside_the_loopback_names() -> None:
    with running_http_server(NOWHERE, "--allowed-host", "mcp.example") as (_, address):
        assert post(address, INITIALIZE, Host="mcp.example").status_code == 200
        assert post(address, INITIALIZE, Host="mcp.example:443").status_code == 200
        assert post(address, INITIALIZE, Origin="https://mcp.example").status_code == 200
        assert post(address, INITIALIZE).status_code == 200
        assert post(address, INITIALIZE, Host="mcp.example.evil").status_code == 421


def test_request_beyond_16_mib_is_refused_before_it_is_read(address: str) -> None:
    assert post(address, INITIALIZE | {"x": "x" * 17 * 1024 * 1024}).status_code == 413


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_every_loopback_address_is_protected(host: str) -> None:
    security = transport_security(host, [])
    assert security.enable_dns_rebinding_protection
    name = f"[{host}]" if ":" in host else host
    assert {name, f"{name}:*"} <= set(security.allowed_hosts)
    assert f"http://{name}:*" in security.allowed_origins


def test_open_address_is_protected_once_its_names_are_given() -> None:
    assert not transport_security("0.0.0.0", []).enable_dns_rebinding_protection  # noqa: S104
    security = transport_security("0.0.0.0", ["mcp.example"])  # noqa: S104
    assert security.enable_dns_rebinding_protection
    assert "mcp.example:*" in security.allowed_hosts


def test_server_on_ipv6_is_reached_by_its_address() -> None:
    with running_http_server(NOWHERE, "--host", "::1") as (_, address):
        assert address.startswith("http://[::1]:")
        assert post(address, INITIALIZE).status_code == 200
