"""mg-depletion-score-high: the published Magnesium Depletion Score, when serum magnesium was never measured."""

from __future__ import annotations

from decimal import Decimal

from cards._families.kidney_function.family import kidney_function
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.patient import Limits, Patient

COMPONENTS = (
    ("diuretic", "unknown-drugs"),
    ("ppi", "unknown-drugs"),
    ("egfr", "unknown-egfr"),
    ("alcohol-use", "unknown-alcohol"),
)


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Three points or more of diuretic, PPI, kidney function and alcohol, and no serum magnesium in a year."""
    if not patient.not_measured_within("magnesium-serum", k.span("no_magnesium_in")):
        return NotApplicable("magnesium was measured")
    terms = (_drug(patient, "diuretic", k), _drug(patient, "ppi", k), _kidney(patient, k), _alcohol(patient, k))
    known = [term for term in terms if term is not None]
    missing = [names for names, term in zip(COMPONENTS, terms, strict=True) if term is None]
    if len(known) < k["components_needed"]:
        raise CannotTellError(*(component for component, _ in missing))
    score = sum(points for _, points, _ in known)
    if score < k["high_from"]:
        return Satisfied()
    scored = [(name, Decimal(points)) for name, points, _ in known if points]
    lines = tuple(Phrase("scored", {"item": Phrase(name), "points": points}) for name, points in scored)
    return Fires(
        "high",
        also=tuple(fact for _, _, facts in known for fact in facts),
        values={"score": score, "terms": Listing(lines)},
        unknown=tuple(phrase for _, phrase in missing),
    )


Term = tuple[str, int, tuple[Fact, ...]]


def _drug(patient: Patient, group: str, k: Limits) -> Term | None:
    """Current use counts whatever the dose or duration; absence counts only on a complete, fully identified list."""
    if used := patient.taking(group):
        return f"mds-{group}", int(k["points_drug"]), used
    try:
        return (f"mds-{group}", 0, ()) if patient.surely_without(group) else None
    except CannotTellError:
        return None


def _kidney(patient: Patient, k: Limits) -> Term | None:
    kidney = patient.ask(kidney_function)
    if kidney.egfr is None:
        return None
    facts = () if kidney.basis is None else (kidney.basis,)
    if kidney.egfr < k["egfr_low"]:
        return "mds-egfr", int(k["points_egfr_low"]), facts
    return "mds-egfr", int(k["points_egfr_reduced"]) if kidney.egfr < k["egfr_reduced"] else 0, facts


def _alcohol(patient: Patient, k: Limits) -> Term | None:
    if disorder := patient.has_confirmed("alcohol-use-disorder"):
        return "mds-alcohol", int(k["points_alcohol"]), (disorder,)
    alcohol = patient.latest("alcohol-use")
    if alcohol is None or alcohol.comparator:
        return None
    limit = k["drinks_women"] if patient.sex == "female" else k["drinks_men"]
    return "mds-alcohol", int(k["points_alcohol"]) if alcohol.above(limit) else 0, (alcohol,)
