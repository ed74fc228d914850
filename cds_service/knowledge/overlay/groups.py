"""Codes that a site adds to groups of conditions, procedures and drugs, written out or from an expansion."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cds_service.errors import KnowledgeError
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.overlay.desk import Desk
from cds_service.knowledge.overlay.drugs import add_to_groups
from cds_service.knowledge.overlay.expansion import read_expansion
from cds_service.knowledge.overlay.file import AdditionEntry
from cds_service.knowledge.vocabulary_systems import ICD10, ICD10CM

Added = dict[str, list[tuple[str, str, str]]]


def add_value_sets(desk: Desk, vocabulary: Vocabulary) -> Vocabulary:
    """The vocabulary with everything under `value_sets`."""
    conditions = _read(desk, vocabulary, "conditions", desk.entry.value_sets.conditions, vocabulary.condition_labels)
    drugs = _read(desk, vocabulary, "drugs", desk.entry.value_sets.drugs, vocabulary.group_labels)
    if conditions:
        vocabulary = _with_conditions(vocabulary, conditions)
    return add_to_groups(desk, vocabulary, drugs) if drugs else vocabulary


def _read(
    desk: Desk, vocabulary: Vocabulary, kind: str, groups: Mapping[str, AdditionEntry], known: Iterable[str]
) -> Added:
    added: Added = {}
    for group, entry in groups.items():
        path = ("value_sets", kind, group)
        if group not in known:
            desk.unknown("group", group, known, *path)
            continue
        found = added.setdefault(group, [])
        found += [(_system(vocabulary, one.system), one.code, "written") for one in entry.codes]
        file = None if entry.expand is None else desk.take(entry.expand, *path, "expand")
        if file is not None:
            try:
                found += [(_system(vocabulary, system), code, "") for system, code in read_expansion(file)]
            except KnowledgeError as refused:
                desk.admit(refused)
    return added


def _system(vocabulary: Vocabulary, system: str) -> str:
    return vocabulary.systems.get(system, system)


def _with_conditions(vocabulary: Vocabulary, added: Added) -> Vocabulary:
    codes = dict(vocabulary.condition_codes)
    for group, listed in added.items():
        implied = vocabulary.condition_implies.get(group, frozenset({group}))
        for system, code, _ in listed:
            forms = {code, code.replace(".", "")} if system in (ICD10, ICD10CM) else {code}
            for form in forms:
                codes[system, form] = codes.get((system, form), frozenset()) | implied
    return msgspec.structs.replace(vocabulary, condition_codes=codes)
