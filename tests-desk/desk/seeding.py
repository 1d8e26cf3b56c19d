"""Half a year of reviews: 300 reports, told by a plan that is the same each time.

`plan` draws up who does what and when, from a seed, without any service;
`play` does it, through the API and, where the repository is at hand, by pushes
and by saved files too. Only ids and commit ids differ from one time to the next.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from desk import texts
from desk.api import Api, good
from desk.clock import Clock
from desk.names import DEVELOPERS, NOTES_APPROVED, NOTES_REJECTED, OWNERS, REVIEWERS, names
from desk.people import approve_by_push, push_report, spoil_by_hand
from desk.service import Service

N_REPORTS = 300
N_WEEKS = 26
NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)

REOPENED = (231, 240, 252)

Act = Literal["submit", "approved", "rejected", "pending_review"]


@dataclass(frozen=True)
class Step:
    """Somebody does something to the report `number` at a time."""

    at: datetime
    number: int
    act: Act
    by: str
    text: str


def plan(n_reports: int = N_REPORTS, seed: int = 6) -> list[Step]:
    """Return what happens, in order."""
    chance = random.Random(seed)
    steps = [step for number in range(n_reports) for step in _life(chance, number, n_reports)]
    return sorted(steps, key=lambda step: (step.at, step.number))


def _life(chance: random.Random, number: int, n_reports: int) -> Iterator[Step]:
    """Return the steps of one report, up to now."""
    # More and more reports, the last ones a few hours old.
    share = ((number + 1) / n_reports) ** 0.8
    at = NOW - timedelta(weeks=N_WEEKS) * (1 - share) - timedelta(minutes=chance.randrange(20, 600))
    developer = chance.choice(DEVELOPERS)
    finding = "| FP-31 | high | none yet |"
    n_rounds = 5 if number % 60 == 7 else chance.choices([1, 2, 3], [80, 16, 4])[0]
    for round_number in range(1, n_rounds + 1):
        yield Step(at, number, "submit", developer, _text(number, finding))
        # A few are forgotten for weeks.
        days = 40 if number % 45 == 31 else chance.choice([1, 3, 5, 8, 14, 20, 30])
        at += timedelta(days=days, minutes=chance.randrange(300))
        if at > NOW:
            return
        if round_number < n_rounds:
            notes = chance.choice(NOTES_REJECTED)
            yield Step(at, number, "rejected", chance.choice(REVIEWERS), notes)
            finding = (
                f"| FP-31 | high | tried {round_number} times, see commit 9f2c1e{round_number} |"
            )
            at += timedelta(days=chance.choice([0.3, 1, 2, 4]), minutes=chance.randrange(300))
            if at > NOW:
                return
    reviewer = chance.choice(REVIEWERS)
    rejected = chance.random() < 0.16
    notes = chance.choice(NOTES_REJECTED if rejected else NOTES_APPROVED)
    yield Step(at, number, "rejected" if rejected else "approved", reviewer, notes)
    at += timedelta(days=2)
    if number in REOPENED and at < NOW:
        yield Step(at, number, "pending_review", reviewer, "Reopened: the scope has changed.")


def _text(number: int, finding: str) -> str:
    name = names(number)
    if number % 75 == 40:
        return texts.six_phases(name, finding) + texts.prose(texts.MIB - 20_000, seed=number)
    if number % 5 < 3 and number % 9 != 4:
        return texts.whole(name, _url(number), finding)
    text = texts.six_phases(name, finding)
    if number % 9 == 4:
        text += texts.RIGHT_TO_LEFT
    if number % 5 == 3:
        text += texts.WIDE + texts.TASKS
    return text + texts.prose((0, 1000, 4000)[number % 3], seed=number)


def _url(number: int) -> str:
    return f"https://{OWNERS[number % len(OWNERS)]}/mcp-{number:03}"


def play(service: Api, steps: list[Step], clock: Clock | None = None) -> dict[int, dict[str, Any]]:
    """Do it all; return the reports by number."""
    reports: dict[int, dict[str, Any]] = {}
    for step in steps:
        if clock:
            clock.set(step.at)
        if step.act == "submit":
            reports[step.number] = _submit(service, step)
        else:
            report = reports[step.number]
            reports[step.number] = service.decide(report, step.act, step.text or None, step.by)
    return reports


def play_by_hand(service: Service, clock: Clock | None = None) -> None:
    """Add what people do without the API: pushed reports and decisions, files with a fault."""
    if clock:
        clock.set(NOW - timedelta(minutes=15))
    pushed = [
        push_report(service, f"mcp-pushed-{place}", text=texts.six_phases(f"mcp-pushed-{place}"))
        for place in ("warehouse", "workshop", "canteen")
    ]
    approve_by_push(service, pushed[0], "Looked at on paper.")
    spoilt = [service.submit(f"mcp-{name}") for name in ("archive", "kiosk", "ferry")]
    spoil_by_hand(service, spoilt[0])
    spoil_by_hand(service, spoilt[1], "developer_email: ", "developer_email: [")
    conflict = "<<<<<<< HEAD\nAll well.\n=======\nNot well.\n>>>>>>> side"
    spoil_by_hand(service, spoilt[2], "All well.", conflict)
    if clock:
        clock.set(NOW)


def _submit(service: Api, step: Step) -> dict[str, Any]:
    name = names(step.number)
    report = {
        "server_name": name,
        "repository_url": _url(step.number),
        "developer_email": step.by,
        "report_data": step.text,
    }
    # Most come from assistants, as the MCP server sends them.
    via = {} if step.number % 8 == 0 else {"Golive-Via": "mcp"}
    return good(service.api.post("/reports", json=report, headers=via))
