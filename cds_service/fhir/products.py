"""Medications that a call refers to and nobody delivered: which they are, and how they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import msgspec

from cds_service.fhir.call import KeyAnswer
from cds_service.fhir.datatypes import Reference
from cds_service.fhir.queries import Query, is_safe_id
from cds_service.fhir.read.references import bare_id, heading_of

PRODUCT = "Medication"
BATCH = 50
MOST_PRODUCTS = 200


class _Concept(msgspec.Struct, frozen=True):
    reference: Reference | None = None


class _Prescription(msgspec.Struct, frozen=True):
    """What may refer to a product; R5 has the reference one level deeper."""

    medicationReference: Reference | None = None
    medication: _Concept | None = None


_DECODER = msgspec.json.Decoder(_Prescription)


def missing_products(answers: Sequence[KeyAnswer], drafts: Iterable[msgspec.Raw], base: str) -> tuple[str, ...]:
    """The ids of the Medications that prescriptions refer to and that came with none of the answers or drafts.

    answers: those of the keys that hold prescriptions.
    base: of the FHIR server; absolute references elsewhere are left alone, and so are contained ones.
    """
    wanted: dict[str, None] = {}
    prescriptions = list(drafts)
    for answer in answers:
        for record in answer.records:
            _want(getattr(record, "medication_reference", None), base, wanted)
        prescriptions += answer.resources
    for raw in prescriptions:
        for reference in _references(raw):
            _want(reference, base, wanted)
    if not wanted:
        return ()
    delivered = chain(prescriptions, *(answer.included for answer in answers))
    held = {heading.id for heading in map(heading_of, delivered) if heading.resource_type == PRODUCT}
    return tuple(product for product in wanted if product not in held)[:MOST_PRODUCTS]


def batches(products: Sequence[str]) -> Iterator[Query]:
    """Searches for many at a time."""
    for start in range(0, len(products), BATCH):
        some = products[start : start + BATCH]
        yield Query(PRODUCT, (("_id", ",".join(some)), ("_count", str(len(some)))))


def _references(raw: msgspec.Raw) -> Iterator[Reference | None]:
    try:
        read = _DECODER.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return
    yield read.medicationReference
    yield read.medication.reference if read.medication else None


def _want(reference: Reference | None, base: str, wanted: dict[str, None]) -> None:
    text = reference.reference if reference is not None else None
    if not text:
        return
    kind, _, name = text.partition("/_history/")[0].removeprefix(f"{base}/").partition("/")
    if kind == PRODUCT and is_safe_id(name):
        wanted[bare_id(name)] = None
