"""A case moves along with a limit: exactly what lies beside the old value, in every place where a case has values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cds_service.knowledge.case_file import CaseEntry
from cds_service.service.case_shift import Shift, shift_case

MOVES = (
    Shift("mmol/L", Decimal("0.50"), Decimal("0.46")),
    Shift("d", Decimal(365), Decimal(300)),
    Shift("a", Decimal(70), Decimal(65)),
    Shift("mg/d", Decimal(100), Decimal(80)),
)


def shifted(**members: Any) -> CaseEntry | None:
    """A case of these members after the shift."""
    return shift_case(CaseEntry.model_validate({"name": "a case", "then": "satisfied"} | members), MOVES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("magnesium-serum 0.49 mmol/L -1d", "magnesium-serum 0.45 mmol/L -1d"),
        ("magnesium-serum 0.50 mmol/L -1d", "magnesium-serum 0.46 mmol/L -1d"),
        ("magnesium-serum <0.51 mmol/L -366d", "magnesium-serum <0.47 mmol/L -301d"),
        ("magnesium-serum 0.52 mmol/L -365d", "magnesium-serum 0.52 mmol/L -300d"),
        ("magnesium-serum 0.52 mmol/L -8760h", "magnesium-serum 0.52 mmol/L -7200h"),
    ],
)
def test_results_move_by_value_and_by_time(old: str, new: str) -> None:
    case = shifted(labs=({"is": old},))
    assert case is not None
    assert case.labs[0].what == new


def test_ages_doses_and_starts_move_too() -> None:
    case = shifted(
        patient={"age": 69}, drugs=({"is": "omeprazole -364d", "dose": "50 mg 2/d"},), ordered=("potassium -365d",)
    )
    assert case is not None
    assert (case.patient.age, case.drugs[0].what, case.drugs[0].dose) == (64, "omeprazole -299d", "40 mg 2/d")
    assert case.ordered == ("potassium -300d",)


def test_a_case_without_a_value_beside_the_limit_cannot_move() -> None:
    assert shifted(labs=({"is": "magnesium-serum 1.2 mg/dL -1d"},), patient={"age": 50}) is None
