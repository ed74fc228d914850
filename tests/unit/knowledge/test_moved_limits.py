"""Limit mutation on a small cards directory: what the cases guard is quiet, what they leave open is named."""

from __future__ import annotations

from pathlib import Path

from cds_service.knowledge.load import load_knowledge
from cds_service.knowledge.sources import read_sources
from cds_service.service.limit_mutation import unnoticed
from tests.unit.knowledge.conftest import Edit


def problems(cards: Path) -> list[str]:
    return [finding.problem for finding in unnoticed(load_knowledge(cards), read_sources(cards))]


def test_cases_at_and_beside_every_limit_leave_nothing_open(cards: Path) -> None:
    assert problems(cards) == []


def test_a_limit_without_a_case_at_it_is_named(cards: Path, edit: Edit) -> None:
    edit("mg_trial/cases.yaml", "magnesium-serum 0.70 mmol/L", "magnesium-serum 0.75 mmol/L")
    assert problems(cards) == ["mg-trial.low may be 0.71 instead of 0.70 and no case notices"]


def test_a_familys_limit_is_tried_on_the_rules_that_use_it(cards: Path, edit: Edit) -> None:
    edit("mg_trial/cases.yaml", "mmol/L -8d", "mmol/L -9d")
    assert problems(cards) == ["lowest-magnesium.window may be 8 instead of 7 and no case notices"]


def test_a_failing_case_guards_nothing(cards: Path, edit: Edit) -> None:
    edit("mg_trial/cases.yaml", "mmol/L -1d], then: satisfied", "mmol/L -1d], then: not-applicable")
    assert "mg-trial.low may be 0.71 instead of 0.70 and no case notices" in problems(cards)


def test_a_case_in_which_the_rule_is_not_run_guards_nothing(cards: Path, edit: Edit) -> None:
    edit("mg_trial/cases.yaml", "magnesium-serum 0.70 mmol/L", "magnesium-serum 0.75 mmol/L")
    edit("mg_trial/cases.yaml", "cases:\n", "cases:\n- {name: d, patient: {deceased: true}, then: gated}\n"
         "- {name: e, then: not-applicable}\n")  # fmt: skip
    assert problems(cards) == ["mg-trial.low may be 0.71 instead of 0.70 and no case notices"]


def test_a_limit_that_only_changes_what_is_printed_is_noticed_by_the_golden_card(cards: Path, edit: Edit) -> None:
    number = "  note: {value: 0.5, unit: mmol/L, range: [0.4, 0.6], provenance: design}\n"
    edit("mg_trial/rule.yaml", "  low: {value", f"{number}  low: {{value")
    edit("mg_trial/rule.yaml", "cards:\n", "notes:\n  deep: {nl: Diep., en: Deep.}\ncards:\n")
    edit("mg_trial/rule.py", 'values={"mg": mg})', 'values={"mg": mg}, notes=("deep",) if mg.below(k["note"]) else ())')
    assert len(problems(cards)) == 2
    edit("mg_trial/cases.yaml", "cases:\n", "cases:\n- {name: a, labs: [magnesium-serum 0.4 mmol/L -1d], then: low}\n"
         "- {name: b, labs: [magnesium-serum 0.5 mmol/L -1d], then: low}\n")  # fmt: skip
    assert problems(cards) == []
