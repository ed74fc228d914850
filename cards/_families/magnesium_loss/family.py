"""What in the chart can explain magnesium loss, by the kidney or otherwise: named on cards, never counted."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from cds_service.facts.outcomes import Fact
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

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
    courses = (
        *_ended_within(patient, "platinum", k.span("platinum_after")),
        *_ended_within(patient, "egfr-mab", k.span("egfr_mab_after")),
    )
    return MagnesiumLoss(
        (*courses, *_found(patient, RENAL_DRUGS, RENAL_CONDITIONS)),
        _found(patient, OTHER_DRUGS, OTHER_CONDITIONS),
    )


def _ended_within(patient: Patient, group: str, span: timedelta) -> tuple[Exposure, ...]:
    """Finished courses whose last dose (end of the order, else its date) is at most `span` ago."""
    dated = [(course, course.until or course.authored) for course in patient.took(group)]
    return tuple(course for course, last in dated if last is not None and patient.as_of.within(last, span))


def _found(patient: Patient, drugs: tuple[str, ...], groups: tuple[str, ...]) -> tuple[Fact, ...]:
    problems = [problem for group in groups if (problem := patient.has(group)) is not None]
    return (*patient.taking(*drugs), *problems)
