"""Time as charts record it: instants, dates without a time, partial dates.

A `Moment` is an interval [earliest, latest] of aware datetimes; an instant has both ends equal. `AsOf` is the one
instant at which a decision is taken, with the tenant's time zone: nothing below this module asks a clock.
"""

from __future__ import annotations

from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

DAY = timedelta(days=1)
LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""Before whatever happened, for sorting what has no time."""


class Moment(msgspec.Struct, frozen=True, gc=False):
    """When something happened. `day_only` is true when the chart gave no time of day."""

    earliest: datetime
    latest: datetime
    day_only: bool = False


class AsOf(msgspec.Struct, frozen=True):
    """The instant of the decision, the tenant's time zone and the local calendar day."""

    at: datetime
    zone: ZoneInfo
    today: date

    @classmethod
    def of(cls, at: datetime, zone: ZoneInfo) -> AsOf:
        """`at` must be aware. It is kept with its offset: times of one ZoneInfo subtract as wall clocks."""
        at = at.replace(tzinfo=timezone(at.utcoffset() or timedelta(0)))
        return cls(at, zone, at.astimezone(zone).date())

    def within(self, moment: Moment, span: timedelta) -> bool:
        """Whether `moment` lies at most `span` before now, limits inclusive.

        An instant is aged in exact hours (7 d = 168 h); a date without a time in whole calendar days.
        """
        if moment.day_only:
            return (self.today - moment.earliest.astimezone(self.zone).date()).days <= span.days
        return self.at - moment.earliest <= span

    def days_since(self, moment: Moment) -> int:
        """Whole days from `moment` to now: calendar days for a date, 24-hour periods for an instant."""
        return self._days(moment.earliest, moment.day_only)

    def days_surely_since(self, moment: Moment) -> int:
        """Like `days_since`, from the last instant that a date, month or year can mean."""
        return self._days(moment.latest, moment.day_only)

    def _days(self, at: datetime, day_only: bool) -> int:
        return (self.today - at.astimezone(self.zone).date()).days if day_only else (self.at - at) // DAY

    def may_be_within(self, moment: Moment, span: timedelta) -> bool:
        """Whether `moment` can lie at most `span` before now: a month or a year can, long after its first day."""
        return self.within(Moment(moment.latest, moment.latest, moment.day_only), span)


def read_zone(name: str) -> ZoneInfo:
    """The time zone of this IANA name. Raises ValueError that says so when there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("is no IANA time zone such as Europe/Amsterdam") from error


def parse_moment(text: str | None, zone: ZoneInfo) -> Moment | None:
    """Read a FHIR date, dateTime or instant; None for anything that is not one (and for the years 1 and 9999, which
    cannot be moved between time zones).

    A date, month or year becomes the interval it names in the tenant's time zone. A time without an offset (not valid
    FHIR, but sent) is read in that zone too.
    """
    if not text:
        return None
    if len(text) > 10:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        if not 1 < at.year < MAXYEAR:
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone).astimezone(UTC)  # two times of one ZoneInfo subtract as wall clocks
        return Moment(at, at)
    return _calendar_interval(text, zone)


@lru_cache(maxsize=4096)
def _calendar_interval(text: str, zone: ZoneInfo) -> Moment | None:
    parts = text.split("-")
    try:
        numbers = [int(part) for part in parts]
        if len(parts[0]) != 4 or len(parts) > 3 or not 1 < numbers[0] < MAXYEAR:
            return None
        first = date(numbers[0], *[*numbers[1:], 1, 1][:2])
    except (ValueError, IndexError):
        return None
    if len(parts) == 3:
        last = first
    elif len(parts) == 2:
        last = (first.replace(day=28) + timedelta(days=4)).replace(day=1) - DAY
    else:
        last = date(first.year, 12, 31)
    return Moment(_at(first, time.min, zone), _at(last, time.max, zone), day_only=True)


def _at(day: date, clock: time, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def is_adult(years: int) -> bool:
    """Whether somebody of so many completed years is an adult."""
    return years >= 18


def completed_years(birth: Moment, today: date, zone: ZoneInfo) -> int:
    """Age in completed years on `today`: the youngest possible one when the birth date is not fully known."""
    born = birth.latest.astimezone(zone)
    return max(today.year - born.year - ((today.month, today.day) < (born.month, born.day)), 0)
