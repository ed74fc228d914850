"""All else equal, a more dangerous value never gets a milder answer."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.records import Result
from cds_service.service.decide import Decision
from tests.properties.charts import adult, decided, few, result

SITUATIONS: dict[str, tuple[list[str], list[str]]] = {
    "nothing else": ([], []),
    "digoxin and omeprazole": (["C01AA05", "A02BC01"], []),
    "a diuretic and diabetes": (["C03AA03"], ["44054006"]),
    "pregnancy": ([], ["77386006"]),
    "dialysis": ([], ["265764009"]),
    "palliative care": ([], ["103735009"]),
    "magnesium hydroxide and kidney failure": (["A02AA04"], ["431857002"]),
}
# concept, unit, the range in hundredths, and whether lower is worse
LADDERS = (
    ("magnesium-serum", "mmol/L", (15, 100), True),
    ("magnesium-serum", "mg/dL", (40, 240), True),
    ("magnesium-serum", "mmol/L", (90, 600), False),
    ("potassium", "mmol/L", (150, 500), True),
    ("calcium-total", "mmol/L", (100, 250), True),
    ("calcium-ionised", "mmol/L", (40, 130), True),
    ("vitamin-d", "nmol/L", (300, 8000), True),
)


def severity_about(concept: str, decision: Decision) -> int:
    """The highest severity of the shown cards that rest on a result of this concept; -1 when there are none."""
    about = [
        int(shown.severity)
        for shown in decision.ranking.shown
        for verdict in (shown.verdict, *shown.absorbed)
        if any(isinstance(fact, Result) and fact.concept == concept for fact in verdict.fires.because)
    ]
    return max(about, default=-1)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize(("concept", "unit", "span", "lower_is_worse"), LADDERS)
@few
@given(data=st.data())
def test_a_worse_value_is_never_answered_more_mildly(
    situation: str, concept: str, unit: str, span: tuple[int, int], lower_is_worse: bool, data: st.DataObject
) -> None:
    low, high = sorted(data.draw(st.tuples(*[st.integers(*span)] * 2)))
    worse, better = (low, high) if lower_is_worse else (high, low)
    drugs, problems = SITUATIONS[situation]
    others = [result("albumin", Decimal(40), "g/L")] if concept == "calcium-total" else []
    answers = [
        severity_about(
            concept, decided(adult([result(concept, Decimal(v).scaleb(-2), unit), *others], drugs, problems))
        )
        for v in (worse, better)
    ]
    assert answers[0] >= answers[1], f"{worse} is answered more mildly than {better} (hundredths of {unit})"


@pytest.mark.parametrize(("concept", "unit", "span", "lower_is_worse"), LADDERS)
def test_the_worst_value_of_every_ladder_gets_a_card(
    concept: str, unit: str, span: tuple[int, int], lower_is_worse: bool
) -> None:
    worst = Decimal(span[0] if lower_is_worse else span[1]).scaleb(-2)
    assert severity_about(concept, decided(adult([result(concept, worst, unit)]))) >= 0
