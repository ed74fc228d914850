"""`ionwise check` runs the cases, also of a rule that is not locked yet, and says what a rule raised."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cds_service.cli import commands
from tests.unit.knowledge.conftest import Edit


@pytest.fixture(autouse=True)
def _these_cards(cards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_CARDS_DIR", str(cards))


def check(*options: str) -> str:
    """What the command says."""
    return CliRunner().invoke(commands, ["check", *options]).output


def test_a_case_that_fails_is_told_before_the_rule_is_locked(edit: Edit) -> None:
    assert "[case]" not in check()
    edit("mg_trial/cases.yaml", "magnesium-serum 0.70 mmol/L", "magnesium-serum 0.65 mmol/L")
    told = check("--mutate")
    assert "limits were not moved" in told
    assert "[case] 'at the limit': expected satisfied, came to low" in told
    assert "[lock] mg-trial is not as lock.json knows it" in told


def test_what_a_rule_raises_is_told_with_its_line(edit: Edit) -> None:
    edit("mg_trial/rule.py", "    if mg.below", '    patient.latest("potassium")\n    if mg.below')
    assert "UndeclaredReadError: result potassium, at rule.py:" in check()


def test_a_rule_that_cannot_tell_is_told_by_what_is_missing(edit: Edit) -> None:
    edit("mg_trial/cases.yaml", "magnesium-serum 0.70 mmol/L -1d]", "magnesium-serum <0.80 mmol/L -1d]")
    assert "expected satisfied, came to cannot-tell" in check()
