"""Runs the conformance scenarios and the inspector, and judges them by `scenarios.toml`.

A scenario is judged check by check: one that needs a fixture tool is expected to
fail, but never because a message broke the protocol's schema. A scenario that is
not classified, did not run, or passes against expectation fails the run, so that
the classification stays true.
"""

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspector import inspect
from programs import child_environment, running_golive, running_http_server

SPEC_VERSIONS = ("2025-11-25", "2026-07-28")
SUITE_SECONDS = 300
SCHEMA_CHECK = "WireSchemaValid"
FAIL = "FAIL"
ORDER = (FAIL, "pass", "vacuous", "no fixture")
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Verdict:
    """One line of the summary."""

    kind: str
    """`pass`, `vacuous`, `no fixture`; `FAIL` for whatever was not expected."""

    line: str


def main() -> int:
    """Run everything and return the exit code."""
    classes = tomllib.loads((HERE / "scenarios.toml").read_text(encoding="utf-8"))
    verdicts: list[Verdict] = []
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        with (
            running_golive(scratch) as golive,
            running_http_server(golive.base_url) as (_, address),
        ):
            for version in SPEC_VERSIONS:
                print(f"\nconformance, {version}:")
                results = run_suite(f"{address}/mcp", version, scratch / version)
                verdicts += show(judge(results, classes, version))
            print("\ninspector:")
            steps = inspect(f"{address}/mcp", scratch)
            verdicts += show(Verdict("pass" if good else FAIL, line) for good, line in steps)
    counts = Counter(verdict.kind for verdict in verdicts)
    print("\n" + ", ".join(f"{kind}: {counts[kind]}" for kind in ORDER))
    return 1 if counts[FAIL] else 0


def run_suite(url: str, version: str, results: Path) -> dict[str, list[dict[str, Any]]]:
    """Run all scenarios of a protocol version; return the checks of each, by its name."""
    options = ["--suite", "all", "--spec-version", version, "--output-dir", str(results)]
    # Its exit code and its own summary know nothing of what we expect.
    subprocess.run(
        ["conformance", "server", "--url", url, *options],
        env=child_environment(HOME=str(results.parent)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=SUITE_SECONDS,
        check=False,
    )
    name = re.compile(r"server-(.+)-\d{4}-\d\d-\d\dT[^/]*")
    return {
        match[1]: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(results.glob("*/checks.json"))
        if (match := name.fullmatch(path.parent.name))
    }


def judge(
    results: dict[str, list[dict[str, Any]]], classes: dict[str, Any], version: str
) -> list[Verdict]:
    """Return one verdict for each scenario that ran, should have run, or is unknown."""
    verdicts = [_judge_one(name, checks, classes) for name, checks in results.items()]
    missing = [
        name
        for name, versions in classes["applies"].items()
        if version in versions and name not in results
    ]
    verdicts += [Verdict(FAIL, f"{name}: did not run") for name in missing]
    return sorted(verdicts, key=lambda verdict: ORDER.index(verdict.kind))


def _judge_one(name: str, checks: list[dict[str, Any]], classes: dict[str, Any]) -> Verdict:
    failed = {check["name"] for check in checks if check["status"] == "FAILURE"}
    passed = sum(check["status"] == "SUCCESS" for check in checks)
    if SCHEMA_CHECK in failed:
        return Verdict(FAIL, f"{name}: a message broke the protocol's schema")
    if name in classes["fixture"]:
        return Verdict("no fixture" if failed else FAIL, f"{name}: {classes['fixture'][name]}")
    if name in classes["vacuous"]:
        return Verdict(FAIL if failed else "vacuous", f"{name}: {classes['vacuous'][name]}")
    if name in classes["applies"]:
        exceptions = classes["fixture_checks"].get(name, {})
        without = f", {len(exceptions)} without their fixture" if exceptions else ""
        surprise = sorted(failed ^ set(exceptions))
        unexpected = f"; unexpected: {', '.join(surprise)}" if surprise else ""
        line = f"{name}: {passed} checks{without}{unexpected}"
        return Verdict(FAIL if surprise else "pass", line)
    return Verdict(FAIL, f"{name}: not in scenarios.toml")


def show(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Print the verdicts and return them."""
    shown = list(verdicts)
    for verdict in shown:
        print(f"  {verdict.kind:<10}  {verdict.line}", flush=True)
    return shown


if __name__ == "__main__":
    sys.exit(main())
