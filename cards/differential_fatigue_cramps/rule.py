"""differential-fatigue-cramps (catalogue, section 11): tired or cramped, and basic tests not done: names those only."""

from __future__ import annotations

from cards._families.magnesium_intake.lines import is_supplement
from cards._families.magnesium_risk.family import MagnesiumRisk, magnesium_risk
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.panels import find_gaps
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Problem

COMPLAINTS = ("fatigue", "muscle-cramps", "restless-legs", "palpitations", "paraesthesia", "low-mood")
TESTS = (
    ("test-haemoglobin", ("haemoglobin",)),
    ("test-ferritin", ("ferritin",)),
    ("test-potassium", ("potassium",)),
    ("test-calcium", ("calcium-total", "calcium-ionised", "calcium-adjusted")),
    ("test-creatinine", ("creatinine", "egfr")),
    ("test-glucose", ("glucose", "hba1c")),
    ("test-tsh", ("tsh",)),
)
MAGNESIUM = (("magnesium", ("magnesium-serum",)),)
ALL = frozenset(concept for _, concepts in (*TESTS, *MAGNESIUM) for concept in concepts)


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires on two new complaints with at least one basic test not done in half a year; names what is missing."""
    complaints = _complaints(patient, k)
    if len(complaints) < k["complaints"]:
        return NotApplicable("fewer than two new complaints")
    gaps = find_gaps(patient, TESTS, k.span("tests"), k.span("ordered"))
    if not gaps.missing:
        gaps.require_certainty()
        return Satisfied(complaints)
    risk = patient.ask(magnesium_risk)
    with_risk = find_gaps(patient, MAGNESIUM if risk.points else (), k.span("tests"), k.span("ordered"))
    return Fires(
        "tests",
        because=complaints,
        values={
            "count": len(complaints),
            "complaints": Listing(complaints),
            "tests": Listing(tuple(Phrase(test) for test in (*gaps.missing, *with_risk.missing))),
        },
        notes=_notes(patient, complaints, risk, k),
        unknown=tuple(gaps.unsure),
        measured=ALL - gaps.concepts - with_risk.concepts,
    )


def _complaints(patient: Patient, k: Limits) -> tuple[Problem, ...]:
    """One problem of each kind of complaint that was coded in the window."""
    window = k.span("window")
    if patient.has(*COMPLAINTS, within=window) is None:
        return ()
    return tuple([p for group in COMPLAINTS if (p := patient.has(group, within=window)) is not None])


def _notes(patient: Patient, complaints: tuple[Problem, ...], risk: MagnesiumRisk, k: Limits) -> tuple[str, ...]:
    oldest = [p for p in complaints if p.at is not None and patient.as_of.days_since(p.at) > k.span("persisting").days]
    notes = (
        ("persisting", bool(oldest) and any(is_supplement(e) for e in patient.taking("magnesium"))),
        ("restless-legs", any(p.group == "restless-legs" for p in complaints)),
        ("no-magnesium-risk", not risk.points),
    )
    return tuple(name for name, holds in notes if holds)
