"""mg-supplement-diarrhoea (catalogue section 10): a new diarrhoea in someone who takes magnesium."""

from __future__ import annotations

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_intake.family import magnesium_intake
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Problem


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """An oral magnesium product that was started before the diarrhoea may cause it; weighed by what the loss can do."""
    diarrhoea, chronic = patient.has("diarrhoea", within=k.span("new")), patient.has("chronic-diarrhoea")
    if diarrhoea is None or (chronic is not None and chronic.ref == diarrhoea.ref):
        return NotApplicable("no new diarrhoea")
    products = _products(patient)
    if not products:
        patient.complete("medications")
        return NotApplicable("no oral magnesium product")
    suspects = tuple([product for product in products if _started_before(product, diarrhoea)])
    if not suspects:
        if any(_started_before(product, diarrhoea) is None for product in products):
            raise CannotTellError("start dates of magnesium and diarrhoea")
        return Satisfied(products)
    reasons, facts = _reasons(patient, k)
    notes: list[str | Phrase] = [Phrase("raised", {"reasons": Listing(reasons)})] if reasons else []
    return Fires(
        "raised" if reasons else "new",
        because=(diarrhoea, *suspects, *facts),
        values={"diarrhoea": diarrhoea, "product": Listing(suspects)},
        notes=(*notes, *(("laxative",) if any("laxative" in product.groups for product in suspects) else ())),
        unknown=() if patient.ask(kidney_function).known else ("unknown-egfr",),
    )


def _products(patient: Patient) -> tuple[Exposure, ...]:
    """Active oral products with magnesium, as needed included; not a bowel preparation."""
    found = dict.fromkeys(line.exposure for line in patient.ask(magnesium_intake).lines if not line.draft)
    return tuple([product for product in found if "bowel-preparation-magnesium" not in product.groups])


def _started_before(product: Exposure, diarrhoea: Problem) -> bool | None:
    """None when the dates do not tell, as with two dates of one day."""
    if product.since is None or diarrhoea.at is None:
        return None
    if product.since.latest < diarrhoea.at.earliest:
        return True
    return False if product.since.earliest >= diarrhoea.at.latest else None


def _reasons(patient: Patient, k: Limits) -> tuple[tuple[Value, ...], tuple[Fact, ...]]:
    """What makes the loss of fluid and salt dangerous, as it is printed and as facts."""
    kidney = patient.ask(kidney_function)
    reduced = kidney.advanced or kidney.below(k["egfr_reduced"])
    dehydration = patient.has("dehydration", within=k.span("new"))
    facts: tuple[Fact, ...] = patient.taking("lithium", "digoxin") + (() if dehydration is None else (dehydration,))
    basis: tuple[Fact, ...] = (kidney.basis,) if reduced and kidney.basis is not None else ()
    return (*facts, *((Phrase("reduced-kidney-function"),) if reduced else ())), (*facts, *basis)
