"""Acute kidney injury by the rise of creatinine, and how far the clearance is known with and without it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Problem, Result
from tests.cards.test_kidney_function import SEVERE
from tests.shipped import knowledge
from tests.unit.engine.charts import moment, result, snapshot

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
AKI = Problem("aki", "AKI", None, active=True, confirmed=True, by_text=False, ref="Condition/1")


def creatinine(value: str, ago: timedelta, **other: Any) -> Result:
    return msgspec.structs.replace(result(value, concept="creatinine", **other), at=moment(ago))


def kidneys(*results: Result, problems: tuple[Problem, ...] = (), **chart: Any) -> KidneyFunction:
    found = snapshot(*results, problems={one.group: (one,) for one in problems}, **chart)
    return Patient(found, Needs(uses=frozenset({"kidney-function"})), knowledge().families).ask(kidney_function)


@pytest.mark.parametrize(
    ("now", "earlier", "injured"),
    [
        ("100", [], None),
        ("100", [("100", 30 * DAY)], False),
        ("105", [("80", 48 * HOUR)], False),
        ("106", [("80", 48 * HOUR)], True),
        ("106", [("80", 49 * HOUR)], False),
        ("107", [("107", 2 * HOUR), ("80", 40 * HOUR)], True),
        ("120", [("80", 7 * DAY)], True),
        ("119", [("80", 7 * DAY)], False),
        ("120", [("110", 3 * DAY), ("80", 6 * DAY)], True),
        ("120", [("110", 6 * DAY), ("80", 8 * DAY)], False),
        ("120", [("60", 20 * DAY), ("80", 30 * DAY), ("100", 40 * DAY)], True),
        ("119", [("60", 20 * DAY), ("80", 30 * DAY), ("100", 40 * DAY)], False),
    ],
)
def test_an_injury_is_a_rise_in_two_days_or_half_as_much_again(
    now: str, earlier: list[tuple[str, timedelta]], injured: bool | None
) -> None:
    values = [creatinine(value, ago + HOUR) for value, ago in earlier]
    assert kidneys(creatinine(now, HOUR), *values).aki is injured


def test_bounds_and_old_values_tell_nothing_of_an_injury() -> None:
    earlier = creatinine("60", 40 * HOUR)
    assert kidneys(creatinine("160", HOUR, comparator=">"), earlier).aki is None
    assert kidneys(creatinine("160", HOUR, age="recent"), earlier).aki is None
    assert kidneys(creatinine("160", HOUR), creatinine("60", 40 * HOUR, comparator="<")).aki is None


def test_a_coded_injury_is_one_whatever_the_values() -> None:
    found = kidneys(creatinine("80", HOUR), creatinine("80", 40 * HOUR), problems=(AKI,))
    assert (found.aki, found.advanced) == (True, True)
    coded = kidneys(problems=(AKI,))
    assert (coded.known, coded.advanced, coded.egfr) == (True, True, None)


def test_nothing_is_known_of_kidneys_of_which_nothing_is_recorded() -> None:
    found = kidneys()
    assert (found.known, found.advanced, found.by_diagnosis, found.computed, found.basis) == (
        False,
        False,
        False,
        False,
        None,
    )
    assert not found.below(Decimal(60))


def test_a_diagnosis_stands_in_for_a_value_at_thirty_and_above() -> None:
    found = kidneys(problems=(SEVERE,))
    assert (found.known, found.advanced, found.by_diagnosis, found.computed) == (True, True, True, False)
    assert [found.below(Decimal(limit)) for limit in (29, 30, 60)] == [False, True, True]


def test_a_bound_is_below_what_it_proves() -> None:
    found = kidneys(result("60", concept="egfr", comparator="<"))
    assert (found.below(Decimal(60)), found.below(Decimal(59)), found.known) == (True, False, False)


def test_a_value_is_below_what_is_larger() -> None:
    found = kidneys(result("30", concept="egfr"))
    assert (found.below(Decimal(30)), found.below(Decimal(31)), found.advanced, found.known) == (
        False,
        True,
        False,
        True,
    )
    assert kidneys(result("29", concept="egfr")).advanced
