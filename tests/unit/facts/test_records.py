"""Which comparisons a reported value, or only a bound, proves."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cds_service.errors import CannotTellError
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


def test_a_bound_is_no_amount() -> None:
    assert result("140").amount == Decimal(140)
    with pytest.raises(CannotTellError, match="only a bound"):
        _ = result("140", comparator="<").amount
