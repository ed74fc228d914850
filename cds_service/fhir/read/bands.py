"""How old a result is for a decision: fresh, recent, stale or ignored by its concept's age policy."""

from __future__ import annotations

from datetime import datetime, timedelta

from cds_service.facts.moments import AsOf, Moment
from cds_service.facts.records import Band
from cds_service.facts.vocabulary import AgePolicy, Concept


class Bands:
    """The age bands of one call; where they begin is worked out once per concept."""

    def __init__(self, as_of: AsOf, inpatient: bool) -> None:
        self._as_of = as_of
        self._inpatient = inpatient
        self._since: dict[str, tuple[datetime, datetime, datetime]] = {}

    def of(self, at: Moment, concept: Concept) -> Band:
        """The band of a result measured at `at`: an instant by the hour, a date by calendar days."""
        if at.day_only:
            return self._of_day(at, concept.age)
        since = self._since.get(concept.id)
        if since is None:
            now, policy = self._as_of.at, concept.age
            stale = policy.stale or policy.recent
            since = self._since[concept.id] = now - self._fresh(policy), now - policy.recent, now - stale
        if at.earliest >= since[0]:
            return "fresh"
        if at.earliest >= since[1]:
            return "recent"
        return "stale" if at.earliest >= since[2] else "ignored"

    def _of_day(self, at: Moment, policy: AgePolicy) -> Band:
        if self._as_of.within(at, self._fresh(policy)):
            return "fresh"
        if self._as_of.within(at, policy.recent):
            return "recent"
        return "stale" if policy.stale is not None and self._as_of.within(at, policy.stale) else "ignored"

    def _fresh(self, policy: AgePolicy) -> timedelta:
        return policy.fresh_inpatient if self._inpatient and policy.fresh_inpatient is not None else policy.fresh
