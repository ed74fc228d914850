"""What a clinical board is given to sign is complete, and every control that it relies on exists."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from cds_service.knowledge.case_file import read_cases
from cds_service.knowledge.dossier import Dossier, HazardsFile, read_dossier
from cds_service.service.docs.clinical_review import clinical_review_page
from cds_service.service.reference_docs import stale_pages, write_pages
from tests.architecture.tree import ROOT
from tests.shipped import knowledge, sources

DOCS = ROOT / "docs"


@cache
def dossier() -> Dossier:
    return read_dossier(sources())


def hazards() -> HazardsFile:
    found = dossier().hazards
    assert found is not None
    return found.entry


@cache
def functions_of(file: str) -> frozenset[str]:
    """The names of the test functions of a file below tests/."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("test", sorted({test for hazard in hazards().hazards for test in hazard.tests}))
def test_every_test_that_the_hazard_log_names_exists(test: str) -> None:
    file, _, name = test.partition("::")
    assert (ROOT / "tests" / file).is_file()
    assert name in functions_of(file)


def test_every_rule_gate_and_question_that_the_hazard_log_names_exists() -> None:
    rules = {rule.id for rule in knowledge().rules}
    families = {family.id for family in knowledge().family_table}
    for hazard in hazards().hazards:
        assert set(hazard.rules) <= rules
        assert set(hazard.gates) <= set(knowledge().gates)
        assert set(hazard.families) <= families


def test_a_hazard_is_not_less_likely_without_its_controls() -> None:
    levels = ("low", "medium", "high")
    for hazard in hazards().hazards:
        assert levels.index(hazard.likelihood_after) <= levels.index(hazard.likelihood_before), hazard.id


def test_every_recalled_or_chosen_number_is_put_to_the_board() -> None:
    page = clinical_review_page(knowledge(), ())
    shared = {family.id: family.limit_table for family in knowledge().family_table}
    tables = [*shared.items()]
    for rule in knowledge().rules:
        lent = shared.get(rule.family or "", ())
        tables.append((rule.id, tuple(limit for limit in rule.limit_table if limit not in lent)))
    for owner, limits in tables:
        for limit in limits:
            if not limit.same_as:
                assert (f"`{owner}.{limit.name}`" in page) is (limit.provenance != "verified")


def test_every_known_limit_and_every_open_question_is_put_to_the_board() -> None:
    page = (DOCS / "clinical-review.md").read_text(encoding="utf-8")
    questions = dossier().questions
    assert questions is not None
    assert [one.id for one in questions.entry.questions if one.question not in page] == []
    assert [rule.id for rule in knowledge().rules if rule.known_limits[0]["en"].replace("|", "\\|") not in page] == []


def test_every_card_of_every_rule_is_proven_by_a_case() -> None:
    for rule in knowledge().rules:
        proven = {case.then for case in read_cases(sources(), rule.folder).entry.cases}
        cards = set(rule.cards) if rule.family is None else proven & set(rule.cards)
        assert cards, rule.id
        assert cards <= proven, rule.id


def test_every_rule_has_its_page_and_its_row_in_the_trace() -> None:
    trace = (DOCS / "trace.md").read_text(encoding="utf-8")
    for rule in knowledge().rules:
        assert (DOCS / "rules" / f"{rule.id}.md").is_file()
        assert f"(rules/{rule.id}.md)" in trace


def test_the_page_of_a_rule_that_is_gone_goes_too(tmp_path: Path) -> None:
    write_pages({"rules/kept.md": "kept", "rules/gone.md": "gone", "rules.md": "both"}, tmp_path)
    pages = {"rules/kept.md": "kept", "rules.md": "one"}
    assert stale_pages(pages, tmp_path) == ("rules.md", "rules/gone.md")
    write_pages(pages, tmp_path)
    assert stale_pages(pages, tmp_path) == ()
    assert not (tmp_path / "rules" / "gone.md").exists()
