"""A site's drugs: its product codes, what it adds to groups, and its own list of drugs that prolong the QT interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cds_service.errors import KnowledgeError
from cds_service.facts.vocabulary import AtcClass, Drug, MappedDrug, Vocabulary, normal_name
from cds_service.knowledge.drug_maps.file import read_drug_map
from cds_service.knowledge.overlay.desk import Desk
from cds_service.knowledge.overlay.file import QtListFile
from cds_service.knowledge.overlay.selection import QT_EMPTY, QT_GROUP
from cds_service.knowledge.sources import read_source
from cds_service.knowledge.vocabulary_systems import ATC


def add_drug_map(desk: Desk, vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with the drug map that the overlay names."""
    name = desk.entry.drug_map
    path = None if name is None else desk.take(name, "drug_map")
    if path is None:
        return vocabulary
    try:
        return read_drug_map(path, vocabulary).applied(vocabulary)
    except KnowledgeError as refused:
        desk.admit(refused)
        return vocabulary


def add_drug_codes(desk: Desk, vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with the site's product codes; they win over those of a map."""
    mapped = {system: dict(codes) for system, codes in vocabulary.mapped_drugs.items()}
    seen: dict[tuple[str, str], MappedDrug] = {}
    for index, entry in enumerate(desk.entry.drug_codes):
        path = ("drug_codes", index)
        for ingredient in entry.ingredients:
            if ingredient not in vocabulary.drugs:
                desk.unknown("ingredient", ingredient, vocabulary.drugs, *path, "ingredients")
        system = vocabulary.systems.get(entry.system, entry.system)
        drug = MappedDrug(frozenset(entry.ingredients), frozenset(entry.atc))
        if seen.setdefault((system, entry.code), drug) != drug:
            desk.wrong(f"{entry.code} has another meaning above", "keep one meaning for each code", *path, "code")
        mapped.setdefault(system, {})[entry.code] = drug
    return msgspec.structs.replace(vocabulary, mapped_drugs=mapped) if seen else vocabulary


def replace_qt_list(desk: Desk, vocabulary: Vocabulary) -> tuple[Vocabulary, bool]:
    """The vocabulary with the site's QT list instead of the shipped candidates, and whether that list is empty."""
    name = desk.entry.qt_list
    path = None if name is None else desk.take(name, "qt_list")
    if path is None:
        return vocabulary, False
    source, findings = read_source(path, path.name, QtListFile)
    desk.findings += findings
    if source is None:
        return vocabulary, False
    entry = source.entry
    listed: set[str] = set()
    for index, word in enumerate(entry.ingredients):
        found = word if word in vocabulary.drugs else vocabulary.drug_names.get(normal_name(word))
        if found is None:
            place = ("ingredients", index)
            desk.findings.append(
                source.document.finding(place, f"unknown ingredient {word}", "name its ATC code under atc")
            )
        else:
            listed.add(found)
    drugs = {d.id: _in_group(d, QT_GROUP, d.id in listed) for d in vocabulary.drugs.values()}
    bare = tuple(msgspec.structs.replace(one, groups=one.groups - {QT_GROUP}) for one in vocabulary.atc_classes)
    classes = _with_codes(bare, {code: {QT_GROUP} for code in entry.atc})
    empty = not entry.ingredients and not entry.atc
    if empty:
        desk.remarks.append(QT_EMPTY)
    return msgspec.structs.replace(vocabulary, drugs=drugs, atc_classes=classes), empty


def add_to_groups(
    desk: Desk, vocabulary: Vocabulary, added: Mapping[str, Iterable[tuple[str, str, str]]]
) -> Vocabulary:
    """The vocabulary with the codes that the site adds to drug groups.

    `added`: group -> (system, code, place): an ATC code joins as it is, another code through its one ingredient; place
    is "" for a code from an expansion, where one without an ingredient is only counted.
    """
    drugs = dict(vocabulary.drugs)
    atc: dict[str, set[str]] = {}
    for group, codes in added.items():
        lost = 0
        for system, code, place in codes:
            if system == ATC:
                atc.setdefault(code, set()).add(group)
                continue
            ingredient = _ingredient(vocabulary, system, code)
            if ingredient is not None:
                drugs[ingredient] = _in_group(drugs[ingredient], group, True)
            elif place:
                problem = f"{code} is the code of no ingredient"
                desk.wrong(problem, "name its ATC code, or map it under drug_codes", "value_sets", "drugs", group)
            else:
                lost += 1
        if lost:
            desk.remarks.append(f"value_sets.drugs.{group}: {lost} expanded codes name no ingredient that is known")
    return msgspec.structs.replace(vocabulary, drugs=drugs, atc_classes=_with_codes(vocabulary.atc_classes, atc))


def _ingredient(vocabulary: Vocabulary, system: str, code: str) -> str | None:
    known = vocabulary.drug_codes.get((system, code))
    mapped = vocabulary.mapped_drugs.get(system, {}).get(code)
    if known is None and mapped is not None and len(mapped.ingredients) == 1:
        return next(iter(mapped.ingredients))
    return known


def _in_group(drug: Drug, group: str, member: bool) -> Drug:
    if member == (group in drug.groups):
        return drug
    return msgspec.structs.replace(drug, groups=drug.groups | {group} if member else drug.groups - {group})


def _with_codes(classes: tuple[AtcClass, ...], added: Mapping[str, Iterable[str]]) -> tuple[AtcClass, ...]:
    """The classes with exact codes added, the longest first."""
    if not added:
        return classes
    table = {(one.prefix, one.exact): one for one in classes}
    for code, groups in added.items():
        known = table.get((code, True), AtcClass(code, True, frozenset()))
        table[code, True] = msgspec.structs.replace(known, groups=known.groups | frozenset(groups))
    return tuple(sorted(table.values(), key=lambda one: (-len(one.prefix), one.prefix, one.exact)))
