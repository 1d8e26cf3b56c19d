"""A long text in parts that fit a tool's result, cut between lines where it can be."""

from dataclasses import dataclass

PART_CHARACTERS = 20_000
"""Most characters of one part."""


@dataclass(frozen=True)
class Part:
    """One part of a text."""

    number: int
    """From 1."""

    count: int
    """Number of parts of the whole text, at least 1."""

    first_line: int
    last_line: int
    """Lines of the whole text, 1 for the first; a line that is cut is in both parts."""

    text: str


def parts(text: str, size: int = PART_CHARACTERS) -> list[Part]:
    """Return `text`, whose line ends are LF, in parts of at most `size` characters, in order."""
    pieces: list[tuple[int, int, str]] = []
    start, line = 0, 1
    while start < len(text) or not pieces:
        end = _end(text, start, size)
        piece = text[start:end]
        n_breaks = piece.count("\n")
        ends_line = piece.endswith("\n")
        pieces.append((line, max(line, line + n_breaks - ends_line), piece))
        line += n_breaks
        start = end
    return [
        Part(number, len(pieces), first, last, piece)
        for number, (first, last, piece) in enumerate(pieces, 1)
    ]


def _end(text: str, start: int, size: int) -> int:
    """Return where the part from `start` ends: after its last whole line, if it has one."""
    if len(text) - start <= size:
        return len(text)
    after_line = text.rfind("\n", start, start + size) + 1
    return after_line or start + size
