"""Text of strangers: hidden characters are spelled out, markup is defused."""

import unicodedata

import pytest

from mcp_golive.visible import cell, excerpt, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("mcp-servicenow", "mcp-servicenow", id="plain_stays"),
        pytest.param("Blåbær 審査 🚀", "Blåbær 審査 🚀", id="other_scripts_stay"),
        pytest.param("a\nb\r\tc", r"a\nb\r\tc", id="line_breaks_are_named"),
        pytest.param("a\x00\x1b[31m", r"a\u{0}\u{1b}[31m", id="controls_are_spelled_out"),
        pytest.param("a\u2028b\u0085c", r"a\u{2028}b\u{85}c", id="rare_line_breaks_too"),
        pytest.param("a\u202egpj.exe", r"a\u{202e}gpj.exe", id="bidi_override"),
        pytest.param("\u2066a\u2069", r"\u{2066}a\u{2069}", id="bidi_isolates"),
        pytest.param("a\u200b\ufeffb", r"a\u{200b}\u{feff}b", id="zero_width"),
        pytest.param("a\u00a0\u3000b", r"a\u{a0}\u{3000}b", id="unusual_spaces"),
        pytest.param("a\ufe0f\U000e0101", r"a\u{fe0f}\u{e0101}", id="variation_selectors"),
        pytest.param("\U000e0041\U000e0042", r"\u{e0041}\u{e0042}", id="tag_characters"),
        pytest.param("\u3164\u2800\u115f", r"\u{3164}\u{2800}\u{115f}", id="blank_letters"),
        pytest.param("\ud800", r"\u{d800}", id="lone_surrogate"),
    ],
)
def test_visible_spells_out_what_a_reader_would_not_see(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_visible_leaves_no_hidden_character_of_the_basic_plane_and_the_tags() -> None:
    shown = visible("".join(map(chr, [*range(0x10000), *range(0xE0000, 0xE0200)])))

    hidden = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not [c for c in shown if unicodedata.category(c) in hidden]


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        pytest.param("a|b", r"a\|b", id="pipe"),
        pytest.param("a\\|b", r"a\\\|b", id="escaped_pipe"),
        pytest.param("`a`", r"\`a\`", id="code"),
        pytest.param("**a** _b_", r"\*\*a\*\* \_b\_", id="emphasis"),
        pytest.param("my_mcp_server", "my_mcp_server", id="underscore_in_a_word_stays"),
        pytest.param("[a](b)", r"\[a\](b)", id="link"),
        pytest.param("<b>&amp;", "&lt;b&gt;&amp;amp;", id="html"),
        pytest.param("~~a~~", r"\~\~a\~\~", id="strike_through"),
        pytest.param("a\n| b |", r"a\\n\| b \|", id="row"),
        pytest.param("", "", id="empty"),
    ],
)
def test_cell_defuses_markup(text: str, escaped: str) -> None:
    assert cell(text) == escaped


def test_excerpt_is_cut_with_an_ellipsis_beyond_its_limit() -> None:
    assert excerpt("abc", 3) == "abc"
    assert excerpt("abcd", 3) == "abc…"
