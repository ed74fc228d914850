"""A site's laboratory: its own codes, the units it leaves unsaid, and the intervals it uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import msgspec

from cds_service.facts.records import ReferenceRange
from cds_service.facts.units import Converted, convert
from cds_service.facts.vocabulary import UNASKED, Concept, Vocabulary
from cds_service.knowledge.model import KeyPlanEntry
from cds_service.knowledge.overlay.desk import Desk
from cds_service.knowledge.vocabulary import MAX_TEMPLATE

Key = tuple[str, str]


def add_lab_codes(desk: Desk, vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with the site's codes of measurements, in results and in orders."""
    measurements, orders = dict(vocabulary.measurement_codes), dict(vocabulary.order_codes)
    units = dict(vocabulary.code_units)
    for index, entry in enumerate(desk.entry.lab_codes):
        path = ("lab_codes", index)
        concept = _concept(desk, vocabulary, entry.concept, *path, "concept")
        if concept is None:
            continue
        key = (vocabulary.systems.get(entry.system, entry.system), entry.code)
        known = measurements.setdefault(key, concept)
        if known is not concept:
            desk.wrong(f"{entry.code} means {known.id} already", "keep one meaning for each code", *path, "code")
            continue
        orders[key] = concept.id
        if entry.unit is not None:
            if isinstance(convert(Decimal(1), entry.unit, concept), Converted):
                units[key] = entry.unit
            else:
                remedy = f"write a UCUM unit that converts to {concept.unit or 'nothing: leave it out'}"
                desk.wrong(f"{entry.unit} is no unit of {concept.id}", remedy, *path, "unit")
    return msgspec.structs.replace(
        vocabulary, measurement_codes=measurements, order_codes=orders, code_units=units
    )  # fmt: skip


def add_ranges(desk: Desk, vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with the laboratory's intervals in the units of the concepts."""
    ranges: dict[str, ReferenceRange] = {}
    for name, entry in desk.entry.laboratory_ranges.items():
        path = ("laboratory_ranges", name)
        concept = _concept(desk, vocabulary, name, *path)
        if concept is None:
            continue
        ends = [None if end is None else convert(end, entry.unit, concept) for end in (entry.low, entry.high)]
        if any(end is not None and not isinstance(end, Converted) for end in ends):
            desk.wrong(
                f"{entry.unit} is no unit of {name}", f"write one that converts to {concept.unit}", *path, "unit"
            )
            continue
        low, high = (end.value if isinstance(end, Converted) else None for end in ends)
        if concept.plausible is not None and any(
            end is not None and not concept.plausible[0] <= end <= concept.plausible[1] for end in (low, high)
        ):
            remedy = "look whether the unit is right"
            desk.wrong(f"{name} has an end that no patient has", remedy, *path)
            continue
        ranges[name] = ReferenceRange(low, high, _printed(entry.low, entry.high, entry.unit))
    return msgspec.structs.replace(vocabulary, laboratory_ranges=ranges)


def _printed(low: Decimal | None, high: Decimal | None, unit: str) -> str:
    if low is not None and high is not None:
        return f"{low}–{high} {unit}"
    return f">= {low} {unit}" if low is not None else f"<= {high} {unit}"


def ask_for_codes(desk: Desk, vocabulary: Vocabulary, plan: tuple[KeyPlanEntry, ...]) -> tuple[KeyPlanEntry, ...]:
    """The prefetch queries with the site's codes; a query that becomes too long is a finding."""
    wanted: dict[str, list[str]] = {}
    first: dict[str, int] = {}
    local: set[str] = set()
    for index, entry in enumerate(desk.entry.lab_codes):
        concept = vocabulary.concepts.get(entry.concept)
        if entry.ask and concept is not None and concept.key != UNASKED:
            wanted.setdefault(concept.key, []).append(f"{entry.system}|{entry.code}")
            first.setdefault(concept.key, index)
            local.add(concept.id)
    dropped: set[str] = set()
    if not desk.entry.loinc_too:
        known = desk.base.vocabulary.measurement_codes.items()
        dropped = {f"{system}|{code}" for (system, code), concept in known if concept.id in local}
    asked = tuple(_asking(one, wanted.get(one.key, ()), dropped) for one in plan)
    for asking in asked:
        query = asking.query
        length = len(query) + 2 * (query.count("|") + query.count(","))
        if asking.key in wanted and length >= MAX_TEMPLATE:
            problem = f"the query of {asking.key} grows to {length} characters when encoded, {MAX_TEMPLATE} is too many"
            remedy = "`loinc_too: false` when these tests are only coded locally, else `ask: false` for some codes"
            desk.wrong(problem, remedy, "lab_codes", first[asking.key])
    return asked


def _asking(entry: KeyPlanEntry, codes: Iterable[str], dropped: set[str]) -> KeyPlanEntry:
    """The entry asking for `codes` as well, and no more for those that are dropped."""
    if not codes:
        return entry
    path, mark, parameters = entry.query.partition("?")
    pairs = [pair.partition("=") for pair in parameters.split("&")]
    grown = [
        name + equals + (_grown(value, codes, dropped) if name == "code" else value) for name, equals, value in pairs
    ]
    return msgspec.structs.replace(entry, query=path + mark + "&".join(grown))


def _grown(value: str, codes: Iterable[str], dropped: set[str]) -> str:
    kept = [code for code in value.split(",") if code not in dropped]
    return ",".join(dict.fromkeys((*kept, *codes)))


def _concept(desk: Desk, vocabulary: Vocabulary, name: str, *path: str | int) -> Concept | None:
    concepts: Mapping[str, Concept] = vocabulary.concepts
    if name not in concepts:
        desk.unknown("concept", name, concepts, *path)
    return concepts.get(name)
