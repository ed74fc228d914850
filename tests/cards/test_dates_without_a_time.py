"""What families conclude from results and orders of which only the day is known, and from windows a site shortened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from cards._families.magnesium_dosing.family import is_after
from cards._families.magnesium_signs.family import magnesium_signs
from cards._families.sample_quality.family import sample_quality
from cds_service.facts.moments import Moment, parse_moment
from cds_service.facts.patient import Limits, Needs, Patient
from cds_service.facts.records import Result
from tests.shipped import knowledge
from tests.unit.engine.charts import ZONE, moment, result, snapshot


def asking(family: str, *results: Result, families: Any = None) -> Patient:
    return Patient(snapshot(*results), Needs(uses=frozenset({family})), families or knowledge().families)


def at(text: str) -> Moment:
    found = parse_moment(text, ZONE)
    assert found is not None
    return found


def edta(*days: str) -> bool:
    """Whether potassium, calcium and magnesium that look like EDTA, each with its own time, are one draw."""
    values = (("potassium", "6.0"), ("calcium-total", "1.60"), ("magnesium-serum", "0.40"))
    results = [
        msgspec.structs.replace(result(value, concept=concept), at=at(day))
        for (concept, value), day in zip(values, days, strict=True)
    ]
    return bool(asking("sample-quality", *results).ask(sample_quality).edta)


def test_results_of_one_day_without_a_time_are_not_known_to_be_one_draw() -> None:
    assert edta("2026-11-21T08:00:00+01:00", "2026-11-21T08:05:00+01:00", "2026-11-21T08:05:00+01:00")
    assert not edta("2026-11-21", "2026-11-21", "2026-11-21")


@pytest.mark.parametrize(
    ("placed", "draw", "after"),
    [
        ("2026-11-20", "2026-11-20T16:00:00+01:00", True),
        ("2026-11-20T08:00:00+01:00", "2026-11-20", True),
        ("2026-11-19", "2026-11-20", False),
        ("2026-11-20T08:00:00+01:00", "2026-11-20T16:00:00+01:00", False),
    ],
)
def test_an_order_of_the_day_of_the_draw_counts_as_after_it_when_a_time_is_missing(
    placed: str, draw: str, after: bool
) -> None:
    assert is_after(at(placed), at(draw), asking("magnesium-signs")) is after


@pytest.mark.parametrize(("window", "signs"), [(30, ["sign-calcium"]), (14, [])])
def test_a_low_calcium_from_before_the_window_of_the_site_is_no_sign(window: int, signs: list[str]) -> None:
    families = dict(knowledge().families)
    family = families[magnesium_signs]
    spans = {**family.limits.spans, "laboratory_window": timedelta(days=window)}
    limits = Limits(family.limits, spans, family.limits.data)
    families[magnesium_signs] = msgspec.structs.replace(family, limits=limits)
    calcium = msgspec.structs.replace(
        result("1.00", concept="calcium-ionised", age="recent"), at=moment(timedelta(days=20))
    )
    found = asking("magnesium-signs", calcium, families=families).ask(magnesium_signs)
    assert [item.id for item in found.signs] == signs
