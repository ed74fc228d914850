"""Whether a stimulant laxative is used daily for months by someone whom that seems to harm (catalogue, group F)."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from cards._families.drug_monitoring.courses import used_from
from cds_service.facts.outcomes import Fact
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure


class LaxativeMisuse(msgspec.Struct, frozen=True):
    """The laxatives, and what makes their use worrying: low potassium, low weight, an eating disorder."""

    drugs: tuple[Exposure, ...]
    signs: tuple[Fact, ...]


def laxative_misuse(patient: Patient, k: Limits) -> LaxativeMisuse | None:
    """None when there is no such use. Raises CannotTellError when that hangs on an unknown start or problem list."""
    daily = tuple([e for e in patient.taking("laxative-stimulant") if _is_daily(e, k["daily"])])
    if not daily:
        return None
    signs = _signs(patient, k)
    if not signs:
        patient.complete("conditions")
        return None
    long = used_from(patient, daily, k.span("from"))
    return LaxativeMisuse(long, signs) if long else None


def _signs(patient: Patient, k: Limits) -> tuple[Fact, ...]:
    potassium, bmi = patient.latest("potassium"), patient.latest("bmi")
    disorder = patient.has("eating-disorder", "anorexia-nervosa")
    found: list[Fact] = [disorder] if disorder is not None else []
    if potassium is not None and potassium.below(k["potassium_low"]):
        found.append(potassium)
    if bmi is not None and bmi.below(k["bmi_low"]):
        found.append(bmi)
    return tuple(found)


def _is_daily(exposure: Exposure, daily: Decimal) -> bool:
    """Over-the-counter use counts: that is where this happens."""
    times = [dosage.per_day for dosage in exposure.dosages if not dosage.as_needed]
    known = [count for count in times if count is not None]
    return not exposure.as_needed and (not times or len(known) < len(times) or sum(known, Decimal(0)) >= daily)
