"""Which card a magnesium supplement gets when several rules have something to say about it."""

from __future__ import annotations

import msgspec
import pytest

from cds_service.knowledge.case_file import CaseEntry
from cds_service.service.cases import options_for
from cds_service.service.decide import Decision, decide
from cds_service.service.situations import build_call
from tests.shipped import knowledge

PREGNANT = {"age": 31, "sex": "female", "pregnant": True}


def decided(*, sandbox: bool = True, **case: object) -> Decision:
    entry = CaseEntry.model_validate({"name": "supplement", "then": "satisfied"} | case)
    options = msgspec.structs.replace(options_for(entry), sandbox=sandbox)
    return decide(build_call(entry, knowledge()), knowledge(), options)


def cards(decision: Decision) -> dict[str, list[str]]:
    """Leading rule -> the rules it absorbed."""
    return {card.verdict.rule_id: [lost.rule_id for lost in card.absorbed] for card in decision.ranking.shown}


def test_a_high_dose_in_pregnancy_is_one_card() -> None:
    drug = {"is": "magnesium bisglycinate -60d", "dose": "400 mg elemental 1/d"}
    found = cards(decided(hook="patient-view", patient=PREGNANT, drugs=(drug,)))
    assert "mg-supplement-above-ul" in found["mg-supplement-pregnancy"]


def test_a_dangerous_dose_leads_the_card_about_pregnancy() -> None:
    drug = {"is": "magnesium bisglycinate -60d", "dose": "2600 mg elemental 1/d"}
    decision = decided(hook="patient-view", patient=PREGNANT, drugs=(drug,), labs=("egfr 90 mL/min/{1.73_m2} -30d",))
    assert "mg-supplement-pregnancy" in cards(decision)["mg-supplement-above-ul"]


MAN = {"age": 70, "sex": "male"}
DIARRHOEA = {"is": "diarrhoea -5d", "code": "62315008"}


@pytest.mark.parametrize("labs", [(), ("egfr 50 mL/min/{1.73_m2} -10d",)])
def test_a_dangerous_dose_says_stop_and_not_within_four_weeks(labs: tuple[str, ...]) -> None:
    drug = {"is": "magnesium oxide -60d", "dose": "2700 mg elemental 1/d"}
    decision = decided(hook="patient-view", patient=MAN, drugs=(drug,), labs=labs)
    (card,) = [card for card in decision.ranking.shown if card.verdict.rule_id == "mg-supplement-above-ul"]
    assert str(card.severity) == "critical"
    assert [lost.rule_id for lost in card.absorbed] == ["mg-product-renal-impairment"]
    assert not card.lines


def test_two_products_above_the_level_are_one_card() -> None:
    drugs = tuple({"is": f"magnesium {salt} -60d", "dose": "200 mg elemental 1/d"} for salt in ("oxide", "citrate"))
    found = cards(decided(patient=MAN, drugs=drugs, labs=("egfr 90 mL/min/{1.73_m2} -30d",)))
    assert found["mg-duplicate-products"] == ["mg-supplement-above-ul"]


@pytest.mark.parametrize(
    ("egfr", "leads", "under"),
    [
        (90, "mg-supplement-diarrhoea", ["mg-supplement-above-ul"]),
        (50, "mg-supplement-diarrhoea", ["mg-product-renal-impairment", "mg-supplement-above-ul"]),
        (20, "mg-product-renal-impairment", ["mg-supplement-diarrhoea"]),
    ],
)
def test_diarrhoea_leads_unless_the_kidneys_forbid_the_product(egfr: int, leads: str, under: list[str]) -> None:
    drug = {"is": "magnesium citrate -60d", "dose": "400 mg elemental 1/d"}
    labs = (f"egfr {egfr} mL/min/{{1.73_m2}} -10d",)
    assert cards(decided(patient=MAN, drugs=(drug,), labs=labs, conditions=(DIARRHOEA,))) == {leads: under}


def test_a_tablet_with_two_reasons_to_keep_it_from_an_antacid_is_one_card() -> None:
    juluca = {"is": "dolutegravir rilpivirine -300d", "code": "J05AR21"}
    found = cards(decided(hook="order-sign", patient=MAN, drugs=(juluca,), drafts=({"is": "Maalox"},)))
    assert found["sep-dolutegravir"] == ["sep-hiv-acid"]


@pytest.mark.parametrize(("sandbox", "shown"), [(True, True), (False, False)])
def test_what_is_known_of_the_forms_is_shown_in_the_sandbox_only(sandbox: bool, shown: bool) -> None:
    draft = {"is": "magnesium bisglycinate", "dose": "100 mg elemental 1/d"}
    decision = decided(sandbox=sandbox, hook="order-select", patient={"age": 50, "sex": "male"}, drafts=(draft,))
    assert ("mg-form-evidence" in cards(decision)) is shown
