"""mg-duplicate-products (catalogue section 10): two or more different oral magnesium products at once."""

from __future__ import annotations

from cards._families.kidney_function.family import kidney_function
from cards._families.magnesium_intake.family import MagnesiumIntake, MagnesiumLine, magnesium_intake, same_drug
from cards._families.magnesium_intake.lines import product_lines, total_phrase
from cds_service.facts.outcomes import Fact, Fires, Listing, NotApplicable, Outcome, Phrase, Satisfied, Severity
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """List the products, active and draft, with their sum; a warning when the kidneys clear magnesium less well."""
    intake = patient.ask(magnesium_intake)
    current = [line for line in intake.lines if not line.superseded]
    lines = [line for line in current if "multivitamin-mineral" not in line.exposure.groups]
    products, all_records = _different(lines), tuple(dict.fromkeys(line.exposure for line in lines))
    if not products:
        return NotApplicable("no oral magnesium product")
    if len(products) < k["products"]:
        return Satisfied(all_records)
    kidney = patient.ask(kidney_function)
    reduced = kidney.advanced or kidney.below(k["egfr_reduced"])
    basis: tuple[Fact, ...] = () if kidney.basis is None else (kidney.basis,)
    return Fires(
        "several",
        severity=Severity.WARNING if reduced else None,
        because=(*all_records, *(basis if reduced else ())),
        also=() if reduced else basis,
        values={"count": len(products), "sum": _sum(intake)},
        notes=product_lines(intake),
        unknown=() if kidney.known else ("unknown-egfr",),
    )


def _different(lines: list[MagnesiumLine]) -> tuple[Exposure, ...]:
    """One exposure per drug: orders of one drug by one route are one product."""
    found: list[Exposure] = []
    for line in lines:
        if not any(same_drug(line.exposure, other) for other in found):
            found.append(line.exposure)
    return tuple(found)


def _sum(intake: MagnesiumIntake) -> Phrase:
    if not intake.counted:
        return Phrase("sum-as-needed")
    if not any(line.known for line in intake.counted):
        return Phrase("sum-unknown")
    total = total_phrase(intake)
    if not intake.as_needed:
        return Phrase("sum", {"total": total})
    on_top = Listing(tuple(line.exposure for line in intake.as_needed))
    return Phrase("sum-and-as-needed", {"total": total, "products": on_top})
