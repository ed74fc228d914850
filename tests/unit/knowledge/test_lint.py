"""Each check finds what it is for, where it is, and says what to do."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cds_service.errors import Finding
from cds_service.knowledge.checking import check_cards
from cds_service.knowledge.lint import CHECKS
from cds_service.knowledge.lock import update_lock
from cds_service.knowledge.sources import read_sources
from tests.unit.knowledge.conftest import Edit

TODAY = date(2026, 11, 21)
RULE, CODE, CASES = "mg_trial/rule.yaml", "mg_trial/rule.py", "mg_trial/cases.yaml"


def errors(cards: Path, today: date = TODAY) -> tuple[Finding, ...]:
    update_lock(read_sources(cards))
    return check_cards(cards, today)[0]


def test_a_sound_directory_has_no_findings(cards: Path) -> None:
    update_lock(read_sources(cards))
    wrong, advice = check_cards(cards, TODAY)
    assert wrong == ()
    assert [finding.problem for finding in advice] == ["limit window is used nowhere"]


def test_every_check_says_what_it_checks() -> None:
    assert all((module.__doc__ or "").strip() for module in CHECKS)


@pytest.mark.parametrize(
    ("file", "old", "new", "check", "problem"),
    [
        (RULE, "id: mg-trial", "id: mg-trail", "ids", "lives in the folder mg_trial"),
        (RULE, '"Measured on {mg.date}."', '"Measured."', "templates", "{mg.date} is in nl, not in en"),
        (RULE, "{limit.low}", "{limit.lower}", "templates", "no limit lower"),
        (RULE, "range: [0.65, 0.75]", "range: [0.75, 0.80]", "limits", "outside its own range"),
        (RULE, ", evidence: trial-source}", "}", "limits", "verified without evidence"),
        (RULE, "evidence: trial-source}", "evidence: no-source}", "limits", "unknown evidence no-source"),
        (RULE, "[or-treating]", "[or-treated]", "references", "unknown override reason or-treated"),
        (RULE, "[serum-magnesium]", "[serum-magnesum]", "references", "unknown suggestion serum-magnesum"),
        (RULE, "trigger:", "gates: [moonlight]\ntrigger:", "references", "unknown gate moonlight"),
        (RULE, "results: [magnesium-serum]", "results: [magnesium-serum, magnesium-serun]", "needs",
         "magnesium-serun is not in the value sets"),
        (RULE, "[result:magnesium-serum]", "[result:potassium]", "needs", "is not among the needs"),
        (RULE, "needs:\n  results", "together_with: [drug:ppi]\nneeds:\n  results", "needs",
         "together_with drug:ppi is not among the needs"),
        (RULE, "tier: {default: P3}", "tier: {default: P3, order-sign: P2}", "hooks", "order-sign is not among"),
        (RULE, "hooks: [patient-view]", "hooks: [order-sign]", "hooks", "tier P3 is never shown at order-sign"),
        (RULE, "checker: C. Checker", "checker: A. Author", "review", "author and checker are the same"),
        (RULE, "Low magnesium {mg}", "Low magnesium {mg} " + "x" * 80, "summaries", "low (en): the summary may reach"),
        (CODE, 'k["low"]', 'k["lower"]', "limits", "asks for the limit lower"),
        (CODE, 'Fires("low"', 'Fires("lower"', "wording", "Fires('lower')"),
        (CODE, "(mg,), values", '(mg,), notes=("nobody",), values', "wording", "names the note 'nobody'"),
        (CODE, "mg is None", "mg is None or mg.value > 3", "rule-code", "the number 3"),
        (CODE, '    """Fires below the limit."""\n', "", "rule-code", "no docstring"),
        (CODE, "from cds_service.facts.outcomes", "import os\nfrom cds_service.facts.outcomes", "rule-code",
         "imports os"),
        (CODE, "    mg = patient", "    print(patient)\n    mg = patient", "rule-code", "calls print()"),
        (CASES, "then: low, indicator", "then: lowest, indicator", "cases", "expects lowest, which is no variant"),
        (CASES, "then: satisfied", "then: satisfied, hook: order-sign", "cases", "where the rule does not run"),
        (CASES, "name: too old", "name: at the limit", "cases", "two cases are named"),
        (CASES, "{hook: patient-view, patient: {age: 58, sex: male}}", "[]", "format", "defaults is not a mapping"),
        ("_shared/policy.yaml", "  order-select: [P1, P2]\n", "", "policy", "nothing about order-select"),
        ("_shared/policy.yaml", "P1: 8 h, ", "", "format", "says nothing about P1"),
        ("_shared/policy.yaml", "urgent: {at_most: 8 h", "urgent: {at_most: a day", "format", "hours or days such as"),
        ("_shared/policy.yaml", "hook_tiers:", "lines_only: [mg-trial]\nhook_tiers:", "policy", "which is only a line"),
    ],
)  # fmt: skip
def test_a_mistake_is_found(cards: Path, edit: Edit, file: str, old: str, new: str, check: str, problem: str) -> None:
    edit(file, old, new)
    found = errors(cards)
    assert any(finding.check == check and problem in finding.problem for finding in found), found
    assert all(finding.line > 0 and finding.remedy for finding in found)


def test_a_misspelt_need_comes_with_the_nearest_name(cards: Path, edit: Edit) -> None:
    edit(RULE, "results: [magnesium-serum]", "results: [magnesium-serum, magnesium-serun]")
    assert any("magnesium-serum" in finding.remedy for finding in errors(cards) if finding.check == "needs")


def test_a_need_that_no_prefetch_key_delivers_is_found(cards: Path, edit: Edit) -> None:
    edit(RULE, "hooks: [patient-view]", "hooks: [order-sign]")
    edit(RULE, "tier: {default: P3}", "tier: {default: P2}")
    edit(RULE, "  uses:", "  drugs: [ppi]\n  orders: [magnesium-serum]\n  uses:")
    assert [f.problem for f in errors(cards) if f.check == "needs"] == [
        "needs the prefetch key orders, which is not asked at order-sign"
    ]


def test_of_a_rule_with_several_variants_it_must_be_said_whether_they_are_bands(cards: Path, edit: Edit) -> None:
    edit(RULE, "cards:\n", "cards:\n  second: {indicator: info, summary: {nl: Twee, en: Two}}\n")
    asked = [finding for finding in errors(cards) if "bands of one thing" in finding.problem]
    assert [(finding.check, "unbanded" in finding.remedy) for finding in asked] == [("policy", True)]
    edit("_shared/policy.yaml", "  once: {", "  unbanded: [mg-trial]\n  once: {")
    assert not [finding for finding in errors(cards) if "bands of one thing" in finding.problem]


def test_a_review_that_is_due_is_announced_and_then_fails(cards: Path) -> None:
    update_lock(read_sources(cards))
    assert not [f for f in check_cards(cards, TODAY)[1] if f.check == "review-soon"]
    assert [f for f in check_cards(cards, date(2027, 10, 1))[1] if f.check == "review-soon"]
    assert [f.check for f in errors(cards, date(2027, 11, 2))] == ["review"]


def test_a_live_rule_decides_no_warning_on_a_number_that_nobody_read(cards: Path, edit: Edit) -> None:
    edit(RULE, "provenance: verified, evidence: trial-source}", "provenance: recalled}")
    assert [finding.check for finding in errors(cards)] == ["unread"]
    edit(RULE, "status: live", "status: silent")
    assert errors(cards) == ()


def test_information_may_rest_on_a_recalled_number(cards: Path, edit: Edit) -> None:
    edit(RULE, "provenance: verified, evidence: trial-source}", "provenance: recalled}")
    edit(RULE, "indicator: warning", "indicator: info")
    assert errors(cards) == ()


def test_a_retired_id_is_never_used_again(cards: Path) -> None:
    (cards / "retired.yaml").write_text("retired: {mg-trial: {retired: 2026-01-01, reason: was wrong}}\n")
    assert [finding.check for finding in errors(cards)] == ["ids"]


def test_cases_that_only_fire_are_not_enough(cards: Path) -> None:
    (cards / CASES).write_text("cases:\n- {name: low, labs: [magnesium-serum 0.6 mmol/L -1d], then: low}\n")
    assert [finding.problem for finding in errors(cards)] == ["no case stays silent"]


def test_a_note_that_nothing_uses_is_advice(cards: Path, edit: Edit) -> None:
    edit(RULE, "cards:\n", "notes:\n  idle: {nl: x, en: y}\ncards:\n")
    update_lock(read_sources(cards))
    wrong, advice = check_cards(cards, TODAY)
    assert wrong == ()
    assert "notes.idle is used nowhere in rule.py" in [finding.problem for finding in advice]
