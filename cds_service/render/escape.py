"""Text from the chart, made harmless: some clients render raw HTML in card detail, and GFM links bare addresses."""

from __future__ import annotations

import re

# What nearly every value is: short, of plain characters, no address. Neither function changes it.
_HARMLESS = re.compile(r"[A-Za-z0-9.,/%()+-]+(?: [A-Za-z0-9.,/%()+-]+)*").fullmatch
_DIRECTIONS = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))  # they can make 1.0 read as 0.1
_CONTROL = dict.fromkeys((*range(32), 127, 0x2028, 0x2029, 0x200B, 0xFEFF, *_DIRECTIONS), " ")
_PLAIN = str.maketrans({**_CONTROL, ord("<"): "‹", ord(">"): "›"})
_MARKDOWN = str.maketrans({**{ord(char): f"\\{char}" for char in "\\`*_[]~|"}, ord("&"): "&amp;"})
MAX_LENGTH = 80


def plain(text: str) -> str:
    """One line without control characters, markup brackets or live addresses, at most 80 characters."""
    if len(text) <= MAX_LENGTH and _HARMLESS(text) and "www." not in text:
        return text
    clean = " ".join(text.translate(_PLAIN).split())
    if "://" in clean or "www." in clean:
        clean = clean.replace("://", ": //").replace("www.", "www. ")
    return clean if len(clean) <= MAX_LENGTH else clean[: MAX_LENGTH - 1] + "…"


def markdown(text: str) -> str:
    """`plain`, with Markdown's own characters escaped."""
    if len(text) <= MAX_LENGTH and _HARMLESS(text) and "www." not in text:
        return text
    return plain(text).translate(_MARKDOWN)
