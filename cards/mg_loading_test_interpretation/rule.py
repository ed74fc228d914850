"""mg-loading-test-interpretation: how much of a magnesium load was retained, and what that is worth."""

from __future__ import annotations

from decimal import Decimal

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_loading.family import magnesium_retention
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase
from cds_service.facts.patient import Limits, Patient

WASTING_DRUGS = ("diuretic", "cisplatin", "ciclosporin", "sglt2-inhibitor")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """The share of the dose that was retained, in four bands; said to be unreliable with renal loss or failure."""
    retention = patient.ask(magnesium_retention)
    if retention is None:
        return NotApplicable("no loading test")
    wasters = _wasters(patient)
    kidney = patient.ask(kidney_function)
    notes = (
        ("calculation", True),
        ("by-order", retention.by_order),
        ("kidney", kidney.below(k["egfr_reduced"])),
    )
    invalid = (Phrase("invalid", {"wasters": Listing(wasters)}),) if wasters else ()
    return Fires(
        _variant(retention.percent, bool(wasters), kidney.below(k["egfr_reduced"]), k),
        because=(retention.post, retention.baseline),
        also=(retention.order, *wasters),
        values={
            "percent": retention.percent,
            "post": retention.post,
            "baseline": retention.baseline,
            "dose": retention.dose,
        },
        notes=(*(name for name, holds in notes if holds), *invalid),
        unknown=() if kidney.known else ("unknown-egfr",),
    )


def _variant(percent: Decimal, wasting: bool, slow: bool, k: Limits) -> str:
    """The band; unreliable where wasting may have lowered the share, or slow kidneys have raised it."""
    if (wasting and percent < k["probable_from"]) or (slow and percent > k["unlikely_to"]):
        return "unreliable"
    if percent <= k["unlikely_to"]:
        return "unlikely"
    if percent < k["probable_from"]:
        return "borderline"
    return "probable" if percent < k["definite_from"] else "definite"


def _wasters(patient: Patient) -> tuple[Fact, ...]:
    problems = (patient.has("alcohol-use-disorder"), patient.has("hyperaldosteronism"))
    return (*patient.taking(*WASTING_DRUGS), *(problem for problem in problems if problem is not None))
