"""No limit can move by its last digit without a case noticing."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cds_service.errors import KnowledgeError
from cds_service.facts.patient import Limits
from cds_service.knowledge.model import Limit
from cds_service.service.limit_mutation import moved, mutants, unnoticed
from tests.shipped import knowledge, sources


def limit(value: str, unit: str = "mmol/L", *, constant: bool = False, same_as: str | None = None) -> Limit:
    return Limit("severe", Decimal(value), unit, None, None, "design", None, 1, same_as, constant)


@pytest.mark.parametrize(
    ("value", "unit", "tried"),
    [("0.50", "mmol/L", ["0.49", "0.51"]), ("3.5", "mmol/L", ["3.4", "3.6"]), ("72", "h", ["71", "73"])],
)
def test_a_limit_moves_by_its_last_digit(value: str, unit: str, tried: list[str]) -> None:
    assert [str(mutant.value) for mutant in mutants([limit(value, unit)])] == tried


def test_a_number_that_lives_elsewhere_and_a_constant_are_left_alone() -> None:
    assert not list(mutants([limit("0.50", constant=True), limit("0.50", same_as="mg-hypomagnesaemia.severe")]))


def test_moving_leaves_the_original_limits_alone() -> None:
    original = Limits({"severe": Decimal("0.50")}, {})
    mutant = next(iter(mutants([limit("0.50")])))
    assert moved(original, mutant)["severe"] == Decimal("0.49")
    assert original["severe"] == Decimal("0.50")


def test_a_span_moves_as_a_span() -> None:
    mutant = next(iter(mutants([limit("72", "h")])))
    assert moved(Limits({}, {}), mutant).span("severe").total_seconds() == 71 * 3600


def rule_ids() -> list[str]:
    """Empty when cards/ does not load; tests/cards/test_cases.py then says why."""
    try:
        return [rule.id for rule in knowledge().rules]
    except KnowledgeError:
        return []


@pytest.mark.parametrize("rule_id", rule_ids())
def test_no_limit_of_a_rule_moves_unnoticed(rule_id: str) -> None:
    assert not [str(finding) for finding in unnoticed(knowledge(), sources(), [rule_id])]


def test_no_limit_of_a_family_moves_unnoticed() -> None:
    families = {family.id for family in knowledge().family_table}
    found = unnoticed(knowledge(), sources())
    assert not [str(finding) for finding in found if finding.problem.split(".")[0] in families]
