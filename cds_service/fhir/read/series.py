"""Observations in time: when each was measured, newest first, who contradicts whom, and what a cut page proves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo

from msgspec import Raw, Struct

from cds_service.facts.moments import LONG_AGO, Moment, parse_moment
from cds_service.facts.records import Result, Unusable
from cds_service.fhir.datatypes import Period
from cds_service.fhir.read.versions import last_updated
from cds_service.fhir.structs import Observation, decode

CONFLICT = timedelta(hours=2)


class Timed(Struct, gc=False, rename="camel"):
    """An Observation of which only the time is wanted."""

    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period | None = None
    issued: str | None = None


Entry = tuple[Result, Observation]  # and what it was read from, which orders results of one and the same time
Ranks = Mapping[tuple[str, str, str], int]
"""`printed` of a result -> the place of its code, where one code is better than the next (formulas)."""


def printed(result: Result) -> tuple[str, str, str]:
    """What tells results of one concept apart: the Observation, which may hold several or have no id; number, unit."""
    return result.ref, result.reported, result.unit


def effective_time(timed: Observation | Timed, parse: Callable[[str | None], Moment | None]) -> Moment | None:
    """When it was measured: effective[x] (a period by its end), else when it was issued."""
    at = parse(timed.effective_date_time)
    if at is None:
        period = timed.effective_period
        if period is not None:
            at = parse(period.end) or parse(period.start)
        at = at or parse(timed.effective_instant) or parse(timed.issued)
    return at


def newest_first(entries: list[Entry], zone: ZoneInfo, ranks: Ranks | None = None) -> tuple[Result, ...]:
    """Latest first by the latest time it can have been measured, then issued, then last updated (dq-latest).

    Of results of one calendar day the one by the best code of `ranks` goes first, one without a place last.
    """
    if len(entries) == 1:
        return (entries[0][0],)
    found = _latest_first(entries, zone)
    if ranks:
        found.sort(key=lambda r: (-r.at.latest.astimezone(zone).toordinal(), ranks.get(printed(r), math.inf)))
    return tuple(found)


def of_one_code(series: tuple[Result, ...], ranks: Ranks | None) -> tuple[Result, ...]:
    """The results by the same code as the first: two formulas do not contradict each other."""
    if not ranks:
        return series
    best = ranks.get(printed(series[0]))
    return tuple([result for result in series if ranks.get(printed(result)) == best])


def _latest_first(entries: list[Entry], zone: ZoneInfo) -> list[Result]:
    if _is_sorted(entries):
        return [result for result, _ in entries]

    def order(entry: Entry) -> tuple[datetime, datetime, datetime]:
        result, sent = entry
        issued, updated = parse_moment(sent.issued, zone), parse_moment(last_updated(sent), zone)
        return result.at.latest, _latest(issued), _latest(updated)

    return [result for result, _ in sorted(entries, key=order, reverse=True)]


def _is_sorted(entries: list[Entry]) -> bool:
    """Whether each was measured before the one in front of it, as servers nearly always send them."""
    before: datetime | None = None
    for result, _ in entries:
        at = result.at.latest
        if before is not None and not at < before:
            return False
        before = at
    return True


def _latest(moment: Moment | None) -> datetime:
    return LONG_AGO if moment is None else moment.latest


def unusable_time(found: Unusable) -> datetime:
    """The latest time it can have been measured; long ago when unknown."""
    return _latest(found.at)


def conflicting(series: Sequence[Result]) -> tuple[Result, ...]:
    """The earlier results, at most 2 h before the latest, that differ from it: the lowest, and the highest when there
    are more, because either side may be the dangerous one. Preliminary ones take no part."""
    final = (result for result in series if "preliminary" not in result.flags)
    latest = next(final, None)
    if latest is None:
        return ()
    rivals = []
    for result in final:
        if abs(latest.at.latest - result.at.latest) > CONFLICT:
            break
        if (result.value, result.comparator) != (latest.value, latest.comparator):
            rivals.append(result)
    rivals.sort(key=lambda rival: (rival.value, rival.comparator))
    return tuple(rivals) if len(rivals) < 2 else (rivals[0], rivals[-1])


def page_order(page: Sequence[Raw | Observation], zone: ZoneInfo) -> tuple[bool, Moment | None]:
    """Whether a cut page is provably sorted newest first, and the oldest moment it reaches back to.

    Proof is at least one strict descent and no ascent; an entry without a time proves nothing.
    """
    moments: list[Moment] = []
    parse = partial(parse_moment, zone=zone)
    for raw in page:
        timed = raw if isinstance(raw, Observation) else decode(raw, Timed)
        at = None if timed is None else effective_time(timed, parse)
        if at is None:
            return False, None
        moments.append(at)
    descends = False
    for before, after in pairwise(moments):
        if after.earliest > before.latest:
            return False, None
        descends = descends or after.latest < before.earliest
    return (True, moments[-1]) if descends else (False, None)
