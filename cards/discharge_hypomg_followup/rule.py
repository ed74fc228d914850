"""discharge-hypomg-followup (catalogue, section 12): going home with an abnormal Mg, K or Ca, no follow-up ordered."""

from __future__ import annotations

import msgspec

from cards._families.calcium_basis.family import calcium_basis
from cards._families.dialysis.family import dialysis
from cards._families.pregnancy.family import pregnancy
from cards._families.sample_quality.family import SampleQuality, sample_quality
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

CONCEPTS = ("magnesium-serum", "potassium", "calcium-total", "calcium-ionised", "calcium-adjusted")


class Finding(msgspec.Struct, frozen=True):
    """One abnormal analyte: the results that decide, how a sentence shows it, and whether alone it is only info."""

    analyte: str
    because: tuple[Result, ...]
    shown: Value
    mild: bool


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when the last Mg, K or Ca of this stay (or week) is abnormal and no new test of it is ordered."""
    looked_at = tuple([r for c in CONCEPTS if (r := patient.latest(c)) is not None and _is_of_stay(patient, r, k)])
    if not looked_at:
        return NotApplicable("no result of this stay or the last week")
    sample = patient.ask(sample_quality)
    candidates = (_magnesium(patient, sample, k), _potassium(patient, sample, k), _calcium(patient, sample, k))
    abnormal = [finding for finding in candidates if finding is not None]
    if not abnormal:
        return Satisfied(looked_at)
    unknown, found = _not_ordered(patient, abnormal, k)
    if not found:
        return NotApplicable("follow-up is ordered already")
    alone = len(found) == 1
    return Fires(
        found[0].analyte if alone else "several",
        severity=Severity.INFO if alone and found[0].mild else None,
        because=tuple(dict.fromkeys(result for finding in found for result in finding.because)),
        values={"result": found[0].shown, "results": Listing(tuple(finding.shown for finding in found))},
        unknown=unknown,
        due=k.span("recheck"),
    )


def _is_of_stay(patient: Patient, result: Result, k: Limits) -> bool:
    started = patient.stay.started if patient.stay is not None else None
    in_stay = started is not None and result.at.latest >= started.earliest
    return in_stay or patient.as_of.within(result.at, k.span("window"))


def _magnesium(patient: Patient, sample: SampleQuality, k: Limits) -> Finding | None:
    """Below 0.70, in dialysis below 0.60; a mild value that pregnancy or a known tubulopathy explains stays mild."""
    mg = patient.latest("magnesium-serum")
    if mg is None or not _is_of_stay(patient, mg, k) or sample.replaces_low(mg.concept):
        return None
    on_dialysis = patient.ask_or(dialysis, None) is not None
    if not mg.below(k["magnesium_moderate" if on_dialysis else "magnesium_low"]):
        return None
    expected = patient.ask_or(pregnancy, None) is not None or patient.has_confirmed("gitelman") is not None
    mild = mg.at_least(k["magnesium_moderate" if expected else "magnesium_mild"])
    return Finding("magnesium", (mg,), Phrase("named-result", {"result": mg}), mild)


def _potassium(patient: Patient, sample: SampleQuality, k: Limits) -> Finding | None:
    """Below 3.5 or from 5.5; in dialysis patients below 3.0 or from 6.0."""
    potassium = patient.latest("potassium")
    if potassium is None or not _is_of_stay(patient, potassium, k):
        return None
    on_dialysis = patient.ask_or(dialysis, None) is not None
    low = potassium.below(k["potassium_moderate" if on_dialysis else "potassium_low"])
    high = potassium.at_least(k["potassium_higher" if on_dialysis else "potassium_high"])
    if not (low or (high and not sample.replaces_high(potassium.concept))):
        return None
    mild = low and potassium.at_least(k["potassium_moderate"])
    return Finding("potassium", (potassium,), Phrase("named-result", {"result": potassium}), mild)


def _calcium(patient: Patient, sample: SampleQuality, k: Limits) -> Finding | None:
    """In any band, by the calcium that counts."""
    basis = patient.ask_or(calcium_basis, None)
    if basis is None or basis.result is None or not _is_of_stay(patient, basis.result, k):
        return None
    band = basis.low if basis.low is not None else basis.high
    if band is None or (basis.low is not None and sample.replaces_low(basis.result.concept)):
        return None
    return Finding("calcium", basis.because, basis.shown, band is Severity.INFO)


def _not_ordered(patient: Patient, abnormal: list[Finding], k: Limits) -> tuple[tuple[str, ...], list[Finding]]:
    """What could not be seen, and the findings without a new order; orders that cannot be seen count as none."""
    try:
        return (), [f for f in abnormal if patient.surely_not_ordered(f.because[0].concept, k.span("ordered"))]
    except CannotTellError:
        return ("unknown-orders",), abnormal
