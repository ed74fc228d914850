"""gate-icu (catalogue 1.4): a stay on a ward that the tenant lists as intensive care with its own protocol."""

from __future__ import annotations

from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Stay


def icu(patient: Patient, k: Limits) -> Stay | None:
    """The stay, when one of its location or service codes is in the tenant's setting `icu_locations`."""
    listed = patient.site("icu_locations")
    stay = patient.stay
    return stay if stay is not None and stay.inpatient and not listed.isdisjoint(stay.codes) else None
