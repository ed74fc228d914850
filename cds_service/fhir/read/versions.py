"""Which of two versions of a resource is the later one; and one version of each Observation, when several keys deliver
it or a server sends its history."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cds_service.facts.moments import Moment
from cds_service.fhir.read.quality import CORRECTED, WITHDRAWN
from cds_service.fhir.structs import Observation, Resource

Keyed = tuple[str, Sequence[Observation]]
Clock = Callable[[str | None], Moment | None]


def is_later(one: str | None, other: str | None, clock: Clock) -> bool | None:
    """Whether a version was last updated after another one (`meta.lastUpdated` of both, as sent); None when that cannot
    be told. clock: reads a FHIR instant."""
    first, second = clock(one), clock(other)
    if first is None or second is None or first.latest == second.latest:
        return None
    return first.latest > second.latest


def newest_versions(pages: list[Keyed], clock: Clock) -> list[Keyed]:
    """Every Observation once, under its key: of several with one id the last updated, else the first.

    clock: reads a FHIR instant. Nearly always no id is there twice: then the pages come back as they are.
    """
    ids: set[str] = set()
    sent = 0
    for _, page in pages:
        ids.update([observation.id for observation in page])
        sent += len(page)
    if len(ids) == sent and "" not in ids:
        return pages
    found: dict[str, tuple[str, Observation]] = {}
    nameless: list[tuple[str, Observation]] = []
    for key, page in pages:
        for observation in page:
            name = observation.id
            if not name:
                nameless.append((key, observation))
            elif name not in found or _supersedes(observation, found[name][1], clock):
                found[name] = (key, observation)
    return [(key, (observation,)) for key, observation in (*found.values(), *nameless)]


def last_updated(resource: Resource | Observation) -> str | None:
    """When the server last changed it, as sent."""
    return None if resource.meta is None else resource.meta.last_updated


def _supersedes(other: Observation, known: Observation, clock: Clock) -> bool:
    later = is_later(last_updated(other), last_updated(known), clock)
    if later is not None:
        return later
    status = other.status.strip()
    return status in WITHDRAWN or (status in CORRECTED and known.status.strip() == "final")
