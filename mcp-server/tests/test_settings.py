"""Settings: flags win over the environment; what cannot work is refused with a sentence."""

import pytest

from mcp_golive.settings import Settings, SettingsError, is_loopback


def test_defaults_lead_to_a_local_service() -> None:
    assert Settings.resolve({}) == Settings("http://localhost:8080/api/v1", 20.0)


def test_environment_wins_over_defaults_and_flags_over_the_environment() -> None:
    environment = {"API_BASE_URL": "http://env/api/v1/", "API_TIMEOUT_SECONDS": "3"}

    assert Settings.resolve(environment) == Settings("http://env/api/v1", 3.0)
    flags = Settings.resolve(environment, api_base_url="https://flag/v1", timeout_seconds="0.5")
    assert flags == Settings("https://flag/v1", 0.5)


def test_empty_variables_count_as_not_set() -> None:
    assert Settings.resolve({"API_BASE_URL": "", "API_TIMEOUT_SECONDS": ""}) == Settings.resolve({})


@pytest.mark.parametrize(
    ("url", "repair"),
    [
        ("golive:8080", "must look like"),
        ("ftp://golive/api", "must look like"),
        ("http://", "must look like"),
        ("http://golive:port/", "not a URL"),
        ("http://user:secret@golive/api/v1", "must not hold a user name"),
        ("http://golive/api/v1?x=1", "must end with its path"),
    ],
)
def test_base_url_that_cannot_work_is_refused_without_repeating_secrets(
    url: str, repair: str
) -> None:
    with pytest.raises(SettingsError, match=repair) as refusal:
        Settings.resolve({"API_BASE_URL": url})
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "inf", "nan"])
def test_time_out_that_cannot_work_is_refused(seconds: str) -> None:
    with pytest.raises(SettingsError, match="above 0"):
        Settings.resolve({}, timeout_seconds=seconds)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2", "::1", "[::1]"])
def test_loopback_addresses_are_told(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "golive.example", "10.0.0.1"])  # noqa: S104
def test_other_addresses_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)
