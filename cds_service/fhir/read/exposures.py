"""Records of drugs become exposures: one drug, one exposure, with what denies it taken out and its whole duration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

from cds_service.facts.moments import LONG_AGO, Moment
from cds_service.facts.records import Dosage, Exposure, UnmappedDrug
from cds_service.fhir.read.medications import Record

TOLERATED_GAP = timedelta(days=60)
_STATUS_UNKNOWN = "status unknown"


class ExposureFacts(msgspec.Struct, frozen=True):
    """All exposures (active, past, drafts), by every group and ingredient too, and the drugs not identified."""

    exposures: dict[str, tuple[Exposure, ...]]
    drug_list: tuple[Exposure, ...]
    unmapped: tuple[UnmappedDrug, ...]


def gather_exposures(records: Iterable[Record]) -> ExposureFacts:
    """Exposures from the records of one chart and its drafts."""
    identified: list[Record] = []
    unmapped: list[UnmappedDrug] = []
    for record in records:
        if record.identity.known_by and record.standing != "unclear":
            identified.append(record)
        if record.standing in ("past", "not taken"):
            continue
        if record.standing == "unclear":
            unmapped.append(UnmappedDrug(_STATUS_UNKNOWN, record.ref))
        elif not record.identity.known_by or record.identity.partial:
            unmapped.append(UnmappedDrug(record.identity.system, record.ref, record.standing == "draft"))
    taken = _without_denied(identified)
    charted = [record for record in taken if record.standing != "draft"]
    if _have_no_kin(charted):
        exposures = [_exposure([record], record.since) for record in charted]
    else:
        exposures = _with_duration([_merge(records) for records in _same_drug(charted)], charted)
    exposures += [_exposure([record], record.since) for record in taken if record.standing == "draft"]
    return ExposureFacts(_indexed(exposures), tuple(exposures), tuple(unmapped))


def _indexed(exposures: Sequence[Exposure]) -> dict[str, tuple[Exposure, ...]]:
    found: dict[str, tuple[Exposure, ...]] = {}
    for exposure in exposures:
        alone = (exposure,)
        for name in union_of(exposure.groups, exposure.ingredients):
            found[name] = found[name] + alone if name in found else alone
    return found


@lru_cache(maxsize=8192)
def union_of(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Both sets together; the same few drugs recur from call to call."""
    return one | other


def _have_no_kin(records: list[Record]) -> bool:
    """Whether no two records share an ingredient or a class: then each is a drug of its own, and goes on from none."""
    kin = [record.identity.kin for record in records]
    return len(set().union(*kin)) == sum(map(len, kin))


def is_same_drug(one: Record, other: Record) -> bool:
    """The same ATC level 5; the same ingredients when either has none."""
    first, second = one.identity.substances, other.identity.substances
    if first and second:
        return not first.isdisjoint(second)
    return bool(one.identity.ingredients) and one.identity.ingredients == other.identity.ingredients


def _without_denied(records: list[Record]) -> list[Record]:
    """Leave out what a newer statement says is not taken. Without dates nothing is known to be older."""
    denials = [record for record in records if record.standing == "not taken"]
    if not denials:
        return records
    return [
        record
        for record in records
        if record.standing == "draft"
        or (record.standing != "not taken" and not any(_overrides(denial, record) for denial in denials))
    ]


def _overrides(denial: Record, record: Record) -> bool:
    if denial.authored is None or not is_same_drug(denial, record):
        return False
    return record.authored is None or record.authored.earliest <= denial.authored.latest


def _same_drug(records: list[Record]) -> list[list[Record]]:
    """Records of one drug by one route in overlapping periods, together."""
    together: list[list[Record]] = []
    by_name: dict[str | frozenset[str], list[list[Record]]] = {}
    for record in records:
        names = record.identity.names
        group: list[Record] | None = None
        for name in names:
            for known in by_name.get(name, ()):
                if group is None and all(_is_one_exposure(record, member) for member in known):
                    group = known
        if group is None:
            group = []
            together.append(group)
        group.append(record)
        for name in names:
            if name not in by_name:
                by_name[name] = [group]
            elif not any(known is group for known in by_name[name]):
                by_name[name].append(group)
    return together


def _is_one_exposure(one: Record, other: Record) -> bool:
    if one.standing != other.standing or not is_same_drug(one, other):
        return False
    if one.route != other.route and one.route is not None and other.route is not None:
        return False
    return one.standing == "active" or _overlap(one, other)


def _overlap(one: Record, other: Record) -> bool:
    if one.since is None or other.since is None:
        return False
    return one.since.earliest <= _end(other, other.since).latest and other.since.earliest <= _end(one, one.since).latest


def _end(record: Record, since: Moment) -> Moment:
    """Where the coverage of an ended record stops: its end, else its supply, else its start."""
    if record.until is not None:
        return record.until
    if record.supply is not None:
        return Moment(since.earliest + record.supply, since.latest + record.supply, since.day_only)
    return since


def _recency(record: Record) -> tuple[datetime, datetime]:
    started, authored = record.since, record.authored
    return (
        authored.latest if authored is not None else started.latest if started is not None else LONG_AGO,
        started.latest if started is not None else LONG_AGO,
    )


def _merge(records: list[Record]) -> list[Record]:
    """Most recent first."""
    return records if len(records) == 1 else sorted(records, key=_recency, reverse=True)


def _exposure(records: list[Record], since: Moment | None) -> Exposure:
    """One exposure of one or more records, the most recent first: its dose, the refs and reasons of all."""
    recent = records[0]
    identity = recent.identity
    if len(records) == 1:
        return Exposure(
            recent.name, identity.ingredients, identity.groups, _status(recent), recent.route, since, recent.until,
            recent.dosages, recent.strengths, recent.ref, identity.known_by, recent.judged, recent.as_needed,
            recent.over_the_counter, identity.atc, (recent.ref,), recent.reasons, recent.authored, recent.reason_groups,
        )  # fmt: skip
    counted = _doses_that_add(records)
    ends = [record.until for record in records]
    return Exposure(
        name=recent.name,
        ingredients=_joined([r.identity.ingredients for r in records]),
        groups=_joined([r.identity.groups for r in records]),
        status=_status(recent),
        route=next((r.route for r in records if r.route is not None), None),
        since=since,
        until=max((end for end in ends if end is not None), key=lambda m: m.latest) if None not in ends else None,
        dosages=tuple(dosage for record in counted for dosage in record.dosages),
        strengths=tuple(dict.fromkeys(strength for record in counted for strength in record.strengths)),
        ref=recent.ref,
        known_by=next((r.identity.known_by for r in records if r.identity.known_by != "text"), "text"),
        as_needed=all(record.as_needed for record in counted),
        over_the_counter=all(record.over_the_counter for record in records),
        atc=_joined([r.identity.atc for r in records]),
        refs=tuple(record.ref for record in records),
        reasons=tuple(dict.fromkeys(reason for record in records for reason in record.reasons)),
        authored=recent.authored,
        reason_groups=_joined([r.reason_groups for r in records]),
    )


def _joined(sets: list[frozenset[str]]) -> frozenset[str]:
    return sets[0].union(*sets)


def _status(record: Record) -> Literal["active", "past", "draft"]:
    if record.standing == "active" or record.standing == "draft":
        return record.standing
    return "past"


def _doses_that_add(records: list[Record]) -> list[Record]:
    """The most recent record, and those of another strength at other times of day: only these are more product."""
    counted = [records[0]]
    if not records[0].dosages:
        counted = [next((record for record in records if record.dosages), records[0])]
    for record in records:
        if all(record is not other and _is_another_strength(record, other) for other in counted):
            counted.append(record)
    return counted


def _is_another_strength(one: Record, other: Record) -> bool:
    times = _times(one.dosages)
    if not times:
        return False
    other_times = _times(other.dosages)
    if not other_times or not times.isdisjoint(other_times):
        return False
    return one.strengths != other.strengths or one.name != other.name or _amounts(one) != _amounts(other)


def _times(dosages: Iterable[Dosage]) -> set[object]:
    return {moment for dosage in dosages for moment in (*dosage.times, *dosage.when)}


def _amounts(record: Record) -> set[tuple[object, str]]:
    return {(dosage.amount, dosage.unit) for dosage in record.dosages}


def _with_duration(merged: list[list[Record]], charted: list[Record]) -> list[Exposure]:
    """Exposures whose start goes back through contiguous coverage by the same ingredient or class."""
    by_kin: dict[str, list[Record]] = {}
    for record in charted:
        for name in record.identity.kin:
            if name in by_kin:
                by_kin[name].append(record)
            else:
                by_kin[name] = [record]
    exposures = []
    for records in merged:
        since = records[0].since
        if len(records) > 1:
            since = min((r.since for r in records if r.since is not None), key=lambda m: m.earliest, default=None)
        kin: list[Record] = []
        if since is not None:
            for name in records[0].identity.kin:
                if len(by_kin[name]) > len(records):
                    kin += by_kin[name]
            if kin:
                since = _covered_since(since, records[0].route, kin)
        exposures.append(_exposure(records, since))
    return exposures


def _covered_since(since: Moment, route: str | None, kin: list[Record]) -> Moment:
    """The first start of coverage without a gap of more than 60 days."""
    earlier = [
        (r, r.since) for r in kin if r.since is not None and r.since.earliest < since.earliest and r.route == route
    ]
    earlier.sort(key=lambda pair: pair[1].earliest, reverse=True)
    moved = bool(earlier)
    while moved:
        moved = False
        for record, start in earlier:
            open_ended = record.standing == "active" and record.until is None
            if start.earliest < since.earliest and (
                open_ended or since.earliest - _end(record, start).latest <= TOLERATED_GAP
            ):
                since = start
                moved = True
    return since
