"""What the dates and the completeness of a chart prove: that something was not measured, that a problem is of now."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from cds_service.errors import CannotTellError
from cds_service.facts.moments import AsOf, Moment
from cds_service.facts.records import Problem, Result
from cds_service.facts.snapshot import Snapshot


def require_unmeasured(snapshot: Snapshot, concept: str, span: timedelta) -> None:
    """Raises CannotTellError when an exact result of the concept may lie within `span` that cannot be used or is not
    here: a preliminary one, one of which only the month or year is known, one on a page that was not delivered."""
    as_of = snapshot.as_of
    for result in snapshot.results.get(concept, ()):
        if not result.comparator and as_of.may_be_within(result.at, span):
            if "preliminary" in result.flags:
                raise CannotTellError(f"{concept}: only provisional results")
            if not as_of.within(result.at, span):
                raise CannotTellError(f"{concept}: its date is not exact")
    key = snapshot.concept_keys.get(concept, concept)
    coverage = snapshot.coverage.get(key)
    reach = coverage.reaches_to if coverage is not None else None
    if (reach is None or as_of.may_be_within(reach, span)) and (gap := snapshot.gap(key)):
        raise CannotTellError(gap)


def is_measured(results: Iterable[Result], as_of: AsOf, span: timedelta) -> bool:
    """Whether an exact result lies within `span`."""
    since = as_of.at - span
    for r in results:
        if not r.comparator and (as_of.within(r.at, span) if r.at.day_only else r.at.earliest >= since):
            return True
    return False


def nearest(results: Iterable[Result], moment: Moment, within: timedelta) -> Result | None:
    """The result closest to `moment`, at most `within` before or after it, that is not too old for its concept."""
    found, at = None, moment.earliest
    for result in results:
        apart = abs(result.at.earliest - at)
        if apart <= within and result.age != "ignored" and (found is None or apart < within):
            found, within = result, apart
    return found


def newest(
    problems: Iterable[Problem], within: timedelta | None, snapshot: Snapshot, *, lasting: bool = False
) -> Problem | None:
    """The newest problem of the window, when one is given: dated in it, or undated and of the current encounter; with
    `lasting` also one that goes on or ended in it. An undated problem is the oldest."""
    found = [p for p in problems if _is_of_window(p, within, snapshot) or (lasting and _lasted(p, within, snapshot))]
    if len(found) < 2:
        return found[0] if found else None
    return max(found, key=problem_time)


def problem_time(problem: Problem) -> float:
    """Epoch seconds by which problems are ordered."""
    return problem.at.latest.timestamp() if problem.at is not None else float("-inf")


def _is_of_window(problem: Problem, within: timedelta | None, snapshot: Snapshot) -> bool:
    if within is None:
        return True
    if problem.at is not None:
        return snapshot.as_of.within(problem.at, within)
    return problem.encounter is not None and snapshot.stay is not None and problem.encounter == snapshot.stay.ref


def _lasted(problem: Problem, within: timedelta | None, snapshot: Snapshot) -> bool:
    ended = problem.ended
    return problem.ongoing or (ended is not None and within is not None and snapshot.as_of.within(ended, within))
