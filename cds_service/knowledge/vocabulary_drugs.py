"""Drugs of the value sets as tables: what a code, a name, an ATC class or a route means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from cds_service.facts.vocabulary import AtcClass, Drug, normal_name
from cds_service.knowledge.value_set_files import DrugsFile, IngredientEntry, NamedDrugs
from cds_service.knowledge.vocabulary_clash import Clash
from cds_service.knowledge.vocabulary_systems import ATC, EDQM, RXNORM, SNOMED, UNII

DRUGS = "valuesets/drugs.yaml"
Path = tuple[str | int, ...]


class DrugTables(msgspec.Struct, frozen=True):
    """The drug part of a Vocabulary; members as described there."""

    drugs: Mapping[str, Drug]
    codes: Mapping[tuple[str, str], str]
    names: Mapping[str, str]
    products: Mapping[str, tuple[str, ...]]
    classes: tuple[AtcClass, ...]
    group_labels: Mapping[str, Mapping[str, str]]
    routes: Mapping[tuple[str, str], str]
    route_words: Mapping[str, str]
    atc_routes: tuple[tuple[str, str], ...]


def build_drugs(file: DrugsFile, clash: Clash) -> DrugTables:
    """All drug tables; what does not fit together is noted in `clash`."""
    builder = _Builder(file, clash)
    for drug_id, entry in file.ingredients.items():
        builder.add_ingredient(drug_id, entry)
    for index, named in enumerate(file.named):
        builder.add_named(index, named)
    builder.check_sources()
    return DrugTables(
        drugs=builder.drugs,
        codes=builder.codes,
        names=builder.names,
        products=builder.products(),
        classes=builder.classes(),
        group_labels={group: entry.label.as_dict() for group, entry in file.groups.items()},
        routes=dict(_route_codes(file)),
        route_words={normal_name(word): route for route, words in file.routes.words.items() for word in words},
        atc_routes=tuple(
            sorted(
                ((atc, usual.route) for usual in file.routes.usual for atc in usual.atc_below),
                key=lambda pair: (-len(pair[0]), pair[0]),
            )
        ),
    )


def _route_codes(file: DrugsFile) -> Iterator[tuple[tuple[str, str], str]]:
    for route, codes in file.routes.codes.items():
        yield from (((SNOMED, code), route) for code in codes.snomed)
        yield from (((EDQM, code), route) for code in codes.edqm)


class _Builder:
    def __init__(self, file: DrugsFile, clash: Clash) -> None:
        self.file = file
        self.clash = clash
        self.drugs: dict[str, Drug] = {}
        self.codes: dict[tuple[str, str], str] = {}
        self.names: dict[str, str] = {}

    def add_ingredient(self, drug_id: str, entry: IngredientEntry) -> None:
        path = ("ingredients", drug_id)
        self._check_groups(entry.groups, (*path, "groups"))
        if drug_id in self.file.groups and drug_id not in entry.groups:
            self._wrong(path, f"{drug_id} is a group it does not belong to", "rename it, or add the group")
        percent = entry.elemental_percent
        self.drugs[drug_id] = Drug(
            id=drug_id,
            label=entry.label.as_dict(),
            groups=frozenset(entry.groups),
            elemental_percent=None if percent is None else percent.pair,
            element=entry.element,
            combined=entry.combined,
        )
        for name in (entry.label.en, entry.label.nl, *entry.names):
            self._name(name, drug_id, path)
        codes = entry.codes
        for system, given in ((ATC, entry.atc), (RXNORM, codes.rxnorm), (SNOMED, codes.snomed), (UNII, codes.unii)):
            for code in given:
                known = self.codes.setdefault((system, code), drug_id)
                if known != drug_id:
                    self._wrong(path, f"{code} is the code of {known} already", "keep it in one ingredient")

    def add_named(self, index: int, named: NamedDrugs) -> None:
        path = ("named", index)
        self._check_groups(named.groups, (*path, "groups"))
        for name, others in named.names.items():
            drug_id = normal_name(name).replace(" ", "-")
            if drug_id in self.drugs or drug_id in self.file.groups:
                self._wrong((*path, "names", name), f"{drug_id} exists already", "keep it in one place")
            label = {"nl": others[0] if others else name, "en": name}
            self.drugs[drug_id] = Drug(drug_id, label, frozenset(named.groups), combined=False)
            for each in (name, *others):
                self._name(each, drug_id, (*path, "names", name))

    def check_sources(self) -> None:
        """In a group that cites sources every ingredient has one, and nothing else does."""
        for group, entry in self.file.groups.items():
            members = {drug_id for drug_id, drug in self.drugs.items() if group in drug.groups}
            for drug_id in sorted(members ^ entry.sources.keys()) if entry.sources else ():
                problem = f"{drug_id} is a member without a source" if drug_id in members else f"{drug_id} is no member"
                self._wrong(("groups", group, "sources"), problem, "give each ingredient of the group its own source")

    def products(self) -> dict[str, tuple[str, ...]]:
        for name, ingredients in self.file.products.items():
            self._check_ingredients(ingredients, ("products", name))
            if normal_name(name) in self.names:
                self._wrong(("products", name), f"{name} is the name of an ingredient", "keep it in one place")
        return {normal_name(name): ingredients for name, ingredients in self.file.products.items()}

    def classes(self) -> tuple[AtcClass, ...]:
        """One entry per ATC prefix or code, the longest first."""
        groups: dict[tuple[str, bool], set[str]] = {}
        for group, entry in self.file.groups.items():
            for prefix in entry.atc_below:
                groups.setdefault((prefix, False), set()).add(group)
            for code in entry.atc:
                groups.setdefault((code, True), set()).add(group)
        ingredients: dict[tuple[str, bool], frozenset[str]] = {}
        for index, given in enumerate(self.file.classes):
            path = ("classes", index)
            self._check_ingredients(given.ingredients, path)
            if (given.atc, True) in ingredients or (ATC, given.atc) in self.codes:
                self._wrong(path, f"{given.atc} has its ingredients already", "keep it in one place")
            ingredients[given.atc, True] = frozenset(given.ingredients)
        keys = sorted({*groups, *ingredients}, key=lambda key: (-len(key[0]), key))
        return tuple(
            AtcClass(
                prefix, exact, frozenset(groups.get((prefix, exact), ())), ingredients.get((prefix, exact), frozenset())
            )
            for prefix, exact in keys
        )

    def _name(self, name: str, drug_id: str, path: Path) -> None:
        known = self.names.setdefault(normal_name(name), drug_id)
        if known != drug_id:
            self._wrong(path, f"{name} is a name of {known} already", "keep it in one ingredient")

    def _check_groups(self, groups: tuple[str, ...], path: Path) -> None:
        for group in groups:
            if group not in self.file.groups:
                self._wrong(path, f"no drug group {group}", "define it under groups, or correct the id")

    def _check_ingredients(self, ingredients: tuple[str, ...], path: Path) -> None:
        for ingredient in ingredients:
            if ingredient not in self.drugs:
                self._wrong(path, f"no ingredient {ingredient}", "define it under ingredients, or correct the id")

    def _wrong(self, path: Path, problem: str, remedy: str) -> None:
        self.clash.add(DRUGS, path, problem, remedy)
