"""One card per problem: which potassium or calcium card leads when several fire."""

from __future__ import annotations

import pytest

from cds_service.knowledge.case_file import CaseEntry
from cds_service.service.cases import options_for
from cds_service.service.decide import decide
from cds_service.service.situations import build_call
from tests.shipped import knowledge

LOW = ("potassium 3.2 mmol/L -1d", "potassium 3.1 mmol/L -5d")


def cards(labs: tuple[object, ...], **other: object) -> dict[str, list[str]]:
    """Leading rule -> the rules it absorbed."""
    case = CaseEntry.model_validate(
        {"name": "precedence", "patient": {"age": 60, "sex": "female"}, "labs": labs, "then": "satisfied"} | other
    )
    decision = decide(build_call(case, knowledge()), knowledge(), options_for(case))
    return {card.verdict.rule_id: [lost.rule_id for lost in card.absorbed] for card in decision.ranking.shown}


@pytest.mark.parametrize(
    ("magnesium", "leader", "absorbed"),
    [
        ((), "k-refractory-hypokalaemia", "k-hypokalaemia-mg-low-or-unknown"),
        (("magnesium-serum 0.90 mmol/L -1d",), "k-refractory-hypokalaemia", "k-hypokalaemia"),
        (("magnesium-serum 0.60 mmol/L -1d",), "k-hypokalaemia-mg-low-or-unknown", "k-refractory-hypokalaemia"),
    ],
)
def test_refractory_potassium_leads_unless_magnesium_is_low(
    magnesium: tuple[str, ...], leader: str, absorbed: str
) -> None:
    taken = ({"is": "potassium chloride -10d", "dose": "20 mmol 2/d"},)
    found = cards((*LOW, *magnesium), drugs=taken)
    assert absorbed in found[leader]
    assert absorbed not in found


def test_a_haemolysed_high_potassium_is_one_card_about_the_sample() -> None:
    found = cards(({"is": "potassium 6.0 mmol/L -5h", "note": "hemolytisch"},))
    assert "sample-quality-repeat" in found
    assert "k-hyperkalaemia" not in found


def test_the_drugs_behind_a_high_calcium_lead_its_card() -> None:
    found = cards(("calcium-total 2.80 mmol/L -1d", "albumin 40 g/L -1d"), drugs=("lithium -900d",))
    assert found["ca-hypercalcaemia-drug-cause"] == ["ca-hypercalcaemia"]
