"""A site's overlay: what it changes, what it shares with the base, and what is refused with file, line and remedy."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import pytest

from cds_service.errors import KnowledgeError
from cds_service.facts.records import ReferenceRange
from cds_service.knowledge.load import compile_base
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.overlay.apply import apply_overlay, silenced
from cds_service.knowledge.sources import Sources
from cds_service.knowledge.tenants import load_tenants

LAB = "https://lab.example/codes"
DRUGS = "https://drugs.example/codes"


@lru_cache(maxsize=1)
def base() -> tuple[Knowledge, Sources]:
    """The real knowledge, compiled once."""
    return compile_base()


def overlaid(folder: Path, text: str, name: str = "site.yaml") -> Knowledge:
    """The real knowledge under an overlay."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return apply_overlay(path, *base())


def refusal(folder: Path, text: str) -> list[str]:
    """The findings of an overlay that is refused, as printed."""
    with pytest.raises(KnowledgeError) as refused:
        overlaid(folder, text)
    return [str(finding) for finding in refused.value.findings]


def test_what_an_overlay_does_not_change_is_shared_with_the_base(tmp_path: Path) -> None:
    knowledge = overlaid(tmp_path, "limits: {mg-hypomagnesaemia.severe: 0.48}")
    changed = {rule.id for rule in knowledge.rules if rule is not base()[0].rule(rule.id)}
    assert "mg-hypomagnesaemia" in changed
    assert "vitd-low" not in changed
    assert knowledge.vocabulary is base()[0].vocabulary
    assert all(knowledge.rule(rule.id) is rule for rules in knowledge.by_hook.values() for rule in rules)


def test_a_moved_limit_of_a_family_reaches_who_asks_it_and_who_says_the_same(tmp_path: Path) -> None:
    knowledge = overlaid(tmp_path, "limits: {magnesium-reference.upper: 1.00}")
    (asked,) = [family for family in knowledge.families.values() if family.id == "magnesium-reference"]
    assert asked.limits["upper"] == Decimal("1.00")
    users = [
        limit for rule in knowledge.rules for limit in rule.limit_table if limit.same_as == "magnesium-reference.upper"
    ]
    assert all(limit.value == Decimal("1.00") for limit in users)


def test_a_local_code_means_its_concept_in_results_orders_and_queries(tmp_path: Path) -> None:
    codes = f"{{system: '{LAB}', code: 1042, concept: magnesium-serum, unit: mg/dL}}"
    knowledge = overlaid(tmp_path, f"loinc_too: false\nlab_codes: [{codes}]")
    key = (LAB, "1042")
    assert knowledge.vocabulary.measurement_codes[key].id == "magnesium-serum"
    assert knowledge.vocabulary.order_codes[key] == "magnesium-serum"
    assert knowledge.vocabulary.code_units[key] == "mg/dL"
    queries = [entry.query for entry in knowledge.key_plan]
    assert any(f"{LAB}|1042" in query for query in queries)
    assert not any("loinc.org|2601-3" in query for query in queries)
    assert any("loinc.org|2823-3" in query for query in queries)


def test_a_laboratory_range_is_kept_in_the_unit_of_the_concept_and_printed_in_its_own(tmp_path: Path) -> None:
    ranges = overlaid(tmp_path, "laboratory_ranges: {magnesium-serum: {low: 1.7, high: 2.6, unit: mg/dL}}").vocabulary
    assert ranges.laboratory_ranges["magnesium-serum"] == ReferenceRange(
        Decimal("0.70"), Decimal("1.07"), "1.7–2.6 mg/dL"
    )


def test_an_expansion_adds_its_codes_and_the_groups_they_imply(tmp_path: Path) -> None:
    contains = [{"system": "http://snomed.info/sct", "code": "1", "abstract": True,
                 "contains": [{"system": "http://snomed.info/sct", "code": "42"}]}]  # fmt: skip
    value_set = {"resourceType": "ValueSet", "expansion": {"total": 2, "contains": contains}}
    (tmp_path / "expanded.json").write_text(json.dumps(value_set))
    text = "value_sets: {conditions: {seizure: {expand: expanded.json}}}"
    codes = overlaid(tmp_path, text).vocabulary.condition_codes
    assert "seizure" in codes["http://snomed.info/sct", "42"]
    assert ("http://snomed.info/sct", "1") not in codes
    value_set["expansion"] = {"total": 3, "contains": contains}
    (tmp_path / "expanded.json").write_text(json.dumps(value_set))
    (found,) = refusal(tmp_path, text)
    assert found.startswith("expanded.json:1: [expansion] the file holds 1 of 3 codes -> ask $expand for all of them")


def test_a_drug_joins_a_group_by_its_atc_code_or_its_ingredient(tmp_path: Path) -> None:
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    codes = f"[{{system: http://www.whocc.no/atc, code: X99XX01}}, {{system: {rxnorm}, code: 7646}}]"
    vocabulary = overlaid(tmp_path, f"value_sets: {{drugs: {{thiazide: {{codes: {codes}}}}}}}").vocabulary
    assert "thiazide" in vocabulary.drugs["omeprazole"].groups
    assert [one.groups for one in vocabulary.atc_classes if one.prefix == "X99XX01"] == [frozenset({"thiazide"})]
    assert "thiazide" not in base()[0].vocabulary.drugs["omeprazole"].groups


def test_a_licensed_qt_list_replaces_the_shipped_candidates(tmp_path: Path) -> None:
    (tmp_path / "qt.yaml").write_text("source: list of 2026\ningredients: [omeprazole]\natc: [X99XX02]\n")
    vocabulary = overlaid(tmp_path, "qt_list: qt.yaml").vocabulary
    assert {d.id for d in vocabulary.drugs.values() if "qt-candidates" in d.groups} == {"omeprazole"}
    assert [one.prefix for one in vocabulary.atc_classes if "qt-candidates" in one.groups] == ["X99XX02"]


def test_an_empty_qt_list_says_so(tmp_path: Path) -> None:
    (tmp_path / "qt.yaml").write_text("source: none bought\n")
    knowledge = overlaid(tmp_path, "qt_list: qt.yaml")
    assert knowledge.tenant.remarks == ("the site's QT list is empty",)
    assert not any("qt-candidates" in drug.groups for drug in knowledge.vocabulary.drugs.values())


def test_the_hash_covers_the_files_that_an_overlay_names(tmp_path: Path) -> None:
    (tmp_path / "qt.yaml").write_text("source: one\ningredients: [omeprazole]\n")
    first = overlaid(tmp_path, "qt_list: qt.yaml").overlay_hash
    (tmp_path / "qt.yaml").write_text("source: one\ningredients: [digoxin]\n")
    assert overlaid(tmp_path, "qt_list: qt.yaml").overlay_hash != first


def test_other_decision_support_and_the_audience_switch_rules_off_with_their_reason(tmp_path: Path) -> None:
    knowledge = overlaid(
        tmp_path,
        "setting: gp\ncovered_by_other_cds: {sep-*: G-Standaard}\n"
        "audience: {vitd-low: [hospital], mg-hypomagnesaemia: [gp, IMP]}\n",
    )
    tenant = knowledge.tenant
    assert tenant.off("sep-ciprofloxacin", "") == "covered by G-Standaard"
    assert tenant.off("vitd-low", "IMP") == "meant for hospital, not for gp"
    assert tenant.off("mg-hypomagnesaemia", "AMB") == "not meant for encounter class AMB"
    assert (tenant.off("mg-hypomagnesaemia", "IMP"), tenant.off("mg-hypomagnesaemia", "")) == ("", "")


SIGNED = "{reason: looked at in silence for a month, signed_by: Drug committee}"


def test_a_signed_line_shows_a_rule_that_is_silent_in_the_version(tmp_path: Path) -> None:
    knowledge = overlaid(tmp_path, f"live: {{mg-form-evidence: {SIGNED}}}")
    assert base()[0].rule("mg-form-evidence").status == "silent"
    assert knowledge.rule("mg-form-evidence").status == "live"
    assert knowledge.tenant.remarks == ("mg-form-evidence is shown by the site's own decision",)


def test_a_tenant_that_is_silent_as_a_whole_shows_no_rule_by_a_signed_line(tmp_path: Path) -> None:
    knowledge = overlaid(tmp_path, f"silent: true\nlive: {{mg-form-evidence: {SIGNED}}}")
    assert {rule.status for rule in knowledge.rules} == {"silent"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("live: {mg-form-evidence: {reason: wanted}}", "signed_by"),
        (f"live: {{mg-form-evidense: {SIGNED}}}", "did you mean mg-form-evidence?"),
        (f"live: {{vitd-low: {SIGNED}}}", "vitd-low is live already"),
        (f"off: [mg-form-*]\nlive: {{mg-form-evidence: {SIGNED}}}", "is under off or silent as well"),
        (f"silent: [mg-form-*]\nlive: {{mg-form-evidence: {SIGNED}}}", "is under off or silent as well"),
    ],
)
def test_a_rule_is_shown_by_one_complete_line_only(tmp_path: Path, text: str, problem: str) -> None:
    (finding,) = refusal(tmp_path, text)
    assert problem in finding


def test_a_whole_tenant_can_be_silent(tmp_path: Path) -> None:
    assert {rule.status for rule in overlaid(tmp_path, "silent: true").rules} == {"silent"}
    assert {rule.status for rule in silenced(base()[0]).rules} == {"silent"}


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("limits:\n  mg-hypomagnesaemia.severe: 0.70", 2, "0.70 is outside 0.45 to 0.55"),
        ("limits:\n  mg-hypomagnesaemia.severe: 0,50", 2, "must be a number, with a point"),
        ("limits:\n  mg-hypomagnesaemia.sever: 0.50", 2, "it has severe, moderate, treated_stays_critical;"),
        ("limits:\n  mg-hypomagnesemia.severe: 0.50", 2, "name a limit as <rule or family>.<limit>"),
        ("limits:\n  k-hyperkalaemia.mild: 5.4", 2, "k-hyperkalaemia.mild is fixed at 5.5"),
        ("lab_codes:\n- {system: s, code: c, concept: kalium}", 2, "docs/overlay.md says where they are listed"),
        ("loinc_too: no", 1, "must be true or false"),
        ("languages: nl", 1, "must be a list"),
        ("tenant: De Linde", 1, "must be words in lower case, joined by hyphens"),
        ("lab_codes:\n- {system: s, code: c, concept: magnesium-serun}", 2, "did you mean magnesium-serum?"),
        ("lab_codes:\n- {system: s, code: c, concept: potassium, unit: mg/d}", 2, "mg/d is no unit of potassium"),
        (
            "lab_codes:\n- {system: 'http://loinc.org', code: 2601-3, concept: potassium}",
            2,
            "means magnesium-serum already",
        ),
        ("drug_codes:\n- {system: s, code: c, ingredients: [omeprazol]}", 2, "did you mean omeprazole?"),
        ("drug_codes:\n- {system: s, code: c}", 2, "needs ingredients, atc or both"),
        ("laboratory_ranges:\n  potassium: {low: 35, high: 50, unit: mmol/L}", 2, "has an end that no patient has"),
        ("laboratory_ranges:\n  potassium: {low: 5, high: 3, unit: mmol/L}", 2, "low is not below high"),
        ("orderables:\n  serum-magnesiun: {system: s, code: c}", 2, "did you mean serum-magnesium?"),
        ("value_sets:\n  conditions:\n    seizures: {codes: [{system: s, code: c}]}", 3, "did you mean seizure?"),
        ("value_sets:\n  drugs:\n    thiazide: {codes: [{system: s, code: c}]}", 3, "c is the code of no ingredient"),
        ("value_sets: {conditions: {seizure: {expand: gone.json}}}", 1, "the file gone.json is not there"),
        ("absent_sources: [encounters]", 1, "did you mean encounter?"),
        ("covered_by_other_cds: {sap-*: x}", 1, "unknown rule sap-*"),
        ("audience: {vitd-low: [hospital]}", 1, "the audience names settings and the site has none"),
        ("audience: {vitd-low: [ward]}", 1, "audience.vitd-low"),
        ("time_zone: Europe/Amsterdm", 1, "is no IANA time zone"),
        ("languages: [fr]", 1, "languages"),
        ("drug_map: gone.csv", 1, "the file gone.csv is not there"),
        ("orderable: {}", 1, "did you mean"),
    ],
)
def test_a_wrong_overlay_is_refused_with_file_line_and_what_to_do(
    tmp_path: Path, text: str, line: int, problem: str
) -> None:
    found, *_ = refusal(tmp_path, text)
    assert found.startswith(f"site.yaml:{line}: ")
    assert problem in found
    assert " -> " in found


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    found = refusal(tmp_path, "off: [mg-nothing]\nlimits: {mg-hypomagnesaemia.severe: 9}\nabsent_sources: [nothing]\n")
    assert len(found) == 3


def test_a_folder_holds_one_overlay_per_tenant(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text("tenant: north\n")
    (tmp_path / "two.yaml").write_text("off: [vitd-low]\n")
    tenants = load_tenants(*base(), tmp_path)
    assert set(tenants) == {"north", "two"}
    assert tenants["north"].rule("vitd-low") is base()[0].rule("vitd-low")
    (tmp_path / "three.yaml").write_text("tenant: north\n")
    (tmp_path / "four.yaml").write_text("tenent: x\n")
    with pytest.raises(KnowledgeError) as refused:
        load_tenants(*base(), tmp_path)
    assert {finding.file for finding in refused.value.findings} == {"three.yaml", "four.yaml"} or {
        finding.file for finding in refused.value.findings
    } == {"one.yaml", "four.yaml"}
    with pytest.raises(KnowledgeError, match="no overlays here"):
        load_tenants(*base(), tmp_path / "nowhere")
