"""The magnesium loading test: which orders are one, and how much of the dose was retained."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from cds_service.errors import CannotTellError
from cds_service.facts.moments import Moment
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Problem, Result
from cds_service.facts.units import unit_of
from cds_service.facts.vocabulary import normal_name

TEST = re.compile(r"(loading|load|belasting|tolerance|tolerantie|retention|retentie)s? ?(test|proef)")
DENIED = re.compile(r"\b(no|not|geen|niet) (\w+ )?\w*(loading|belasting|tolerance|tolerantie|retention|retentie)")
PARENTERAL = "intravenous"
MILLI = Decimal(1000)
TENTH = Decimal("0.1")


class Retention(msgspec.Struct, frozen=True):
    """Share of the dose retained, percent to one decimal; may be negative.

    dose     mmol magnesium
    by_order the time of the dose is that of the order: when it was given is not known
    """

    percent: Decimal
    dose: Decimal
    order: Exposure
    baseline: Result
    post: Result
    by_order: bool


def is_loading_test(exposure: Exposure) -> bool:
    """Whether the name, instructions or reason of a magnesium order say that it is a loading test."""
    texts = (exposure.name, *exposure.reasons, *(dosage.text for dosage in exposure.dosages))
    return any(TEST.search(text) and not DENIED.search(text) for text in map(normal_name, texts))


def magnesium_retention(patient: Patient, k: Limits) -> Retention | None:
    """Retention in the latest loading test, None when there was none.

    Raises CannotTellError without a dose in mmol, or without the urine before and after it.
    """
    procedure = patient.underwent("magnesium-loading-test")
    tests = [order for order in patient.taking("magnesium") + patient.took("magnesium") if _is_of(order, procedure, k)]
    dated = [(start, order) for order in tests if (start := order.since or order.authored) is not None]
    if not dated:
        return None
    start, order = max(dated, key=lambda found: found[0].earliest)
    by_order = procedure is None or not _near(procedure.at, start, k)
    given = start if by_order or procedure is None or procedure.at is None else procedure.at
    dose = _millimoles(order, k)
    baseline, post = _urines(patient, given, k)
    if dose is None or baseline is None or post is None:
        raise CannotTellError("loading test: dose in mmol, or the 24 h urine before or after it")
    percent = (1 - (post.amount - baseline.amount) / dose) * 100
    return Retention(percent.quantize(TENTH, ROUND_HALF_UP), dose, order, baseline, post, by_order)


def _is_of(order: Exposure, procedure: Problem | None, k: Limits) -> bool:
    """An order that says it is a test, or intravenous magnesium around the procedure."""
    if is_loading_test(order):
        return True
    start = order.since or order.authored
    return procedure is not None and order.route == PARENTERAL and start is not None and _near(procedure.at, start, k)


def _near(procedure: Moment | None, start: Moment, k: Limits) -> bool:
    return procedure is not None and abs(procedure.earliest - start.earliest) <= k.span("procedure_near")


def _urines(patient: Patient, given: Moment, k: Limits) -> tuple[Result | None, Result | None]:
    """The last collection before the load and the first that ended a day or more after its start."""
    after = [(urine.at.earliest - given.earliest, urine) for urine in patient.series("magnesium-urine-24h")]
    before = [urine for since, urine in after if -k.span("baseline_from") <= since < k.span("post_from")]
    later = [urine for since, urine in after if k.span("post_from") <= since <= k.span("post_to")]
    return (before[0] if before else None), (later[-1] if later else None)


def _millimoles(order: Exposure, k: Limits) -> Decimal | None:
    """The dose, when it is one amount in mmol or meq."""
    amounts = {(dosage.amount, dosage.unit) for dosage in order.dosages}
    if len(amounts) != 1:
        return None
    amount, unit = amounts.pop()
    known = unit_of(unit)
    if amount is None or amount <= 0 or known is None or known.per or known.of not in ("substance", "charge"):
        return None
    size = amount * known.factor.numerator / known.factor.denominator * MILLI
    return (size if known.of == "substance" else size / k["dose_valence"]).normalize()
