"""References in all the forms that servers send, and the Medication resources they may point to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from cds_service.fhir import structs
from cds_service.fhir.datatypes import Reference
from cds_service.fhir.read.modifiers import unknown_modifier
from cds_service.fhir.read.shapes import decode_as_r4, is_other_shape

_TYPE_FIRST = re.compile(rb'\{"resourceType": ?"([A-Za-z]{1,40})"')


class Heading(msgspec.Struct, gc=False, rename="camel"):
    """Type and id of a resource of any kind."""

    resource_type: str = ""
    id: str = ""


_HEADING = msgspec.json.Decoder(Heading)


def kind_of(raw: msgspec.Raw) -> str:
    """The resource type; "" when it cannot be read."""
    first = _TYPE_FIRST.match(raw)
    return heading_of(raw).resource_type if first is None else _known_name(first[1])


@lru_cache(maxsize=256)
def _known_name(name: bytes) -> str:
    """One string per type: there are few, and thousands of resources."""
    return name.decode("ascii")


def heading_of(raw: msgspec.Raw) -> Heading:
    """Type and id of an undecoded resource, both "" when it cannot be read."""
    try:
        return _HEADING.decode(raw)
    except structs.UNREADABLE:
        return Heading()


def bare_id(reference: str) -> str:
    """The id that a relative, absolute, versioned, `urn:uuid:` or `#contained` reference ends in."""
    if "/_history/" in reference:
        reference = reference.partition("/_history/")[0]
    if reference.startswith(("urn:uuid:", "urn:oid:")):
        return reference.rpartition(":")[2]
    return reference.rpartition("/")[2].removeprefix("#")


def refers_to(reference: Reference | None, resource_type: str, resource_id: str) -> bool:
    """Whether a reference (relative, absolute, urn, or a bare id of no other type) is to this very resource. False when
    it holds none (display or identifier only), or one to a contained resource."""
    text = "" if reference is None else reference.reference
    if reference is None or not text or text.startswith("#") or bare_id(text) != resource_id:
        return False
    path = text.partition("/_history/")[0].split("/")
    return text.startswith("urn:") or (path[-2] if len(path) > 1 else reference.type) in ("", resource_type)


class MedicationShelf:
    """The Medication resources of a call, wherever they came from, decoded when first asked for."""

    def __init__(self, raws: Sequence[msgspec.Raw]) -> None:
        self._raws = raws
        self._by_id: dict[str, structs.Medication] | None = None

    def find(self, reference: Reference | None, contained: Sequence[msgspec.Raw]) -> structs.Medication | None:
        """The Medication a reference points to, complete with ingredients that are references themselves."""
        if reference is None or not reference.reference:
            return None
        inside = _decoded(contained) if contained else {}
        target = reference.reference
        found = inside.get(bare_id(target)) if target.startswith("#") else self._known().get(bare_id(target))
        if found is not None:
            for ingredient in found.ingredient:
                if ingredient.item_codeable_concept is None and ingredient.item_reference is not None:
                    inner = bare_id(ingredient.item_reference.reference)
                    substance = inside.get(inner) or self._known().get(inner)
                    ingredient.item_codeable_concept = None if substance is None else substance.code
        return found

    def _known(self) -> dict[str, structs.Medication]:
        if self._by_id is None:
            self._by_id = _decoded(self._raws)
        return self._by_id


def _decoded(raws: Sequence[msgspec.Raw]) -> dict[str, structs.Medication]:
    """Medications (and Substances, which carry `code` too) by id; unusable ones are left out."""
    found = {}
    for raw in raws:
        if kind_of(raw) in ("Medication", "Substance"):
            medication = structs.decode(raw, structs.Medication)
            if medication is None or is_other_shape(medication):
                medication = decode_as_r4(raw, structs.Medication)
            if medication is not None and medication.id and not unknown_modifier(medication):
                found[medication.id] = medication
    return found
