"""Reads the clinical tables of cards/_shared and builds what the engine knows of codes, keys and orders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec
from pydantic import BaseModel

from cds_service.errors import Finding, KnowledgeError
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.drug_maps.file import read_drug_map
from cds_service.knowledge.model import KeyPlanEntry, Order, OverrideReason
from cds_service.knowledge.sources import read_source
from cds_service.knowledge.value_set_files import (
    AgePoliciesFile,
    ConditionsFile,
    DrugsFile,
    KeyPlanFile,
    ObservationsFile,
    OrdersFile,
    OverrideReasonsFile,
)
from cds_service.knowledge.vocabulary import build_key_plan, build_orders, build_vocabulary
from cds_service.knowledge.vocabulary_clash import VocabularyError
from cds_service.knowledge.yaml_strict import Document

NAME = "vocabulary"
PRODUCTS = "valuesets/products.csv"
Model = TypeVar("Model", bound=BaseModel)


class SharedFiles(msgspec.Struct, frozen=True):
    """The shared clinical tables, built."""

    vocabulary: Vocabulary
    key_plan: tuple[KeyPlanEntry, ...]
    orders: Mapping[str, Order]
    override_reasons: Mapping[str, OverrideReason]


def read_shared(folder: Path, shown: Callable[[Path], str]) -> tuple[SharedFiles | None, list[Finding]]:
    """Everything in cards/_shared that is a table of codes, or all that is wrong with it.

    `shown` gives the path as findings print it. Nothing is raised.
    """
    reader = _Reader(folder, shown)
    observations = reader.read("valuesets/observations.yaml", ObservationsFile)
    drugs = reader.read("valuesets/drugs.yaml", DrugsFile)
    conditions = reader.read("valuesets/conditions.yaml", ConditionsFile)
    ages = reader.read("age_policies.yaml", AgePoliciesFile)
    orders = reader.read("orders.yaml", OrdersFile)
    plan = reader.read("key_plan.yaml", KeyPlanFile)
    reasons = reader.read("override_reasons.yaml", OverrideReasonsFile)
    if not (observations and drugs and conditions and ages and orders and plan and reasons):
        return None, reader.findings
    try:
        vocabulary = reader.with_products(build_vocabulary(observations, ages, drugs, conditions, orders))
        key_plan = build_key_plan(plan, observations)
    except VocabularyError as wrong:
        reader.findings += [
            reader.finding(file, path, problem, remedy) for file, path, problem, remedy in wrong.problems
        ]
        return None, reader.findings
    named = {code: OverrideReason(code, text.as_dict()) for code, text in reasons.reasons.items()}
    return SharedFiles(vocabulary, key_plan, build_orders(orders), named), reader.findings


class _Reader:
    def __init__(self, folder: Path, shown: Callable[[Path], str]) -> None:
        self.folder = folder
        self.shown = shown
        self.documents: dict[str, Document] = {}
        self.findings: list[Finding] = []

    def read(self, name: str, model: type[Model]) -> Model | None:
        path = self.folder / name
        if not path.is_file():
            self.findings.append(Finding(self.shown(path), 1, NAME, "the file is missing", "restore it"))
            return None
        source, findings = read_source(path, self.shown(path), model)
        self.findings += findings
        if source is None:
            return None
        self.documents[name] = source.document
        return source.entry

    def with_products(self, vocabulary: Vocabulary) -> Vocabulary:
        """The vocabulary with the product codes that come with it, where there is such a map."""
        path = self.folder / PRODUCTS
        if not path.is_file():
            return vocabulary
        try:
            return read_drug_map(path, vocabulary).applied(vocabulary)
        except KnowledgeError as refused:
            self.findings += refused.findings
            return vocabulary

    def finding(self, name: str, path: tuple[str | int, ...], problem: str, remedy: str) -> Finding:
        return self.documents[name].finding(path, problem, remedy, NAME)
