"""Magnesium into a vein: what runs or ran in the last day, what is being ordered, and whether the dose matters."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Dosage, Exposure
from cds_service.facts.units import UNITS, unit_of

INFUSION = ("infus", "drip", "continu", "perfus", "pomp", "pump")


class IntravenousMagnesium(msgspec.Struct, frozen=True):
    """Intravenous magnesium; `large` leaves out single doses that are known to be small."""

    running: tuple[Exposure, ...]
    drafts: tuple[Exposure, ...]
    large: tuple[Exposure, ...]

    @property
    def judged(self) -> tuple[Exposure, ...]:
        """The drafts that this call is about."""
        return tuple([draft for draft in self.drafts if draft.judged])


def intravenous_magnesium(patient: Patient, k: Limits) -> IntravenousMagnesium:
    """What runs, ended in the last 24 h, or is a draft of the session. Never raises: an empty list proves nothing."""
    active = [e for e in patient.taking("magnesium") if e.route == "intravenous"]
    ended = [e for e in patient.took("magnesium") if e.route == "intravenous" and e.until is not None
             and patient.as_of.within(e.until, k.span("ended"))]  # fmt: skip
    drafts = tuple([e for e in patient.drafts("magnesium") if e.route == "intravenous"])
    running = (*active, *ended)
    return IntravenousMagnesium(running, drafts, tuple([e for e in (*drafts, *running) if _is_large(e, k)]))


def is_for(exposure: Exposure, *indications: str) -> bool:
    """Whether the order itself names one of the indications (condition groups) as its reason."""
    return not exposure.reason_groups.isdisjoint(indications)


def _is_large(exposure: Exposure, k: Limits) -> bool:
    """An infusion, an unknown dose, or a dose of at least 2 g magnesium sulfate (8 mmol)."""
    texts = (exposure.name, *(dosage.text for dosage in exposure.dosages))
    if not exposure.dosages or any(word in text.lower() for text in texts for word in INFUSION):
        return True
    return any(_reaches(dosage, k) for dosage in exposure.dosages)


def _reaches(dosage: Dosage, k: Limits) -> bool:
    unit = unit_of(dosage.unit)
    if dosage.amount is None or unit is None or unit.per or unit.of not in ("mass", "substance"):
        return True
    share = unit.factor / UNITS["g" if unit.of == "mass" else "mmol"].factor
    amount = dosage.amount * Decimal(share.numerator) / Decimal(share.denominator)
    return amount >= k["grams" if unit.of == "mass" else "millimoles"]
