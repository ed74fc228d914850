"""Chart text can carry neither markup nor links into a card."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.render.escape import MAX_LENGTH, markdown, plain


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("omeprazole 40 mg", "omeprazole 40 mg"),
        ("<script>alert(1)</script>", "‹script›alert(1)‹/script›"),
        ("line one\nline two\t!", "line one line two !"),
        ("see https://evil.example/x", "see https: //evil.example/x"),
        ("see www.evil.example", "see www. evil.example"),
        ("\u20671.0\u2069 mg", "1.0 mg"),
    ],
)
def test_plain_text_is_one_harmless_line(text: str, printed: str) -> None:
    assert plain(text) == printed


def test_markdown_characters_are_escaped() -> None:
    assert markdown("[link](x) *bold* `code` _it_ a|b ~no~ &lt;") == (
        "\\[link\\](x) \\*bold\\* \\`code\\` \\_it\\_ a\\|b \\~no\\~ &amp;lt;"
    )


def test_long_text_is_cut() -> None:
    assert len(plain("x y" * 100)) == MAX_LENGTH


@given(st.text())
def test_no_text_can_open_a_tag_or_break_a_line(text: str) -> None:
    for printed in (plain(text), markdown(text)):
        assert not set(printed) & {"<", ">", "\n", "\r", "\x00"}
        assert "://" not in printed
