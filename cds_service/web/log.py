"""Log lines of the HTTP edge. Only the fields below can be written, so that no patient data ever can."""

from __future__ import annotations

import logging
import traceback
from typing import TypedDict, Unpack

_LOGGER = logging.getLogger("ionwise.web")


class Fields(TypedDict, total=False):
    """hook: ours, not the caller's text. ms: time taken. cards: how many. error: a class name. where: file:line."""

    hook: str
    status: int
    ms: float
    cards: int
    error: str
    where: str


ALLOWED = frozenset(Fields.__annotations__)


def record(event: str, level: int = logging.INFO, **fields: Unpack[Fields]) -> None:
    """Write one line `event key=value ...`. Raises ValueError for a field that is not on the list."""
    if not fields.keys() <= ALLOWED:
        raise ValueError(f"not a log field: {sorted(fields.keys() - ALLOWED)}")
    if is_recorded(level):
        _LOGGER.log(level, "%s %s", event, " ".join(f"{name}={value}" for name, value in fields.items()))


def is_recorded(level: int) -> bool:
    """Whether lines of this level are written at all: what they would say need not be gathered otherwise."""
    return _LOGGER.isEnabledFor(level)


def record_crash(error: BaseException, hook: str = "-") -> None:
    """An unexpected exception: its class and where it was raised, never its message, which may quote the chart."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "-"
    record("crash", logging.ERROR, hook=hook, error=type(error).__name__, where=where)
