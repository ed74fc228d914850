"""What in the chart can explain magnesium loss, by the kidney or otherwise: named on cards, never counted."""

from __future__ import annotations

import msgspec

from cds_service.facts.outcomes import Fact
from cds_service.facts.patient import Limits, Patient

RENAL_DRUGS = (
    "loop-diuretic", "thiazide", "calcineurin-inhibitor", "platinum", "egfr-mab", "aminoglycoside", "amphotericin",
    "foscarnet-pentamidine",
)  # fmt: skip
RENAL_CONDITIONS = ("alcohol-use-disorder", "diabetes", "gitelman", "tubulopathy")
OTHER_DRUGS = ("ppi", "laxative")
OTHER_CONDITIONS = ("diarrhoea", "short-bowel", "high-output-stoma", "malabsorption", "malnutrition")


class MagnesiumLoss(msgspec.Struct, frozen=True):
    """Drugs in use and active problems that make the kidney lose magnesium, and those of gut, PPI and intake."""

    renal: tuple[Fact, ...]
    other: tuple[Fact, ...]


def magnesium_loss(patient: Patient, k: Limits) -> MagnesiumLoss:
    """Both kinds of cause. Never raises; an empty answer proves nothing."""
    return MagnesiumLoss(
        _found(patient, RENAL_DRUGS, RENAL_CONDITIONS),
        _found(patient, OTHER_DRUGS, OTHER_CONDITIONS),
    )


def _found(patient: Patient, drugs: tuple[str, ...], groups: tuple[str, ...]) -> tuple[Fact, ...]:
    problems = [problem for group in groups if (problem := patient.has(group)) is not None]
    return (*patient.taking(*drugs), *problems)
