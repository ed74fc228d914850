"""Where a bound, a missing list or an unknown start leaves a question open, and what is then not claimed."""

from __future__ import annotations

from datetime import time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cards._families.magnesium_signs.family import magnesium_signs
from cards._families.magnesium_tests.family import magnesium_tests
from cards._families.magnesium_wasting.family import magnesium_wasting
from cards._families.separation.clock import DAY, apart, windows, with_same_meal
from cds_service.facts.patient import Limits
from cds_service.facts.records import Coverage, Dosage, Exposure, ReferenceRange, Result, UnmappedDrug
from tests.cards.asking import COMPLETE_KEYS, ask, measured, problem, taken

HOUR = timedelta(hours=1)
SPANS = {"morning_from": 5, "morning_to": 11, "late_from": 17, "late_to": 24}
CLOCK = Limits({}, {name: hours * HOUR for name, hours in SPANS.items()})


def own(result: Result, low: str | None, high: str | None = None) -> Result:
    ends = [None if end is None else Decimal(end) for end in (low, high)]
    return msgspec.structs.replace(result, range=ReferenceRange(ends[0], ends[1], ""))


@pytest.mark.parametrize(
    ("comparator", "value", "low", "side"),
    [
        ("", "1.43", None, "low"), ("", "1.44", None, "grey"), ("", "1.72", None, "grey"), ("", "1.73", None, "normal"),
        ("<", "1.44", None, "low"), ("<", "1.73", None, "unproven"), ("<", "2.00", None, "unproven"),
        (">", "1.00", None, "unproven"), (">", "1.50", None, "unproven"), (">", "1.73", None, "normal"),
        ("", "1.59", "1.60", "low"), ("", "1.60", "1.60", "normal"), ("<", "1.70", "1.60", "unproven"),
        (">", "1.50", "1.60", "unproven"),
    ],
)  # fmt: skip
def test_a_red_cell_magnesium_is_on_a_side_only_when_that_is_proven(
    comparator: str, value: str, low: str | None, side: str
) -> None:
    rbc = own(measured("magnesium-rbc", value, comparator=comparator), low)
    found = ask(magnesium_tests, rbc)
    assert (found.rbc.side, found.rbc.by_laboratory, found.ionised) == (side, low is not None, None)


@pytest.mark.parametrize(
    ("comparator", "value", "low", "high", "side"),
    [
        ("", "0.43", None, None, "low"), ("", "0.44", None, None, "normal"), ("", "0.66", None, None, "normal"),
        ("", "0.67", None, None, "high"), ("<", "0.60", None, None, "unproven"), (">", "0.50", None, None, "unproven"),
        ("", "0.46", "0.47", None, "low"), ("", "0.60", None, "0.59", "high"), ("", "0.60", "0.47", "0.60", "normal"),
    ],
)  # fmt: skip
def test_an_ionised_magnesium_is_normal_only_when_both_ends_are_proven(
    comparator: str, value: str, low: str | None, high: str | None, side: str
) -> None:
    found = ask(magnesium_tests, own(measured("magnesium-ionised", value, comparator=comparator), low, high))
    assert (found.ionised.side, found.rbc) == (side, None)


def test_a_low_potassium_is_no_sign_while_a_drug_may_explain_it() -> None:
    low = measured("potassium", "3.0")
    complete = {name: Coverage("complete") for name in COMPLETE_KEYS}
    assert len(ask(magnesium_signs, low).signs) == 1
    assert ask(magnesium_signs, low, coverage=complete | {"medications": Coverage("truncated")}).signs == ()
    assert ask(magnesium_signs, low, unmapped=(UnmappedDrug("text", "MedicationRequest/1"),)).signs == ()
    assert ask(magnesium_signs, measured("potassium", "3.6")).signs == ()


def test_a_class_that_hangs_on_an_unknown_start_is_undecided() -> None:
    laxative, loop = taken("laxative-stimulant"), taken("loop-diuretic")
    found = ask(magnesium_wasting, laxative, loop, problem("eating-disorder"))
    assert (found.classes, found.undecided) == ({}, {"laxative-stimulant", "loop-diuretic"})
    assert found.drugs == ()


def test_what_counts_already_is_not_undecided() -> None:
    long, unknown = (taken("thiazide", since=measured("x", "1", days * DAY).at if days else None) for days in (900, 0))
    found = ask(magnesium_wasting, long, unknown)
    assert (set(found.classes), found.undecided, found.drugs) == ({"thiazide"}, frozenset(), (long,))


@pytest.mark.parametrize(
    ("one", "other", "earliest", "latest", "proven"),
    [
        ((8, 8), (12, 12), 4, 20, True), ((8, 8), (11, 11), 4, 20, False), ((8, 8), (4, 4), 4, 20, True),
        ((8, 8), (5, 5), 4, 20, False), ((8, 8), (8, 8), 0, 24, False), ((5, 11), (17, 24), 6, 20, True),
        ((5, 11), (17, 24), 7, 20, False), ((5, 11), (17, 24), 6, 18, False), ((0, 12), (12, 24), 0, 30, False),
        ((22, 22), (2, 2), 4, 20, True), ((0, 0), (1, 24), 1, 30, False),
    ],
)  # fmt: skip
def test_a_distance_is_proven_round_the_clock(
    one: tuple[int, int], other: tuple[int, int], earliest: int, latest: int, proven: bool
) -> None:
    first, second = ((span[0] * HOUR, span[1] * HOUR) for span in (one, other))
    assert apart(first, second, earliest * HOUR, latest * HOUR) is proven


def given(*dosages: Dosage) -> Exposure:
    return taken("x", dosages=dosages)


@pytest.mark.parametrize(
    ("dosages", "hours"),
    [
        ((Dosage(times=(time(8, 30), time(20))),), [(8.5, 8.5), (20, 20)]),
        ((Dosage(when=("MORN",)), Dosage(when=("HS",))), [(5, 11), (17, 24)]),
        ((Dosage(when=("MORN", "EVE"), per_day=Decimal(2)),), [(5, 11), (17, 24)]),
        ((Dosage(when=("MORN", "EVE"), per_day=Decimal(3)),), None),
        ((Dosage(when=("MORN", "C")),), None),
        ((Dosage(when=("MORN",)), Dosage()), None),
        ((Dosage(when=("MORN",), as_needed=True),), None),
        ((), None),
    ],
)
def test_intakes_are_known_only_when_all_are_recorded(
    dosages: tuple[Dosage, ...], hours: list[tuple[float, float]] | None
) -> None:
    expected = None if hours is None else tuple((one * HOUR, other * HOUR) for one, other in hours)
    assert windows(given(*dosages), CLOCK) == expected


@pytest.mark.parametrize("code", ["MORN", "MORN.early", "MORN.late", "WAKE"])
def test_every_word_for_the_morning_is_the_morning(code: str) -> None:
    assert windows(given(Dosage(when=(code,))), CLOCK) == ((5 * HOUR, 11 * HOUR),)


@pytest.mark.parametrize("code", ["EVE", "EVE.early", "EVE.late", "NIGHT", "HS"])
def test_every_word_for_the_evening_and_the_night_is_late(code: str) -> None:
    assert windows(given(Dosage(when=(code,))), CLOCK) == ((17 * HOUR, 24 * HOUR),)


def meal(*codes: str) -> Any:
    return given(Dosage(when=codes))


@pytest.mark.parametrize("prefix", ["C", "AC", "PC"])
@pytest.mark.parametrize("name", ["", "M", "D", "V"])
def test_a_meal_is_one_meal_before_with_or_after_it(prefix: str, name: str) -> None:
    assert with_same_meal(meal(prefix + name), meal("C" + name))
    assert not with_same_meal(meal(prefix + name), meal("CM" if name != "M" else "CD"))


def test_two_drugs_are_with_one_meal_only_when_every_intake_is() -> None:
    assert not with_same_meal(meal("CM", "MORN"), meal("CM"))
    assert not with_same_meal(given(Dosage(when=("CM",)), Dosage()), meal("CM"))
    assert not with_same_meal(given(), given())
    assert not with_same_meal(meal("MORN"), meal("MORN"))
    assert with_same_meal(meal("CM", "CD"), given(Dosage(when=("PCD",)), Dosage(when=("ACM",))))
