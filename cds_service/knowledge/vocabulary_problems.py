"""Conditions and procedures of the value sets as tables: codes, code prefixes and whole terms."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cds_service.facts.vocabulary import normal_name
from cds_service.knowledge.value_set_files import ConditionsFile, ProblemGroupEntry
from cds_service.knowledge.vocabulary_clash import Clash
from cds_service.knowledge.vocabulary_systems import ICD10, ICD10CM, ICPC, SNOMED

CONDITIONS = "valuesets/conditions.yaml"


class ProblemTables(msgspec.Struct, frozen=True):
    """The condition part of a Vocabulary; members as described there."""

    codes: Mapping[tuple[str, str], frozenset[str]]
    prefixes: Mapping[str, tuple[tuple[str, frozenset[str]], ...]]
    terms: tuple[tuple[str, str], ...]
    labels: Mapping[str, Mapping[str, str]]
    implied: Mapping[str, frozenset[str]]
    gives: Mapping[str, str]


def build_problems(file: ConditionsFile, clash: Clash) -> ProblemTables:
    """All condition and procedure tables; what does not fit together is noted in `clash`."""
    sections = (("conditions", file.conditions), ("procedures", file.procedures))
    implied = _implied(sections, clash)
    codes: dict[tuple[str, str], set[str]] = {}
    prefixes: dict[str, dict[str, set[str]]] = {}
    terms: dict[tuple[str, str], None] = {}
    labels: dict[str, Mapping[str, str]] = {}
    for _, groups in sections:
        for group, entry in groups.items():
            labels.setdefault(group, entry.label.as_dict())
            for key in _exact(entry):
                codes.setdefault(key, set()).update(implied[group])
            for system, prefix in _below(entry):
                prefixes.setdefault(system, {}).setdefault(prefix.replace(".", ""), set()).update(implied[group])
            terms |= {(normal_name(term), each): None for term in entry.terms for each in sorted(implied[group])}
    return ProblemTables(
        codes={key: frozenset(groups) for key, groups in codes.items()},
        prefixes={
            system: tuple(
                (p, frozenset(g)) for p, g in sorted(known.items(), key=lambda item: (-len(item[0]), item[0]))
            )
            for system, known in prefixes.items()
        },
        terms=tuple(sorted(terms, key=lambda pair: (-len(pair[0]), pair))),
        labels=labels,
        implied=implied,
        gives={group: entry.gives for group, entry in file.procedures.items() if entry.gives is not None},
    )


def _exact(entry: ProblemGroupEntry) -> list[tuple[str, str]]:
    found = [(SNOMED, code) for code in entry.snomed] + [(ICPC, code) for code in entry.icpc]
    for system, given in ((ICD10, (*entry.icd, *entry.who)), (ICD10CM, (*entry.icd, *entry.cm))):
        # Charts write E83.42 with and without the dot.
        found += [(system, form) for code in given for form in {code, code.replace(".", "")}]
    return found


def _below(entry: ProblemGroupEntry) -> list[tuple[str, str]]:
    found = [(ICD10, code) for code in (*entry.icd_below, *entry.who_below)]
    return found + [(ICD10CM, code) for code in (*entry.icd_below, *entry.cm_below)]


def _implied(
    sections: tuple[tuple[str, Mapping[str, ProblemGroupEntry]], ...], clash: Clash
) -> dict[str, frozenset[str]]:
    """Group -> itself and every group it also belongs to, however far."""
    also: dict[str, set[str]] = {}
    for section, groups in sections:
        for group, entry in groups.items():
            also.setdefault(group, set()).update(entry.also)
            for other in entry.also:
                if not any(other in known for _, known in sections):
                    path = (section, group, "also")
                    clash.add(CONDITIONS, path, f"no group {other}", "define it, or correct the id")
    implied = {}
    for group in also:
        reached, waiting = {group}, [group]
        while waiting:
            new = also.get(waiting.pop(), set()) - reached
            reached |= new
            waiting += new
        implied[group] = frozenset(reached)
    return implied
