"""Card texts with places for values: `Laag magnesium {mg} op {mg.date}`, parsed once at load time."""

from __future__ import annotations

import re

import msgspec

_PLACE = re.compile(r"\{([a-z][a-z0-9_]*)(?:\.([a-z][a-z0-9_]*))?\}")


class Place(msgspec.Struct, frozen=True):
    """Where a value goes: its name and, after a dot, which part of it; `str` gives it as written."""

    name: str
    part: str = ""

    def __str__(self) -> str:
        return f"{{{self.name}.{self.part}}}" if self.part else f"{{{self.name}}}"


class Template(msgspec.Struct, frozen=True):
    """A text as an alternation of literal pieces and places."""

    pieces: tuple[str | Place, ...]

    @property
    def places(self) -> tuple[Place, ...]:
        """The places only, in order."""
        return tuple(piece for piece in self.pieces if isinstance(piece, Place))


def parse_template(text: str) -> Template:
    """Parse a text. Raises ValueError for a stray or malformed brace."""
    pieces: list[str | Place] = []
    end = 0
    for match in _PLACE.finditer(text):
        if match.start() > end:
            pieces.append(text[end : match.start()])
        pieces.append(Place(match[1], match[2] or ""))
        end = match.end()
    if end < len(text):
        pieces.append(text[end:])
    for piece in pieces:
        if isinstance(piece, str) and ("{" in piece or "}" in piece):
            raise ValueError(f"stray brace in {piece!r}")
    return Template(tuple(pieces))
