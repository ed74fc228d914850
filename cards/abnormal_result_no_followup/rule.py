"""abnormal-result-no-followup (catalogue section 2): the last known Mg, K or Ca was abnormal, with no newer one."""

from __future__ import annotations

from cards._families.dialysis.family import dialysis
from cards._families.magnesium_reference.family import magnesium_reference
from cards._families.pregnancy.family import pregnancy
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

REFILL = "medication-refill"
RELATED = (
    "ppi", "diuretic", "raas-inhibitor", "mra", "calcineurin-inhibitor", "platinum", "egfr-mab", "digoxin",
    "qt-candidates", "magnesium", "potassium", "calcium", "vitamin-d", "vitamin-d-active", "laxative",
    "trimethoprim-group",
)  # fmt: skip
Finding = tuple[str, Result, Severity]


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when the last known Mg, K or Ca lies in a warning or critical band, is old, and is not ordered again."""
    looked_at = (
        ("magnesium", patient.last_known("magnesium-serum")),
        ("potassium", patient.last_known("potassium")),
        ("calcium", _calcium(patient, k)),
    )
    # at a refill also `recent`: the rules about the value itself do not run there
    overdue = ("stale", "recent") if patient.hook == REFILL else ("stale",)
    old = {name: r for name, r in looked_at if r is not None and r.age in overdue}
    if not old:
        return NotApplicable("no old result")
    found = [(name, r, s) for name, r in old.items() if (s := _severity(patient, name, r, k)) is not None]
    if not found:
        return Satisfied(tuple(old.values()))
    unknown = _unless_ordered(patient, found, k)
    if not found:
        return NotApplicable("ordered already")
    found.sort(key=lambda finding: -finding[2])
    was_critical = found[0][2] is Severity.CRITICAL
    return Fires(
        found[0][0] if len(found) == 1 else "several",
        severity=Severity.WARNING if was_critical else None,
        because=tuple(result for _, result, _ in found),
        also=patient.judged(*RELATED) if patient.hook == REFILL else (),
        values={"result": found[0][1], "count": len(found)},
        notes=(("was-critical-inpatient" if patient.inpatient else "was-critical"),) if was_critical else (),
        unknown=unknown,
    )


def _calcium(patient: Patient, k: Limits) -> Result | None:
    """Ionised calcium when it is newer than total calcium or at most a day apart, else total calcium."""
    total, ionised = patient.last_known("calcium-total"), patient.last_known("calcium-ionised")
    if ionised is None or total is None:
        return ionised or total
    return ionised if ionised.at.latest >= total.at.earliest - k.span("pairing") else total


def _severity(patient: Patient, name: str, result: Result, k: Limits) -> Severity | None:
    """The band in which the rule about the value would be a warning or critical; None for milder ones."""
    if name == "magnesium":
        on_dialysis = patient.ask_or(dialysis, None) is not None
        milder_low = on_dialysis or patient.ask_or(pregnancy, None) is not None
        low = k["magnesium_moderate"] if milder_low else patient.ask(magnesium_reference).lower
        raised = k["magnesium_raised_dialysis" if on_dialysis else "magnesium_raised"]
        low_critical, is_high = k["magnesium_severe"], result.above(raised)
        is_very_high = result.at_least(k["magnesium_very_high"])
    else:
        kind = "ionised" if result.concept == "calcium-ionised" else name
        low, low_critical = k[f"{kind}_moderate"], k[f"{kind}_severe"]
        very_high = k[f"{kind}_very_high"]
        is_high = result.at_least(k[f"{kind}_high"])
        is_very_high = result.above(very_high) if kind == "ionised" else result.at_least(very_high)
    trusted_high = "haemolysed" not in result.flags
    if result.below(low_critical) or (is_very_high and trusted_high):
        return Severity.CRITICAL
    return Severity.WARNING if result.below(low) or (is_high and trusted_high) else None


def _unless_ordered(patient: Patient, found: list[Finding], k: Limits) -> tuple[str, ...]:
    """Removes the findings that are ordered again; returns what is not known when the orders cannot be seen."""
    unknown: tuple[str, ...] = ()
    for finding in tuple(found):
        try:
            if not patient.surely_not_ordered(finding[1].concept, k.span("ordered")):
                found.remove(finding)
        except CannotTellError:
            unknown = ("unknown-orders",)
    return unknown
