"""Every case of every rule folder comes to what it says, and every golden card is as reviewed."""

from __future__ import annotations

from contextlib import suppress

import pytest

from cds_service.errors import KnowledgeError
from cds_service.knowledge.case_file import CaseEntry, read_cases
from cds_service.knowledge.model import Rule
from cds_service.service.cases import run_case
from cds_service.service.golden import golden_path, golden_text
from tests.shipped import knowledge, sources

REWRITE = "run `ionwise golden`, and review the diff"


def all_cases() -> list[tuple[Rule, CaseEntry]]:
    """Without what does not load; test_all_knowledge_loads says why."""
    found: list[tuple[Rule, CaseEntry]] = []
    with suppress(KnowledgeError):
        for rule in knowledge().rules:
            with suppress(KnowledgeError):
                found += [(rule, case) for case in read_cases(sources(), rule.folder).entry.cases]
    return found


def rule_ids() -> list[str]:
    return sorted({rule.id for rule, _ in all_cases()})


def test_all_knowledge_loads() -> None:
    rules = knowledge().rules
    assert rules
    assert [len(read_cases(sources(), rule.folder).entry.cases) > 1 for rule in rules]


@pytest.mark.parametrize(("rule", "case"), [pytest.param(r, c, id=f"{r.id}: {c.name}") for r, c in all_cases()])
def test_a_case_comes_to_what_it_says(rule: Rule, case: CaseEntry) -> None:
    assert run_case(case, rule, knowledge()).problems == ()


@pytest.mark.parametrize("rule_id", rule_ids())
def test_the_golden_cards_are_as_reviewed(rule_id: str) -> None:
    path = golden_path(rule_id, knowledge(), sources())
    assert path.exists(), REWRITE
    assert golden_text(rule_id, knowledge(), sources()) == path.read_text(encoding="utf-8"), REWRITE
