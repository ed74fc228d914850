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


def test_a_dangerous_dose_keeps_its_severity_in_the_card_about_pregnancy() -> None:
    drug = {"is": "magnesium bisglycinate -60d", "dose": "2600 mg elemental 1/d"}
    decision = decided(hook="patient-view", patient=PREGNANT, drugs=(drug,), labs=("egfr 90 mL/min/{1.73_m2} -30d",))
    (card,) = [card for card in decision.ranking.shown if card.verdict.rule_id == "mg-supplement-pregnancy"]
    assert str(card.severity) == "warning"


@pytest.mark.parametrize(("sandbox", "shown"), [(True, True), (False, False)])
def test_what_is_known_of_the_forms_is_shown_in_the_sandbox_only(sandbox: bool, shown: bool) -> None:
    draft = {"is": "magnesium bisglycinate", "dose": "100 mg elemental 1/d"}
    decision = decided(sandbox=sandbox, hook="order-select", patient={"age": 50, "sex": "male"}, drafts=(draft,))
    assert ("mg-form-evidence" in cards(decision)) is shown
