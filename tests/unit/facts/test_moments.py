"""Time as charts record it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cds_service.facts.moments import AsOf, Moment, parse_moment

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def read(text: str) -> Moment:
    moment = parse_moment(text, AMSTERDAM)
    assert moment is not None
    return moment


def test_two_local_times_around_the_end_of_summer_time_lie_their_real_distance_apart() -> None:
    before, after = read("2026-10-25T01:30:00"), read("2026-10-25T03:30:00")
    assert after.earliest - before.earliest == timedelta(hours=3)


def test_a_month_may_lie_within_a_span_that_its_first_day_has_passed() -> None:
    as_of = AsOf.of(datetime(2026, 11, 21, 9, tzinfo=UTC), AMSTERDAM)
    assert not as_of.within(read("2026-11"), timedelta(days=7))
    assert as_of.may_be_within(read("2026-11"), timedelta(days=7))
    assert not as_of.may_be_within(read("2026-10"), timedelta(days=7))


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00Z", "9999-12-31T10:00:00Z", "2026-13-01T00:00", "2026-02-30", "0001", "26-01", "soon"]
)
def test_what_is_no_date_that_can_be_moved_between_time_zones_is_none(text: str) -> None:
    assert parse_moment(text, ZoneInfo("Europe/Amsterdam")) is None
