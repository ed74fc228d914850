"""Which results may be used, and which flags they carry: units, ranges, haemolysis (catalogue 1.2)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.fhir.lab_results import (
    LOINC,
    SNOMED,
    UCUM,
    code_of,
    observation,
    only,
    quantity,
    raws,
    read,
    reasons,
)

HIGH = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "HH"}]}
HAEMOLYSED_MODIFIER = {
    "url": "https://example.org/StructureDefinition/InterpretationsbeeinflussendeEigenschaft",
    "valueCodeableConcept": code_of("118128002", SNOMED),
}


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
    ("absent beside a value", quantity(value=1, unit="mmol/L") | {"dataAbsentReason": code_of("error")}, "dq-latest"),
    ("odd comparator", quantity(value=0.8, unit="mmol/L", comparator="ad"), "dq-comparator"),
    ("not a number", quantity(value="NaN", unit="mmol/L"), "dq-unit"),
    ("implausible", quantity(value=42, unit="mmol/L"), "dq-implausible"),
    ("no time", quantity(value=0.8, unit="mmol/L") | {"effectiveDateTime": "${DATE, T, M, -1}"}, "dq-latest"),
    ("unknown modifier", quantity(value=0.8, unit="mmol/L") | {"modifierExtension": [{"url": "x"}]}, "dq-modifier"),
    ("implicit rules", quantity(value=0.8, unit="mmol/L") | {"implicitRules": "x"}, "dq-modifier"),
    ("urine", quantity(value=4, unit="mmol/L") | {"specimen": {"display": "24u urine"}}, "dq-specimen"),
    ("circuit", quantity(value=1, unit="mmol/L") | {"code": code_of("2601-3", text="Mg, CRRT circuit")}, "dq-specimen"),
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


def test_a_value_far_outside_its_range_is_only_abnormal() -> None:
    bounds = [{"low": {"value": 0.01}, "high": {"value": 0.09}}]
    assert only(read(observation(value=0.95, referenceRange=bounds))).flags == {"lab-high"}


@pytest.mark.parametrize("bound", ["NaN", "sNaN", "Infinity", "1e999999999"])
def test_a_bound_that_is_no_number_is_ignored(bound: str) -> None:
    broken = [{"low": {"value": bound}, "high": {"value": 1.00}}]
    interval = only(read(observation(referenceRange=broken), observation("46424-8", 3, referenceRange=broken))).range
    assert interval is not None
    assert (interval.low, interval.high) == (None, Decimal("1.0"))


def test_a_range_in_another_unit_than_its_value_says_its_unit() -> None:
    bounds = [{"low": {"value": 0.70, "unit": "mmol/L"}, "high": {"value": 1.05, "unit": "mmol/L"}}]
    interval = only(read(observation(value=1.9, unit="mg/dL", referenceRange=bounds))).range
    assert interval is not None
    assert (interval.low, interval.text) == (Decimal("0.7"), "0.7–1.05 mmol/L")


@pytest.mark.parametrize(
    ("value", "sign", "flags"),
    [
        (0.70, "<", {"lab-low"}),
        (0.69, "<=", {"lab-low"}),
        (0.70, "<=", set()),
        (0.71, "<", set()),
        (0.60, ">", set()),
        (1.05, ">", {"lab-high"}),
        (1.06, ">=", {"lab-high"}),
        (1.05, ">=", set()),
        (1.04, ">", set()),
        (1.20, "<", set()),
    ],
)
def test_a_bound_lies_outside_its_range_only_when_all_that_it_can_mean_does(
    value: float, sign: str, flags: set[str]
) -> None:
    bounds = [{"low": {"value": 0.70}, "high": {"value": 1.05}}]
    quantity = {"value": value, "comparator": sign, "unit": "mmol/L"}
    assert only(read(observation(valueQuantity=quantity, referenceRange=bounds))).flags == flags


def test_a_range_without_width_is_no_range() -> None:
    empty = [{"low": {"value": 0}, "high": {"value": 0}}]
    assert only(read(observation(referenceRange=empty))).range is None


def test_the_unit_wins_over_the_code_and_the_mismatch_is_recorded() -> None:
    assert only(read(observation("19123-9", 0.57, "mmol/L"))).flags == {"unit-property-mismatch"}


@pytest.mark.parametrize(
    "members",
    [
        {"note": [{"text": "hemolytisch"}]},
        {"note": [{"text": "Specimen slightly hemolyzed."}]},
        {"interpretation": [{"text": "Haemolysed"}]},
        {"specimen": {"display": "Serum, hemolytisch"}},
        {"note": [{"text": "niet lipemisch; wel hemolytisch"}]},
        {"note": [{"text": "uitslag niet betrouwbaar door hemolyse"}]},
        {"note": [{"text": "not reliable due to haemolysis"}]},
        {"modifierExtension": [HAEMOLYSED_MODIFIER]},
        {"specimen": {"reference": "#s"}, "contained": [{"id": "s", "condition": [{"text": "Hemolyzed"}]}]},
    ],
)
def test_haemolysis_is_read_from_words_and_known_codes(members: dict[str, Any]) -> None:
    assert "haemolysed" in only(read(observation(**members))).flags


@pytest.mark.parametrize(
    "text",
    ["niet hemolytisch", "not haemolysed", "geen hemolyse", "non-hemolyzed", "no evidence of hemolysis",
     "Hemolyse: geen", "hemolytisch? nee", "free of haemolysis", "niet beïnvloed door hemolyse",
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
        (observation("20393-5", None, valueString="slight haemolysis"), True),
        (observation("20393-5", None, valueString="none"), False),
        (observation("20393-5", None, interpretation=[HIGH]), True),
        (
            observation("46424-8", None, valueQuantity={"value": 80, "comparator": "<"}, referenceRange=INDEX_RANGE),
            False,
        ),
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


def test_a_haemolysis_index_of_another_hour_speaks_for_the_same_specimen() -> None:
    tube: dict[str, Any] = {"specimen": {"reference": "Specimen/1"}}
    index = observation("20393-5", None, valueBoolean=True, effectiveDateTime="2026-11-20T15:00:00+01:00", **tube)
    assert "haemolysed" in only(read(observation(**tube), index)).flags


def test_a_haemolysis_index_changes_nothing_of_what_haemolysis_does_not_raise_or_was_flagged_before() -> None:
    index = observation("20393-5", None, valueBoolean=True)
    noted = observation(note=[{"text": "hemolytisch"}])
    facts = read(index, noted, observation("1751-7", 40, "g/L"))
    assert only(facts).flags == {"haemolysed"}
    assert only(facts, "albumin").flags == frozenset()


def test_a_modifier_that_names_another_influence_makes_a_result_unusable() -> None:
    lipaemic = HAEMOLYSED_MODIFIER | {"valueCodeableConcept": code_of("1", SNOMED)}
    assert "magnesium-serum" not in read(observation(modifierExtension=[lipaemic])).results


def test_a_code_of_both_mass_and_moles_contradicts_no_unit() -> None:
    both = {"coding": [{"system": LOINC, "code": code} for code in ("2601-3", "19123-9")]}
    assert only(read(observation(code=both))).flags == frozenset()


def test_a_bound_in_a_unit_of_something_else_is_no_range() -> None:
    other = [{"high": {"value": 5, "unit": "kg", "system": UCUM, "code": "kg"}}]
    assert only(read(observation("1751-7", 40, "g/L", referenceRange=other)), "albumin").range is None


def test_a_tube_that_was_haemolysed_speaks_for_all_results_from_it() -> None:
    tube: dict[str, Any] = {"specimen": {"reference": "Specimen/1"}}
    haemolysed = {"resourceType": "Specimen", "id": "1", "condition": [{"text": "Hemolyzed"}]}
    facts = read(observation(**tube), observation("2823-3", 4.1, **tube), specimens=raws(haemolysed))
    assert [only(facts, name).flags for name in ("magnesium-serum", "potassium")] == [{"haemolysed"}] * 2


@pytest.mark.parametrize("broken", [{"specimen": 5}, {"specimen": []}])
def test_a_specimen_that_cannot_be_read_says_nothing(broken: dict[str, Any]) -> None:
    assert only(read(observation(**broken))).specimen is None


@pytest.mark.parametrize("ranges", [[], [{}], 5])
def test_a_range_that_says_nothing_is_no_range(ranges: Any) -> None:
    assert only(read(observation(referenceRange=ranges))).range is None
