"""Which use of a drug counts for monitoring: regular, by the right route, long enough, or ended only just now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from cds_service.errors import CannotTellError
from cds_service.facts.moments import Moment
from cds_service.facts.patient import Patient
from cds_service.facts.records import Exposure


def regular(exposures: Iterable[Exposure]) -> tuple[Exposure, ...]:
    """Without as-needed and over-the-counter use: those are no long-term use."""
    return tuple([e for e in exposures if not e.as_needed and not e.over_the_counter])


def by_route(exposures: tuple[Exposure, ...], routes: Collection[str]) -> tuple[Exposure, ...]:
    """Those given by one of the routes; without routes all of them."""
    return tuple([e for e in exposures if e.route in routes]) if exposures and routes else exposures


def last_dose(exposure: Exposure) -> Moment | None:
    """The end of the order, else when it was written."""
    return exposure.until or exposure.authored


def ended_within(patient: Patient, span: timedelta, *groups: str) -> tuple[Exposure, ...]:
    """Past exposures whose last dose is at most `span` ago."""
    found = []
    for exposure in patient.took(*groups):
        last = last_dose(exposure)
        if last is not None and patient.as_of.within(last, span):
            found.append(exposure)
    return tuple(found)


def lasted(patient: Patient, exposure: Exposure) -> timedelta | None:
    """How long an exposure lasts, or lasted, at least; None when its start (or the end of a past one) is unknown."""
    if exposure.since is None or (exposure.status == "past" and exposure.until is None):
        return None
    if exposure.status == "past" and exposure.until is not None:
        return exposure.until.latest - exposure.since.latest
    return patient.taken_for(exposure)


def used_from(patient: Patient, exposures: tuple[Exposure, ...], span: timedelta) -> tuple[Exposure, ...]:
    """Those used for at least `span` (limits inclusive).

    Raises CannotTellError when none is, and the duration of one is unknown.
    """
    durations = [(exposure, lasted(patient, exposure)) for exposure in exposures]
    long = tuple([exposure for exposure, lasting in durations if lasting is not None and lasting >= span])
    if not long and any(lasting is None for _, lasting in durations):
        raise CannotTellError("start date of the drug")
    return long
