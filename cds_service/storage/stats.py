"""Figures for `ionwise stats`: what the rules did, what clinicians answered, what the EHR sent.

What fired and what was missing comes from the daily counts (kept for years); answers come from the feedback on cards
that are still in the ledger. No feedback is sent for cards that were ignored: accepted and overridden never add up to
shown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from cds_service.storage.database import Database
from cds_service.storage.tables import daily_count, feedback, issued_card, prefetch_count

FIRED = ("shown", "silent", "absorbed", "suppressed", "capped")
STATES = ("data", "empty", "null", "missing", "error", "truncated")


class RuleFigures(msgspec.Struct):
    """One rule, version, tenant and hook. `overridden` by reason code ("" none given), `cannot_tell` by missing item,
    `suppressed` by reason."""

    tenant: str
    rule: str
    version: int
    hook: str
    fired: int = 0
    shown: int = 0
    silent: int = 0
    absorbed: int = 0
    capped: int = 0
    accepted: int = 0
    suppressed: dict[str, int] = msgspec.field(default_factory=dict)
    overridden: dict[str, int] = msgspec.field(default_factory=dict)
    cannot_tell: dict[str, int] = msgspec.field(default_factory=dict)


class PrefetchFigures(msgspec.Struct):
    """One prefetch key of one client: how often it came in which state."""

    tenant: str
    client: str
    key: str
    states: dict[str, int] = msgspec.field(default_factory=dict)


class Statistics(msgspec.Struct):
    """The figures of a range of days, both included. `unknown_cards`: reports on cards that are not in the ledger."""

    first: date
    last: date
    rules: list[RuleFigures]
    prefetch: list[PrefetchFigures]
    unknown_cards: int


async def collect(database: Database, first: date, last: date, tenant: str | None = None) -> Statistics:
    """The figures of the days from `first` to `last`, of one tenant or of all."""
    days = {"first": first, "last": last}
    instants = {
        "start": datetime.combine(first, time(), UTC),
        "end": datetime.combine(last, time(), UTC) + timedelta(days=1),
    }
    rules: dict[tuple[Any, ...], RuleFigures] = {}
    prefetch: dict[tuple[str, str, str], PrefetchFigures] = {}
    for row in await database.fetch(_of(_COUNTS, daily_count.c.tenant, tenant), days):
        _add_count(_figures(rules, row), row)
    for row in await database.fetch(_of(_ANSWERS, issued_card.c.tenant, tenant), days):
        figures = _figures(rules, row)
        if row.outcome == "accepted":
            figures.accepted += row.n
        else:
            _add(figures.overridden, row.reason or "", row.n)
    for row in await database.fetch(_of(_PREFETCH, prefetch_count.c.tenant, tenant), days):
        name = (row.tenant, row.client, row.key)
        prefetch.setdefault(name, PrefetchFigures(*name)).states[row.state] = row.n
    ((unknown,),) = await database.fetch(_of(_UNKNOWN, feedback.c.tenant, tenant), instants)
    return Statistics(
        first, last, [rules[key] for key in sorted(rules)], [prefetch[key] for key in sorted(prefetch)], unknown
    )


def _of(statement: sa.Select[Any], column: sa.ColumnElement[str], tenant: str | None) -> sa.Select[Any]:
    return statement if tenant is None else statement.where(column == tenant)


def _figures(rules: dict[tuple[Any, ...], RuleFigures], row: sa.Row[Any]) -> RuleFigures:
    key = (row.tenant, row.rule, row.version, row.hook)
    return rules.setdefault(key, RuleFigures(*key))


def _add_count(figures: RuleFigures, row: sa.Row[Any]) -> None:
    if row.kind in FIRED:
        figures.fired += row.n
    if row.kind == "suppressed":
        _add(figures.suppressed, row.item, row.n)
    elif row.kind == "cannot-tell":
        _add(figures.cannot_tell, row.item, row.n)
    elif row.kind in FIRED:
        setattr(figures, row.kind, getattr(figures, row.kind) + row.n)


def _add(counts: dict[str, int], name: str, n: int) -> None:
    counts[name] = counts.get(name, 0) + n


def _between(column: sa.ColumnElement[date]) -> sa.ColumnElement[bool]:
    return column.between(sa.bindparam("first", type_=sa.Date), sa.bindparam("last", type_=sa.Date))


# A client's report counts for its own cards.
_CARD = (feedback.c.tenant, feedback.c.client, feedback.c.card)
_ON_CARD = sa.and_(*[issued_card.c[column.name] == column for column in _CARD])


def _last_reports() -> sa.Subquery:
    """Per card the last report received: a clinician may change an answer."""
    return sa.select(sa.func.max(feedback.c.id).label("id")).group_by(*_CARD).subquery()


def _counts() -> sa.Select[Any]:
    c = daily_count.c
    kept = (c.tenant, c.rule, c.version, c.hook, c.kind, c.item)
    return sa.select(*kept, sa.cast(sa.func.sum(c.n), sa.BigInteger).label("n")).where(_between(c.day)).group_by(*kept)


def _answers() -> sa.Select[Any]:
    card, last = issued_card.c, _last_reports()
    kept = (card.tenant, card.rule, card.version, card.hook, feedback.c.outcome, feedback.c.reason)
    return (
        sa.select(*kept, sa.func.count().label("n"))
        .select_from(issued_card.join(feedback, _ON_CARD).join(last, last.c.id == feedback.c.id))
        .where(_between(card.day), card.disposition == "shown")
        .group_by(*kept)
    )


def _prefetch() -> sa.Select[Any]:
    c = prefetch_count.c
    kept = (c.tenant, c.client, c.key, c.state)
    return sa.select(*kept, sa.cast(sa.func.sum(c.n), sa.BigInteger).label("n")).where(_between(c.day)).group_by(*kept)


def _unknown() -> sa.Select[Any]:
    at = feedback.c.received_at
    days = sa.and_(at >= sa.bindparam("start", type_=at.type), at < sa.bindparam("end", type_=at.type))
    return sa.select(sa.func.count()).select_from(feedback).where(days, ~sa.exists(sa.select(1).where(_ON_CARD)))


_COUNTS, _ANSWERS, _PREFETCH, _UNKNOWN = _counts(), _answers(), _prefetch(), _unknown()


def as_json(statistics: Statistics) -> str:
    """The figures as JSON."""
    return msgspec.json.format(msgspec.json.encode(statistics), indent=2).decode()


def as_text(statistics: Statistics) -> str:
    """The figures as tables of plain text; a rule of which all figures are 0 has no line."""
    lines = [f"From {statistics.first} to {statistics.last} (days in UTC)", ""]
    head = (
        "tenant",
        "rule",
        "version",
        "hook",
        "fired",
        "shown",
        "silent",
        "absorbed",
        "suppressed",
        "capped",
        "accepted",
    )
    rows = [
        (
            r.tenant,
            r.rule,
            r.version,
            r.hook,
            r.fired,
            r.shown,
            r.silent,
            r.absorbed,
            sum(r.suppressed.values()),
            r.capped,
            r.accepted,
            sum(r.overridden.values()),
            sum(r.cannot_tell.values()),
        )
        for r in statistics.rules
        if r.fired or r.cannot_tell or r.accepted or r.overridden
    ]
    lines += _table((*head, "overridden", "cannot tell"), rows)
    for title, field in (("Overridden", "overridden"), ("Cannot tell", "cannot_tell"), ("Suppressed", "suppressed")):
        found = [
            (r.tenant, r.rule, r.version, r.hook, item or "-", n)
            for r in statistics.rules
            for item, n in sorted(getattr(r, field).items(), key=lambda pair: (-pair[1], pair[0]))
        ]
        if found:
            lines += ["", title, *_table(("tenant", "rule", "version", "hook", "by", "times"), found)]
    if statistics.prefetch:
        keys = [(p.tenant, p.client, p.key, *(p.states.get(state, 0) for state in STATES)) for p in statistics.prefetch]
        lines += ["", "Prefetch", *_table(("tenant", "client", "key", *STATES), keys)]
    if statistics.unknown_cards:
        lines += ["", f"{statistics.unknown_cards} reports are about cards that are not in the ledger."]
    return "\n".join(lines)


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> list[str]:
    cells = [head, *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    numeric = [len(cells) > 1 and all(row[place].isdigit() for row in cells[1:]) for place in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]
