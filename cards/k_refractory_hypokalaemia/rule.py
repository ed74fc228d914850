"""k-refractory-hypokalaemia (catalogue section 4): potassium that stays low although enough is prescribed."""

from __future__ import annotations

from datetime import timedelta

from cards._families.daily_intake.family import Supply, daily_intake, total
from cards._families.dialysis.family import dialysis
from cards._families.potassium_context.family import potassium_context
from cds_service.errors import CannotTellError
from cds_service.facts.outcomes import Fact, Fires, NotApplicable, Outcome, Satisfied, Severity, Value
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result


def evaluate(patient: Patient, k: Limits) -> Outcome:
    """Fires when potassium stayed low for a day under a sufficient prescribed dose; magnesium tells which card."""
    last = patient.latest("potassium")
    if last is None:
        return NotApplicable(patient.absent("potassium"))
    first = _first_of_run(patient, last, k)
    if first is None or last.amount - first.amount >= k["rise"]:
        return Satisfied((last,))
    if not last.below(k["moderate"]) and patient.ask_or(dialysis, None) is not None:
        return NotApplicable("dialysis")
    supplies = patient.ask(daily_intake).potassium
    if not supplies:
        patient.surely_without("potassium")
        return NotApplicable("no potassium product")
    if not _treated(patient, supplies, last, k):
        return Satisfied((last,))
    variant, mg = _by_magnesium(patient, last, k)
    values: dict[str, Value] = {"k": last, "first": first, "mg": mg}
    beside: tuple[Fact, ...] = (first,) if mg is None else (first, mg)
    products = tuple(supply.exposure for supply in supplies)
    urgent = patient.ask(potassium_context).severity is Severity.CRITICAL
    notes = ("potassium-emergency",) if urgent else ()
    return Fires(variant, because=(last, *products), also=beside, values=values, notes=notes)


def _first_of_run(patient: Patient, last: Result, k: Limits) -> Result | None:
    """The oldest exact result of the unbroken row of low ones that ends in `last`, of the two weeks before it; None
    when the row is too short."""
    at, window = last.at.earliest, k.span("window")
    row: list[Result] = []
    for result in patient.series("potassium"):
        if result.at.earliest > at or at - result.at.earliest > window:
            continue
        if not result.below(k["low"]):
            break
        if not result.comparator:
            row.append(result)
    if not row or last.comparator or at - row[-1].at.earliest < k.span("apart"):
        return None
    return row[-1]


def _treated(patient: Patient, supplies: tuple[Supply, ...], last: Result, k: Limits) -> bool:
    """Whether products of known dose that began 48 h before the last result reach the dose; raises CannotTellError when
    that depends on an unknown dose or start."""
    long_enough, unclear = [], False
    for supply in supplies:
        since = supply.exposure.since
        if since is None:
            unclear = True
        elif last.at.earliest - since.latest >= k.span("treated"):
            long_enough.append(supply)
            unclear = unclear or supply.per_day is None
    if total(long_enough) >= k["dose"]:
        return True
    if unclear:
        raise CannotTellError("dose or start of potassium")
    return False


def _by_magnesium(patient: Patient, last: Result, k: Limits) -> tuple[str, Result | None]:
    """The card and the magnesium of the same two weeks or later."""
    span: timedelta = patient.as_of.at - last.at.earliest + k.span("window")
    mg = patient.latest("magnesium-serum", span)
    if mg is not None and mg.below(k["mg_low"]):
        return "magnesium-low", mg
    if mg is not None and mg.at_least(k["mg_normal"]):
        return "magnesium-normal", mg
    if patient.not_measured_within("magnesium-serum", span):
        return "magnesium-unknown", None
    return "magnesium-grey", mg
