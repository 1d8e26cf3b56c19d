"""Text of strangers, made safe to show: nothing hidden, and for a name one line without markup.

Names come from whoever submits a report. A line break could forge a table row,
a bidirectional override could make a name read as another, an invisible
character could carry words that only the assistant sees.
"""

import re
import unicodedata

_NAMED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}

# Control, format, surrogate, private use, unassigned, line and paragraph separator.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

# Drawn as nothing or as a blank although their category says letter, mark or symbol:
# grapheme joiner, Hangul and Khmer fillers, variation selectors, the empty Braille cell.
_HIDDEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f]")
_HIDDEN_SELECTORS = range(0xE0100, 0xE01F0)

_LINE_BREAK = re.compile(r"\r\n?")
_NOT_PLAIN = re.compile("[^ -~\n\t]")
_EMOJI_STYLE = "\ufe0f"

_ENTITIES = {"<": "&lt;", ">": "&gt;", "&": "&amp;"}
# `_` between two letters or digits is never emphasis, and names are full of it.
_MARKUP = re.compile(r"[\\`*\[\]|~<>&]|(?<![^\W_])_|_(?![^\W_])")


def visible(text: str) -> str:
    r"""Return `text` on one line with every hidden character spelled out, as in `\u{202e}`."""
    return "".join(_shown(character) for character in text)


def readable(text: str) -> str:
    """Return `text` with its lines and tabs, and every other hidden character spelled out.

    Line ends become LF. The mark that draws a symbol in colour stays after a
    symbol (the warning sign of a report has it).
    """
    lines = _LINE_BREAK.sub("\n", text)
    return _NOT_PLAIN.sub(_shown_in_lines, lines)


def cell(text: str) -> str:
    """Return `text` for one cell of a markdown table: it reads as itself and forms no markup."""
    return _MARKUP.sub(_escaped, visible(text)).strip()


def excerpt(text: str, limit: int) -> str:
    """Return `text` made visible, cut with `…` beyond `limit` characters."""
    return visible(text if len(text) <= limit else f"{text[:limit]}…")


def _shown(character: str) -> str:
    if character == " " or ("!" <= character <= "~"):
        return character
    if character in _NAMED:
        return _NAMED[character]
    hidden = (
        unicodedata.category(character) in _HIDDEN_CATEGORIES
        # An unusual space (no-break, ideographic …) passes for the usual one.
        or unicodedata.category(character) == "Zs"
        or _HIDDEN.match(character) is not None
        or ord(character) in _HIDDEN_SELECTORS
    )
    return f"\\u{{{ord(character):x}}}" if hidden else character


def _shown_in_lines(match: re.Match[str]) -> str:
    character, before = match.group(), match.string[max(match.start() - 1, 0) : match.start()]
    if character == _EMOJI_STYLE and before and unicodedata.category(before) == "So":
        return character
    return _shown(character)


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    return _ENTITIES.get(character, f"\\{character}")
