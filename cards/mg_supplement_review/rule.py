"""mg-supplement-review (catalogue section 10): a supplement taken for long without a look at blood or kidneys."""

from __future__ import annotations

from cards._families.magnesium_intake.lines import is_supplement
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied
from cds_service.facts.panels import find_gaps
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure

PANEL = (("magnesium", ("magnesium-serum",)), ("kidneys", ("creatinine", "egfr")))
MEASURED = frozenset({"magnesium-serum", "creatinine", "egfr"})


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Half a year of a supplement, and in the last year no magnesium, or no creatinine or eGFR, done or ordered."""
    supplements = [e for e in patient.taking("magnesium") if is_supplement(e) and not e.as_needed]
    if not supplements:
        return NotApplicable("no magnesium supplement in regular use")
    lasting = _lasting(patient, supplements, k)
    if not lasting:
        return NotApplicable("not taken for long")
    gaps = find_gaps(patient, PANEL, k.span("measured"), k.span("ordered"))
    if not gaps.missing:
        gaps.require_certainty()
        return Satisfied(lasting)
    drafts = [e for e in patient.judged("magnesium") if any(e.ingredients == old.ingredients for old in lasting)]
    return Fires(
        "review",
        because=(*lasting, *drafts),
        values={"drug": lasting[0], "missing": Listing(tuple([Phrase(name) for name in gaps.missing]))},
        measured=MEASURED - gaps.concepts,
    )


def _lasting(patient: Patient, supplements: list[Exposure], k: Limits) -> tuple[Exposure, ...]:
    """Those taken for half a year or longer, the longest first. Raises CannotTellError when only unknown starts are
    left."""
    dated = sorted((e for e in supplements if e.since is not None), key=patient.taken_for, reverse=True)
    lasting = tuple([e for e in dated if patient.taken_for(e) >= k.span("long")])
    if not lasting and len(dated) < len(supplements):
        raise CannotTellError("start date of magnesium")
    return lasting
