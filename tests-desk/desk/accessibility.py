"""Deque's axe on a page, with every rule that it has on by default."""

from importlib.resources import files
from typing import Any

from desk.pages import Desk

# The package carries axe; all that its own code does is to run it.
AXE = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")


def findings(desk: Desk) -> list[str]:
    """Return axe's findings as lines: the rule, the elements, what is wrong."""
    desk.page.evaluate(AXE)
    violations: list[dict[str, Any]] = desk.page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] }).then(found => found.violations)"
    )
    return [
        f"{violation['id']}: {' '.join(node['target'])}: {node['failureSummary']}"
        for violation in violations
        for node in violation["nodes"]
    ]
