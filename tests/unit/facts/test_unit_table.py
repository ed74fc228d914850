"""The frozen unit table against UCUM itself (ucumvert on pint; neither is needed at run time)."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import pytest
from ucumvert import PintUcumRegistry  # type: ignore[import-untyped]

from cds_service.facts.units import ALIASES, UNITS, unit_of

# Units that the library cannot express: an annotation alone, the logarithmic pH, and an offset scale.
NOT_EXPRESSIBLE = frozenset({"{score}", "[pH]", "Cel"})
CHECKED = sorted(set(UNITS) - NOT_EXPRESSIBLE)


@pytest.fixture(scope="module")
def ucum() -> PintUcumRegistry:
    return PintUcumRegistry()


def test_every_unit_of_the_table_has_the_size_that_ucum_gives_it(ucum: PintUcumRegistry) -> None:
    by_dimension: dict[tuple[str, str], list[tuple[str, float]]] = defaultdict(list)
    for text in CHECKED:
        quantity = ucum.from_ucum(text).to_base_units()
        unit = UNITS[text]
        by_dimension[unit.of, unit.per].append((text, float(quantity.magnitude) / float(unit.factor)))
    for members in by_dimension.values():
        anchor = members[0][1]
        for text, ratio in members:
            assert ratio == pytest.approx(anchor, rel=1e-12), text


def test_units_of_one_dimension_in_the_table_are_one_dimension_in_ucum(ucum: PintUcumRegistry) -> None:
    by_dimension: dict[tuple[str, str], set[str]] = defaultdict(set)
    for text in CHECKED:
        by_dimension[UNITS[text].of, UNITS[text].per].add(str(ucum.from_ucum(text).dimensionality))
    assert {key: seen for key, seen in by_dimension.items() if len(seen) > 1} == {}


def test_every_other_spelling_leads_to_a_unit_of_the_table() -> None:
    assert set(ALIASES.values()) <= set(UNITS)
    assert not set(ALIASES) & set(UNITS)
    assert all(unit_of(alias) == UNITS[unit] for alias, unit in ALIASES.items())


@pytest.mark.parametrize(
    "text", ["Mg/dl", "MG/DL", "MMOL/L", "mMol/L", "", " mmol/L", "mmol/L ", "M/L", "g/DL", "mg/dL."]
)
def test_a_spelling_outside_the_table_is_not_understood(text: str) -> None:
    assert unit_of(text) is None


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("mmol/l", "mmol/L"),
        ("mEq/L", "meq/L"),
        ("mval/l", "meq/L"),
        ("mVal/L", "meq/L"),
        ("mg%", "mg/dL"),
        ("µmol/L", "umol/L"),
        ("μmol/l", "umol/L"),
        ("mmol/24h", "mmol/d"),
        ("mmol/24.h", "mmol/(24.h)"),
        ("mL/min/1.73.m2", "mL/min/{1.73_m2}"),
        ("mL/min/1.73m2", "mL/min/{1.73_m2}"),
        ("mcg/L", "ng/mL"),
        ("mmol/m3", "umol/L"),
    ],
)
def test_spellings_of_one_unit_are_equal(text: str, same_as: str) -> None:
    assert unit_of(text) == unit_of(same_as)
    assert unit_of(text) is not None


def test_clearance_per_body_surface_is_not_plain_clearance() -> None:
    indexed, plain = UNITS["mL/min/{1.73_m2}"], UNITS["mL/min"]
    assert (indexed.of, indexed.per) != (plain.of, plain.per)
    assert plain.factor == Fraction(1440, 1000)
