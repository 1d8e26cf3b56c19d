"""Texts of reports: the six phases as an assistant writes them, and harder ones."""

import random

from programs import REPOSITORY_ROOT

MIB = 1024 * 1024

SIX_PHASES = (REPOSITORY_ROOT / "demo" / "report.md").read_text(encoding="utf-8")

EXAMPLE = (REPOSITORY_ROOT / "reports-repo-template" / "EXAMPLE.md").read_text(encoding="utf-8")
EXAMPLE_NAME = "mcp-fleet-parking"
EXAMPLE_URL = f"https://github.com/example/{EXAMPLE_NAME}"

RIGHT_TO_LEFT = """
## ملخص المراجعة

هذا الخادم يقرأ نظام الحجز بحقوق المستخدم نفسه ولا يكتب سوى حجز واحد في كل مرة.

- لا توجد بيانات خاصة
- الاتصال الخارجي محدود بـ `booking.example.com`

## סיכום

השרת נבדק ביום 2026-03-02 ולא נמצאו ממצאים קריטיים.
"""

WIDE = """
## Wide things

| {columns} |
|{rules}|
| {cells} |

https://example.com/{long}

`{long}`

{long}
""".format(
    columns=" | ".join(f"Column number {n}" for n in range(24)),
    rules="---|" * 23 + "---",
    cells=" | ".join(f"`value_{n}_that_does_not_break`" for n in range(24)),
    long="a_word_without_an_end_" * 24,
)

TASKS = """
## Tasks and notes

- [x] Threat model read
- [ ] Rotation of secrets tried
    1. Revoke
    2. Issue

> Kept for the record.[^1]

~~Not needed any more~~ **Needed**

[^1]: Since the first review.
"""

WORDS = (
    "tool scope token secret egress network policy threat caller booking review image digest "
    "finding severity untrusted content instruction payload header cache limit retry audit "
    "owner rotation approval boundary schema prompt injection transport session consent"
).split()


def six_phases(name: str, finding: str = "| FP-31 | high | none yet |") -> str:
    """Return the report of a six-phase review of the server `name`."""
    return SIX_PHASES.replace("{name}", name).replace("{findings}", finding)


def whole(name: str, repository_url: str, finding: str) -> str:
    """Return a report of the server `name` in which the check finds nothing."""
    text = EXAMPLE.replace(EXAMPLE_URL, repository_url).replace(EXAMPLE_NAME, name)
    lines = (finding if line.startswith("| FLEET-231 ") else line for line in text.splitlines())
    return "\n".join(lines) + "\n"


def everything(name: str) -> str:
    """Return a report that has all that markdown can have."""
    return six_phases(name) + WIDE + TASKS + RIGHT_TO_LEFT


def prose(n_bytes: int, seed: int) -> str:
    """Return about `n_bytes` of headings, paragraphs, lists, tables and code, never more."""
    chance = random.Random(seed)
    parts: list[str] = []
    length = 0
    while True:
        part = _block(chance, len(parts))
        length += len(part.encode())
        if length > n_bytes:
            return "".join(parts)
        parts.append(part)


def _block(chance: random.Random, number: int) -> str:
    def sentence(n: int) -> str:
        return " ".join(chance.choices(WORDS, k=n)).capitalize() + "."

    match number % 6:
        case 0:
            return f"## {' '.join(chance.choices(WORDS, k=3)).title()}\n\n"
        case 2:
            return "".join(f"- {sentence(8)}\n" for _ in range(4)) + "\n"
        case 3:
            rows = "".join(f"| {sentence(2)} | {sentence(5)} |\n" for _ in range(4))
            return f"| Component | Notes |\n|---|---|\n{rows}\n"
        case 5:
            return f'```json\n{{"{chance.choice(WORDS)}": {chance.randrange(10**6)}}}\n```\n\n'
        case _:
            return " ".join(sentence(14) for _ in range(4)) + "\n\n"
