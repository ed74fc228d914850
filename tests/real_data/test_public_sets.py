"""Every patient of the public sets through the whole service: nothing crashes, and what is plain to read is read."""

from __future__ import annotations

from functools import lru_cache

import pytest

from tests.real_data.charts import SETS, Resource, is_present, read_charts
from tests.real_data.tally import Tally, run_charts, run_set
from tests.shipped import released

SYNTHEA, SMART, AUSTRALIA = "synthea-r4-100", "smart-stu3-67", "au-test-data"
PATIENTS = {SYNTHEA: 100, SMART: 67, "us-core-examples": 4, AUSTRALIA: 90, "mii-test-data": 31}
MOST_CARDS_PER_PATIENT = 0.5
MOST_UNIDENTIFIED = 0.02
NEEDED = [
    pytest.param(name, marks=pytest.mark.skipif(not is_present(name), reason=f"../shared/data/{name} is not there"))
    for name in SETS
]


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not is_present(name), reason=f"../shared/data/{name} is not there")


@lru_cache(maxsize=16)
def tally(name: str, *, sloppy: bool = False, language: str = "en") -> Tally:
    admitted = name == SMART  # nearly all of its results carry the status `unknown`
    return run_set(name, released(), sloppy=sloppy, admit_unknown_status=admitted, language=language)


@pytest.mark.parametrize("name", NEEDED)
@pytest.mark.parametrize(("sloppy", "language"), [(False, "en"), (True, "nl")])
def test_every_patient_is_answered_and_nothing_fails_on_the_way(name: str, sloppy: bool, language: str) -> None:
    found = tally(name, sloppy=sloppy, language=language)
    assert found.patients >= PATIENTS[name]
    assert dict(found.statuses) == {200: found.patients}
    assert found.troubles == []
    assert not any("crash" in item or "Error" in item for item in found.missing)


@pytest.mark.parametrize("name", NEEDED)
def test_people_without_a_finding_are_left_in_peace(name: str) -> None:
    found = tally(name)
    assert sum(found.cards.values()) <= MOST_CARDS_PER_PATIENT * found.patients
    assert not [card for card in found.cards if card[1] == "critical"]


@pytest.mark.parametrize("name", NEEDED)
def test_only_what_names_no_patient_is_refused(name: str) -> None:
    loose = [resource for chart in read_charts(name) for resource in chart.loose]
    assert set(tally(name).quarantined) <= ({"dq-subject"} if loose else set())


@needs(SYNTHEA)
def test_synthea_results_are_all_usable() -> None:
    found = tally(SYNTHEA)
    assert found.unusable == {}
    assert min(found.results[concept] for concept in ("potassium", "calcium-total", "creatinine")) > 300
    assert found.results["egfr"] > 100


@needs(SYNTHEA)
def test_synthea_product_names_say_which_drug_it_is() -> None:
    found = tally(SYNTHEA)
    known = sum(found.identified.values())
    assert sum(found.unidentified.values()) < MOST_UNIDENTIFIED * known
    for name, ingredients in (item.split(" = ") for item in found.identified):
        for words, ingredient in (
            ("hydrochlorothiazide", "hydrochlorothiazide"), ("chlorthalidone", "chlortalidone"), ("digoxin", "digoxin"),
            ("furosemide", "furosemide"), ("levothyroxine", "levothyroxine"), ("alendronic", "alendronate"),
            ("cisplatin", "cisplatin"), ("ferrous sulfate", "ferrous-sulfate"), ("amlodipine", "amlodipine"),
        ):  # fmt: skip
            assert (words in name.lower()) == (ingredient in ingredients), name


@needs(SMART)
def test_the_few_real_magnesium_results_are_read() -> None:
    found = tally(SMART)
    assert (found.results["magnesium-serum"], found.results["vitamin-d"]) == (3, 12)


@needs(AUSTRALIA)
def test_no_known_medications_is_not_a_drug() -> None:
    assert not [name for name in tally(AUSTRALIA).identified if "no known" in name.lower()]


@needs(SMART)
def test_nothing_is_lost_because_a_set_is_in_stu3() -> None:
    """The same charts rewritten by hand to R4 members tell the same; what they miss, they miss in any version."""
    charts = read_charts(SMART)
    for chart in charts:
        chart.resources = [in_r4(resource) for resource in chart.resources]
    rewritten, found = run_charts(charts, released(), admit_unknown_status=True), tally(SMART)
    for name in ("cards", "verdicts", "missing", "unidentified", "identified", "results", "unusable", "quarantined"):
        assert getattr(rewritten, name) == getattr(found, name), name


def in_r4(resource: Resource) -> Resource:
    """An STU3 resource of this set with R4's members; without any trace of those of STU3."""
    made = {name: value for name, value in resource.items() if name != "context"}
    if "context" in resource:
        made["encounter"] = resource["context"]
    for name in ("clinicalStatus", "verificationStatus"):
        if name in made:
            made[name] = {"coding": [{"code": made[name]}]}
    if "dosageInstruction" in made:
        made["dosageInstruction"] = [
            {name: value for name, value in dosage.items() if name != "doseQuantity"}
            | ({"doseAndRate": [{"doseQuantity": dosage["doseQuantity"]}]} if "doseQuantity" in dosage else {})
            for dosage in made["dosageInstruction"]
        ]
    return made
