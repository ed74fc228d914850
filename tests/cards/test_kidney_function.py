"""What an eGFR of which only a bound is reported proves about the kidneys."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cards._families.kidney_function.family import KidneyFunction, kidney_function
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Problem
from tests.shipped import knowledge
from tests.unit.engine.charts import result, snapshot

SEVERE = Problem("ckd-g4", "CKD G4", None, active=True, confirmed=True, by_text=False, ref="Condition/1")


def kidneys(comparator: str, value: str, *problems: Problem) -> KidneyFunction:
    chart = snapshot(
        result(value, concept="egfr", comparator=comparator), problems={one.group: (one,) for one in problems}
    )
    return Patient(chart, Needs(uses=frozenset({"kidney-function"})), knowledge().families).ask(kidney_function)


def test_an_egfr_below_15_is_proven_to_be_below_30() -> None:
    found = kidneys("<", "15")
    assert (found.advanced, found.known, found.egfr) == (True, True, None)
    assert found.below(Decimal(15))
    assert not found.below(Decimal(10))


def test_an_egfr_above_90_is_known_and_not_low() -> None:
    found = kidneys(">", "90", SEVERE)
    assert (found.advanced, found.known, found.by_diagnosis) == (False, True, False)


@pytest.mark.parametrize(("problems", "advanced"), [((), False), ((SEVERE,), True)])
def test_an_egfr_below_90_says_too_little_and_leaves_the_diagnosis_to_speak(
    problems: tuple[Problem, ...], advanced: bool
) -> None:
    found = kidneys("<", "90", *problems)
    assert (found.advanced, found.known) == (advanced, advanced)
