"""Magnesium given around a draw (dq-post-dose) and repletion ordered after it (gate-already-treated)."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from cards._families.magnesium_intake.lines import is_supplement
from cds_service.facts.moments import Moment
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, LabOrder, Result


class MagnesiumDosing(msgspec.Struct, frozen=True):
    """What was given and ordered around the latest serum magnesium.

    infusions  intravenous magnesium, running or ended
    peak       the infusion during which, or at most 6 h after which, the latest magnesium was drawn
    repletion  oral supplement or intravenous magnesium ordered (or started) after the draw
    recheck    a serum magnesium ordered after the draw
    """

    infusions: tuple[Exposure, ...]
    stores: timedelta
    peak: Exposure | None = None
    repletion: Exposure | None = None
    recheck: LabOrder | None = None

    def spoils(self, result: Result) -> Exposure | None:
        """The infusion during which, or less than 24 h after which, a serum magnesium was drawn: it then says nothing
        about stores or repletion."""
        for infusion in self.infusions:
            after = time_since_dose(result, infusion)
            if after is not None and after < self.stores:
                return infusion
        return None


def magnesium_dosing(patient: Patient, k: Limits) -> MagnesiumDosing:
    """Doses and orders around the latest serum magnesium. Never raises: what is not recorded counts as not given."""
    given = patient.taking("magnesium") + patient.took("magnesium")
    infusions = tuple([e for e in given if e.route == "intravenous"])
    mg = patient.last_known("magnesium-serum")
    if mg is None or not given:
        recheck = None if mg is None else ordered_after(mg, patient)
        return MagnesiumDosing(infusions, k.span("stores"), recheck=recheck)
    near = (e for e in infusions if (after := time_since_dose(mg, e)) is not None and after <= k.span("peak"))
    products = (e for e in given if e.route == "intravenous" or is_supplement(e))
    repletion = (e for e in products if placed_after(e, mg, patient))
    return MagnesiumDosing(
        infusions, k.span("stores"), next(near, None), next(repletion, None), ordered_after(mg, patient)
    )


def time_since_dose(result: Result, product: Exposure) -> timedelta | None:
    """How long after the end of a magnesium product the sample was taken, zero during its use; None when taken before
    its start."""
    start = product.since or product.authored
    if start is not None and result.at.latest < start.earliest:
        return None
    if product.status == "active" and product.until is None:
        return timedelta(0)
    end = product.until or product.authored or product.since
    return None if end is None else max(result.at.earliest - end.latest, timedelta(0))


def placed_after(exposure: Exposure, result: Result, patient: Patient) -> bool:
    """Whether a product was ordered (or started) after a draw."""
    placed = exposure.authored or exposure.since
    return placed is not None and is_after(placed, result.at, patient)


def is_after(moment: Moment, draw: Moment, patient: Patient) -> bool:
    """Later than the draw; when either has only a date, the same calendar day counts as after."""
    if moment.day_only or draw.day_only:
        return patient.as_of.days_since(_start_of_day(moment)) <= patient.as_of.days_since(_start_of_day(draw))
    return moment.earliest > draw.earliest


def _start_of_day(moment: Moment) -> Moment:
    return Moment(moment.earliest, moment.latest, day_only=True)


def ordered_after(result: Result, patient: Patient) -> LabOrder | None:
    """An active order for serum magnesium that was placed, or is due, after the draw."""
    if patient.ordered("magnesium-serum", timedelta.max) is None:
        return None
    days = timedelta(days=patient.as_of.days_since(_start_of_day(result.at)))
    for span in (patient.as_of.at - result.at.earliest, days):
        order = patient.ordered("magnesium-serum", span)
        if order is not None and order.at is not None and is_after(order.at, result.at, patient):
            return order
    return None
