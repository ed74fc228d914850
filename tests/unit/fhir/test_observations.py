"""Observations as servers send them, read into results: the data-quality rules of the catalogue, section 1.2."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from cds_service.facts.moments import AsOf
from cds_service.facts.records import Result
from cds_service.facts.vocabulary import AgePolicy, Concept, RangeCheck, Substance, Vocabulary
from cds_service.fhir.read.observations import ObservationFacts, page_order, read_observations

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
ZONE = ZoneInfo("Europe/Amsterdam")
NOW = AsOf.of(datetime.fromisoformat("2026-11-21T10:00:00+01:00"), ZONE)
WEEK = AgePolicy(timedelta(days=7), timedelta(days=90), timedelta(days=365), timedelta(hours=72))
MG = Substance(Decimal("24.305"), 2)
CHECKS = (
    RangeCheck("mmol/L", low_above=Decimal("1.20"), high_above=Decimal("1.60")),
    RangeCheck("mg/dL", high_below=Decimal("1.40")),
    RangeCheck("meq/L", low_below=Decimal("1.00"), high_above=Decimal("2.60")),
)


def concept(name: str, unit: str, decimals: int = 2, **more: Any) -> Concept:
    return Concept(name, {}, unit, decimals, "labs", WEEK, **more)


CONCEPTS: Mapping[str, Concept] = {
    "2601-3": concept(
        "magnesium-serum", "mmol/L", substance=MG, plausible=(Decimal("0.10"), Decimal(15)), range_checks=CHECKS,
        properties={"2601-3": "molar", "19123-9": "mass"}, haemolysis_raises=True,
    ),
    "2598-1": concept("magnesium-urine-spot", "mmol/L", substance=MG),
    "2823-3": concept(
        "potassium", "mmol/L", 1, substance=Substance(Decimal("39.098"), 1), plausible=(Decimal(1), Decimal(12)),
        haemolysis_raises=True,
    ),
    "1751-7": concept("albumin", "g/L", 0),
    "8480-6": concept("systolic-blood-pressure", "mm[Hg]", 0),
    "75626-2": concept("audit-c", "{score}", 0),
    "82810-3": concept(
        "pregnancy-status", "", 0, coded_values={(SNOMED, "77386006"): Decimal(1), (SNOMED, "60001007"): Decimal(0)}
    ),
    "11778-8": concept("expected-delivery-date", "", 0),
}  # fmt: skip
VOCABULARY = Vocabulary(
    concepts={c.id: c for c in CONCEPTS.values()},
    measurement_codes={(LOINC, code): c for code, c in CONCEPTS.items()} | {(LOINC, "19123-9"): CONCEPTS["2601-3"]},
    drugs={}, drug_codes={}, drug_names={}, atc_classes=(), condition_codes={}, condition_prefixes={},
    condition_terms=(), order_codes={}, systems={"urn:oid:2.16.840.1.113883.6.1": LOINC},
)  # fmt: skip
COUNTER = iter(range(10**6))


def code_of(loinc: str, system: str = LOINC, **more: Any) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": loinc}], **more}


def observation(loinc: str = "2601-3", value: float | None = 0.80, unit: str = "mmol/L", **more: Any) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "resourceType": "Observation", "id": f"o{next(COUNTER)}", "status": "final", "code": code_of(loinc),
        "subject": {"reference": "Patient/p1"}, "effectiveDateTime": "2026-11-20T09:00:00+01:00",
    }  # fmt: skip
    if value is not None:
        resource["valueQuantity"] = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    resource |= more
    return {name: member for name, member in resource.items() if member is not None}


def read(*resources: Mapping[str, Any] | bytes, inpatient: bool = False, **more: Any) -> ObservationFacts:
    raws = [Raw(r if isinstance(r, bytes) else json.dumps(r).encode()) for r in resources]
    return read_observations({"labs": raws}, VOCABULARY, NOW, "p1", inpatient, **more)


def only(facts: ObservationFacts, concept_id: str = "magnesium-serum") -> Result:
    (result,) = facts.results[concept_id]
    return result


def reasons(facts: ObservationFacts, concept_id: str = "magnesium-serum") -> list[str]:
    assert concept_id not in facts.results
    return [found.reason for found in facts.unusable.get(concept_id, ())]


def quantity(**members: Any) -> dict[str, Any]:
    return {"valueQuantity": members}


HIGH = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "HH"}]}
HAEMOLYSED_MODIFIER = {
    "url": "https://example.org/StructureDefinition/InterpretationsbeeinflussendeEigenschaft",
    "valueCodeableConcept": code_of("118128002", SNOMED),
}


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
    assert only(read(observation(status=status)))


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
    assert only(read(observation(status="unknown"), admit_unknown_status=True))


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
    assert only(read(observation(subject={"reference": reference})))


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
    assert only(read(observation(effectiveDateTime="2026-11-21T10:10:00+01:00")))


UNUSABLE = [
    ("no unit", quantity(value=0.42), "dq-unit"),
    ("capitalised unit", quantity(value=0.42, unit="MG/DL"), "dq-unit"),
    ("megagram", quantity(value=0.42, unit="Mg/dl", code="Mg/dl", system=UCUM), "dq-unit"),
    ("code and text contradict", quantity(value=0.42, unit="mg/dL", code="mmol/L", system=UCUM), "dq-unit"),
    ("other dimension", quantity(value=0.42, unit="mmol/d"), "dq-unit"),
    ("text value", {"valueString": ">=100UCUM http://unitsofmeasure.org,%"}, "dq-unit"),
    ("two values", quantity(value=0, unit="mmol/L") | {"valueString": "0.42"}, "dq-unit"),
    ("empty quantity", quantity(unit="mmol/L"), "dq-latest"),
    ("no value", {"dataAbsentReason": code_of("unknown")}, "dq-latest"),
    ("absent reason beside a value", quantity(value=0.8, unit="mmol/L") | {"dataAbsentReason": code_of("error")}, "dq-latest"),
    ("odd comparator", quantity(value=0.8, unit="mmol/L", comparator="ad"), "dq-comparator"),
    ("not a number", quantity(value="NaN", unit="mmol/L"), "dq-unit"),
    ("implausible", quantity(value=42, unit="mmol/L"), "dq-implausible"),
    ("no time", quantity(value=0.8, unit="mmol/L") | {"effectiveDateTime": "${DATE, T, M, -1}"}, "dq-latest"),
    ("unknown modifier", quantity(value=0.8, unit="mmol/L") | {"modifierExtension": [{"url": "x"}]}, "dq-modifier"),
    ("implicit rules", quantity(value=0.8, unit="mmol/L") | {"implicitRules": "x"}, "dq-modifier"),
    ("urine", quantity(value=4, unit="mmol/L") | {"specimen": {"display": "24u urine"}}, "dq-specimen"),
    ("circuit", quantity(value=1, unit="mmol/L") | {"code": code_of("2601-3", text="Mg drawn from CRRT circuit")}, "dq-specimen"),
    ("two analytes", {"code": {"coding": [*code_of("2601-3")["coding"], *code_of("2598-1")["coding"]]}}, "dq-code"),
]  # fmt: skip


@pytest.mark.parametrize(("members", "reason"), [case[1:] for case in UNUSABLE], ids=[case[0] for case in UNUSABLE])
def test_what_must_not_be_used_is_unusable_with_its_rule(members: dict[str, Any], reason: str) -> None:
    assert reasons(read(observation(value=None, **members))) == [reason]


@pytest.mark.parametrize(
    ("value", "unit", "low", "high", "suspect"),
    [
        (1.9, "mmol/L", 1.6, 2.6, True),
        (1.0, "mmol/L", 1.2, 1.6, False),
        (0.9, "mg/dL", 0.7, 1.0, True),
        (1.5, "meq/L", 0.7, 1.0, True),
        (1.9, "mg/dL", 1.7, 2.4, False),
    ],
)
def test_a_range_that_contradicts_the_unit_makes_it_suspect(
    value: float, unit: str, low: float, high: float, suspect: bool
) -> None:
    facts = read(observation(value=value, unit=unit, referenceRange=[{"low": {"value": low}, "high": {"value": high}}]))
    assert [u.reason for u in facts.unusable.get("magnesium-serum", ())] == (["dq-unit-suspect"] if suspect else [])


def test_a_range_in_quite_another_unit_makes_it_suspect() -> None:
    grams = [{"low": {"value": 12.0, "unit": "g/dL"}, "high": {"value": 15.5, "unit": "g/dL"}}]
    assert reasons(read(observation("2823-3", 13.2, "mg/dL", referenceRange=grams)), "potassium") == ["dq-unit-suspect"]


def test_the_unit_wins_over_the_code_and_the_mismatch_is_recorded() -> None:
    assert only(read(observation("19123-9", 0.57, "mmol/L"))).flags == {"unit-property-mismatch"}


def test_codes_are_found_in_any_coding_and_never_in_text() -> None:
    local = {"system": "urn:oid:1.2.3", "code": "MG"}
    alias = {"system": "urn:oid:2.16.840.1.113883.6.1", "code": "2601-3"}
    assert only(read(observation(code={"coding": [local, alias]})))
    assert read(observation(code={"text": "Magnesium"})).results == {}


@pytest.mark.parametrize(
    "members",
    [
        {"note": [{"text": "hemolytisch"}]},
        {"note": [{"text": "Specimen slightly hemolyzed."}]},
        {"interpretation": [{"text": "Haemolysed"}]},
        {"specimen": {"display": "Serum, hemolytisch"}},
        {"note": [{"text": "niet lipemisch; wel hemolytisch"}]},
        {"modifierExtension": [HAEMOLYSED_MODIFIER]},
        {"specimen": {"reference": "#s"}, "contained": [{"id": "s", "condition": [{"text": "Hemolyzed"}]}]},
    ],
)
def test_haemolysis_is_read_from_words_and_known_codes(members: dict[str, Any]) -> None:
    assert "haemolysed" in only(read(observation(**members))).flags


@pytest.mark.parametrize(
    "text",
    ["niet hemolytisch", "not haemolysed", "geen hemolyse", "non-hemolyzed", "no evidence of hemolysis", "Hemolyse: geen",
     "hemolysis not detected", "hemolysis index: 0", "icteric"],
)  # fmt: skip
def test_a_denied_haemolysis_is_none(text: str) -> None:
    assert only(read(observation(note=[{"text": text}]))).flags == frozenset()


def test_the_interpretation_code_for_high_is_not_haemolysis() -> None:
    assert only(read(observation("2823-3", 6.0, interpretation=[HIGH])), "potassium").flags == {"lab-high"}


def test_haemolysis_says_nothing_about_albumin() -> None:
    assert only(read(observation("1751-7", 40, "g/L", note=[{"text": "hemolytisch"}])), "albumin").flags == frozenset()


INDEX_RANGE = [{"high": {"value": 50, "unit": "{index}"}}]


@pytest.mark.parametrize(
    ("index", "flagged"),
    [
        (observation("46424-8", 80, "{index}", referenceRange=INDEX_RANGE), True),
        (observation("46424-8", 50, "{index}", referenceRange=INDEX_RANGE), False),
        (observation("46424-8", 80, "{index}"), False),
        (observation("20393-5", None, valueCodeableConcept=code_of("10828004", SNOMED)), True),
        (observation("20393-5", None, valueCodeableConcept={"text": "Negative"}), False),
        (observation("20393-5", None, valueBoolean=True, effectiveDateTime="2026-11-20T09:15:00+01:00"), True),
        (observation("20393-5", None, valueBoolean=True, effectiveDateTime="2026-11-20T09:16:00+01:00"), False),
        (observation("20393-5", None, valueBoolean=True, status="entered-in-error"), False),
    ],
)
def test_a_haemolysis_index_speaks_for_its_draw(index: dict[str, Any], flagged: bool) -> None:
    assert ("haemolysed" in only(read(observation(), index)).flags) is flagged


def test_the_side_of_the_range_is_the_laboratorys_or_read_from_the_range() -> None:
    bounds = [{"low": {"value": 0.70}, "high": {"value": 1.00}}]
    assert only(read(observation(value=0.69, referenceRange=bounds))).flags == {"lab-low"}
    assert only(read(observation(value=1.01, referenceRange=bounds))).flags == {"lab-high"}
    normal = {"coding": [{"code": "N"}]}
    assert only(read(observation(value=0.69, referenceRange=bounds, interpretation=normal))).flags == frozenset()


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
    assert read(observation(value=0.48), late).conflicts["magnesium-serum"].value == Decimal("0.48")
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
    assert only(read(body.encode()))


def page(*times: str | None) -> tuple[bool, Any]:
    return page_order([Raw(json.dumps({"effectiveDateTime": t} if t else {}).encode()) for t in times])


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
    page_order([body, body])


@given(st.binary(max_size=40), st.sampled_from(["0001-01-01", "9999-12-31T23:59:59-12:00", "2026-13-01", "0000", "-1"]))
def test_no_bytes_or_dates_make_the_reader_raise(body: bytes, when: str) -> None:
    read_observations({"labs": [Raw(body)]}, VOCABULARY, NOW, "p1", False)
    read(observation(effectiveDateTime=when, issued=when))
