"""The latest QTc, by Fridericia where one ECG has several, and the one before it by the same formula."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec

from cds_service.facts.moments import AsOf
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Result

FORMULAS = ("by-fridericia", "by-unnamed-formula", "by-bazett")
USABLE = frozenset({"fresh", "recent"})


class QtcReading(msgspec.Struct, frozen=True):
    """The QTc that counts (fresh or recent), and the latest one of at least a day before it; ms."""

    result: Result | None = None
    earlier: Result | None = None

    def within(self, span: timedelta, as_of: AsOf) -> Result | None:
        """The QTc that counts when it is at most `span` old."""
        return self.result if self.result is not None and as_of.within(self.result.at, span) else None

    @property
    def rise(self) -> Decimal | None:
        """How much it rose; None without an earlier value, or when either is only a bound."""
        if self.result is None or self.earlier is None or self.result.comparator or self.earlier.comparator:
            return None
        return self.result.value - self.earlier.value


def qtc_reading(patient: Patient, k: Limits) -> QtcReading:
    """Of the newest ECG the QTc by the best formula. Never raises."""
    known = patient.series("qtc")
    recent = [r for r in known if r.age in USABLE]
    if not recent:
        return QtcReading()
    newest = recent[0].at.latest
    one_ecg = [r for r in recent if newest - r.at.latest <= k.span("same_ecg")]
    result = min(one_ecg, key=_rank)
    at = result.at.earliest
    earlier = (r for r in known if _rank(r) == _rank(result) and at - r.at.earliest >= k.span("before"))
    return QtcReading(result, next(earlier, None))


def _rank(result: Result) -> int:
    return next((place for place, formula in enumerate(FORMULAS) if formula in result.flags), len(FORMULAS))
