"""cards/ becomes frozen objects, or is refused with everything that is wrong."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cds_service.errors import Finding, KnowledgeError
from cds_service.facts.outcomes import Severity
from cds_service.knowledge.load import load_knowledge
from tests.unit.knowledge.conftest import Edit


def refusal(cards: Path) -> tuple[Finding, ...]:
    with pytest.raises(KnowledgeError) as refused:
        load_knowledge(cards)
    return refused.value.findings


def test_a_rule_folder_becomes_a_rule(cards: Path) -> None:
    rule = load_knowledge(cards).rule("mg-trial")
    assert rule.limits["low"] == Decimal("0.70")
    assert str(rule.limits["low"]) == "0.70"
    assert rule.cards["low"].indicator is Severity.WARNING
    assert [place.name for place in rule.cards["low"].summary["nl"].places] == ["mg", "limit"]
    assert rule.cards["low"].suggestions == ("serum-magnesium",)
    assert rule.evidence[0].label == "A source"
    assert len(rule.sha256) == 64


def test_the_rules_of_a_hook_are_ready(cards: Path) -> None:
    knowledge = load_knowledge(cards)
    assert [rule.id for rule in knowledge.by_hook["patient-view"]] == ["mg-trial"]
    assert knowledge.version == "1.0.0"


def test_a_limit_that_lives_elsewhere_is_followed(cards: Path) -> None:
    assert load_knowledge(cards).rule("mg-trial").limits.span("window") == timedelta(days=7)


def test_a_rule_reads_what_its_families_read(cards: Path, edit: Edit) -> None:
    edit("_families/lowest_magnesium/family.yaml", "[magnesium-serum]", "[magnesium-serum, potassium]")
    assert "potassium" in load_knowledge(cards).rule("mg-trial").needs.results


def test_the_family_that_a_rule_asks_is_the_one_loaded(cards: Path) -> None:
    knowledge = load_knowledge(cards)
    assert [family.id for family in knowledge.families.values()] == ["lowest-magnesium"]
    assert next(iter(knowledge.families)) is knowledge.family_table[0].function


def test_two_loads_are_independent(cards: Path, edit: Edit) -> None:
    first = load_knowledge(cards)
    edit("mg_trial/rule.yaml", "value: 0.70", "value: 0.72")
    assert first.rule("mg-trial").limits["low"] == Decimal("0.70")
    second = load_knowledge(cards).rule("mg-trial")
    assert second.limits["low"] == Decimal("0.72")
    assert second.sha256 != first.rule("mg-trial").sha256


def test_a_draft_is_loaded_only_when_asked_for(cards: Path, edit: Edit) -> None:
    edit("mg_trial/rule.yaml", "status: live", "status: draft")
    assert load_knowledge(cards).rules == ()
    assert [rule.id for rule in load_knowledge(cards, drafts=True).rules] == ["mg-trial"]


def test_all_findings_are_reported_at_once(cards: Path, edit: Edit) -> None:
    edit("mg_trial/rule.yaml", "grade: strong", "grade: certain")
    edit("mg_trial/rule.yaml", "ages: adult\n", "ages: adult\nhook: patient-view\n")
    edit("_families/lowest_magnesium/family.yaml", "kind: question", "kind: riddle")
    found = refusal(cards)
    assert {finding.file for finding in found} == {
        "cards_trial/mg_trial/rule.yaml",
        "cards_trial/_families/lowest_magnesium/family.yaml",
    }
    unknown = next(finding for finding in found if "hook" in finding.problem)
    assert unknown.line == 9
    assert "did you mean 'hooks'?" in unknown.remedy


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("evidence: [trial-source]", "evidence: [other-source]", "unknown evidence other-source"),
        ("same_as: lowest-magnesium.window", "same_as: lowest-magnesium.widow", "leads to no limit"),
        ("same_as: lowest-magnesium.window", "same_as: mg-trial.window", "leads to no limit"),
        ("uses: [lowest-magnesium]", "uses: [highest-magnesium]", "highest-magnesium, which does not exist"),
        ("{mg} (grens", "{mg (grens", "stray brace"),
        ("provenance: verified, ", "", "needs value, unit, range and provenance"),
        ("next: 2027-11-01", "next: soon", "must be a date written as YYYY-MM-DD"),
        ("version: 1", "version: on", "version"),
        ("en: Trial rule", "fr: Règle", "title.en is missing"),
        ("tier: {default: P3}", "tier: {patient-view: P3}", "tier needs a default"),
        ("grade: strong", "grade: strong\nfamily: apart", "family apart is not a family of kind rule"),
    ],
)
def test_what_cannot_be_compiled_is_refused(cards: Path, edit: Edit, old: str, new: str, problem: str) -> None:
    edit("mg_trial/rule.yaml", old, new)
    found = refusal(cards)
    assert any(problem in finding.problem for finding in found), found
    assert all(finding.line > 0 and finding.remedy for finding in found)


def test_code_that_does_not_import_is_a_finding(cards: Path, edit: Edit) -> None:
    edit("mg_trial/rule.py", "import Limits, Patient", "import Limits, Person")
    (finding,) = refusal(cards)
    assert finding.file == "cards_trial/mg_trial/rule.py"
    assert "cannot be imported" in finding.problem


def test_a_rule_without_code_is_a_finding(cards: Path) -> None:
    (cards / "mg_trial" / "rule.py").unlink()
    (finding,) = refusal(cards)
    assert finding.problem == "the file does not exist"


def test_a_family_of_kind_rule_decides_for_a_table(cards: Path, edit: Edit) -> None:
    edit("_families/lowest_magnesium/family.yaml", "kind: question", "kind: rule")
    edit(
        "_families/lowest_magnesium/family.py",
        "def lowest_magnesium(patient: Patient, k: Limits) -> Result | None:",
        "from pydantic import BaseModel\n\n\nclass Data(BaseModel):\n    hours: int\n\n\n"
        "def evaluate(patient: Patient, k: Limits) -> Result | None:",
    )
    (cards / "mg_trial" / "rule.py").unlink()
    edit("mg_trial/rule.yaml", "  uses: [lowest-magnesium]\n", "")
    edit("mg_trial/rule.yaml", "grade: strong", "grade: strong\nfamily: lowest-magnesium\ndata: {hours: 4}")
    rule = load_knowledge(cards).rule("mg-trial")
    assert rule.limits.data.hours == 4
    assert rule.limits.span("window") == timedelta(days=7)
    assert rule.evaluate.__module__.endswith("lowest_magnesium.family")
    edit("mg_trial/rule.yaml", "hours: 4", "hours: often")
    (finding,) = refusal(cards)
    assert "data.hours" in finding.problem


def test_a_table_cites_sources_of_its_rule_only(cards: Path, edit: Edit) -> None:
    edit(
        "mg_trial/rule.yaml", "grade: strong", "grade: strong\ndata: {rows: [{evidence: [trial-source, other-source]}]}"
    )
    edit("mg_trial/rule.yaml", "status: live", "status: live\nfamily: lowest-magnesium")
    finding = next(one for one in refusal(cards) if one.check == "evidence")
    assert finding.problem == "other-source is not among the sources of the rule"


def test_a_site_moves_a_limit_within_its_range(cards: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "site.yaml"
    overlay.write_text("limits: {mg-trial.low: 0.72, lowest-magnesium.window: 10}\nsilent: [mg-trial]\n")
    knowledge = load_knowledge(cards, overlay=overlay)
    rule = knowledge.rule("mg-trial")
    assert (rule.limits["low"], rule.limits.span("window")) == (Decimal("0.72"), timedelta(days=10))
    assert rule.status == "silent"
    assert knowledge.overlay_hash


def test_a_site_switches_a_rule_off(cards: Path, tmp_path: Path) -> None:
    overlay = tmp_path / "site.yaml"
    overlay.write_text("off: [mg-trial]\n")
    assert load_knowledge(cards, overlay=overlay).rules == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("limits: {mg-trial.low: 0.80}", "outside 0.65 to 0.75"),
        ("limits: {mg-trial.window: 3}", "no limit mg-trial.window of its own"),
        ("off: [mg-tril]", "unknown rule mg-tril"),
        ("of: [mg-trial]", "unknown member"),
    ],
)
def test_a_site_cannot_do_what_the_knowledge_forbids(cards: Path, tmp_path: Path, text: str, problem: str) -> None:
    overlay = tmp_path / "site.yaml"
    overlay.write_text(text)
    with pytest.raises(KnowledgeError, match=problem):
        load_knowledge(cards, overlay=overlay)


def test_a_concept_that_no_key_asks_for_has_no_key() -> None:
    knowledge = load_knowledge()
    asked = {entry.key for entry in knowledge.key_plan}
    assert set(knowledge.concept_keys.values()) <= asked
    assert "heart-rate" not in knowledge.concept_keys
