"""mg-rbc-interpretation: what a low red-cell magnesium does and does not say."""

from __future__ import annotations

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_tests.family import Reading, magnesium_tests
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Below the laboratory's own limit, or without one low or grey: contested, and never a reason to treat alone."""
    reading = patient.ask(magnesium_tests).rbc
    if reading is None:
        return NotApplicable(patient.absent("magnesium-rbc"))
    if reading.side not in ("low", "grey"):
        return Satisfied((reading.result,))
    mg = patient.latest("magnesium-serum")
    if mg is not None and mg.below(k["serum_low"]):
        return _with_low_serum(patient, reading, mg, k)
    low = "low" if reading.by_laboratory else "low-without-range"
    normal = mg is not None and mg.at_least(k["serum_low"])
    return Fires(
        low if reading.side == "low" else "grey",
        because=(reading.result,),
        also=() if mg is None else (mg,),
        values={"rbc": reading.result, "mg": mg},
        notes=("serum-normal",) if normal else (),
        unknown=() if mg is not None else ("unknown-serum-magnesium",),
    )


def _with_low_serum(patient: Patient, reading: Reading, mg: Result, k: Limits) -> Outcome:
    """A line for the card about the low serum magnesium, where that card appears."""
    on_dialysis = patient.ask(kidney_function).dialysis is not None
    unseen = on_dialysis and not mg.below(k["dialysis_serum_low"])
    if unseen or reading.side == "grey" or patient.ask(sample_quality).replaces_low("magnesium-serum"):
        return NotApplicable("serum magnesium is low")
    return Fires("with-low-serum", because=(reading.result,), also=(mg,), values={"rbc": reading.result})
