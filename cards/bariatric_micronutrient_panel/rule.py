"""bariatric-micronutrient-panel (catalogue, section 11): bariatric surgery, and the yearly blood tests not all done."""

from __future__ import annotations

from datetime import timedelta

from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.panels import find_gaps
from cds_service.facts.patient import Limits, Patient

PANEL = (
    ("test-calcium", ("calcium-total", "calcium-ionised", "calcium-adjusted")),
    ("test-pth", ("pth",)),
    ("test-vitamin-d", ("vitamin-d",)),
    ("test-ferritin", ("ferritin",)),
)
OPTIONAL = (("magnesium", ("magnesium-serum",)),)
ALL = frozenset(concept for _, concepts in (*PANEL, *OPTIONAL) for concept in concepts)
CHECKS = ("third_check", "second_check", "first_check")


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when a test of the panel was not done since the check that is due: 3, 6, 12 months, then yearly."""
    surgery = patient.underwent("bariatric-surgery", "bariatric-malabsorptive")
    surgery = surgery or patient.has_confirmed("bariatric-surgery", "bariatric-malabsorptive")
    if surgery is None:
        return NotApplicable("no bariatric surgery")
    interval = k.span("yearly") if surgery.at is None else _interval(patient.as_of.days_since(surgery.at), k)
    if interval is None:
        return NotApplicable("the first check is not due yet")
    gaps = find_gaps(patient, PANEL, interval, k.span("ordered"))
    if not gaps.missing:
        gaps.require_certainty()
        return Satisfied((surgery,))
    bypass = patient.underwent("bariatric-malabsorptive") or patient.has_confirmed("bariatric-malabsorptive")
    optional = OPTIONAL if bypass is not None else ()
    asked = gaps.concepts | find_gaps(patient, optional, interval, k.span("ordered")).concepts
    return Fires(
        "panel",
        because=(surgery,),
        values={"tests": Listing(tuple(Phrase(test) for test in gaps.missing))},
        notes=("malabsorptive",) if bypass is not None else (),
        unknown=tuple(gaps.unsure),
        measured=ALL - asked,
    )


def _interval(days: int, k: Limits) -> timedelta | None:
    """Since when the tests must have been done: somewhat before the last check that is due; None before the first."""
    since = timedelta(days=days)
    for check in CHECKS:
        if since >= k.span(check):
            return min(k.span("yearly"), since - k.span(check) + k.span("before"))
    return None
