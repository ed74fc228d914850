"""Moves a case along with a limit: what lies at the old limit, or beside it, goes where the limit goes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from cds_service.knowledge.case_file import CaseEntry
from cds_service.knowledge.limits import as_span, last_digit
from cds_service.knowledge.rule_file import SPAN_UNITS

YEARS = "a"
_LAB = re.compile(r"(?P<concept>\S+) (?P<sign>[<>]=?)?(?P<value>[0-9]+(?:\.[0-9]+)?) (?P<unit>\S+)(?P<rest>.*)")
_OFFSET = re.compile(r"(?P<before>.*?)(?P<sign>[+-])(?P<number>[0-9]+)(?P<unit>d|h|min)\Z")
_DOSE = re.compile(
    r"(?P<amount>[0-9]+(?:\.[0-9]+)?) (?P<rest>(?P<unit>\S+?)(?: elemental)?(?: (?P<times>[0-9]+)/d)?)\Z"
)
_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "min": timedelta(minutes=1)}
_TIMED = ("what", "end", "issued")


class Shift(msgspec.Struct, frozen=True):
    """One limit that moves: its unit, and its value before and after."""

    unit: str
    old: Decimal
    new: Decimal

    @property
    def step(self) -> Decimal:
        """One of the last digit of the old value."""
        return last_digit(self.old, self.unit)

    def of(self, value: Decimal) -> Decimal | None:
        """The value moved along; None when it is not beside the old limit."""
        return value + self.new - self.old if abs(value - self.old) <= self.step else None


def shift_case(case: CaseEntry, shifts: Sequence[Shift]) -> CaseEntry | None:
    """The case with everything beside one of the old limits moved along; None when it holds no such thing."""
    changes: dict[str, Any] = {
        name: tuple(_entry(entry, shifts) for entry in getattr(case, name))
        for name in ("labs", "drugs", "drafts", "conditions", "procedures")
    }
    changes["ordered"] = tuple(_timed(text, shifts) for text in case.ordered)
    if isinstance(case.patient.age, int):
        years = _moved(Decimal(case.patient.age), YEARS, shifts)
        if years == years.to_integral_value():
            changes["patient"] = case.patient.model_copy(update={"age": int(years)})
    shifted = case.model_copy(update=changes)
    return None if shifted == case else shifted


def _moved(value: Decimal, unit: str, shifts: Sequence[Shift]) -> Decimal:
    for shift in shifts:
        moved = shift.of(value) if shift.unit == unit else None
        if moved is not None:
            return moved
    return value


def _entry(entry: Any, shifts: Sequence[Shift]) -> Any:
    changes: dict[str, Any] = {}
    for member in _TIMED:
        text = getattr(entry, member, None)
        if text is not None:
            changes[member] = _timed(text, shifts)
    if hasattr(entry, "specimen"):
        changes["what"] = _lab(changes["what"], shifts)
    if getattr(entry, "dose", None) is not None:
        changes["dose"] = _dose(entry.dose, shifts)
    return entry.model_copy(update=changes)


def _lab(text: str, shifts: Sequence[Shift]) -> str:
    match = _LAB.fullmatch(text)
    if match is None:
        return text
    value = _moved(Decimal(match["value"]), match["unit"], shifts)
    return f"{match['concept']} {match['sign'] or ''}{value} {match['unit']}{match['rest']}"


def _dose(text: str, shifts: Sequence[Shift]) -> str:
    match = _DOSE.match(text)
    if match is None:
        return text
    times = Decimal(match["times"] or 1)
    daily = Decimal(match["amount"]) * times
    moved = _moved(daily, f"{match['unit']}/d", shifts)
    return text if moved == daily else f"{(moved / times).normalize():f} {match['rest']}"


def _timed(text: str, shifts: Sequence[Shift]) -> str:
    """The text with its trailing offset moved along, in the unit it is written in."""
    match = _OFFSET.match(text)
    if match is None:
        return text
    unit = _UNITS[match["unit"]]
    offset = int(match["number"]) * unit
    for shift in shifts:
        if shift.unit in SPAN_UNITS and abs(offset - as_span(shift.old, shift.unit)) <= as_span(shift.step, shift.unit):
            moved = offset + as_span(shift.new, shift.unit) - as_span(shift.old, shift.unit)
            if moved % unit == timedelta(0):
                return f"{match['before']}{match['sign']}{moved // unit}{match['unit']}"
    return text
