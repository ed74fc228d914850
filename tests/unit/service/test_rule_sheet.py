"""What a reader learns of a rule: all thirteen source attributes, the site's own values, its cases, and no lie."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from cds_service.facts.records import Person
from cds_service.knowledge.load import load_knowledge
from cds_service.service.docs.rules import rule_page
from cds_service.service.rule_records import RuleRecord, RuleRecords
from cds_service.service.rule_sheet import RuleSheet, rule_sheet
from cds_service.service.source_attributes import source_attributes
from cds_service.web.rule_html import WORDS, rule_html
from tests.shipped import released, sources

THIRTEEN = (
    "bibliographicCitation", "developer", "fundingSource", "releaseAndRevisionDates", "race", "ethnicity", "language",
    "sexualOrientation", "genderIdentity", "sex", "dateOfBirth", "socialDeterminantsOfHealth",
    "healthStatusAssessments",
)  # fmt: skip
OVERLAY = "limits: {mg-hypomagnesaemia.severe: 0.45}\n"


@cache
def sheet(rule_id: str) -> RuleSheet:
    return rule_sheet(released(), released().rule(rule_id), RuleRecords(sources()).of(rule_id))


def rule_ids() -> list[str]:
    return [rule.id for rule in released().rules]


@pytest.mark.parametrize("rule_id", rule_ids())
def test_every_rule_answers_all_thirteen_source_attributes(rule_id: str) -> None:
    found = source_attributes(sheet(rule_id), "1")
    assert tuple(found) == THIRTEEN
    assert found["bibliographicCitation"]
    assert all(found[name]["explanation"] for name in THIRTEEN[4:])


def test_the_pages_print_what_the_places_of_a_text_may_say() -> None:
    """A card whose steps are pieces of text would otherwise show a reviewer nothing but braces."""
    assert "otherwise-course" in rule_html(sheet("sep-ciprofloxacin"), "1", "en")
    assert "postpone {products} until the course is finished" in rule_page(sheet("sep-ciprofloxacin"), "1")


def test_nothing_of_a_person_is_read_but_what_the_attributes_know() -> None:
    """Whoever adds race, language or gender identity to the facts has to change the attributes too."""
    assert set(Person.__struct_fields__) == {"id", "birth", "sex", "deceased"}


def test_the_use_of_sex_is_told_where_the_rule_or_a_question_reads_it() -> None:
    assert source_attributes(sheet("iron-deficiency"), "1")["sex"]["used"]
    assert not source_attributes(sheet("vitd-low"), "1")["dateOfBirth"]["explanation"].startswith("Not used")


def test_an_egfr_that_a_laboratory_computed_with_race_is_told() -> None:
    assert "48643-1" in source_attributes(sheet("mg-product-renal-impairment"), "1")["race"]["explanation"]
    assert not source_attributes(sheet("mg-form-evidence"), "1")["race"]["used"]


def test_pregnancy_is_a_health_status_that_is_read() -> None:
    found = source_attributes(sheet("mg-supplement-pregnancy"), "1")["healthStatusAssessments"]
    assert "pregnancy" in found["explanation"]


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_page_shows_everything(language: str) -> None:
    shown = sheet("mg-hypomagnesaemia")
    page = rule_html(shown, "1", language)
    assert all(WORDS[language][word] in page for word in ("sees", "cards", "cases", "decision"))
    assert "Ernstig laag magnesium" in page
    assert "Severely low magnesium" in page
    assert shown.record.cases[0].name.replace("'", "&#39;") in page
    assert "../valuesets/result-magnesium-serum" in page


def test_a_limit_that_the_site_chose_is_marked(tmp_path: Path) -> None:
    file = tmp_path / "st-anna.yaml"
    file.write_text(OVERLAY, encoding="utf-8")
    knowledge = load_knowledge(overlay=file)
    own = rule_sheet(knowledge, knowledge.rule("mg-hypomagnesaemia"), RuleRecord())
    assert {one.limit.name: str(one.limit.value) for one in own.limits if one.own} == {"severe": "0.45"}
    assert "0.45 mmol/L (own value)" in rule_html(own, "1", "en")


def test_the_limits_of_the_mechanism_stand_once_on_the_page_and_are_marked_too(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("limits: {separation.morning_from: 6}\n", "utf-8")
    knowledge = load_knowledge(overlay=file)
    page = rule_html(rule_sheet(knowledge, knowledge.rule("sep-levothyroxine"), RuleRecord()), "1", "en")
    assert page.count("morning_<wbr>from") == 1
    assert "6 h (own value)" in page


def test_the_page_in_the_documentation_has_a_row_for_every_case() -> None:
    shown = sheet("mg-borderline-low")
    page = rule_page(shown, "1")
    assert all(f"| {case.name} |" in page for case in shown.record.cases)


def test_the_history_of_a_rule_comes_from_the_change_log() -> None:
    assert any("mg-form-evidence" in line for _, line in sheet("mg-form-evidence").record.history)
