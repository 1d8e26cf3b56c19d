"""A long text in parts: nothing is lost, lines stay whole where they can, none is too long."""

import pytest

from mcp_golive.parts import PART_CHARACTERS, parts

TEXTS = {
    "empty": "",
    "one_line": "abc",
    "no_final_newline": "abc\ndef",
    "final_newline": "abc\ndef\n",
    "exactly_one_part": "x" * 9 + "\n",
    "one_more": "x" * 10 + "\n",
    "long_line": "x" * 25,
    "long_line_between": "a\n" + "x" * 25 + "\nb\n",
    "blank_lines": "\n" * 25,
    "many_lines": "".join(f"line {n}\n" for n in range(40)),
}


@pytest.mark.parametrize("text", list(TEXTS.values()), ids=list(TEXTS))
def test_parts_are_the_whole_text_in_order(text: str) -> None:
    found = parts(text, size=10)

    assert "".join(part.text for part in found) == text
    assert [part.number for part in found] == list(range(1, len(found) + 1))
    assert {part.count for part in found} == {len(found)}
    assert all(len(part.text) <= 10 for part in found)
    assert all(part.text for part in found) or text == ""


@pytest.mark.parametrize("text", list(TEXTS.values()), ids=list(TEXTS))
def test_parts_know_their_lines(text: str) -> None:
    lines = text.split("\n")
    for part in parts(text, size=10):
        own = part.text.removesuffix("\n").split("\n")
        assert part.last_line - part.first_line + 1 == len(own)
        for number, line in enumerate(own, part.first_line):
            assert line in lines[number - 1]


def test_lines_that_fit_are_not_cut() -> None:
    text = "".join(f"line {n}\n" for n in range(10_000))
    assert all(part.text.endswith("\n") for part in parts(text))
    assert len(parts(text)[0].text) > PART_CHARACTERS - 20
