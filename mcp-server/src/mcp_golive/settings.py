"""Where the golive service is and how long to wait for it.

Flags win over the environment, the environment over the defaults. A value that
cannot work is refused at the start, with a sentence that says what to repair.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

import httpx

DEFAULT_API_BASE_URL = "http://localhost:8080/api/v1"
DEFAULT_TIMEOUT_SECONDS = 20.0
LONGEST_TIMEOUT_SECONDS = 50.0
"""Beyond this, with what an error needs, a client that waits for 60 seconds gives up first."""


class SettingsError(ValueError):
    """A setting that cannot work; its text names the setting and the repair."""


@dataclass(frozen=True)
class Settings:
    """The settings of one server process."""

    api_base_url: str
    """Base address of the REST API, http or https, without a slash at the end."""

    timeout_seconds: float
    """Longest wait for one tool call's whole exchange with the service."""

    @classmethod
    def resolve(
        cls,
        environment: Mapping[str, str],
        *,
        api_base_url: str | None = None,
        timeout_seconds: str | None = None,
    ) -> "Settings":
        """Return the settings from flags (`None` when not given) and environment.

        Raises `SettingsError` for a value that cannot work. An empty variable
        counts as not set.
        """
        url = api_base_url or environment.get("API_BASE_URL") or DEFAULT_API_BASE_URL
        timeout = timeout_seconds or environment.get("API_TIMEOUT_SECONDS")
        return cls(
            api_base_url=_base_url(url),
            timeout_seconds=_seconds(timeout) if timeout else DEFAULT_TIMEOUT_SECONDS,
        )


def is_loopback(host: str) -> bool:
    """Tell whether `host`, a name or an address without a port, is this machine's loopback."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _base_url(text: str) -> str:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise SettingsError(f"`API_BASE_URL` is not a URL: {error}") from error
    if url.userinfo:
        # The address is shown in errors and logs, so it must hold no secret.
        raise SettingsError("`API_BASE_URL` must not hold a user name or a password; remove it")
    if url.scheme not in ("http", "https") or not url.host:
        raise SettingsError(
            f"`API_BASE_URL` must look like `{DEFAULT_API_BASE_URL}`, but it is `{text}`"
        )
    if url.query or url.fragment:
        raise SettingsError(f"`API_BASE_URL` must end with its path, but it is `{text}`")
    return str(url).rstrip("/")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not (0 < seconds < math.inf):
        raise SettingsError(
            f"`API_TIMEOUT_SECONDS` must be a number of seconds above 0, but it is `{text}`"
        )
    return seconds
