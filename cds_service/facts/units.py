"""Units of measurement: a closed table of exact strings, and exact conversion into a concept's unit.

A string that is not in the table is not understood: nothing is case-folded (`Mg` is megagram), guessed from the
magnitude or taken from the code. Factors are exact fractions; mass, substance and equivalents are bridged by the
concept's molar mass and valence. Tests check the table against the definitions of UCUM.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import msgspec

from cds_service.facts.vocabulary import Concept

UNITS_OF_ACTIVITY = frozenset({"activity", "arbitrary"})  # laboratories write U for both (TSH in mU/L, ALP in IU/L)
MAX_EXPONENT = 30
GUARD_DIGITS = 6
HBA1C = "hba1c"
NGSP_OFFSET = Fraction("2.152")
NGSP_SLOPE = Fraction("0.09148")


class Unit(msgspec.Struct, frozen=True):
    """What a unit string measures (`of` per `per`), and how many base units of that one of it is."""

    of: str
    per: str
    factor: Fraction


class Converted(msgspec.Struct, frozen=True):
    """`value` in the concept's unit: as reported, or (`converted`) rounded half-up to the concept's decimals; then
    `exact` has six digits more, for arithmetic."""

    value: Decimal
    converted: bool
    exact: Decimal | None = None


class UnitProblem(msgspec.Struct, frozen=True):
    """Why a value cannot be brought into the concept's unit; `unit` as sent."""

    reason: Literal["missing", "unknown", "other dimension", "not a number"]
    unit: str


# Spelling -> size in base units (g, mol, eq, U, cells, L, d). Both `L` and `l` are UCUM.
PARTS: Mapping[str, Mapping[str, str]] = {
    "mass": {"kg": "1000", "g": "1", "mg": "1e-3", "ug": "1e-6", "ng": "1e-9", "pg": "1e-12"},
    "substance": {"mol": "1", "mmol": "1e-3", "umol": "1e-6", "nmol": "1e-9", "pmol": "1e-12", "fmol": "1e-15"},
    "charge": {"eq": "1", "meq": "1e-3", "ueq": "1e-6"},
    "activity": {"kU": "1000", "U": "1", "mU": "1e-3", "uU": "1e-6", "ukat": "60", "nkat": "0.06"},
    "arbitrary": {"k[IU]": "1000", "[IU]": "1", "m[IU]": "1e-3", "u[IU]": "1e-6"},
    "count": {"10*3": "1e3", "10*6": "1e6", "10*9": "1e9", "10*12": "1e12"},
    "volume": {"L": "1", "dL": "0.1", "mL": "1e-3", "uL": "1e-6", "l": "1", "dl": "0.1", "ml": "1e-3", "m3": "1000"},
    "time": {"wk": "7", "d": "1", "(24.h)": "1", "h": "1/24", "min": "1/1440", "s": "1/86400", "ms": "1/86400000"},
    "length": {"m": "1", "cm": "0.01", "mm": "1e-3"},
    "pressure": {"mm[Hg]": "1"},
    "score": {"{score}": "1"},
    "pH": {"[pH]": "1"},
    "temperature": {"Cel": "1"},
    "fraction": {"1": "1", "%": "0.01", "L/L": "1", "l/l": "1"},
}
QUOTIENTS: tuple[tuple[str, str], ...] = (
    ("mass", "volume"), ("substance", "volume"), ("charge", "volume"), ("activity", "volume"), ("arbitrary", "volume"),
    ("count", "volume"), ("mass", "time"), ("substance", "time"), ("charge", "time"), ("volume", "time"),
    ("mass", "mass"), ("substance", "substance"), ("mass", "substance"),
)  # fmt: skip
OTHER: Mapping[str, Unit] = {
    "mL/min/{1.73_m2}": Unit("volume", "time and surface", Fraction(1)),
    "kg/m2": Unit("mass", "surface", Fraction(1)),
    "[lb_av]": Unit("mass", "", Fraction("453.59237")),  # US Core allows a body weight in pounds
    "mosm/kg": Unit("osmoles", "mass", Fraction(1)),
    "mmol/kg": Unit("substance", "solvent mass", Fraction(1)),
}

# Spellings that are not UCUM, or are UCUM for what nobody means: `mmol/24.h` is (mmol/24)*h. Inside a unit, then whole.
PART_SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "eq": ("Eq",), "meq": ("mEq", "mval", "mVal"), "ueq": ("uEq", "µeq", "µEq"), "ug": ("µg", "μg", "mcg"),
    "umol": ("µmol", "μmol"),
    "[IU]": ("IU",), "m[IU]": ("mIU",), "u[IU]": ("uIU", "µIU", "μIU"), "k[IU]": ("kIU",), "uU": ("µU", "μU", "mcU"),
    "uL": ("µL", "μL", "µl", "μl"), "(24.h)": ("24h", "24.h", "24 h", "24hr", "24 hr", "24 uur", "day", "dag"),
    "10*3": ("10^3", "10E3"), "10*6": ("10^6", "10E6"), "10*9": ("10^9", "10E9"), "10*12": ("10^12", "10E12"),
}  # fmt: skip
SURFACE_SPELLINGS = (
    "1.73.m2", "1.73m2", "1.73 m2", "1.73m²", "1.73 m²", "1.73m^2", "1.73_m2", "{1.73m2}", "{1.73}m2", "1.73/m2",
    "1,73m2", "1,73 m2", "1,73m²", "1,73 m²", "1,73.m2",
)  # fmt: skip
WHOLE_SPELLINGS: Mapping[str, str] = {
    **{f"{flow}/{surface}": "mL/min/{1.73_m2}" for flow in ("mL/min", "ml/min") for surface in SURFACE_SPELLINGS},
    "ml/min/{1.73_m2}": "mL/min/{1.73_m2}",
    "{index}": "1", "{ratio}": "1", "mg%": "mg/dL",
    "kg/m²": "kg/m2", "kg/m^2": "kg/m2", "mmHg": "mm[Hg]", "msec": "ms", "weeks": "wk", "pH": "[pH]", "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "mOsm/kg": "mosm/kg", "{beats}/min": "/min", "beats/min": "/min", "bpm": "/min", "{breaths}/min": "/min",
    "{#}/d": "/d", "# per day": "/d", "{drinks}/d": "/d", "{drinks}/wk": "/wk", "{#}/wk": "/wk",
    "mg/g{creat}": "mg/g", "ug/mg{creat}": "ug/mg", "mg/mg{creat}": "mg/mg",
    "mg/mmol{creat}": "mg/mmol", "mmol/mmol{creat}": "mmol/mmol", "mmol/mol{Hb}": "mmol/mol",
}  # fmt: skip


def _ucum_units() -> Iterator[tuple[str, Unit]]:
    for of, parts in PARTS.items():
        yield from ((spelling, Unit(of, "", Fraction(size))) for spelling, size in parts.items())
    for of, per in QUOTIENTS:
        for above, size in PARTS[of].items():
            for below, share in PARTS[per].items():
                yield f"{above}/{below}", Unit(of, per, Fraction(size) / Fraction(share))
    for below, share in PARTS["time"].items():
        yield f"/{below}", Unit("count", "time", 1 / Fraction(share))
    yield from OTHER.items()


def _aliases(units: Mapping[str, Unit]) -> Iterator[tuple[str, str]]:
    yield from WHOLE_SPELLINGS.items()
    for unit in units:
        above, slash, below = unit.partition("/")
        for top in (above, *PART_SPELLINGS.get(above, ())):
            for bottom in (below, *PART_SPELLINGS.get(below, ())):
                if (top, bottom) != (above, below):
                    yield f"{top}{slash}{bottom}", unit


UNITS: Mapping[str, Unit] = MappingProxyType(dict(_ucum_units()))
ALIASES: Mapping[str, str] = MappingProxyType(dict(_aliases(UNITS)))
_KNOWN = {**UNITS, **{alias: UNITS[unit] for alias, unit in ALIASES.items()}}


def unit_of(text: str) -> Unit | None:
    """The unit that exactly this string names, or None."""
    return _KNOWN.get(text)


def is_number(value: Decimal) -> bool:
    """Whether a decimal can be calculated with: finite, and of a size that exact arithmetic can bear."""
    return value.is_finite() and abs(value.adjusted()) <= MAX_EXPONENT


def convert(value: Decimal, unit: str, concept: Concept) -> Converted | UnitProblem:
    """Bring a reported value into the concept's unit (catalogue 1.1).

    A value already in that unit, in any accepted spelling, comes back exactly as reported, trailing zeros included;
    any other is converted exactly and then rounded half-up to `concept.decimals`. Never raises.
    """
    if not is_number(value):
        return UnitProblem("not a number", unit)
    if unit == concept.unit:
        return Converted(value, converted=False)
    if not unit:
        return UnitProblem("missing", unit)
    source, target = _KNOWN.get(unit), _KNOWN.get(concept.unit)
    if source is None:
        return UnitProblem("unknown", unit)
    if target is None:
        return UnitProblem("other dimension", unit)
    if source == target:
        return Converted(value, converted=False)
    exact = _exact(Fraction(value), source, target, concept)
    if exact is None:
        return UnitProblem("other dimension", unit)
    finer = round_half_up(exact, concept.decimals + GUARD_DIGITS)
    return Converted(round_half_up(exact, concept.decimals), converted=True, exact=finer)


def _exact(value: Fraction, source: Unit, target: Unit, concept: Concept) -> Fraction | None:
    if source.per == target.per and (source.of == target.of or {source.of, target.of} == UNITS_OF_ACTIVITY):
        return value * source.factor / target.factor
    if concept.id.startswith(HBA1C):
        if source == UNITS["%"] and target == UNITS["mmol/mol"]:
            return (value - NGSP_OFFSET) / NGSP_SLOPE
        if source == UNITS["mmol/mol"] and target == UNITS["%"]:
            return value * NGSP_SLOPE + NGSP_OFFSET
        return None
    if source.per != target.per or concept.substance is None:
        return None
    per_mole = _per_mole(concept.substance.molar_mass, concept.substance.valence)
    if source.of not in per_mole or target.of not in per_mole:
        return None
    return value * source.factor / per_mole[source.of] * per_mole[target.of] / target.factor


@lru_cache(maxsize=256)
def _per_mole(molar_mass: Decimal, valence: int | None) -> Mapping[str, Fraction]:
    sizes = {"mass": Fraction(molar_mass), "substance": Fraction(1)}
    if valence is not None:
        sizes["charge"] = Fraction(valence)
    return sizes


def round_half_up(exact: Fraction, decimals: int) -> Decimal:
    """The nearest decimal with `decimals` digits after the point, halves away from zero."""
    scaled = abs(exact) * 10**decimals
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if exact >= 0 else -whole).scaleb(-decimals)
