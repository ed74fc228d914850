"""Answers, codes and panels that are not plain numbers, and what the reader remembers between them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from cds_service.fhir.read import verdicts
from cds_service.fhir.read.observations import read_observations
from cds_service.fhir.structs import Observation, decode
from tests.unit.fhir.lab_results import LOINC, NOW, VOCABULARY, observation, only, raws, read, reasons


@pytest.mark.parametrize(
    "member",
    [
        {"valueRatio": {"numerator": {"value": 1}}},
        {"valueSampledData": {"period": 1}},
        {"valueTime": "10:00"},
        {"valuePeriod": {"start": "2026"}},
        {"valueInteger": "many"},
        {"valueQuantity": {"value": 1, "unit": "mmol/L"}},
    ],
)
def test_a_kind_of_answer_that_a_concept_does_not_have_is_unusable(member: dict[str, Any]) -> None:
    code = "11778-8" if "valueQuantity" in member else "75626-2"
    concept = "expected-delivery-date" if "valueQuantity" in member else "audit-c"
    assert reasons(read(observation(code, None, **member)), concept) == ["dq-unit"]


@pytest.mark.parametrize("text", ["2027-01", "next week"])
def test_a_month_is_no_day_and_words_are_none(text: str) -> None:
    due = observation("11778-8", None, valueDateTime=text)
    assert reasons(read(due), "expected-delivery-date") == ["dq-latest"]


@pytest.mark.parametrize("day", ["2026-10-25", "2027-03-28"])
def test_the_day_on_which_the_clocks_change_is_a_day(day: str) -> None:
    (due,) = read(observation("11778-8", None, valueDateTime=day)).results["expected-delivery-date"]
    assert due.value == date.fromisoformat(day).toordinal()


def test_a_unit_that_the_site_states_for_a_code_is_taken_where_none_is_sent() -> None:
    site = msgspec.structs.replace(VOCABULARY, code_units={(LOINC, "2601-3"): "mg/dL"})
    bare = observation(valueQuantity={"value": 2.0})
    (found,) = read_observations({"labs": raws(bare)}, site, NOW, "p1", inpatient=False).results["magnesium-serum"]
    assert (found.value, "site-unit" in found.flags) == (Decimal("0.82"), True)
    odd = msgspec.structs.replace(VOCABULARY, code_units={(LOINC, "2601-3"): "mmol/d"})
    assert not read_observations({"labs": raws(bare)}, odd, NOW, "p1", inpatient=False).results


def test_a_result_that_only_another_laboratory_understands_leaves_its_page_incomplete() -> None:
    local = observation(code={"coding": [{"system": "urn:local", "code": "MG"}]})
    panel = local | {"id": "panel", "component": [{"code": {"text": "something"}}]}
    unasked = observation("718-7")
    for page, unreadable in ((local, {"labs"}), (panel, {"labs"}), (unasked, set()), (unasked | panel, {"labs"})):
        assert read(page).unreadable == unreadable


def test_a_panel_may_carry_a_value_of_its_own_and_one_of_other_tests_says_nothing() -> None:
    component = [{"code": {"coding": [{"system": LOINC, "code": "718-7"}]}}]
    assert only(read(observation(component=component))).value == Decimal("0.8")
    assert read(observation("718-7", None, component=component)).unreadable == frozenset()


def test_components_that_cannot_be_read_are_reported() -> None:
    facts = read(observation("718-7", None, component=5))
    assert [refused.reason for refused in facts.quarantine] == ["unreadable"]


def test_a_result_without_a_code_is_reported() -> None:
    assert read(observation(code=None)).unreadable == {"labs"}
    assert read(observation(code=5)).unreadable == {"labs"}


def test_two_preliminary_results_do_not_contradict_each_other() -> None:
    early, late = (observation(value=value, status="preliminary") for value in (0.5, 0.9))
    assert read(early, late).conflicts == {}


def test_results_without_an_id_are_never_versions_of_each_other() -> None:
    assert len(read(observation(id=None), observation(id=None, value=0.9)).results["magnesium-serum"]) == 2


def test_a_time_that_cannot_be_read_is_no_time() -> None:
    assert reasons(read(observation(effectiveDateTime="yesterday"))) == ["dq-latest"]


def test_what_is_remembered_of_codes_and_values_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "MAX_REMEMBERED", 1)
    fresh = msgspec.structs.replace(VOCABULARY)
    pages = {"labs": raws(observation(value=0.7), observation("2823-3", 4.1), observation(value=0.8))}
    facts = read_observations(pages, fresh, NOW, "p1", inpatient=False)
    assert (len(facts.results["magnesium-serum"]), len(facts.results["potassium"])) == (2, 1)
    assert len(verdicts.judge_by(fresh).meanings) == 1


def test_a_code_or_value_of_unusual_length_is_not_remembered() -> None:
    fresh = msgspec.structs.replace(VOCABULARY)
    long = observation(code={"coding": [{"system": LOINC, "code": "2601-3", "display": "x" * 5000}]})
    unit = {"value": 0.7, "unit": "mmol/L", "system": "x" * 5000}
    facts = read_observations({"labs": raws(long, observation(valueQuantity=unit))}, fresh, NOW, "p1", inpatient=False)
    assert len(facts.results["magnesium-serum"]) == 2
    assert len(verdicts.judge_by(fresh).meanings) == 1


def test_observations_that_came_decoded_are_read_as_they_are() -> None:
    plain = decode(raws(observation())[0], Observation)
    assert plain is not None
    assert only(read_observations({"labs": (plain,)}, VOCABULARY, NOW, "p1", inpatient=False)).value == Decimal("0.8")


def test_results_of_one_instant_are_of_one_time() -> None:
    instant: dict[str, Any] = {"effectiveDateTime": None, "effectiveInstant": "2026-11-20T09:00:00+01:00"}
    facts = read(observation(**instant), observation("2823-3", 4.1, **instant))
    assert only(facts).at == only(facts, "potassium").at


@pytest.mark.parametrize(
    ("at", "band"),
    [("2026-11-14", "fresh"), ("2026-11-13", "recent"), ("2026-08-22", "stale"), ("2025-11-20", "ignored")],
)
def test_a_result_of_which_only_the_day_is_known_ages_by_the_day(at: str, band: str) -> None:
    assert only(read(observation(effectiveDateTime=at))).age == band
