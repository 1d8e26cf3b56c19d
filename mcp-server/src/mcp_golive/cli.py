"""The console command `mcp-golive-server`: flags, logging, and which transport to serve."""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from mcp_golive import __version__
from mcp_golive.settings import (
    DEFAULT_API_BASE_URL,
    DEFAULT_TIMEOUT_SECONDS,
    LONGEST_TIMEOUT_SECONDS,
    Settings,
    SettingsError,
)

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 8000

_EPILOG = f"""\
environment:
  API_BASE_URL          like --api-base-url (default {DEFAULT_API_BASE_URL})
  API_TIMEOUT_SECONDS   like --timeout (default {DEFAULT_TIMEOUT_SECONDS:g})
A flag wins over the environment. Logs go to standard error.

examples:
  claude mcp add --transport stdio golive -- mcp-golive-server
  mcp-golive-server --transport http --port 8000
  claude mcp add --transport http golive http://127.0.0.1:8000/mcp
"""


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command; exits with 0 when told to stop, with 2 for a setting that cannot work."""
    # uvicorn raises SIGTERM once more when it has shut down: that is an ordinary end here.
    signal.signal(signal.SIGTERM, _exit_cleanly)
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.transport == "stdio" and _http_flags(options):
        parser.error("--host, --port and --allowed-host need --transport http")
    configure_logging(options.log_level)
    try:
        _serve(options)
    except SettingsError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt:
        sys.exit(0)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser, whose `--help` teaches the whole command."""
    parser = argparse.ArgumentParser(
        prog="mcp-golive-server",
        description="MCP server of golive: check, submit, read and decide on go-live reports.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument(
        "--transport",
        choices=("stdio", "http"),
        default="stdio",
        help="stdio for one client that starts this command (default); "
        "http for streamable HTTP at /mcp, with GET /health",
    )
    parser.add_argument("--host", help=f"address to listen on (default {_DEFAULT_HOST})")
    parser.add_argument(
        "--port", type=int, help=f"port to listen on, 0 for a free one (default {_DEFAULT_PORT})"
    )
    parser.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="NAME",
        help="host name that clients may use, beside the loopback ones; can be repeated",
    )
    parser.add_argument("--api-base-url", metavar="URL", help="base address of golive's REST API")
    parser.add_argument(
        "--timeout", metavar="SECONDS", help="longest wait for one exchange with the service"
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="what to log to standard error (default info)",
    )
    return parser


def configure_logging(level: str) -> None:
    """Send the log to standard error; on stdio, standard output is the wire."""
    logging.basicConfig(
        level=level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    if level != "debug":
        # They log every request, and the text of every refusal with what people typed in it.
        for name in ("httpx", "mcp", "uvicorn"):
            logging.getLogger(name).setLevel(logging.WARNING)


def _serve(options: argparse.Namespace) -> None:
    settings = Settings.resolve(
        os.environ, api_base_url=options.api_base_url, timeout_seconds=options.timeout
    )
    # The SDK takes a second to load, which --help and a refused setting need not wait for.
    from mcp_golive.server import build_server  # noqa: PLC0415

    server = build_server(settings)
    logger = logging.getLogger(__name__)
    logger.info("golive service: %s", settings.api_base_url)
    if settings.timeout_seconds > LONGEST_TIMEOUT_SECONDS:
        logger.warning(
            "waits of up to %g seconds: most clients give up a call after 60, and never see "
            "what it came to",
            settings.timeout_seconds,
        )
    if options.transport == "stdio":
        from mcp_golive.stdio import serve_stdio  # noqa: PLC0415

        serve_stdio(server)
    else:
        from mcp_golive.http import serve_http  # noqa: PLC0415

        port = _DEFAULT_PORT if options.port is None else options.port
        serve_http(server, options.host or _DEFAULT_HOST, port, options.allowed_host)


def _http_flags(options: argparse.Namespace) -> bool:
    return options.host is not None or options.port is not None or bool(options.allowed_host)


def _exit_cleanly(_signum: int, _frame: FrameType | None) -> None:
    sys.exit(0)
