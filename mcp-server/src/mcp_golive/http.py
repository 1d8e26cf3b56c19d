"""The streamable HTTP transport: MCP at `/mcp`, liveness at `/health`.

On a loopback address only loopback host names and origins are answered, so that
no web page reaches the server through a rebound name. There is no
authentication: whoever reaches the port can submit and list.
"""

import logging
import socket
from collections.abc import Sequence

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from mcp_golive.arguments import StrictServer
from mcp_golive.settings import SettingsError, is_loopback

logger = logging.getLogger(__name__)

# A report of 1 MiB can be six times that as JSON (`\u0000` escapes), and the service
# takes requests of eight times its limit: what is larger is refused before it is read.
_REQUEST_LIMIT_BYTES = 16 * 1024 * 1024

# Open streams of clients are cut after this, so that the process is gone within 5 s.
_GRACE_SECONDS = 1

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")


def serve_http(server: StrictServer, host: str, port: int, allowed_hosts: Sequence[str]) -> None:
    """Serve on `host` and `port` (0: any free one) until SIGTERM or Ctrl-C.

    `allowed_hosts` are the names, without a port, by which clients may call this
    server. Raises `SettingsError` when the address cannot be had.
    """
    with _listen(host, port) as listener:
        app = server.streamable_http_app(
            host=host,
            transport_security=transport_security(host, allowed_hosts),
            max_request_body_size=_REQUEST_LIMIT_BYTES,
        )
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE_SECONDS
        )
        address = f"http://{_in_url(host)}:{listener.getsockname()[1]}"
        # The socket listens already: whoever reads this line can connect.
        logger.info("serving MCP at %s/mcp, liveness at %s/health", address, address)
        uvicorn.Server(config).run(sockets=[listener])


def transport_security(host: str, allowed_hosts: Sequence[str]) -> TransportSecuritySettings:
    """Return which `Host` and `Origin` headers are answered when listening on `host`.

    Any port is allowed with an allowed name: a tunnel or a container maps ports,
    and what rebinding forges is the name.
    """
    if not is_loopback(host) and not allowed_hosts:
        logger.warning(
            "listening on `%s` for any host name and without authentication; "
            "name the hosts that clients use with --allowed-host",
            host,
        )
        return TransportSecuritySettings(enable_dns_rebinding_protection=False)
    names = dict.fromkeys([*_LOOPBACK_NAMES, _in_url(host), *map(_in_url, allowed_hosts)])
    origins = [f"{scheme}://{name}" for name in names for scheme in ("http", "https")]
    return TransportSecuritySettings(
        allowed_hosts=_any_port(names), allowed_origins=_any_port(origins)
    )


def _listen(host: str, port: int) -> socket.socket:
    bare = host.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    try:
        return socket.create_server((bare, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"cannot listen on `{host}` port {port}: {error}; choose another --host or --port"
        ) from error


def _any_port(names: Sequence[str] | dict[str, None]) -> list[str]:
    return [pattern for name in names for pattern in (name, f"{name}:*")]


def _in_url(host: str) -> str:
    """Return `host` as it stands in a URL: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
