"""vitd-excess (catalogue section 6): a 25-OH vitamin D that is too high, worse with a high calcium."""

from __future__ import annotations

from cards._families.calcium_basis.family import CalciumBasis, calcium_basis
from cards._families.vitamin_d_intake.family import VitaminDIntake, vitamin_d_intake
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Excess by the value and calcium; a moderately high value only with more than the upper level of intake."""
    d = patient.latest("vitamin-d")
    if d is None:
        return NotApplicable(patient.absent("vitamin-d"))
    if not d.above(k["high"]):
        return Satisfied((d,))
    intake = patient.ask(vitamin_d_intake)
    basis = patient.ask_or(calcium_basis, CalciumBasis())
    if d.above(k["excess"]):
        return _fires(patient, _variant(d, basis, k), d, basis, intake, k)
    if intake.known >= k["upper_level"]:
        return _fires(patient, "supplement", d, basis, intake, k)
    if not intake.complete:
        raise CannotTellError("dose of vitamin D")
    patient.complete("medications")
    patient.surely_without("vitamin-d")
    return Satisfied((d,))


def _variant(d: Result, basis: CalciumBasis, k: Limits) -> str:
    """By the band of calcium: from 3.0 mmol/L an intoxication; without a high calcium by the value itself."""
    if basis.high is None:
        return "toxic-level" if d.above(k["toxic"]) else "excess"
    return "hypercalcaemia" if basis.high is Severity.INFO else "intoxication"


def _fires(patient: Patient, variant: str, d: Result, basis: CalciumBasis, intake: VitaminDIntake, k: Limits) -> Fires:
    """Calcium decides only where it is high; otherwise it is shown."""
    decides = variant in ("intoxication", "hypercalcaemia")
    products = patient.taking("vitamin-d", "calcium", "thiazide") if decides else patient.taking("vitamin-d")
    calcium: tuple[Fact, ...] = basis.because if decides else ()
    values: dict[str, Value] = {"d": d, "calcium": basis.shown, "dose": round(intake.known), "level": k["upper_level"]}
    return Fires(
        variant,
        because=(d, *calcium),
        also=(*(() if decides else basis.because), *basis.also, *products),
        values=values,
        unknown=(*(("unknown-calcium",) if basis.result is None else ()), *basis.unknown, *_unknown(patient)),
    )


def _unknown(patient: Patient) -> tuple[str, ...]:
    try:
        patient.complete("medications")
        patient.surely_without("vitamin-d")
    except CannotTellError:
        return ("unknown-drugs",)
    return ()
