"""When a drug asks for a shorter interval than usual: dose, combination, a low result, a condition, a recent event."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Literal

from cards._families.drug_monitoring.courses import regular
from cds_service.facts.outcomes import Fact
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Dosage, Exposure, Problem, Result
from cds_service.facts.units import unit_of
from cds_service.knowledge.file_model import FileModel

MILLI = Decimal(1000)
_STRENGTH = re.compile(r"(?<![\d.,])(\d+(?:[.,]\d+)?)\s?(mg|g)\b(?!\s?/)", re.IGNORECASE)

Reason = tuple[str, tuple[Fact, ...]]


class Low(FileModel):
    """The latest `result`, at most `within` old, is proven to be below the limit."""

    result: str
    below: str
    within: str


class HighDose(FileModel):
    """The drugs of `group` together reach the limit `from_` a day, in mg of the ingredient `as_`.

    worth: ingredient -> limit: how many mg of `as_` one mg of it counts for; others are not counted.
    """

    group: str
    as_: str
    from_: str
    worth: dict[str, str] = {}


class Event(FileModel):
    """A dated condition or procedure at most `within` ago."""

    conditions: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    within: str


class Closer(FileModel):
    """The shorter interval and what calls for it.

    interval     limit: shorter than every other interval of the rule
    notes        member that calls for it -> the note that says so
    together     groups that are all in regular use, or in one product
    conditions   active problems
    started      limit: the drug itself is used for a shorter time than this, or is about to be started
    """

    interval: str
    notes: dict[Literal["together", "dose", "low", "conditions", "event", "started"], str]
    together: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    low: Low | None = None
    dose: HighDose | None = None
    event: Event | None = None
    started: str | None = None


def reasons_for_closer(patient: Patient, closer: Closer, used: tuple[Exposure, ...], k: Limits) -> tuple[Reason, ...]:
    """Each reason as its note with the facts behind it. What is not recorded counts as not met.

    used: the drug itself as it is taken; empty at its first prescription
    """
    found: list[Reason] = []
    if closer.together:
        partners = [regular(patient.taking_or_ordering(group)) for group in closer.together]
        if all(partners):
            found.append((closer.notes["together"], tuple(dict.fromkeys(e for group in partners for e in group))))
    if closer.dose is not None:
        users = _current(regular(patient.taking_or_ordering(closer.dose.group)))
        if sum((_equivalent(e, closer.dose, k) for e in users), Decimal(0)) >= k[closer.dose.from_]:
            found.append((closer.notes["dose"], users))
    if closer.low is not None:
        result = proven_low(patient, closer.low, k)
        if result is not None:
            found.append((closer.notes["low"], (result,)))
    problem = patient.has(*closer.conditions) if closer.conditions else None
    if problem is not None:
        found.append((closer.notes["conditions"], (problem,)))
    event = None if closer.event is None else _event(patient, closer.event, k)
    if event is not None:
        found.append((closer.notes["event"], (event,)))
    if closer.started is not None and _started(patient, used, k.span(closer.started)):
        found.append((closer.notes["started"], used))
    return tuple(found)


def proven_low(patient: Patient, low: Low, k: Limits) -> Result | None:
    """The result that is low; None when it is not, or not known."""
    result = patient.latest(low.result, k.span(low.within))
    return result if result is not None and result.below(k[low.below]) else None


def _started(patient: Patient, used: tuple[Exposure, ...], span: timedelta) -> bool:
    """Of a use whose start is unknown nothing is said."""
    return not used or any(e.since is not None and patient.taken_for(e) < span for e in used)


def _event(patient: Patient, event: Event, k: Limits) -> Problem | None:
    """An undated one says nothing about when it was."""
    span = k.span(event.within)
    found = (patient.has(*event.conditions, within=span), patient.underwent(*event.procedures, within=span))
    return next((problem for problem in found if problem is not None and problem.at is not None), None)


def _current(exposures: tuple[Exposure, ...]) -> tuple[Exposure, ...]:
    """A draft takes the place of the order of the same drug."""
    drafted = {e.ingredients for e in exposures if e.status == "draft"}
    return tuple(e for e in exposures if e.status == "draft" or e.ingredients not in drafted)


def _equivalent(exposure: Exposure, dose: HighDose, k: Limits) -> Decimal:
    """mg a day in terms of `as_`; zero when the dose cannot be computed."""
    if len(exposure.ingredients) != 1:
        return Decimal(0)
    (ingredient,) = exposure.ingredients
    if ingredient == dose.as_:
        return _daily(exposure)
    return _daily(exposure) * k[dose.worth[ingredient]] if ingredient in dose.worth else Decimal(0)


def _daily(exposure: Exposure) -> Decimal:
    return sum((_of(dosage, exposure) for dosage in exposure.dosages if not dosage.as_needed), Decimal(0))


def _of(dosage: Dosage, exposure: Exposure) -> Decimal:
    """mg a day from one instruction: in mass as it stands, in tablets by the one strength that is known."""
    if dosage.amount is None or dosage.per_day is None:
        return Decimal(0)
    content = _milligrams(Decimal(1), dosage.unit)
    if content is None and (unit_of(dosage.unit) is None or not dosage.unit):
        content = _per_unit(exposure)
    return Decimal(0) if content is None else dosage.amount * content * dosage.per_day


def _per_unit(exposure: Exposure) -> Decimal | None:
    listed = [_milligrams(s.amount / s.per, s.unit) for s in exposure.strengths]
    named = [_milligrams(Decimal(n.replace(",", ".")), unit.lower()) for n, unit in _STRENGTH.findall(exposure.name)]
    found = listed or named
    return found[0] if len(found) == 1 else None


def _milligrams(amount: Decimal, unit: str) -> Decimal | None:
    known = unit_of(unit)
    if known is None or known.of != "mass" or known.per:
        return None
    return amount * known.factor.numerator / known.factor.denominator * MILLI
