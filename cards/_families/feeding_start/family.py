"""When nutrition support began (catalogue 1.8, feeding start)."""

from __future__ import annotations

import msgspec

from cds_service.facts.moments import Moment
from cds_service.facts.patient import Limits, Patient
from cds_service.facts.records import Exposure, Problem

KINDS = ("nutrition-support", "tube-feeding", "parenteral-nutrition")  # the more specific name wins


class FeedingStart(msgspec.Struct, frozen=True):
    """A procedure or prescription of nutrition support, with when it began."""

    at: Moment
    fact: Problem | Exposure


def feeding_start(patient: Patient, k: Limits) -> tuple[FeedingStart, ...]:
    """Every dated start of nutrition support, newest first: of each kind of procedure the last one, and every
    prescription. Never raises; no start found proves nothing."""
    procedures = (patient.underwent(kind) for kind in KINDS)
    found = {p.ref: FeedingStart(p.at, p) for p in procedures if p is not None and p.at is not None}
    prescriptions = patient.taking("parenteral-nutrition") + patient.took("parenteral-nutrition")
    starts = [*found.values(), *(FeedingStart(e.since, e) for e in prescriptions if e.since is not None)]
    return tuple(sorted(starts, key=lambda start: start.at.latest, reverse=True))
