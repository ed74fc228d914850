"""Time as charts record it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cds_service.facts.moments import AsOf, Moment, completed_years, is_adult, parse_moment, read_zone

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def read(text: str) -> Moment:
    moment = parse_moment(text, AMSTERDAM)
    assert moment is not None
    return moment


def test_two_local_times_around_the_end_of_summer_time_lie_their_real_distance_apart() -> None:
    before, after = read("2026-10-25T01:30:00"), read("2026-10-25T03:30:00")
    assert after.earliest - before.earliest == timedelta(hours=3)


def test_spans_before_now_are_exact_hours_also_when_now_is_told_in_a_zone() -> None:
    noon = AsOf.of(datetime(2026, 10, 25, 12, tzinfo=AMSTERDAM), AMSTERDAM)
    day = timedelta(hours=24)
    assert noon.at - day == datetime(2026, 10, 24, 11, tzinfo=UTC)
    assert not noon.within(read("2026-10-24T12:30:00"), day)
    assert noon.within(read("2026-10-24T13:00:00"), day)
    assert noon.at.isoformat() == "2026-10-25T12:00:00+01:00"


def test_a_month_may_lie_within_a_span_that_its_first_day_has_passed() -> None:
    as_of = AsOf.of(datetime(2026, 11, 21, 9, tzinfo=UTC), AMSTERDAM)
    assert not as_of.within(read("2026-11"), timedelta(days=7))
    assert as_of.may_be_within(read("2026-11"), timedelta(days=7))
    assert not as_of.may_be_within(read("2026-10"), timedelta(days=7))


@pytest.mark.parametrize(
    ("text", "earliest", "latest"),
    [
        ("2024", "2023-12-31T23:00:00+00:00", "2024-12-31T22:59:59.999999+00:00"),
        ("2024-02", "2024-01-31T23:00:00+00:00", "2024-02-29T22:59:59.999999+00:00"),
        ("2023-02", "2023-01-31T23:00:00+00:00", "2023-02-28T22:59:59.999999+00:00"),
        ("2024-12", "2024-11-30T23:00:00+00:00", "2024-12-31T22:59:59.999999+00:00"),
        ("2026-07-31", "2026-07-30T22:00:00+00:00", "2026-07-31T21:59:59.999999+00:00"),
    ],
)
def test_a_date_a_month_and_a_year_are_the_interval_they_name(text: str, earliest: str, latest: str) -> None:
    found = read(text)
    assert (found.earliest.isoformat(), found.latest.isoformat()) == (earliest, latest)
    assert found.day_only


@pytest.mark.parametrize("text", ["2026-11-21T10:00", "2026-11-21T10", "2026-11-21T10:00:00+01:00"])
def test_a_time_is_an_instant_in_the_zone_it_names_or_else_in_ours(text: str) -> None:
    found = read(text)
    assert found.earliest == found.latest == datetime(2026, 11, 21, 9, tzinfo=UTC)
    assert not found.day_only


@pytest.mark.parametrize(
    "text",
    [
        None, "", "soon", "26-11-21", "2026-13", "2026-02-30", "2026-11-21-1", "2026-11-1a", "02026-11", "0001", "9999",
        "0001-01-01", "9999-12", "9999-12-31", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-21 at ten",
        "2024-1-1-1", "2026-11- 21", "2026-13-01T00:00", "26-01", "9999-12-31T10:00:00Z",
    ],
)  # fmt: skip
def test_what_is_not_a_usable_date_is_none(text: str | None) -> None:
    assert parse_moment(text, AMSTERDAM) is None


@pytest.mark.parametrize("text", ["0002", "9998", "0002-01-01T00:00:00Z", "9998-12-31T00:00:00Z"])
def test_the_years_beside_the_first_and_the_last_can_be_used(text: str) -> None:
    assert parse_moment(text, AMSTERDAM) is not None


@pytest.mark.parametrize(
    ("text", "since", "surely"),
    [("2026-11-20T09:00:01Z", 0, 0), ("2026-11-20T09:00:00Z", 1, 1), ("2026-11-20", 1, 1), ("2026-11-20T23:30", 0, 0),
     ("2026-10", 51, 21), ("2025", 689, 325), ("2026-11-22", -1, -1)],
)  # fmt: skip
def test_days_are_counted_from_the_first_or_surely_from_the_last_moment(text: str, since: int, surely: int) -> None:
    as_of = AsOf.of(datetime(2026, 11, 21, 9, tzinfo=UTC), AMSTERDAM)
    assert (as_of.days_since(read(text)), as_of.days_surely_since(read(text))) == (since, surely)


@pytest.mark.parametrize(
    ("birth", "years"),
    [
        ("1960-11-21", 66),
        ("1960-11-22", 65),
        ("1960-12-01", 65),
        ("1960-10-30", 66),
        ("1960-11", 65),
        ("1960", 65),
        ("2026", 0),
    ],
)
def test_an_age_is_the_youngest_that_the_birth_date_allows(birth: str, years: int) -> None:
    assert completed_years(read(birth), date(2026, 11, 21), AMSTERDAM) == years


def test_the_day_of_the_decision_is_the_one_of_the_place_not_of_greenwich() -> None:
    assert AsOf.of(datetime(2026, 11, 21, 23, 30, tzinfo=UTC), AMSTERDAM).today == date(2026, 11, 22)


@pytest.mark.parametrize("name", ["Europe/Amsterdm", "../Amsterdam", "Europe", ""])
def test_what_is_no_time_zone_is_refused_in_words(name: str) -> None:
    assert read_zone("Europe/Amsterdam") == ZoneInfo("Europe/Amsterdam")
    with pytest.raises(ValueError, match="is no IANA time zone such as Europe/Amsterdam"):
        read_zone(name)


def test_an_adult_has_lived_eighteen_years() -> None:
    assert [is_adult(years) for years in (17, 18, 19)] == [False, True, True]
