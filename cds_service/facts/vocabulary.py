"""What codes mean to us: concepts of measurement, drug ingredients and groups, condition groups.

Frozen at start from the value sets in cards/_shared/valuesets; the readers look codes up here, rules only ever speak
of concept and group ids.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import msgspec

from cds_service.facts.records import ReferenceRange, Strength

UNASKED = "none"
ELEMENT_WORDS = frozenset(
    {
        "magnesium", "calcium", "potassium", "kalium", "sodium", "natrium", "zinc", "zink", "iron", "ijzer",
        "aluminium", "aluminum", "lithium",
    }
)  # fmt: skip
"""Names of elements, English and Dutch: alone they may be a drug, beside another word its counter-ion."""
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without diacritics; every run of other characters separates words."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(text.lower())


def normal_name(text: str) -> str:
    """A name as names are compared: `L-Threonate`, `l threonate` and `L_threonate` are one name."""
    return " ".join(words_of(text))


class AgePolicy(msgspec.Struct, frozen=True):
    """Up to when a result is fresh, recent and stale (inclusive); `fresh_inpatient` replaces `fresh` during a stay.

    `stale` None: there is no stale band, older than `recent` is ignored.
    """

    fresh: timedelta
    recent: timedelta
    stale: timedelta | None = None
    fresh_inpatient: timedelta | None = None


class Substance(msgspec.Struct, frozen=True):
    """Molar mass in g/mol and valence, for mass <-> substance <-> equivalents."""

    molar_mass: Decimal
    valence: int | None = None


class RangeCheck(msgspec.Struct, frozen=True):
    """A reference range that contradicts the unit it is printed in (dq-unit-suspect): limits in that `unit`."""

    unit: str
    low_above: Decimal | None = None
    low_below: Decimal | None = None
    high_above: Decimal | None = None
    high_below: Decimal | None = None


class Concept(msgspec.Struct, frozen=True):
    """One kind of measurement: all codes of it form one series.

    unit       the canonical UCUM unit in which limits are written
    decimals   to which converted values are rounded half-up
    plausible  values outside are unusable (dq-implausible), canonical unit, inclusive
    key        the prefetch key that delivers it; UNASKED when none asks for it
    preference LOINC code -> place in the value set, where one code is better than the next (formulas): the lower goes
               first when two results fall on one day; empty where the codes are equals
    properties LOINC code -> "mass" or "molar", to record a unit that contradicts the code (dq-loinc-property)
    methods    LOINC code -> flag of its results that tells the formula apart ("by-bazett"); empty where it is no matter
    """

    id: str
    label: Mapping[str, str]
    unit: str
    decimals: int
    key: str
    age: AgePolicy
    substance: Substance | None = None
    plausible: tuple[Decimal, Decimal] | None = None
    range_checks: tuple[RangeCheck, ...] = ()
    properties: Mapping[str, str] = {}
    haemolysis_raises: bool = False
    coded_values: Mapping[tuple[str, str], Decimal] = {}
    preference: Mapping[str, int] = {}
    methods: Mapping[str, str] = {}


class Drug(msgspec.Struct, frozen=True):
    """One ingredient of the value sets, its groups, and for salts the elemental share (percent w/w range).

    combined  its codes stand for its combinations too: what else is in them only their names tell
    """

    id: str
    label: Mapping[str, str]
    groups: frozenset[str]
    combined: bool
    elemental_percent: tuple[Decimal, Decimal] | None = None
    element: str | None = None


class AtcClass(msgspec.Struct, frozen=True):
    """What an ATC code that starts with `prefix` (or is it, when `exact`) implies: groups and ingredients."""

    prefix: str
    exact: bool
    groups: frozenset[str]
    ingredients: frozenset[str] = frozenset()


class MappedDrug(msgspec.Struct, frozen=True, gc=False):
    """What a map says of a product: the ingredients we know (none for a drug that is identified and not ours), its ATC
    codes, route, and content per unit of product where the map states them."""

    ingredients: frozenset[str] = frozenset()
    atc: frozenset[str] = frozenset()
    route: str | None = None
    strengths: tuple[Strength, ...] = ()


class Vocabulary(msgspec.Struct, frozen=True):
    """All code knowledge, indexed for the readers.

    concepts          concept id -> Concept
    measurement_codes (system, code) -> Concept
    drugs             ingredient id -> Drug
    drug_codes        (system, code) -> ingredient id            (RxNorm, SNOMED CT, UNII; exact ATC level 5)
    drug_names        normal_name -> ingredient id               (whole names: nl and en, synonyms)
    products          normal_name -> ingredient ids              (names that hide more than one ingredient)
    atc_classes       ordered by falling prefix length
    condition_codes   (system, code) -> group ids                 (exact)
    condition_prefixes system -> ((prefix without dots, group ids), ...)
    condition_terms   (whole term in lower case, group id)
    order_codes       (system, code) -> concept id               (what an active ServiceRequest asks for)
    order_panels      (system, code) -> concept ids              (codes that order several tests)
    procedure_drugs   procedure group -> ATC code of the drug that it gives: an order for it is an order of that drug
    systems           alias system URI -> canonical URI (urn:oid forms, trailing slashes)
    mapped_drugs      canonical system URI -> product code -> what a drug map says of it
    condition_implies group id -> itself and the groups it also belongs to
    code_units        (system, code) -> the unit that a site's laboratory means when a result carries none
    laboratory_ranges concept id -> the interval that a site's laboratory uses for adults
    """

    concepts: Mapping[str, Concept]
    measurement_codes: Mapping[tuple[str, str], Concept]
    drugs: Mapping[str, Drug]
    drug_codes: Mapping[tuple[str, str], str]
    drug_names: Mapping[str, str]
    atc_classes: tuple[AtcClass, ...]
    condition_codes: Mapping[tuple[str, str], frozenset[str]]
    condition_prefixes: Mapping[str, tuple[tuple[str, frozenset[str]], ...]]
    condition_terms: tuple[tuple[str, str], ...]
    order_codes: Mapping[tuple[str, str], str]
    systems: Mapping[str, str]
    condition_labels: Mapping[str, Mapping[str, str]] = {}
    group_labels: Mapping[str, Mapping[str, str]] = {}
    routes: Mapping[tuple[str, str], str] = {}
    route_words: Mapping[str, str] = {}
    atc_routes: tuple[tuple[str, str], ...] = ()
    products: Mapping[str, tuple[str, ...]] = {}
    order_panels: Mapping[tuple[str, str], tuple[str, ...]] = {}
    mapped_drugs: Mapping[str, Mapping[str, MappedDrug]] = {}
    condition_implies: Mapping[str, frozenset[str]] = {}
    code_units: Mapping[tuple[str, str], str] = {}
    laboratory_ranges: Mapping[str, ReferenceRange] = {}
    procedure_drugs: Mapping[str, str] = {}
