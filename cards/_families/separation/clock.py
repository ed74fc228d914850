"""Times of intake on the 24-hour clock, and whether they prove a distance."""

from __future__ import annotations

from datetime import timedelta

from cds_service.facts.patient import Limits
from cds_service.facts.records import Dosage, Exposure

DAY = timedelta(hours=24)
MORNING = frozenset({"MORN", "MORN.early", "MORN.late", "WAKE"})
LATE = frozenset({"EVE", "EVE.early", "EVE.late", "NIGHT", "HS"})
MEALS = {prefix + meal: meal for prefix in ("C", "AC", "PC") for meal in ("", "M", "D", "V")}

Window = tuple[timedelta, timedelta]
Windows = tuple[Window, ...]


def windows(exposure: Exposure, k: Limits) -> Windows | None:
    """When a drug is taken, each intake as earliest and latest time of day; None unless all intakes are recorded."""
    found: list[Window] = []
    for dosage in exposure.dosages:
        taken = _windows(dosage, k)
        if dosage.as_needed or not taken or (dosage.per_day is not None and dosage.per_day > len(taken)):
            return None
        found += taken
    return tuple(found) or None


def _windows(dosage: Dosage, k: Limits) -> list[Window]:
    """Clock times as they are; parts of the day as wide as they can be meant. A meal or free text is no time."""
    if dosage.times:
        clock = [timedelta(hours=at.hour, minutes=at.minute) for at in dosage.times]
        return [(at, at) for at in clock]
    named = {
        **dict.fromkeys(MORNING, (k.span("morning_from"), k.span("morning_to"))),
        **dict.fromkeys(LATE, (k.span("late_from"), k.span("late_to"))),
    }
    return [named[code] for code in dosage.when] if all(code in named for code in dosage.when) else []


def apart(one: Window, other: Window, earliest: timedelta, latest: timedelta) -> bool:
    """Whether `other` certainly lies from `earliest` to `latest` after `one`, round the clock, and never with it."""
    start = (other[0] - one[1]) % DAY
    end = start + (other[1] - other[0]) + (one[1] - one[0])
    return timedelta(0) < start and earliest <= start and end <= latest and end < DAY


def with_same_meal(one: Exposure, other: Exposure) -> bool:
    """Whether every intake of both is recorded with food, at the same meals."""
    meals = [_meals(exposure) for exposure in (one, other)]
    return bool(meals[0]) and meals[0] == meals[1]


def _meals(exposure: Exposure) -> frozenset[str]:
    codes = [code for dosage in exposure.dosages for code in dosage.when or ("",)]
    return frozenset(MEALS[code] for code in codes) if codes and all(code in MEALS for code in codes) else frozenset()
