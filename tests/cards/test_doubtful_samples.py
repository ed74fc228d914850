"""Which samples are doubtful, and which electrolytes were low before feeding began: by their times and values."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from cards._families.refeeding_risk.family import refeeding_risk
from cards._families.sample_quality.family import SampleQuality, sample_quality
from cds_service.facts.moments import Moment
from cds_service.facts.records import Result, Unusable
from tests.cards.asking import DAY, ask, measured, problem
from tests.unit.engine.charts import moment

HOUR = timedelta(hours=1)


def by_day(found: Result) -> Result:
    """The same result with a date but no time."""
    at = found.at.earliest
    first, last = (datetime(at.year, at.month, at.day, hour, tzinfo=at.tzinfo) for hour in (0, 23))
    return msgspec.structs.replace(found, at=Moment(first, last, day_only=True))


def test_a_sample_from_the_arm_with_the_drip_is_doubtful_whatever_its_value() -> None:
    arm = measured("potassium", "4.0", flags=("drip-arm",))
    found = ask(sample_quality, arm)
    assert (found.drip_arm, found.high, found.edta) == ((arm,), frozenset(), ())


def test_a_date_without_a_time_is_never_the_same_draw_as_an_instant() -> None:
    potassium, calcium = measured("potassium", "6.5", 9 * HOUR), measured("calcium-total", "1.50", 9 * HOUR)
    magnesium = measured("magnesium-serum", "0.40", 9 * HOUR)
    assert ask(sample_quality, potassium, calcium, magnesium).edta == (potassium, calcium, magnesium)
    assert ask(sample_quality, potassium, by_day(calcium), magnesium).edta == ()
    assert ask(sample_quality, by_day(potassium), calcium, magnesium).edta == ()


def suspect(ago: timedelta, value: str | None = "0.20") -> Unusable:
    """A magnesium whose unit contradicts its own range."""
    known = None if value is None else Decimal(value)
    return Unusable("magnesium-serum", "dq-unit-suspect", moment(ago), "0.20 mg/dL", "Observation/9", known)


def doubts(*unusable: Unusable, usable: timedelta | None = None) -> SampleQuality:
    results = [] if usable is None else [measured("magnesium-serum", "0.80", usable)]
    found: SampleQuality = ask(sample_quality, *results, unusable={"magnesium-serum": unusable})
    return found


def test_of_two_results_in_a_suspect_unit_only_the_newest_is_shown() -> None:
    assert doubts(suspect(DAY), suspect(2 * DAY)).unit_suspect == (suspect(DAY),)
    assert doubts(suspect(DAY, "0.80"), suspect(2 * DAY)).unit_suspect == ()


def test_a_usable_result_of_the_same_moment_settles_a_suspect_unit() -> None:
    assert doubts(suspect(DAY), usable=DAY).unit_suspect == ()
    assert doubts(suspect(DAY), usable=2 * DAY).unit_suspect == (suspect(DAY),)


def test_a_suspect_unit_of_which_no_value_can_be_made_alarms_nobody() -> None:
    assert doubts(suspect(DAY, None)).unit_suspect == ()


def refeeding(*phosphates: Result) -> tuple[object, ...]:
    """The criteria of a patient who has tube feeding since 4 days, and parenteral nutrition since one."""
    kinds = {"tube-feeding": 4, "parenteral-nutrition": 1}
    procedures = {kind: (problem(kind, days),) for kind, days in kinds.items()}
    criteria: tuple[object, ...] = ask(refeeding_risk, *phosphates, procedures=procedures).criteria
    return criteria


def test_what_was_low_before_the_first_feeding_counts_and_not_what_fell_since() -> None:
    low, normal = (("phosphate", value) for value in ("0.30", "1.00"))
    before = measured(*low, 5 * DAY)
    assert refeeding(measured(*low, 2 * DAY), measured(*normal, 5 * DAY)) == ()
    assert refeeding(measured(*normal, 2 * DAY), before) == (before,)


def test_an_electrolyte_of_the_moment_that_feeding_began_or_of_a_week_earlier_counts() -> None:
    for ago, counts in ((4 * DAY, True), (11 * DAY, True), (11 * DAY + HOUR, False)):
        low = measured("phosphate", "0.30", ago)
        assert refeeding(low) == ((low,) if counts else ())
