"""The fixed moment of all cases, and offsets from it: `-1d`, `-36h`, `-30min`, `+2d`, `-0d`."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

AS_OF = datetime.fromisoformat("2026-11-21T10:00:00+01:00")
_OFFSET = re.compile(r"([+-])([0-9]+)(d|h|min)\Z")
_UNITS = {"d": "days", "h": "hours", "min": "minutes"}


def at(as_of: datetime, offset: str) -> datetime:
    """`as_of` moved by the offset, in exact hours. Raises ValueError for anything that is not an offset."""
    match = _OFFSET.match(offset)
    if match is None:
        raise ValueError(f"{offset!r} is not an offset such as -1d, -36h or +2d")
    span = timedelta(**{_UNITS[match[3]]: int(match[2])})
    return as_of - span if match[1] == "-" else as_of + span


def split_offset(text: str) -> tuple[str, str | None]:
    """The words before a trailing offset, and the offset; None when the text ends without one."""
    words = text.split()
    if words and _OFFSET.match(words[-1]):
        return " ".join(words[:-1]), words[-1]
    return text, None


def years_before(as_of: datetime, years: int) -> date:
    """The birth date of someone whose birthday is today."""
    return as_of.date().replace(year=as_of.year - years)
