"""What dates and cut pages prove: which result is nearest, which problem is newest and which is of now."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from cds_service.errors import CannotTellError
from cds_service.facts import proof
from cds_service.facts.moments import Moment, parse_moment
from cds_service.facts.records import Coverage, Problem, Result, Stay
from cds_service.facts.snapshot import Snapshot
from tests.unit.engine.charts import ZONE, moment, result, snapshot

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
STAY = Stay("Encounter/1", True, "in-progress", "", False, None)


def measured(value: str, at: Moment | None, **other: str) -> Result:
    assert at is not None
    return msgspec.structs.replace(result(value, **other), at=at)  # type: ignore[arg-type]


def problem(at: Moment | None, encounter: str | None = None) -> Problem:
    return Problem("cramps", "cramps", at, active=True, confirmed=True, by_text=False, ref="c", encounter=encounter)


def test_a_page_that_is_surely_cut_before_the_span_proves_what_was_not_measured() -> None:
    def cut(reach: timedelta) -> Snapshot:
        return snapshot(coverage={"labs": Coverage("truncated", moment(reach))})

    proof.require_unmeasured(cut(WEEK + HOUR), "sodium", WEEK)
    for reach in (WEEK, DAY):
        with pytest.raises(CannotTellError, match="only part"):
            proof.require_unmeasured(cut(reach), "sodium", WEEK)


def test_a_page_that_ends_with_a_month_reaches_back_no_further_than_its_last_day() -> None:
    ended = snapshot(coverage={"labs": Coverage("truncated", parse_moment("2026-10", ZONE))})
    proof.require_unmeasured(ended, "sodium", 20 * DAY)
    with pytest.raises(CannotTellError, match="only part"):
        proof.require_unmeasured(ended, "sodium", 21 * DAY)


def test_a_page_that_was_not_asked_proves_nothing() -> None:
    with pytest.raises(CannotTellError, match="labs"):
        proof.require_unmeasured(snapshot(coverage={}), "sodium", WEEK)


def test_a_bound_of_unknown_date_is_no_reason_to_doubt_that_nothing_was_measured() -> None:
    bound = measured("140", parse_moment("2026-11", ZONE), comparator="<")
    proof.require_unmeasured(snapshot(bound), "sodium", WEEK)


@pytest.mark.parametrize(
    ("at", "days", "counts"),
    [("2026-11-14", 7, True), ("2026-11-13", 7, False), ("2026-11-14T09:00:00Z", 7, True),
     ("2026-11-14T08:59:59Z", 7, False), ("2026-11-14T20:00:00Z", 7, True)],
)  # fmt: skip
def test_a_date_is_aged_in_days_and_an_instant_in_hours(at: str, days: int, counts: bool) -> None:
    as_of = snapshot().as_of
    span = timedelta(days=days)
    assert proof.is_measured([measured("140", parse_moment(at, ZONE))], as_of, span) is counts


def test_of_two_results_equally_near_the_first_is_taken() -> None:
    around = [measured("141", moment(4 * HOUR)), measured("139", moment(6 * HOUR))]
    nearest = proof.nearest(around, moment(5 * HOUR), HOUR)
    assert nearest is not None
    assert nearest.value == Decimal(141)
    assert proof.nearest(around, moment(7 * HOUR), HOUR) is around[1]
    assert proof.nearest(around, moment(8 * HOUR), HOUR) is None


def test_the_nearer_of_two_results_is_taken_in_whatever_order_they_come() -> None:
    near, far = measured("141", moment(4 * HOUR)), measured("139", moment(7 * HOUR))
    for results in ([near, far], [far, near]):
        assert proof.nearest(results, moment(5 * HOUR), DAY) is near


def test_a_result_that_is_too_old_for_its_concept_is_not_the_nearest() -> None:
    ignored = msgspec.structs.replace(result("140"), age="ignored")
    assert proof.nearest([ignored], ignored.at, DAY) is None


def test_the_newest_problem_is_the_one_with_the_latest_date() -> None:
    older, newer, undated = problem(moment(2 * DAY)), problem(moment(DAY)), problem(None)
    for problems in ([older, newer], [newer, older], [undated, older, newer], [newer, undated, older]):
        assert proof.newest(problems, None, snapshot()) is newer
    assert proof.newest([undated, older], None, snapshot()) is older
    assert proof.newest([older, undated], None, snapshot()) is older
    assert proof.newest([], None, snapshot()) is None


def test_an_undated_problem_is_of_now_when_it_belongs_to_the_stay() -> None:
    ours, other, nobodys = problem(None, STAY.ref), problem(None, "Encounter/2"), problem(None)
    here, home = snapshot(stay=STAY), snapshot()
    assert proof.newest([ours], WEEK, here) is ours
    assert proof.newest([other], WEEK, here) is None
    assert proof.newest([nobodys], WEEK, here) is None
    assert proof.newest([ours], WEEK, home) is None
    assert proof.newest([nobodys], WEEK, home) is None


def test_only_what_is_asked_to_last_may_have_ended_in_the_window() -> None:
    lately = msgspec.structs.replace(problem(moment(30 * DAY)), ended=moment(DAY))
    assert proof.newest([lately], WEEK, snapshot()) is None
    assert proof.newest([lately], WEEK, snapshot(), lasting=True) is lately
