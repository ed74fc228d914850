"""Patients with several problems: one card per problem, and no card that says the opposite of another."""

from __future__ import annotations

import json
from typing import Any

from cds_service.knowledge.case_file import CaseEntry
from cds_service.service.decide import DecideOptions, decide
from cds_service.service.situations import build_call
from tests.shipped import released

WOMAN = {"age": 74, "sex": "female"}
KIDNEYS = "egfr 88 mL/min/{1.73_m2} -1d"


def cards(**situation: Any) -> dict[str, dict[str, Any]]:
    """Leading rule -> card, of every card shown."""
    data = {"name": "case", "then": "satisfied", "patient": WOMAN, **situation}
    case = CaseEntry.model_validate_json(json.dumps(data))
    decision = decide(build_call(case, released()), released(), DecideOptions(language="en", sandbox=True))
    return {card["source"]["topic"]["code"]: card for card in decision.response["cards"]}


def test_a_pth_that_is_too_low_is_a_line_of_the_card_about_the_calcium() -> None:
    labs = ["calcium-total 1.85 mmol/L -1d", "albumin 40 g/L -1d", "pth 4.1 pmol/L -1d", KIDNEYS]
    shown = cards(labs=[*labs, "magnesium-serum 0.46 mmol/L -1d"])
    assert shown.keys() == {"ca-hypocalcaemia-mg-low-or-unknown", "mg-hypomagnesaemia"}
    detail = shown["ca-hypocalcaemia-mg-low-or-unknown"]["detail"]
    assert "do not wait for the magnesium" in detail
    assert "inappropriately low with low calcium" in detail


def test_with_a_mildly_low_magnesium_the_pth_leads() -> None:
    labs = ["calcium-total 2.12 mmol/L -1d", "albumin 40 g/L -1d", "pth 4.1 pmol/L -1d", KIDNEYS]
    shown = cards(labs=[*labs, "magnesium-serum 0.65 mmol/L -1d"])
    assert shown.keys() == {"ca-functional-hypoparathyroidism", "mg-hypomagnesaemia"}
    assert "look for another cause too" in shown["ca-functional-hypoparathyroidism"]["detail"]


def test_the_card_about_a_low_calcium_says_itself_that_the_adjusted_one_disagrees() -> None:
    shown = cards(labs=["calcium-total 2.05 mmol/L -1d", "albumin 33 g/L -1d", "magnesium-serum 0.80 mmol/L -1d"])
    assert shown.keys() == {"ca-hypocalcaemia"}


def test_a_vitamin_d_intoxication_is_one_critical_card() -> None:
    labs = ["calcium-total 3.05 mmol/L -1d", "albumin 40 g/L -1d", "vitamin-d 290 nmol/L -9d", KIDNEYS]
    drugs = ["hydrochlorothiazide -400d", {"is": "colecalciferol -300d", "dose": "125 ug 1/d"}]
    shown = cards(labs=[*labs, "magnesium-serum 0.80 mmol/L -1d"], drugs=drugs)
    assert shown.keys() == {"vitd-excess"}
    assert shown["vitd-excess"]["indicator"] == "critical"
    assert "1–2 weeks" not in shown["vitd-excess"]["detail"]


def test_a_critical_calcium_on_a_drug_does_not_wait_for_weeks() -> None:
    labs = ["calcium-total 3.60 mmol/L -1d", "albumin 40 g/L -1d", KIDNEYS]
    shown = cards(labs=labs, drugs=["lithium -900d"])
    assert shown.keys() == {"ca-hypercalcaemia-drug-cause"}
    card = shown["ca-hypercalcaemia-drug-cause"]
    assert card["indicator"] == "critical"
    assert "assess now" in card["summary"]
    assert "weeks" not in card["detail"]


def test_after_the_fall_the_risk_of_refeeding_is_a_line() -> None:
    labs = ["phosphate 0.90 mmol/L -4d", "phosphate 0.50 mmol/L -3h", "bmi 15.4 kg/m2 -3d", KIDNEYS]
    shown = cards(encounter="inpatient", admitted="-5d", labs=labs, conditions=["malnutrition -5d"],
                  procedures=["parenteral-nutrition -3d"])  # fmt: skip
    assert "refeeding-syndrome-drop" in shown
    assert not {"phos-hypophosphataemia", "refeeding-risk-baseline"} & shown.keys()


def test_a_last_known_low_magnesium_asks_once_for_the_new_one() -> None:
    labs = ["magnesium-serum 0.61 mmol/L -30d", KIDNEYS]
    transplant = ["kidney-transplant -60d"]
    shown = cards(labs=labs, drugs=["tacrolimus -60d"], conditions=["tremor -20d"], procedures=transplant)
    assert shown.keys() == {"mg-hypomagnesaemia"}
    assert "tremor, no recent magnesium known" in shown["mg-hypomagnesaemia"]["detail"].lower()


def test_drugs_and_a_risk_condition_ask_once_for_magnesium() -> None:
    drugs = ["omeprazole -800d", {"is": "furosemide -600d", "dose": "80 mg 1/d"}]
    shown = cards(labs=[KIDNEYS], drugs=drugs, conditions=["type-2-diabetes -3000d"])
    assert shown.keys() == {"cumulative-mg-wasting-drugs"}
    assert "- Type 2 diabetes, " in shown["cumulative-mg-wasting-drugs"]["detail"]
    assert "Also:" not in shown["cumulative-mg-wasting-drugs"]["detail"]


def test_a_trial_that_must_not_start_is_a_line_of_the_card_about_the_kidneys() -> None:
    draft = {"is": "magnesium-citrate", "dose": "300 mg elemental 1/d", "reason": "proefbehandeling"}
    shown = cards(hook="order-select", labs=["egfr 22 mL/min/{1.73_m2} -7d"], drafts=[draft])
    assert "mg-therapeutic-trial-review" not in shown
    assert "do not start without consultation" in shown["mg-product-renal-impairment"]["detail"]


def test_an_urgent_low_value_with_a_low_magnesium_is_told_once() -> None:
    labs = ["calcium-total 1.98 mmol/L -1h", "albumin 40 g/L -1h", "potassium 2.9 mmol/L -1h", KIDNEYS]
    shown = cards(labs=[*labs, "magnesium-serum 0.46 mmol/L -1h"], conditions=["muscle cramps -1d"])
    assert "Also: Low calcium" not in shown["ca-hypocalcaemia-mg-low-or-unknown"]["detail"]
    assert "Also: Low potassium" not in shown["k-hypokalaemia-mg-low-or-unknown"]["detail"]


def test_a_potassium_below_3_with_a_borderline_magnesium_still_says_to_record_an_ecg() -> None:
    shown = cards(labs=["potassium 2.9 mmol/L -1h", "magnesium-serum 0.72 mmol/L -1h", KIDNEYS])
    assert "Also: Low potassium 2.9 mmol/L – ECG" in shown["k-hypokalaemia-mg-low-or-unknown"]["detail"]
