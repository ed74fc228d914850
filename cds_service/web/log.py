"""Log lines of the service. Only the fields below can be written, so that no patient data ever can."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Literal, TypedDict, Unpack

_LOGGER = logging.getLogger("ionwise.web")


class Fields(TypedDict, total=False):
    """What a line may say, besides its event.

    hook      ours, not the caller's text
    instance  the call's hookInstance when it is a UUID, else its digest
    client    the name of a trusted client, as in our own file
    tenant    the name of a tenant, as in our own folder
    issuer    of a token that was refused, jti its id
    reason    a word of ours
    status    of the HTTP answer; cards: how many; ms: time taken
    rule      a rule's id
    error     a class name; where: file:line
    """

    hook: str
    instance: str
    client: str
    tenant: str
    issuer: str
    jti: str
    reason: str
    status: int
    ms: float
    cards: int
    rule: str
    error: str
    where: str


ALLOWED = frozenset(Fields.__annotations__)


def record(event: str, level: int = logging.INFO, **fields: Unpack[Fields]) -> None:
    """Write one line `event key=value ...`. Raises ValueError for a field that is not on the list."""
    if not fields.keys() <= ALLOWED:
        raise ValueError(f"not a log field: {sorted(fields.keys() - ALLOWED)}")
    if is_recorded(level):
        _LOGGER.log(level, event, extra=fields)


def is_recorded(level: int) -> bool:
    """Whether lines of this level are written at all: what they would say need not be gathered otherwise."""
    return _LOGGER.isEnabledFor(level)


def record_crash(error: BaseException, hook: str = "-", instance: str = "-") -> None:
    """An unexpected exception: its class and where it was raised, never its message, which may quote the chart."""
    record("crash", logging.ERROR, hook=hook, instance=instance, error=type(error).__name__, where=_where(error))


def configure_logging(level: str, shape: Literal["json", "text"]) -> None:
    """Every line of the process to standard error: JSON, one object per line, or text for people."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if shape == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)


class JsonLines(logging.Formatter):
    """One JSON object per line: at, level, logger, event and fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {"at": _at(record), "level": record.levelname, "logger": record.name, "event": record.getMessage()}
        return json.dumps(line | fields_of(record), ensure_ascii=False)


class TextLines(logging.Formatter):
    """`time level logger event field=value ...`."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        told = [f"{name}={value}" for name, value in fields_of(record).items()]
        return " ".join([_at(record), record.levelname, record.name, record.getMessage(), *told])


def fields_of(record: logging.LogRecord) -> dict[str, object]:
    """A line's fields, those on the list only. A traceback becomes its class and place: its text may quote what was
    being read."""
    told = {name: value for name, value in vars(record).items() if name in ALLOWED}
    if record.exc_info and record.exc_info[1] is not None:
        told |= {"error": type(record.exc_info[1]).__name__, "where": _where(record.exc_info[1])}
    return told


def _at(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _where(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else "-"
