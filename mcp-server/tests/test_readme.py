"""The README tells every setting, and every conformance scenario where it belongs."""

import re
import tomllib
from pathlib import Path

import pytest

from mcp_golive.cli import build_parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_flag_and_variable_stands_in_the_readme() -> None:
    flags = [*re.findall(r"--[a-z-]+", build_parser().format_usage()), "--version"]
    for setting in {*flags, "API_BASE_URL", "API_TIMEOUT_SECONDS", "GOLIVE_BIN"}:
        assert f"`{setting}" in README, setting


@pytest.mark.parametrize(
    ("group", "heading"),
    [
        ("applies", "**Apply to any server**"),
        ("vacuous", "**Pass only vacuously**"),
        ("fixture", "**Need fixtures**"),
    ],
)
def test_every_scenario_stands_in_its_group_of_the_readme(group: str, heading: str) -> None:
    path = ROOT / "conformance" / "scenarios.toml"
    classes = tomllib.loads(path.read_text(encoding="utf-8"))
    section = README.split(heading)[1].split("\n**")[0]
    assert set(re.findall(r"`([a-z0-9-]+)`", section)) == set(classes[group])


@pytest.mark.parametrize(
    "lock",
    ["requirements.txt", "requirements-dev.txt", "conformance/package-lock.json"],
)
def test_lock_file_names_no_host(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text(encoding="utf-8")


def test_both_requirements_pin_the_same_versions() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9.-]+==\S+", (ROOT / name).read_text("utf-8"), re.MULTILINE))

    assert pins("requirements.txt") <= pins("requirements-dev.txt")
