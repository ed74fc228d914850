"""The intervals that a site's laboratory uses, for results that carry none of their own. They are meant for adults."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cds_service.facts.moments import AsOf, completed_years, is_adult
from cds_service.facts.records import Person, ReferenceRange, Result

SITE_RANGE = "site-range"
_JUDGED = frozenset({"lab-low", "lab-high"})


def is_known_adult(person: Person, as_of: AsOf) -> bool:
    """Whether the patient is 18 or older for certain."""
    return person.birth is not None and is_adult(completed_years(person.birth, as_of.today, as_of.zone))


def with_site_ranges(
    results: Mapping[str, tuple[Result, ...]], ranges: Mapping[str, ReferenceRange]
) -> Mapping[str, tuple[Result, ...]]:
    """The results, those of a concept in `ranges` that have no range with the site's."""
    filled = {
        concept: tuple(with_site_range(result, ranges[concept]) for result in results[concept])
        for concept in ranges
        if concept in results
    }
    return {**results, **filled} if filled else results


def with_site_range(result: Result, interval: ReferenceRange) -> Result:
    """The result, with the site's range when it has none; what the laboratory said of the value itself stays."""
    if result.range is not None:
        return result
    flags = result.flags | {SITE_RANGE}
    if _JUDGED.isdisjoint(flags):
        if interval.low is not None and result.below(interval.low):
            flags |= {"lab-low"}
        elif interval.high is not None and result.above(interval.high):
            flags |= {"lab-high"}
    return msgspec.structs.replace(result, range=interval, flags=flags)
