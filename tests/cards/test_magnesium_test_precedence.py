"""Magnesium tests beside each other and beside serum magnesium: one problem, one card."""

from __future__ import annotations

import json
from typing import Any

from cds_service.knowledge.case_file import CaseEntry
from cds_service.service.decide import DecideOptions, decide
from cds_service.service.situations import build_call
from tests.shipped import released

MAN = {"age": 58, "sex": "male"}
LOADING_TEST = {"is": "magnesium sulfate", "code": "B05XA05", "name": "magnesium loading test", "route": "intravenous"}


def cards(**situation: Any) -> dict[str, str]:
    """Leading rule -> detail of every card shown."""
    case = CaseEntry.model_validate_json(json.dumps({"name": "case", "then": "satisfied", "patient": MAN, **situation}))
    decision = decide(build_call(case, released()), released(), DecideOptions(language="en", sandbox=True))
    shown = decision.response["cards"]
    return {card["source"]["topic"]["code"]: card["detail"] for card in shown}


def test_a_low_red_cell_magnesium_is_a_line_of_the_card_about_a_low_serum() -> None:
    shown = cards(labs=["magnesium-serum 0.62 mmol/L -1d", "magnesium-rbc 1.20 mmol/L -10d"])
    assert shown.keys() == {"mg-hypomagnesaemia"}
    assert "RBC magnesium 1.20 mmol/L low too" in shown["mg-hypomagnesaemia"]


def test_a_disagreement_is_a_line_of_the_card_about_the_test_that_is_low() -> None:
    for rule, low in (("mg-rbc-interpretation", "rbc 1.20"), ("mg-ionised-interpretation", "ionised 0.40")):
        shown = cards(labs=["magnesium-serum 0.82 mmol/L -1d", f"magnesium-{low} mmol/L -1d"])
        assert shown.keys() == {rule}
        assert "Magnesium tests disagree" in shown[rule]


def test_a_disagreement_of_urine_and_red_cells_has_a_card_of_its_own() -> None:
    shown = cards(labs=["magnesium-urine-24h 0.50 mmol/(24.h) -1d", "magnesium-rbc 2.00 mmol/L -1d"])
    assert shown.keys() == {"mg-discordant-tests"}


def test_a_lone_spot_urine_never_has_a_card_of_its_own() -> None:
    spot = "magnesium-urine-spot 2.00 mmol/L -1d"
    assert cards(labs=[spot]) == {}
    shown = cards(labs=[spot, "magnesium-serum 0.62 mmol/L -9d"])
    assert shown.keys() == {"mg-hypomagnesaemia"}
    assert "cannot be interpreted alone" in shown["mg-hypomagnesaemia"]


def test_a_dangerous_loading_test_is_one_card_and_not_also_one_about_its_magnesium() -> None:
    labs = ["egfr 20 mL/min/{1.73_m2} -1d"]
    shown = cards(hook="order-sign", labs=labs, drafts=[LOADING_TEST])
    assert shown.keys() == {"mg-loading-test-contraindicated"}
    assert "macrogol" not in shown["mg-loading-test-contraindicated"]


def test_at_discharge_a_supposed_depletion_is_not_shown_but_renal_wasting_is() -> None:
    urine = "magnesium-urine-24h 0.50 mmol/(24.h) -1d"
    assert cards(hook="encounter-discharge", labs=[urine, "magnesium-serum 0.78 mmol/L -1d"]) == {}
    low = cards(hook="encounter-discharge", labs=[urine, "magnesium-serum 0.62 mmol/L -1d"])
    assert low.keys() == {"discharge-hypomg-followup", "mg-urine-24h-interpretation"}
