"""Which dose of a magnesium loading test can be used."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cards._families.magnesium_loading.family import magnesium_retention
from cds_service.errors import CannotTellError
from cds_service.facts.moments import Moment
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Dosage, Problem, Result
from tests.cards.drugs import NOW, chart, drug
from tests.shipped import knowledge
from tests.unit.engine.charts import result


def days_ago(days: int) -> Moment:
    at = NOW - timedelta(days=days)
    return Moment(at, at)


def urine(value: str, days: int) -> Result:
    return msgspec.structs.replace(result(value, concept="magnesium-urine-24h"), at=days_ago(days))


def retention(*doses: Dosage, **chart_parts: Any) -> Decimal | None:
    """The retention of a loading test of ten days ago with these dosage instructions."""
    load = drug("magnesium-sulfate", name="magnesium loading test", groups=frozenset({"magnesium"}),
                route="intravenous", dosages=doses, status="past", since=days_ago(10), until=days_ago(10))  # fmt: skip
    urines = {"magnesium-urine-24h": (urine("28.00", 9), urine("4.00", 11))}
    needs = Needs(uses=frozenset({"magnesium-loading"}))
    found = Patient(chart(load, results=urines, **chart_parts), needs, knowledge().families)
    answer = found.ask(magnesium_retention)
    return None if answer is None else answer.percent


def test_one_dose_in_millimoles_gives_the_retention() -> None:
    assert retention(Dosage(Decimal(30), "mmol")) == Decimal("20.0")


def test_two_different_doses_are_not_guessed_between() -> None:
    with pytest.raises(CannotTellError, match="dose in mmol"):
        retention(Dosage(Decimal(30), "mmol"), Dosage(Decimal(20), "mmol"))


def test_the_procedure_of_an_earlier_test_does_not_date_a_later_one() -> None:
    name = "magnesium-loading-test"
    earlier = Problem(name, name, days_ago(40), active=True, confirmed=True, by_text=False, ref="Procedure/1")
    assert retention(Dosage(Decimal(30), "mmol"), procedures={name: (earlier,)}) == Decimal("20.0")
