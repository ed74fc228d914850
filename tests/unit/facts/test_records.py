"""Which comparisons a reported value, or only a bound, proves."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec import structs

from cds_service.errors import CannotTellError
from cds_service.facts.records import Dosage, Exposure, Problem, UnmappedDrug
from tests.unit.engine.charts import result


@pytest.mark.parametrize(
    ("comparator", "value", "below", "at_most", "at_least", "above"),
    [
        ("", "139", True, True, False, False),
        ("", "140", False, True, True, False),
        ("", "141", False, False, True, True),
        ("<", "139", True, True, False, False),
        ("<", "140", True, True, False, False),
        ("<", "141", False, False, False, False),
        ("<=", "139", True, True, False, False),
        ("<=", "140", False, True, False, False),
        ("<=", "141", False, False, False, False),
        (">", "139", False, False, False, False),
        (">", "140", False, False, True, True),
        (">", "141", False, False, True, True),
        (">=", "139", False, False, False, False),
        (">=", "140", False, False, True, False),
        (">=", "141", False, False, True, True),
    ],
)
def test_only_what_is_proven_is_true(
    comparator: str, value: str, below: bool, at_most: bool, at_least: bool, above: bool
) -> None:
    found, limit = result(value, comparator=comparator), Decimal(140)
    assert (found.below(limit), found.at_most(limit)) == (below, at_most)
    assert (found.at_least(limit), found.above(limit)) == (at_least, above)


def test_a_converted_value_is_calculated_with_before_it_is_rounded() -> None:
    converted = structs.replace(result("0.53"), exact=Decimal("0.53486937"))
    assert converted.amount == Decimal("0.53486937")
    assert converted.below(Decimal("0.534"))


def test_a_bound_is_no_amount() -> None:
    assert result("140").amount == Decimal(140)
    with pytest.raises(CannotTellError, match="only a bound"):
        _ = result("140", comparator="<").amount


def test_what_a_chart_does_not_say_of_a_record_is_not_assumed() -> None:
    drug = Exposure("a", frozenset(), frozenset(), "active", None, None, None, (), (), "MedicationRequest/1", "ATC")
    disease = Problem("gout", "gout", None, active=True, confirmed=True, by_text=False, ref="Condition/1")
    assert (drug.judged, drug.as_needed, drug.over_the_counter, disease.ongoing) == (False, False, False, False)
    assert (Dosage().as_needed, UnmappedDrug("text", "MedicationRequest/2").draft) == (False, False)
