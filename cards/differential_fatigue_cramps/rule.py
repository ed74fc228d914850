"""differential-fatigue-cramps (catalogue, section 11): tired or cramped, and basic tests not done: names those only."""

from __future__ import annotations

from cards._families.magnesium_risk.family import MagnesiumRisk, magnesium_risk
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Problem

COMPLAINTS = ("fatigue", "muscle-cramps", "restless-legs", "palpitations", "paraesthesia", "low-mood")
MAGNESIUM = "magnesium-serum"
TESTS = (
    ("test-haemoglobin", ("haemoglobin",)),
    ("test-ferritin", ("ferritin",)),
    ("test-potassium", ("potassium",)),
    ("test-calcium", ("calcium-total", "calcium-ionised", "calcium-adjusted")),
    ("test-creatinine", ("creatinine", "egfr")),
    ("test-glucose", ("glucose", "hba1c")),
    ("test-tsh", ("tsh",)),
)
"""The phrase of each test, and the concepts of which any one will do."""
ALL = frozenset([MAGNESIUM, *(concept for _, concepts in TESTS for concept in concepts)])


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires on two new complaints with at least one basic test not done in half a year; names what is missing."""
    complaints = _complaints(patient, k)
    if len(complaints) < k["complaints"]:
        return NotApplicable("fewer than two new complaints")
    missing, unsure = _missing(patient, k)
    if not missing:
        if unsure:
            raise CannotTellError(*dict.fromkeys(item for items in unsure.values() for item in items))
        return Satisfied(complaints)
    risk = patient.ask(magnesium_risk)
    if risk.points and _is_unmeasured(patient, k):
        missing["test-magnesium"] = (MAGNESIUM,)
    asked = frozenset(concept for concepts in missing.values() for concept in concepts)
    return Fires(
        "tests",
        because=complaints,
        values={
            "count": len(complaints),
            "complaints": Listing(complaints),
            "tests": Listing(tuple(Phrase(test) for test in missing)),
        },
        notes=_notes(patient, complaints, risk, k),
        unknown=tuple(unsure),
        measured=ALL - asked,
    )


def _missing(patient: Patient, k: Limits) -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """The tests that were surely not done, with their concepts; and those of which that is not known, with why."""
    missing: dict[str, tuple[str, ...]] = {}
    unsure: dict[str, tuple[str, ...]] = {}
    for test, concepts in TESTS:
        if any(not r.comparator for concept in concepts for r in patient.series(concept, k.span("tests"))):
            continue
        try:
            if all(patient.not_measured_within(concept, k.span("tests")) for concept in concepts):
                missing[test] = concepts
        except CannotTellError as unknown:
            unsure[test] = unknown.missing
    return missing, unsure


def _complaints(patient: Patient, k: Limits) -> tuple[Problem, ...]:
    """One problem of each kind of complaint that was coded in the window."""
    window = k.span("window")
    if patient.has(*COMPLAINTS, within=window) is None:
        return ()
    return tuple([p for group in COMPLAINTS if (p := patient.has(group, within=window)) is not None])


def _is_unmeasured(patient: Patient, k: Limits) -> bool:
    try:
        return patient.not_measured_within(MAGNESIUM, k.span("tests"))
    except CannotTellError:
        return False


def _notes(patient: Patient, complaints: tuple[Problem, ...], risk: MagnesiumRisk, k: Limits) -> tuple[str, ...]:
    oldest = [p for p in complaints if p.at is not None and patient.as_of.days_since(p.at) > k.span("persisting").days]
    notes = (
        ("persisting", bool(oldest) and bool(patient.taking("magnesium-supplement"))),
        ("restless-legs", any(p.group == "restless-legs" for p in complaints)),
        ("no-magnesium-risk", not risk.points),
    )
    return tuple(name for name, holds in notes if holds)
