"""mg-ionised-interpretation: a low or high ionised magnesium, by the limits of the laboratory that measured it."""

from __future__ import annotations

from cards._families.magnesium_risk.family import RiskItem
from cards._families.magnesium_signs.family import magnesium_signs
from cards._families.magnesium_tests.family import Reading, magnesium_tests
from cds_service.facts.outcomes import Fires, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Below or above its limits: information; very low by a laboratory's own range with an objective sign: warns."""
    reading = patient.ask(magnesium_tests).ionised
    if reading is None:
        return NotApplicable(patient.absent("magnesium-ionised"))
    if reading.side not in ("low", "high"):
        return Satisfied((reading.result,))
    mg, albumin = patient.latest("magnesium-serum"), patient.latest("albumin")
    low_albumin = albumin is not None and albumin.below(k["albumin_low"])
    notes = (
        ("no-range", reading.result.range is None),
        ("serum-normal", reading.side == "low" and mg is not None and mg.at_least(k["serum_low"])),
        ("albumin", low_albumin),
    )
    sign = _sign(patient, reading, k)
    because = (reading.result,) if sign is None else (reading.result, *sign.because)
    return Fires(
        reading.side if sign is None else "with-signs",
        because=because,
        also=tuple(r for r in (mg, albumin if low_albumin else None) if r is not None),
        values={"img": reading.result, "mg": mg, "albumin": albumin, "sign": None if sign is None else Phrase(sign.id)},
        notes=tuple(name for name, holds in notes if holds),
        unknown=() if mg is not None else ("unknown-serum-magnesium",),
    )


def _sign(patient: Patient, reading: Reading, k: Limits) -> RiskItem | None:
    """The objective sign that makes a very low value a warning; only with a range of the laboratory itself."""
    if reading.side != "low" or not reading.by_laboratory or not reading.result.below(k["very_low"]):
        return None
    return next(iter(patient.ask(magnesium_signs).signs), None)
