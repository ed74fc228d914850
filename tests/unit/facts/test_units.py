"""Conversion into a concept's unit: the factors and equivalents written out in the catalogue, section 1.1."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.facts.units import ALIASES, UNITS, Converted, UnitProblem, convert
from cds_service.facts.vocabulary import AgePolicy, Concept, Substance

AGE = AgePolicy(timedelta(days=7), timedelta(days=90))


def concept(name: str, unit: str, decimals: int, molar_mass: str = "", valence: int | None = None) -> Concept:
    substance = Substance(Decimal(molar_mass), valence) if molar_mass else None
    return Concept(name, {}, unit, decimals, "labs", AGE, substance=substance)


MG = concept("magnesium-serum", "mmol/L", 2, "24.305", 2)
MG_24H = concept("magnesium-urine-24h", "mmol/(24.h)", 2, "24.305", 2)
CA = concept("calcium", "mmol/L", 2, "40.078", 2)
K = concept("potassium", "mmol/L", 1, "39.098", 1)
PO4 = concept("phosphate", "mmol/L", 2, "30.974")
VITAMIN_D = concept("25-oh-d", "nmol/L", 0, "400.64")
CREATININE = concept("creatinine", "umol/L", 0, "113.12")
GLUCOSE = concept("glucose", "mmol/L", 1, "180.16")
ALBUMIN = concept("albumin", "g/L", 0)
HBA1C = concept("hba1c", "mmol/mol", 0)
HBA1C_PERCENT = concept("hba1c-ngsp", "%", 1)
EGFR = concept("egfr", "mL/min/{1.73_m2}", 0)
QTC = concept("qtc", "ms", 0)
TSH = concept("tsh", "m[IU]/L", 1)
ALCOHOL = concept("alcohol", "g/d", 0)
SATURATION = concept("transferrin-saturation", "%", 0)

EQUIVALENTS = [
    (MG, "1.7", "mg/dL", "0.70"),
    (MG, "1.2", "mg/dL", "0.49"),
    (MG, "1.6", "mg/dL", "0.66"),
    (MG, "1.8", "mg/dL", "0.74"),
    (MG, "1.4", "mEq/L", "0.70"),
    (MG, "1.5", "mEq/L", "0.75"),
    (MG, "1.0", "meq/L", "0.50"),
    (MG, "1.22", "mg/dL", "0.50"),
    (MG, "2.07", "mg/dL", "0.85"),
    (MG, "2.31", "mg/dL", "0.95"),
    (MG, "2.55", "mg/dL", "1.05"),
    (MG, "2.99", "mg/dL", "1.23"),
    (MG, "4.86", "mg/dL", "2.00"),
    (MG, "8.51", "mg/dL", "3.50"),
    (MG, "4.2", "mg/dL", "1.73"),
    (MG, "17", "mg/L", "0.70"),
    (MG, "700", "mmol/m3", "0.70"),
    (MG_24H, "100", "mg/d", "4.11"),
    (MG_24H, "100", "mg/(24.h)", "4.11"),
    (MG_24H, "100", "mg/24.h", "4.11"),
    (CA, "10", "mg/dL", "2.50"),
    (CA, "5.0", "meq/L", "2.50"),
    (K, "4.0", "meq/L", "4.0"),
    (K, "10", "mg/dL", "2.6"),
    (PO4, "2.5", "mg/dL", "0.81"),
    (VITAMIN_D, "12", "ng/mL", "30"),
    (VITAMIN_D, "20", "ug/L", "50"),
    (VITAMIN_D, "30", "ng/mL", "75"),
    (CREATININE, "1.0", "mg/dL", "88"),
    (CREATININE, "0.08", "mmol/L", "80"),
    (GLUCOSE, "100", "mg/dL", "5.6"),
    (ALBUMIN, "4.0", "g/dL", "40"),
    (HBA1C, "7.0", "%", "53"),
    (HBA1C_PERCENT, "53", "mmol/mol", "7.0"),
    (QTC, "0.48", "s", "480"),
    (TSH, "3.548", "mcU/mL", "3.5"),
    (ALCOHOL, "210", "g/wk", "30"),
]


@pytest.mark.parametrize(("measured", "value", "unit", "expected"), EQUIVALENTS)
def test_the_catalogues_equivalents_hold(measured: Concept, value: str, unit: str, expected: str) -> None:
    found = convert(Decimal(value), unit, measured)
    assert isinstance(found, Converted)
    assert (str(found.value), found.converted) == (expected, True)


def test_one_point_seven_milligrams_is_not_below_the_limit() -> None:
    found = convert(Decimal("1.7"), "mg/dL", MG)
    assert isinstance(found, Converted)
    assert not found.value < Decimal("0.70")
    assert str(found.exact) == "0.69944456"


@pytest.mark.parametrize(
    ("measured", "value", "unit"),
    [
        (MG, "1.70", "mmol/L"),
        (MG, "0.6999", "mmol/l"),
        (EGFR, "29.6", "mL/min/1.73.m2"),
        (EGFR, "29.6", "mL/min/1.73m2"),
        (CREATININE, "88.4", "µmol/L"),
        (MG_24H, "3.20", "mmol/d"),
        (QTC, "480.0", "ms"),
    ],
)
def test_a_value_in_the_concepts_own_unit_stays_exactly_as_reported(measured: Concept, value: str, unit: str) -> None:
    found = convert(Decimal(value), unit, measured)
    assert isinstance(found, Converted)
    assert (str(found.value), found.converted) == (value, False)


@pytest.mark.parametrize(
    ("measured", "unit", "reason"),
    [
        (MG, "", "missing"),
        (MG, "Mg/dl", "unknown"),
        (MG, "MG/DL", "unknown"),
        (MG, "mmol/d", "other dimension"),
        (PO4, "meq/L", "other dimension"),
        (ALBUMIN, "mmol/L", "other dimension"),
        (EGFR, "mL/min", "other dimension"),
        (SATURATION, "mmol/mol", "other dimension"),
        (HBA1C, "g/dL", "other dimension"),
        (HBA1C, "1", "other dimension"),
        (HBA1C_PERCENT, "g/dL", "other dimension"),
    ],
)
def test_a_unit_that_does_not_fit_is_a_problem(measured: Concept, unit: str, reason: str) -> None:
    assert convert(Decimal("1.9"), unit, measured) == UnitProblem(reason, unit)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "sNaN", "1E+999999999", "1E-999999999"])
def test_what_is_not_a_usable_number_is_a_problem(value: str) -> None:
    assert convert(Decimal(value), "mmol/L", MG) == UnitProblem("not a number", "mmol/L")


@pytest.mark.parametrize(("value", "known"), [("1E+30", True), ("1E+31", False), ("1E-30", True), ("1E-31", False)])
def test_a_number_may_be_as_large_or_small_as_exact_arithmetic_can_bear(value: str, known: bool) -> None:
    assert isinstance(convert(Decimal(value), "mmol/L", MG), Converted) is known


def test_hba1c_is_converted_by_the_master_equation_of_the_ngsp() -> None:
    exact, percent = concept("hba1c", "mmol/mol", 3), concept("hba1c-ngsp", "%", 5)
    found = convert(Decimal("7.0"), "%", exact), convert(Decimal("53"), "mmol/mol", percent)
    assert [str(one.value) for one in found if isinstance(one, Converted)] == ["52.995", "7.00044"]


@pytest.mark.parametrize("unit", ["mL/min/{1.73_m2}", "kg/m2", "mosm/kg", "mmol/kg", "/d"])
def test_a_unit_of_its_own_kind_is_its_own_base(unit: str) -> None:
    assert UNITS[unit].factor == 1


def test_a_body_weight_in_pounds_is_one_in_kilograms() -> None:
    found = convert(Decimal("176"), "[lb_av]", concept("body-weight", "kg", 1))
    assert isinstance(found, Converted)
    assert (str(found.value), found.converted) == ("79.8", True)


def test_a_concept_kept_by_mass_is_converted_as_well() -> None:
    by_mass = concept("magnesium-by-mass", "mg/dL", 1, "24.305", 2)
    found = [convert(Decimal(value), unit, by_mass) for value, unit in (("0.70", "mmol/L"), ("1.4", "meq/L"))]
    assert [str(one.value) for one in found if isinstance(one, Converted)] == ["1.7", "1.7"]


def test_halves_are_rounded_away_from_zero() -> None:
    found = [convert(Decimal(value), "mmol/m3", MG) for value in ("705", "704.999", "-705")]
    assert [str(one.value) for one in found if isinstance(one, Converted)] == ["0.71", "0.70", "-0.71"]


@given(st.decimals(allow_nan=True, allow_infinity=True), st.sampled_from([*UNITS, *ALIASES, "?"]))
def test_conversion_never_raises(value: Decimal, unit: str) -> None:
    for measured in (MG, EGFR, HBA1C, ALBUMIN):
        assert isinstance(convert(value, unit, measured), Converted | UnitProblem)


def test_a_concept_in_a_unit_that_is_no_unit_takes_nothing_but_that() -> None:
    odd = concept("odd", "points", 0)
    assert convert(Decimal(5), "points", odd) == Converted(Decimal(5), converted=False)
    assert convert(Decimal(5), "mmol/L", odd) == UnitProblem("other dimension", "mmol/L")


def test_a_concept_is_raised_by_haemolysis_only_when_it_says_so() -> None:
    assert not MG.haemolysis_raises
