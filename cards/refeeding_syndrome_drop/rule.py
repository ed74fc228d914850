"""refeeding-syndrome-drop (catalogue section 6): phosphate, potassium or magnesium falls after feeding began."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cards._families.feeding_start.family import FeedingStart, feeding_start
from cds_service.facts.outcomes import CannotTell, Fires, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

CONCEPTS = {"phosphate": "phosphate", "potassium": "potassium", "magnesium-serum": "magnesium"}
VARIANTS = {Severity.CRITICAL: "severe", Severity.WARNING: "moderate", Severity.INFO: "mild"}
USABLE = frozenset({"fresh", "recent"})


class Fall(msgspec.Struct, frozen=True):
    """One analyte around one start of feeding: the last value before it, the lowest after it, the fall in per cent."""

    start: FeedingStart
    before: Result
    lowest: Result
    percent: Decimal
    severity: Severity | None


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """The worst relative fall of the three within five days of a start of feeding, graded as ASPEN does."""
    starts = [s for s in patient.ask(feeding_start) if patient.as_of.within(s.at, k.span("watched"))]
    if not starts:
        return _without_start(patient)
    falls = [fall for start in starts for concept in CONCEPTS if (fall := _fall(patient, start, concept, k))]
    if not falls:
        return CannotTell(("values before and after the start of feeding",))
    graded = [fall for fall in falls if fall.severity is not None]
    if not graded:
        return Satisfied(tuple([fall.lowest for fall in falls]))
    worst = max(graded, key=lambda fall: (fall.severity, fall.percent))
    return _fires(worst, falls)


def _without_start(patient: Patient) -> Outcome:
    """Nutrition support without a start, or begun longer ago; none at all only when the lists are complete."""
    if not patient.ask(feeding_start):
        patient.surely_without("parenteral-nutrition")
        kinds = ("parenteral-nutrition", "tube-feeding", "nutrition-support")
        if patient.taking("parenteral-nutrition") or patient.underwent(*kinds) is not None:
            return CannotTell(("start of feeding",))
    return NotApplicable("no start of feeding in the last days")


def _fall(patient: Patient, start: FeedingStart, concept: str, k: Limits) -> Fall | None:
    """The fall of one analyte; None without an exact value on both sides of the start."""
    at = start.at
    series = [r for r in patient.series(concept) if not r.comparator and r.age in USABLE]
    after = [r for r in series if r.at.earliest > at.latest and r.at.latest - at.latest <= k.span("after")]
    before = [r for r in series if r.at.latest <= at.latest and at.earliest - r.at.earliest <= k.span("before")]
    before = [r for r in before if "haemolysed" not in r.flags]  # falsely high: it would feign a fall
    if not after or not before:
        return None
    pre, lowest = before[0], min(after, key=lambda r: r.value)
    percent = (pre.amount - lowest.amount) / pre.amount * k["percent"]
    return Fall(start, pre, lowest, percent, _severity(lowest, percent, CONCEPTS[concept], k))


def _severity(lowest: Result, percent: Decimal, name: str, k: Limits) -> Severity | None:
    """How bad the fall is; None for a small one, and for a mild one that ends at a normal value."""
    low = lowest.below(k[f"low_{name}"])
    if percent < k["mild"]:
        return None
    if lowest.below(k[f"critical_{name}"]) or (percent > k["severe"] and low):
        return Severity.CRITICAL
    if percent >= k["moderate"]:
        return Severity.WARNING
    return Severity.INFO if low else None


def _fires(worst: Fall, falls: list[Fall]) -> Fires:
    """The card of the worst fall; every fall, also a small one, is a line with its terms."""
    severity = worst.severity
    assert severity is not None  # noqa: S101 (only graded falls come here)
    shown = [fall for fall in falls if fall.start is worst.start and fall.percent > 0]
    lines = tuple([Phrase("term", _terms(fall)) for fall in shown])
    values: dict[str, Value] = {
        "label": Phrase("label", {"low": worst.lowest}),
        "percent": round(worst.percent, 1),
        "value": worst.lowest,
    }
    others = [result for fall in shown for result in (fall.before, fall.lowest) if result is not worst.lowest]
    return Fires(
        VARIANTS[severity],
        because=(worst.lowest,),
        also=(*others, worst.start.fact),
        values=values,
        notes=(Phrase("started", {"at": worst.start.at}), *lines),
    )


def _terms(fall: Fall) -> dict[str, Value]:
    """What a line of the calculation prints."""
    return {
        "pre": fall.before,
        "low": fall.lowest,
        "before": fall.before.value,
        "after": fall.lowest.value,
        "percent": round(fall.percent, 1),
    }
