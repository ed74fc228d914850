"""Two hospitals that start from our example overlays give the same patients the same advice, each in its own codes."""

from __future__ import annotations

from functools import lru_cache

import pytest

from cds_service.knowledge.load import load_knowledge
from cds_service.knowledge.model import Knowledge
from cds_service.service.decide import DecideOptions, Decision, decide
from cds_service.service.overlay_check import check_overlay
from tests.fixtures.service import gist
from tests.sites.patients import OVERLAYS, SiteChart, Told

FILES = sorted(OVERLAYS.glob("*.yaml"))
PATIENTS = {
    "severe hypomagnesaemia on a proton pump inhibitor": (
        Told(67, (("magnesium-serum", "0.41", "-2h"), ("potassium", "3.1", "-2h"), ("egfr", "75", "-2h")),
             (("omeprazole", "-900d"),)),
        [
            "critical mg-hypomagnesaemia", "warning k-hypokalaemia-mg-low-or-unknown + k-hypokalaemia",
            "warning ppi-hypomagnesaemia-review",
        ],
    ),
    "hypocalcaemia with low magnesium": (
        Told(58, (("calcium-total", "1.70", "-3h"), ("albumin", "41", "-3h"), ("magnesium-serum", "0.55", "-3h"))),
        ["critical ca-hypocalcaemia-mg-low-or-unknown + ca-hypocalcaemia", "critical mg-hypomagnesaemia"],
    ),
    "digoxin with low potassium and magnesium": (
        Told(78, (("magnesium-serum", "0.58", "-1h"), ("potassium", "3.0", "-1h"), ("egfr", "62", "-1h")),
             (("digoxin", "-400d"), ("bumetanide", "-400d"))),
        ["critical digoxin-low-mg-k + k-hypokalaemia + k-hypokalaemia-mg-low-or-unknown", "warning mg-hypomagnesaemia"],
    ),
    "severe vitamin D deficiency": (Told(72, (("vitamin-d", "17", "-2d"),)), ["warning vitd-low"]),
    "hypermagnesaemia": (
        Told(66, (("magnesium-serum", "2.30", "-1h"), ("egfr", "22", "-1h"))), ["critical mg-hypermagnesaemia"],
    ),
    "ciprofloxacin beside an antacid": (
        Told(44, drugs=(("magnesium-hydroxide", "-30d"),), drafts=("ciprofloxacin",), hook="order-sign"),
        ["warning sep-ciprofloxacin"],
    ),
    "a mild magnesium deficit with a seizure": (
        Told(50, (("magnesium-serum", "0.64", "-2h"),), problems=("seizure",)),
        ["critical mg-hypomagnesaemia", "critical emergency-red-flags"],
    ),
    "everything normal": (
        Told(40, (("magnesium-serum", "0.90", "-1d"), ("potassium", "4.2", "-1d"), ("calcium-total", "2.40", "-1d"))),
        [],
    ),
}  # fmt: skip


@lru_cache
def site(name: str) -> Knowledge:
    """The knowledge under one of the example overlays."""
    return load_knowledge(overlay=OVERLAYS / f"{name}.yaml")


def advice(name: str, told: Told, *, units: bool = True) -> Decision:
    """The decision of a site about a patient in its own codes and units."""
    knowledge = site(name)
    options = DecideOptions(language="en", strict=True).for_tenant(knowledge.tenant)
    return decide(SiteChart(name, knowledge).call(told, units=units), knowledge, options)


@pytest.mark.parametrize("patient", PATIENTS)
@pytest.mark.parametrize("name", ["us-hospital", "nl-hospital"])
def test_a_patient_gets_the_same_advice_in_the_codes_and_units_of_either_hospital(name: str, patient: str) -> None:
    told, cards = PATIENTS[patient]
    decision = advice(name, told)
    assert [gist(card) for card in decision.response["cards"]] == cards
    assert decision.response["extension"]["org.ionwise.decision"]["overlay_hash"] == site(name).overlay_hash
    assert decision.snapshot.unmapped == ()


@pytest.mark.parametrize("name", ["us-hospital", "nl-hospital"])
def test_a_result_without_a_unit_has_the_one_that_the_site_names(name: str) -> None:
    told, cards = PATIENTS["severe hypomagnesaemia on a proton pump inhibitor"]
    decision = advice(name, told, units=False)
    assert [gist(card) for card in decision.response["cards"]] == cards
    assert all("site-unit" in result.flags for found in decision.snapshot.results.values() for result in found)


def test_a_card_prints_the_value_in_the_units_of_the_site() -> None:
    told, _ = PATIENTS["severe hypomagnesaemia on a proton pump inhibitor"]
    american, dutch = (advice(name, told).response["cards"][0] for name in ("us-hospital", "nl-hospital"))
    assert "mg/dL" in american["summary"]
    assert "mmol/L" in dutch["summary"]
    assert "1.7–2.6 mg/dL" in american["detail"]
    assert "0.70–1.05 mmol/L" in dutch["detail"]


def test_an_adult_range_of_the_site_is_not_laid_over_a_child() -> None:
    told = Told(9, (("magnesium-serum", "0.68", "-2h"),))
    assert advice("nl-hospital", told).response["cards"] == []
    assert advice("nl-hospital", told).snapshot.results["magnesium-serum"][0].range is None


def test_an_order_that_the_site_can_place_is_offered_and_another_becomes_text() -> None:
    told = Told(67, (("magnesium-serum", "0.41", "-2h"),))
    card = advice("us-hospital", told).response["cards"][0]
    codings = [s["actions"][0]["resource"]["code"]["coding"][0] for s in card["suggestions"]]
    assert {coding["system"] for coding in codings} == {"urn:oid:1.2.3.4.5.6.4"}
    assert "**To be ordered**" in card["detail"]
    assert "creatinine" in card["detail"].partition("**To be ordered**")[2]


def test_what_other_decision_support_covers_is_off_with_its_reason() -> None:
    told = PATIENTS["ciprofloxacin beside an antacid"][0]
    decision = advice("us-hospital", told)
    (verdict,) = [verdict for verdict in decision.trace if verdict.rule_id == "sep-levothyroxine"]
    assert (verdict.kind, verdict.reason) == ("gated", "covered by the pharmacy system's interaction checks")


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem)
def test_every_example_passes_its_own_check(file: object) -> None:
    path = next(path for path in FILES if path == file)
    report = check_overlay(path)
    assert report.findings == ()
    assert set(report.knowledge.tenant.limits) == {limit.name for limit in report.limits}
