"""What a site's records say that we do not understand: drugs, laboratory codes and units, counted for a work list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Literal

import msgspec

from cds_service.facts.units import UnitProblem, convert, is_number
from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir import structs
from cds_service.fhir.datatypes import CodeableConcept, Coding, Quantity
from cds_service.fhir.read.dosage import unit_of
from cds_service.fhir.read.drugs import NO_DRUG, drug_names, identify
from cds_service.fhir.read.references import bare_id
from cds_service.fhir.read.shapes import decode_as_r4, is_other_shape

Kind = Literal["drug", "lab", "unit"]
TEXT = "text"
LABORATORY = "laboratory"
_GSTANDAARD = "urn:oid:2.16.840.1.113883.2.4.4."
# one GPK stands for many PRK, HPK and ZI numbers: signing the GPK is the least work
_BEST_FIRST = (f"{_GSTANDAARD}1", f"{_GSTANDAARD}10", f"{_GSTANDAARD}7")
_DRUGS = frozenset({"MedicationRequest", "MedicationStatement", "MedicationDispense"})


class Unmapped(msgspec.Struct, frozen=True):
    """One line of the work list, without its figures.

    `system` is TEXT where there is no code; `proposal`: what the text matching takes a drug for, or the concept whose
    unit was not understood.
    """

    kind: Kind
    system: str
    code: str
    display: str
    unit: str = ""
    proposal: str = ""


class Line(msgspec.Struct, frozen=True):
    """One line with its figures: how often, and the lowest and highest value where there are values."""

    what: Unmapped
    count: int
    low: Decimal | None = None
    high: Decimal | None = None


class WorkList:
    """Counts what is not mapped. Feed it resources with `add`, then ask for its `lines`.

    A resource seen before (same type and id) counts once: the same chart comes with many requests.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._names = drug_names(vocabulary)
        self._counts: Counter[Unmapped] = Counter()
        self._ranges: dict[Unmapped, tuple[Decimal, Decimal]] = {}
        self._seen: set[tuple[str, str]] = set()
        self._referred: Counter[str] = Counter()
        self._products: dict[str, structs.Medication] = {}
        self._shown: dict[str, str] = {}
        self.resources = 0

    def add(self, found: Any) -> None:
        """Take in a resource, or whatever holds resources: a Bundle, a hook request."""
        for resource in _resources(found):
            kind, key = str(resource.get("resourceType", "")), str(resource.get("id", ""))
            if key and (kind, key) in self._seen:
                continue
            self._seen.add((kind, key))
            self.resources += 1
            if kind in _DRUGS:
                self._add_use(resource)
            elif kind == "Medication":
                self._add_product(key, resource)
            elif kind == "Observation":
                self._add_result(resource)

    def lines(self) -> list[Line]:
        """The work list, the most frequent first."""
        counts = self._counts.copy()
        for key, product in self._products.items():
            used = self._referred.get(key, 0)
            if used or key not in self._referred:
                self._count_drug(counts, product, max(1, used))
        for key, shown in self._shown.items():
            if key not in self._products:
                self._count_drug(counts, structs.Medication(code=CodeableConcept(text=shown)), self._referred[key])
        lines = [Line(what, count, *self._ranges.get(what, (None, None))) for what, count in counts.items()]
        return sorted(lines, key=lambda line: (-line.count, msgspec.structs.astuple(line.what)))

    def _add_use(self, resource: dict[str, Any]) -> None:
        r5 = resource.get("medication")
        either: dict[str, Any] = r5 if isinstance(r5, dict) else {}
        concept = _read(resource.get("medicationCodeableConcept", either.get("concept")), CodeableConcept)
        if concept is not None:
            self._count_drug(self._counts, structs.Medication(code=concept), 1)
            return
        reference = resource.get("medicationReference", either.get("reference"))
        if not isinstance(reference, dict):
            return
        target, shown = str(reference.get("reference", "")), str(reference.get("display", ""))
        for inner in resource.get("contained", ()):
            if isinstance(inner, dict) and target == f"#{inner.get('id', '')}":
                product = _read_product(inner)
                if product is not None:
                    self._count_drug(self._counts, product, 1)
                return
        key = bare_id(target) or shown
        self._referred[key] += 1
        self._shown.setdefault(key, shown)

    def _add_product(self, key: str, resource: dict[str, Any]) -> None:
        product = _read_product(resource)
        if product is not None:
            self._products[key or str(len(self._products))] = product

    def _count_drug(self, counts: Counter[Unmapped], product: structs.Medication, number: int) -> None:
        identity = identify((), "", product, self._vocabulary)
        if identity.known_by not in ("", TEXT) or identity.known_by == NO_DRUG:
            return
        concept = product.code or CodeableConcept()
        coding = self._best(concept.coding)
        display = coding.display or concept.text or next((c.display for c in concept.coding if c.display), "")
        if display or coding.code:
            system = self._canonical(coding.system) if coding.code else TEXT
            proposal = "+".join(sorted(identity.ingredients))
            counts[Unmapped("drug", system, coding.code, display, proposal=proposal)] += number

    def _add_result(self, resource: dict[str, Any]) -> None:
        quantity = _read(resource.get("valueQuantity"), Quantity)
        concept = _read(resource.get("code"), CodeableConcept)
        value = None if quantity is None else quantity.value
        if quantity is None or value is None or not is_number(value) or concept is None or not _is_laboratory(resource):
            return
        unit = unit_of(quantity)
        for coding in concept.coding:
            known = self._vocabulary.measurement_codes.get((self._canonical(coding.system), coding.code))
            if known is not None:
                if isinstance(convert(value, unit, known), UnitProblem):
                    self._count_value("unit", coding, concept.text, unit, value, known.id)
                return
        self._count_value("lab", self._best(concept.coding), concept.text, unit, value, "")

    def _count_value(self, kind: Kind, coding: Coding, text: str, unit: str, value: Decimal, proposal: str) -> None:
        system = self._canonical(coding.system) if coding.code else TEXT
        what = Unmapped(kind, system, coding.code, coding.display or text, unit, proposal)
        self._counts[what] += 1
        low, high = self._ranges.get(what, (value, value))
        self._ranges[what] = min(low, value), max(high, value)

    def _best(self, codings: Iterable[Coding]) -> Coding:
        """The code to sign: the one that stands for most products, else the first that says something."""
        usable = [coding for coding in codings if coding.code and "NullFlavor" not in coding.system]
        order = {system: place for place, system in enumerate(_BEST_FIRST)}
        return min(usable, key=lambda coding: order.get(coding.system, len(order)), default=Coding())

    def _canonical(self, system: str) -> str:
        return self._vocabulary.systems.get(system, system)


def _resources(node: Any) -> Iterator[dict[str, Any]]:
    """Every resource inside a JSON value; contained ones stay with their owner."""
    if isinstance(node, list):
        for item in node:
            yield from _resources(item)
    elif isinstance(node, dict):
        if node.get("resourceType", "Bundle") != "Bundle":
            yield node
        else:
            for item in node.values():
                yield from _resources(item)


def _read(node: Any, kind: type[structs.Kind]) -> structs.Kind | None:
    return None if node is None else structs.decode(msgspec.Raw(msgspec.json.encode(node)), kind)


def _read_product(node: Any) -> structs.Medication | None:
    product = _read(node, structs.Medication)
    if product is None or is_other_shape(product):
        product = decode_as_r4(msgspec.Raw(msgspec.json.encode(node)), structs.Medication) or product
    return product


def _is_laboratory(resource: dict[str, Any]) -> bool:
    """Whether a result is from the laboratory, or does not say where it is from."""
    categories = resource.get("category") or []
    codes = {
        str(coding.get("code", "")).lower()
        for category in (categories if isinstance(categories, list) else [categories])
        if isinstance(category, dict)
        for coding in category.get("coding", ())
        if isinstance(coding, dict)
    }
    return not codes or LABORATORY in codes
