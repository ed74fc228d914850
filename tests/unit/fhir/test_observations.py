"""Observations as servers send them, read into results: identity, order, age, pages (catalogue 1.2)."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from cds_service.fhir.read.observations import page_order, read_observations
from tests.unit.fhir.lab_results import (
    NOW,
    SNOMED,
    UCUM,
    VOCABULARY,
    ZONE,
    code_of,
    observation,
    only,
    quantity,
    read,
    reasons,
)


def test_a_plain_result_keeps_what_the_laboratory_wrote() -> None:
    body = json.dumps(
        observation(referenceRange=[{"low": {"value": 0.7}, "high": {"value": 1.0}, "text": "0,70-1,00"}])
    )
    result = only(read(body.replace("0.8,", "0.80,").encode()))
    assert (str(result.value), result.reported, result.unit, result.converted) == ("0.80", "0.80", "mmol/L", False)
    assert (result.age, result.flags, result.comparator) == ("fresh", frozenset(), "")
    assert result.range is not None
    assert (result.range.low, result.range.high, result.range.text) == (Decimal("0.7"), Decimal("1.0"), "0,70-1,00")


def test_a_converted_result_is_rounded_and_shows_its_own_unit_and_range() -> None:
    bounds = {"low": {"value": 1.7, "unit": "mg/dL"}, "high": {"value": 2.4, "unit": "mg/dL"}}
    result = only(read(observation("19123-9", 1.7, "mg/dL", referenceRange=[bounds])))
    assert (str(result.value), result.reported, result.unit, result.converted) == ("0.70", "1.7", "mg/dL", True)
    assert result.range is not None
    assert (result.range.low, result.range.text) == (Decimal("0.70"), "1.7–2.4")


@pytest.mark.parametrize("status", ["final", "amended", "corrected"])
def test_finished_statuses_are_used(status: str) -> None:
    assert only(read(observation(status=status))).flags == frozenset()


@pytest.mark.parametrize("status", ["entered-in-error", "entered-in-error ", "cancelled", "registered"])
def test_a_withdrawn_result_is_as_if_it_were_not_there(status: str) -> None:
    facts = read(observation(status=status))
    assert (facts.results, facts.unusable) == ({}, {})


def test_a_preliminary_result_is_flagged() -> None:
    facts = read(observation(status="preliminary"))
    assert only(facts).flags == {"preliminary"}
    assert facts.provisional == {"magnesium-serum"}


def test_status_unknown_is_used_only_when_the_site_admits_it() -> None:
    assert reasons(read(observation(status="unknown"))) == ["dq-status"]
    assert only(read(observation(status="unknown"), admit_unknown_status=True)).age == "fresh"


def test_an_error_report_withdraws_the_result_of_the_same_id() -> None:
    facts = read(observation(id="x"), observation(id="x", status="entered-in-error"))
    assert facts.results == {}


def test_the_last_updated_version_of_a_result_counts() -> None:
    older = observation(id="x", value=0.47, meta={"lastUpdated": "2026-11-20T10:00:00Z"})
    newer = observation(id="x", value=0.74, status="amended", meta={"lastUpdated": "2026-11-20T12:00:00Z"})
    assert only(read(newer, older)).value == Decimal("0.74")


@pytest.mark.parametrize(
    "reference", ["Patient/p1", "https://ehr.example/fhir/Patient/p1", "urn:uuid:p1", "p1", "Patient/p1/_history/3"]
)
def test_every_form_of_reference_to_the_patient_is_accepted(reference: str) -> None:
    assert only(read(observation(subject={"reference": reference}))).age == "fresh"


@pytest.mark.parametrize(
    "subject", [{"reference": "Patient/p2"}, {"reference": "Group/p1"}, {"reference": "#p1"}, None]
)
def test_a_result_of_someone_else_is_dropped_and_reported(subject: Any) -> None:
    facts = read(observation(subject=subject))
    assert (facts.results, facts.unusable) == ({}, {})
    assert [q.reason for q in facts.quarantine] == ["dq-subject"]


def test_a_result_from_the_future_is_not_used() -> None:
    facts = read(observation(effectiveDateTime="2026-11-21T10:11:00+01:00"))
    assert reasons(facts) == ["dq-future"]
    assert [q.reason for q in facts.quarantine] == ["dq-future"]
    assert only(read(observation(effectiveDateTime="2026-11-21T10:10:00+01:00"))).age == "fresh"


def test_codes_are_found_in_any_coding_and_never_in_text() -> None:
    local = {"system": "urn:oid:1.2.3", "code": "MG"}
    alias = {"system": "urn:oid:2.16.840.1.113883.6.1", "code": "2601-3"}
    assert only(read(observation(code={"coding": [local, alias]}))).age == "fresh"
    assert read(observation(code={"text": "Magnesium"})).results == {}


def test_a_code_that_names_its_formula_marks_its_results() -> None:
    assert only(read(observation("76634-5", 480, "ms")), "qtc").flags == {"by-fridericia"}


def test_a_bound_keeps_its_comparator() -> None:
    result = only(read(observation(value=None, **quantity(value=0.8, unit="mmol/L", comparator="<"))))
    assert (result.comparator, result.below(Decimal("0.80")), result.below(Decimal("0.79"))) == ("<", True, False)


def test_components_of_a_panel_are_results_of_their_own() -> None:
    part = {"code": code_of("8480-6"), **quantity(value=120, unit="mmHg", code="mm[Hg]", system=UCUM)}
    assert only(read(observation("85354-9", None, component=[part])), "systolic-blood-pressure").value == 120


def test_coded_and_dated_answers_become_numbers() -> None:
    pregnant = observation("82810-3", None, valueCodeableConcept=code_of("77386006", SNOMED))
    due = observation("11778-8", None, valueDateTime="2027-03-01")
    facts = read(pregnant, due, observation("75626-2", None, valueInteger=7))
    assert only(facts, "pregnancy-status").value == 1
    assert only(facts, "expected-delivery-date").value == date(2027, 3, 1).toordinal()
    assert only(facts, "audit-c").value == 7


def test_an_answer_that_means_nothing_here_is_unusable() -> None:
    facts = read(observation("82810-3", None, valueCodeableConcept={"text": "pregnant"}))
    assert reasons(facts, "pregnancy-status") == ["dq-code"]


@pytest.mark.parametrize(
    ("at", "inpatient", "band"),
    [
        ("2026-11-14T10:00:00+01:00", False, "fresh"),
        ("2026-11-14T09:59:59+01:00", False, "recent"),
        ("2026-11-14", False, "fresh"),
        ("2026-11-13", False, "recent"),
        ("2026-11-18T10:00:00+01:00", True, "fresh"),
        ("2026-11-18T09:59:59+01:00", True, "recent"),
        ("2026-08-23T10:00:00+01:00", False, "recent"),
        ("2026-08-22", False, "stale"),
        ("2025-11-21", False, "stale"),
        ("2025-11-20", False, "ignored"),
    ],
)
def test_ages_are_exact_hours_for_instants_and_calendar_days_for_dates(at: str, inpatient: bool, band: str) -> None:
    assert only(read(observation(effectiveDateTime=at), inpatient=inpatient)).age == band


def test_results_are_newest_first_by_effective_then_issued_then_updated() -> None:
    same = {"issued": "2026-11-20T10:00:00Z"}
    facts = read(
        observation(value=0.1, **same, meta={"lastUpdated": "2026-11-20T11:00:00Z"}),
        observation(value=0.2, **same, meta={"lastUpdated": "2026-11-20T12:00:00Z"}),
        observation(value=0.3, issued="2026-11-20T11:00:00Z"),
        observation(value=0.4, effectiveDateTime=None, effectivePeriod={"end": "2026-11-20T12:00:00+01:00"}),
        observation(value=0.5, effectiveDateTime=None, issued="2026-11-20T13:00:00+01:00"),
        observation(value=0.6, effectiveDateTime=None, effectiveInstant="2026-11-20T14:00:00+01:00"),
    )
    assert [str(r.value) for r in facts.results["magnesium-serum"]] == ["0.6", "0.5", "0.4", "0.3", "0.2", "0.1"]


def test_differing_results_within_two_hours_conflict() -> None:
    late = observation(value=0.98, effectiveDateTime="2026-11-20T11:00:00+01:00")
    assert read(observation(value=0.48), late).conflicts["magnesium-serum"][0].value == Decimal("0.48")
    assert read(observation(value=0.98), late).conflicts == {}
    assert read(observation(value=0.48, status="preliminary"), late).conflicts == {}
    early = observation(value=0.48, effectiveDateTime="2026-11-20T08:59:00+01:00")
    assert read(early, late).conflicts == {}


def test_results_of_a_cut_page_are_provisional_unless_a_complete_page_has_them_too() -> None:
    raw = Raw(json.dumps(observation(id="x")).encode())
    cut = read_observations({"a": [raw]}, VOCABULARY, NOW, "p1", False, frozenset({"a"}))
    assert only(cut).flags == {"page-incomplete"}
    both = read_observations({"a": [raw], "b": [raw]}, VOCABULARY, NOW, "p1", False, frozenset({"a"}))
    assert only(both).flags == frozenset()


def test_one_unreadable_resource_costs_only_itself() -> None:
    facts = read(
        b'{"resourceType": "Observation", "valueQuantity": ', observation(), b'{"status": 3}', observation(category={})
    )
    assert len(facts.results["magnesium-serum"]) == 2
    assert [q.reason for q in facts.quarantine] == ["unreadable", "unreadable"]
    assert facts.unreadable == {"labs"}


def test_nulls_and_empty_strings_are_as_good_as_absent() -> None:
    nulls = {"issued": None, "interpretation": None, "note": None, "valueString": None, "meta": None}
    body = json.dumps(observation() | nulls | {"effectivePeriod": "", "implicitRules": ""})
    assert only(read(body.encode())).age == "fresh"


def page(*times: str | None) -> tuple[bool, Any]:
    return page_order([Raw(json.dumps({"effectiveDateTime": t} if t else {}).encode()) for t in times], ZONE)


def test_a_page_proves_its_order_only_by_a_descent_without_ascent() -> None:
    newest_first, oldest = page("2026-11-20T09:00:00Z", "2026-11-20T09:00:00Z", "2026-11-01")
    assert newest_first
    assert oldest.day_only
    for times in (
        ("2026-11-20",),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20", "2026-11-19", "2026-11-20"),
        ("2026-11-20", None),
    ):
        assert page(*times) == (False, None)
    assert page() == (False, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["value", "unit", "code", "coding", "text", "reference", "low", "high", "system", "display", "url", "end"]
    ), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
MEMBERS = [
    "status", "code", "subject", "valueQuantity", "valueString", "valueCodeableConcept", "valueDateTime", "note",
    "effectiveDateTime", "effectivePeriod", "issued", "referenceRange", "interpretation", "component", "specimen",
    "contained", "modifierExtension", "meta", "valueInteger", "dataAbsentReason", "id", "implicitRules",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=3))
def test_no_resource_makes_the_reader_raise(members: dict[str, Any]) -> None:
    body = Raw(json.dumps(observation() | members).encode())
    read_observations({"labs": [body]}, VOCABULARY, NOW, "p1", False)
    page_order([body, body], ZONE)


@given(st.binary(max_size=40), st.sampled_from(["0001-01-01", "9999-12-31T23:59:59-12:00", "2026-13-01", "0000", "-1"]))
def test_no_bytes_or_dates_make_the_reader_raise(body: bytes, when: str) -> None:
    read_observations({"labs": [Raw(body)]}, VOCABULARY, NOW, "p1", False)
    read(observation(effectiveDateTime=when, issued=when))
