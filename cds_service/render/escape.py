"""Text from the chart, made harmless: some clients render raw HTML in card detail, and GFM links bare addresses."""

from __future__ import annotations

_CONTROL = dict.fromkeys((*range(32), 127, 0x2028, 0x2029, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F)), " ")
_PLAIN = str.maketrans({**_CONTROL, ord("<"): "‹", ord(">"): "›"})
_MARKDOWN = str.maketrans({**{ord(char): f"\\{char}" for char in "\\`*_[]~|"}, ord("&"): "&amp;"})
MAX_LENGTH = 80


def plain(text: str) -> str:
    """One line without control characters, markup brackets or live addresses, at most 80 characters."""
    if text.isalnum() and text.isascii() and len(text) <= MAX_LENGTH:
        return text
    clean = " ".join(text.translate(_PLAIN).split())
    if "://" in clean or "www." in clean:
        clean = clean.replace("://", ": //").replace("www.", "www. ")
    return clean if len(clean) <= MAX_LENGTH else clean[: MAX_LENGTH - 1] + "…"


def markdown(text: str) -> str:
    """`plain`, with Markdown's own characters escaped."""
    if text.isalnum() and text.isascii() and len(text) <= MAX_LENGTH:
        return text
    return plain(text).translate(_MARKDOWN)
