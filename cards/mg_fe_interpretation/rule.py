"""mg-fe-interpretation: whether the kidney loses magnesium, from one spot urine and blood of the same day."""

from __future__ import annotations

from cards._families.fractional_excretion.family import FractionalExcretion, fractional_excretion
from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cards._families.magnesium_dosing.family import time_since_dose
from cards._families.magnesium_loss.family import magnesium_loss
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

OLD = ("stale", "ignored")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """With a low serum magnesium: above one limit the kidney loses it, below another it does not, between is unsure."""
    found = patient.ask(fractional_excretion)
    if found is None:
        return NotApplicable("no urine and serum magnesium and creatinine within a day of each other")
    mg = found.magnesium
    if mg.age in OLD or not mg.below(k["low"]):
        return Satisfied((mg,))
    kidney = patient.ask(kidney_function)
    if kidney.below(k["egfr_floor"]) or kidney.aki is True:
        return NotApplicable("kidney function too low, or acute kidney injury: FEMg is not interpretable")
    if _loaded(patient, found.urine[0], k):
        return NotApplicable("magnesium was given shortly before the sample")
    variant = _variant(found, k)
    causes = _causes(patient, variant)
    return Fires(
        variant,
        because=found.terms,
        also=causes,
        values={"fe": found.percent, "mg": mg},
        notes=_notes(found, kidney, causes),
        unknown=() if kidney.known else ("unknown-egfr",),
    )


def _variant(found: FractionalExcretion, k: Limits) -> str:
    if found.percent > k["renal"]:
        return "renal"
    return "extrarenal" if found.percent < k["extrarenal"] else "indeterminate"


def _loaded(patient: Patient, urine: Result, k: Limits) -> bool:
    """Whether the sample was taken during, or too soon after, magnesium by vein or by mouth."""
    for product in patient.taking("magnesium") + patient.took("magnesium"):
        after = time_since_dose(urine, product)
        window = k.span("infusion" if product.route == "intravenous" else "oral")
        if after is not None and after < window and not product.as_needed:
            return True
    return False


def _causes(patient: Patient, variant: str) -> tuple[Fact, ...]:
    """What the chart holds that fits; for an indeterminate value everything."""
    loss = patient.ask(magnesium_loss)
    return (*(loss.renal if variant != "extrarenal" else ()), *(loss.other if variant != "renal" else ()))


def _notes(found: FractionalExcretion, kidney: KidneyFunction, causes: tuple[Fact, ...]) -> tuple[str | Phrase, ...]:
    values: dict[str, Value] = {"fe": found.percent, "s_mg": found.magnesium, "s_cr": found.creatinine}
    if len(found.urine) == 1:
        formula = Phrase("calculation-ratio", {**values, "ratio": found.urine[0]})
    else:
        formula = Phrase("calculation", {**values, "u_mg": found.urine[0], "u_cr": found.urine[1]})
    ionised = Phrase("with-ionised", {"ionised": found.ionised, "ultrafiltered": found.ultrafiltered})
    return (
        formula,
        *((ionised,) if found.ionised is not None else ()),
        *(("computed",) if kidney.computed else ()),
        *(() if causes else ("none-found",)),
    )
