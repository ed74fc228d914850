"""The cohort follows its numbers, every number says where it comes from, and the charts are R4."""

from __future__ import annotations

from functools import cache

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests.cohort.charts import chart_of
from tests.cohort.laboratory import measurements
from tests.cohort.numbers import Draws, codes, population
from tests.cohort.page import JUDGEMENT
from tests.cohort.people import Person, people
from tests.cohort.prescriptions import draft

OUR_OWN = {"design", "recalled"}


@cache
def everyone() -> tuple[Person, ...]:
    return tuple(people())


@pytest.mark.parametrize("part", ["settings", "conditions", "drugs", "labs"])
def test_every_number_says_where_it_comes_from(part: str) -> None:
    known = population()["sources"].keys() | OUR_OWN
    assert {name for name, entry in population()[part].items() if entry.get("from") not in known} == set()


@pytest.mark.parametrize(
    "one", ["egfr", "qtc", "weight", "bmi", "alcohol", "orders", "kidney_panel", "tails", "results_in", "habits"]
)
def test_so_does_every_other(one: str) -> None:
    assert population()[one]["from"] in population()["sources"].keys() | OUR_OWN


def test_every_quirk_says_so_too() -> None:
    parts = {**population()["quirks"], **population()["styles"], **population()["kidneys"]}
    assert {name for name, entry in parts.items() if "from" not in entry} == set()


def test_every_source_was_read_and_is_used() -> None:
    numbers = {name: value for name, value in population().items() if name != "sources"}
    text = str(numbers) + JUDGEMENT.read_text("utf-8")
    for name, source in population()["sources"].items():
        assert source.keys() == {"title", "url", "read", "says"}, name
        assert name in text, name


def test_everything_that_can_be_drawn_can_be_written() -> None:
    products = {product for drug in population()["drugs"].values() for product in drug["products"]}
    for setting in population()["settings"]:
        products |= population()["orders"][setting].keys()
    assert products <= codes()["drugs"].keys()
    assert population()["conditions"].keys() <= codes()["conditions"].keys()
    assert population()["labs"].keys() <= codes()["tests"].keys()


def share(setting: str, trait: str) -> float:
    there = [person for person in everyone() if person.setting == setting]
    return sum(trait in person.traits for person in there) / len(there)


@pytest.mark.parametrize(
    ("setting", "trait", "low", "high"),
    [
        ("gp", "ppi", 0.12, 0.22),  # pasma-2017: 15 % of all who come to a pharmacy
        ("inpatient", "ppi", 0.30, 0.48),  # van-vliet-2008: 43 % of a pulmonary ward
        ("gp", "hypertension", 0.15, 0.32),  # carlsson-2013: 12 % of all ages, the young included
        ("gp", "type-2-diabetes", 0.05, 0.14),
        ("gp", "levothyroxine", 0.025, 0.06),  # janett-2021: 3.8 %
        ("gp", "below-60", 0.05, 0.16),  # hill-2016: 8 %
    ],
)
def test_the_drawn_patients_are_about_as_many_as_the_source_says(
    setting: str, trait: str, low: float, high: float
) -> None:
    assert low <= share(setting, trait) <= high


def newest(setting: str, test: str) -> list[float]:
    found = [one for person in everyone() if person.setting == setting for one in measurements(person)]
    return [one.value for one in found if one.test == test and one.turn == 0]


@pytest.mark.parametrize(
    ("setting", "test", "below", "low", "high"),
    [
        ("inpatient", "magnesium", 0.65, 0.04, 0.14),  # malinowska-2020: 7 %
        ("inpatient", "magnesium", 0.75, 0.20, 0.36),  # malinowska-2020: 25 %
        ("inpatient", "potassium", 3.45, 0.04, 0.11),  # singer-2017: 5.5 %
        ("gp", "potassium", 3.45, 0.0, 0.03),
        ("inpatient", "phosphate", 0.805, 0.02, 0.12),  # megapanou-2025: 4.3 %
    ],
)
def test_low_values_are_about_as_many_as_the_source_says(
    setting: str, test: str, below: float, low: float, high: float
) -> None:
    values = newest(setting, test)
    assert low <= sum(value < below for value in values) / len(values) <= high


def test_a_draw_depends_on_nothing_but_its_name() -> None:
    assert Draws(7).share("drug/ppi") == Draws(7).share("drug/ppi") != Draws(8).share("drug/ppi")
    assert f"{Draws(0).share('pinned'):.12f}" == "0.975503091658"  # on every Python


@pytest.mark.parametrize("number", range(0, 1000, 37))
def test_a_chart_is_valid_r4(number: int) -> None:
    person = everyone()[number]
    chart = chart_of(person)
    for resource in (chart.patient, *chart.resources[:60], draft(person, "omeprazole", 0)):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
