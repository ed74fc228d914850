"""mg-dose-unknown (catalogue section 10): a magnesium product whose dose cannot be computed, where it matters."""

from __future__ import annotations

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_intake.family import magnesium_intake
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Value
from cds_service.facts.patient import Limits, Patient


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Ask for the dose in someone with a reduced kidney function, of old age, or on digoxin."""
    lines = [line for line in patient.ask(magnesium_intake).lines if not line.known and not line.superseded]
    products = tuple(dict.fromkeys(line.exposure for line in lines))
    if not products:
        return NotApplicable("no magnesium product without a computable dose")
    kidney, digoxin = patient.ask(kidney_function), patient.taking_or_ordering("digoxin")
    reduced = kidney.advanced or kidney.below(k["egfr_reduced"])
    reasons: tuple[Value, ...] = (
        *((Phrase("reduced-kidney-function"),) if reduced else ()),
        *((Phrase("old", {"age": k["age"]}),) if patient.aged_at_least(k["age"]) else ()),
        *digoxin,
    )
    if not reasons:
        if not kidney.known:
            raise CannotTellError("egfr")
        if patient.age is None:
            raise CannotTellError("age")
        return Satisfied(products) if patient.surely_without("digoxin") else NotApplicable("digoxin")
    basis: tuple[Fact, ...] = (kidney.basis,) if reduced and kidney.basis is not None else ()
    return Fires(
        "ask",
        because=(*products, *digoxin),
        also=basis,
        values={"product": Listing(products), "reasons": Listing(reasons)},
        unknown=() if kidney.known else ("unknown-egfr",),
    )
