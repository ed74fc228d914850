"""What the words and codes for a drug tell by themselves, looked up once for each way of writing it."""

from __future__ import annotations

import msgspec

from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir import datatypes
from cds_service.fhir.read.conditions import name_of
from cds_service.fhir.read.dosage import routes
from cds_service.fhir.read.drugs import Identity, drug_names
from cds_service.fhir.read.lexicon import per_vocabulary, remember_concepts
from cds_service.fhir.read.reports import names_otc


class Product(msgspec.Struct, frozen=True):
    """What the words and codes for a drug tell: its name, what it is, its route unless another one is recorded."""

    name: str
    identity: Identity
    route: str | None
    over_the_counter: bool


class Products:
    """The products of one vocabulary by how charts write them; remembered, as the same few recur."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._names = drug_names(vocabulary)
        self._routes = routes(vocabulary)
        self.of = remember_concepts(self._of)

    def _of(self, coding: tuple[datatypes.Coding, ...], text: str) -> Product:
        name = name_of(datatypes.CodeableConcept(coding, text))
        identity = self._names.identify(coding, text)
        return Product(name, identity, self._routes.told_by((name,), identity), names_otc(name))


products = per_vocabulary(Products)
