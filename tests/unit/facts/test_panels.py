"""Which tests of a panel are missing: not done, not ordered, and surely so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cds_service.errors import CannotTellError
from cds_service.facts.panels import PanelGaps, find_gaps
from cds_service.facts.patient import Needs, Patient
from cds_service.facts.records import Coverage, LabOrder, Result
from tests.unit.engine.charts import moment, result, snapshot

WEEK = timedelta(days=7)
CONCEPTS = ("sodium", "chloride")
NEEDS = Needs(results=frozenset(CONCEPTS), orders=frozenset(CONCEPTS))
KEYS = {"sodium": "labs", "chloride": "labs"}


def gaps(*results: Result, **other: Any) -> PanelGaps:
    chart = snapshot(*results, concept_keys=KEYS, **other)
    return find_gaps(Patient(chart, NEEDS, {}), (("salt", CONCEPTS),), WEEK, WEEK)


def test_a_test_is_missing_when_none_of_its_concepts_was_measured() -> None:
    found = gaps()
    assert dict(found.missing) == {"salt": CONCEPTS}
    assert found.concepts == frozenset(CONCEPTS)
    found.require_certainty()


def test_any_one_of_its_concepts_will_do() -> None:
    assert not gaps(result("100", concept="chloride")).missing


def test_a_bound_is_no_measurement() -> None:
    assert gaps(result("100", comparator="<")).missing


def test_what_is_ordered_is_not_missing() -> None:
    order = LabOrder("sodium", moment(timedelta(days=1)), "ServiceRequest/1")
    found = gaps(orders={"sodium": (order,)})
    assert not found.missing
    assert not found.unsure


def test_a_cut_page_makes_it_unsure_and_says_why() -> None:
    found = gaps(coverage={"labs": Coverage("truncated")})
    assert not found.missing
    with pytest.raises(CannotTellError, match="labs: only part of the answer was delivered"):
        found.require_certainty()


def test_orders_that_failed_make_it_unsure() -> None:
    found = gaps(coverage={"labs": Coverage("complete"), "orders": Coverage("failed")})
    assert dict(found.unsure) == {"salt": ("orders",)}
