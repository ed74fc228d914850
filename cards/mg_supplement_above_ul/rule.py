"""mg-supplement-above-ul: more elemental magnesium a day than the upper levels for unsupervised use."""

from __future__ import annotations

from decimal import Decimal

from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.magnesium_intake.family import MagnesiumIntake, magnesium_intake
from cards._families.magnesium_intake.lines import product_lines, total_phrase
from cards._families.pregnancy.family import pregnancy
from cds_service.facts.outcomes import (
    Fact,
    Fires,
    Listing,
    NotApplicable,
    Outcome,
    Phrase,
    Satisfied,
    Severity,
    Value,
)
from cds_service.facts.patient import Limits, Patient

INTENDED = ("migraine", "constipation")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """The lowest reading of the daily total decides; when only the highest passes a limit, ask for the content."""
    intake = patient.ask(magnesium_intake)
    facts = tuple(dict.fromkeys(line.exposure for line in intake.lines))
    if not intake.counted:
        return NotApplicable("no oral magnesium in regular use")
    kidney = patient.ask(kidney_function)
    if kidney.advanced:
        return NotApplicable("left to mg-product-renal-impairment")
    severity = _severity(patient, kidney, intake, intake.lower, k)
    variant = _band(intake.lower, k)
    if severity is None:
        if _severity(patient, kidney, intake, intake.upper, k) is None:
            return Satisfied(facts)
        severity, variant = Severity.INFO, "ambiguous"
    basis: tuple[Fact, ...] = () if kidney.basis is None else (kidney.basis,)
    decides = severity is Severity.CRITICAL
    diarrhoea = patient.has("diarrhoea", within=k.span("diarrhoea_window"))
    raised = _reasons(patient, kidney, k) if variant == "above-us" and severity is Severity.WARNING else ()
    notes = (Phrase("raised", {"reasons": Listing(raised)}),) if raised else ()
    return Fires(
        variant,
        severity=severity,
        because=(*facts, *(basis if decides else ())),
        also=(*(() if decides else basis), *(() if diarrhoea is None else (diarrhoea,))),
        values={"total": total_phrase(intake)},
        notes=(*product_lines(intake), *notes, *_notes(intake, variant)),
        unknown=_unknown(patient, kidney, k),
    )


def _band(total: Decimal, k: Limits) -> str:
    if total >= k["extreme"]:
        return "extreme"
    if total > k["high"]:
        return "high"
    return "above-us" if total > k["us"] else "above-eu"


def _severity(
    patient: Patient, kidney: KidneyFunction, intake: MagnesiumIntake, total: Decimal, k: Limits
) -> Severity | None:
    """What a daily total means for this patient; None when no card is due."""
    reduced = kidney.below(k["egfr_reduced"])
    if total <= k["eu"]:
        return None
    if not reduced and total <= k["high"] and (_is_repletion(patient, k) or _is_intended(intake)):
        return None
    if not reduced and _is_intended(intake):
        return Severity.INFO
    if total >= k["extreme"]:
        unsure = not kidney.known and patient.aged_at_least(k["age_unknown_kidney"])
        return Severity.CRITICAL if reduced or unsure else Severity.WARNING
    if total > k["high"]:
        return Severity.WARNING
    if total > k["us"]:
        return Severity.WARNING if _reasons(patient, kidney, k) else Severity.INFO
    followed = _has_indication(patient, intake) or not patient.not_measured_within(
        "magnesium-serum", k.span("measured")
    )
    return None if followed else Severity.INFO


def _reasons(patient: Patient, kidney: KidneyFunction, k: Limits) -> tuple[Value, ...]:
    """What makes accumulation or harm more likely above the level for unsupervised use."""
    diarrhoea = patient.has("diarrhoea", within=k.span("diarrhoea_window"))
    return (
        *((kidney.basis,) if kidney.below(k["egfr_reduced"]) else ()),
        *((Phrase("old", {"age": k["age"]}),) if patient.aged_at_least(k["age"]) else ()),
        *(() if diarrhoea is None else (diarrhoea,)),
    )


def _is_repletion(patient: Patient, k: Limits) -> bool:
    """A low serum magnesium in the last months: the order is the plan."""
    low = (mg for mg in patient.series("magnesium-serum", k.span("repletion")) if mg.below(k["mg_low"]))
    return next(low, None) is not None


def _is_intended(intake: MagnesiumIntake) -> bool:
    """Every product that counts was ordered for migraine or constipation."""
    return all(not line.exposure.reason_groups.isdisjoint(INTENDED) for line in intake.counted)


def _has_indication(patient: Patient, intake: MagnesiumIntake) -> bool:
    ordered_for = any(line.exposure.reason_groups for line in intake.counted)
    return ordered_for or patient.has(*INTENDED, "hypomagnesaemia") is not None


def _notes(intake: MagnesiumIntake, variant: str) -> tuple[str, ...]:
    notes = (
        ("lowest", intake.ambiguous and variant != "ambiguous"),
        ("magnesium-total-minimum", intake.at_least),
    )
    return tuple(name for name, holds in notes if holds)


def _unknown(patient: Patient, kidney: KidneyFunction, k: Limits) -> tuple[str, ...]:
    """The kidney function; whether a woman of childbearing age is pregnant."""
    fertile = patient.sex == "female" and patient.age is not None and not patient.aged_at_least(k["fertile_before"])
    maybe_pregnant = fertile and patient.ask_or(pregnancy, None) is None
    missing = (("unknown-egfr", not kidney.known), ("unknown-pregnancy", maybe_pregnant))
    return tuple(name for name, holds in missing if holds)
