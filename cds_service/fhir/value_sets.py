"""The value sets of the vocabulary as FHIR R4 ValueSet resources, for whoever wants to read or reuse them.

Whole codes are enumerated; a class of ATC or ICD-10 codes (a code and all below it) is a `descendent-of` filter beside
the code itself. Names and terms that are read without any code cannot be expressed and are told in `description`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.vocabulary_systems import ATC, ICD10, ICD10CM, LOINC, SNOMED

_COPYRIGHT = {
    LOINC: "This material contains content from LOINC (http://loinc.org), copyright Regenstrief Institute, Inc. and "
    "the LOINC Committee, available at no cost under the license at http://loinc.org/license.",
    SNOMED: "This material includes SNOMED Clinical Terms (SNOMED CT), used by permission of SNOMED International. "
    "Use requires an affiliate licence in non-member territories.",
    ATC: "ATC codes: WHO Collaborating Centre for Drug Statistics Methodology; identifiers only.",
    ICD10: "ICD-10 is copyright of the World Health Organization; codes serve as identifiers.",
}
_ICD = (ICD10, ICD10CM)
_BY_NAME = {
    True: "Names and terms of problem lists that are recognised without a code are not part of it.",
    False: "It is recognised by its name only, so this value set holds no code.",
}
Codes = dict[str, dict[str, None]]


class ValueSets:
    """All value sets of one knowledge; `canonical_base` as of our code systems. The index is built once."""

    def __init__(self, knowledge: Knowledge, canonical_base: str) -> None:
        self._vocabulary = knowledge.vocabulary
        self._index = _index(knowledge.vocabulary)
        self._base = canonical_base
        self._version = knowledge.version + (f"+{knowledge.overlay_hash[:12]}" if knowledge.overlay_hash else "")

    @property
    def ids(self) -> tuple[str, ...]:
        """`result-<concept>`, `drug-<group or ingredient>`, `condition-<group>`."""
        return tuple(sorted(f"{kind}-{name}" for kind, name in self._index))

    def resource(self, value_set_id: str) -> dict[str, Any]:
        """One ValueSet as JSON. Raises KeyError when there is none."""
        kind, _, name = value_set_id.partition("-")
        codes = self._index[kind, name]
        label = _label(self._vocabulary, kind, name)
        systems = sorted({system for system, _ in codes})
        found: dict[str, Any] = {
            "resourceType": "ValueSet",
            "id": value_set_id,
            "language": "en",
            "url": f"{self._base}/ValueSet/{value_set_id}",
            "version": self._version,
            "name": "Ionwise" + "".join(part.capitalize() for part in value_set_id.split("-")),
            "title": label["en"],
            "status": "draft",
            "experimental": True,
            "description": f"{label['en']} ({label['nl']}), as the rules of Ionwise read it. {_BY_NAME[bool(codes)]}",
        }
        if codes:
            found["compose"] = {"include": list(_includes(codes))}
        if told := " ".join(_COPYRIGHT[system] for system in systems if system in _COPYRIGHT):
            found["copyright"] = told
        return found


def _label(vocabulary: Vocabulary, kind: str, name: str) -> Mapping[str, str]:
    if kind == "result":
        return vocabulary.concepts[name].label
    if kind == "condition":
        return vocabulary.condition_labels[name]
    return vocabulary.group_labels.get(name) or vocabulary.drugs[name].label


def _index(vocabulary: Vocabulary) -> dict[tuple[str, str], set[tuple[str, tuple[str, bool]]]]:
    """(kind, name) -> (system, (code, whether all codes below it belong too))."""
    found: dict[tuple[str, str], set[tuple[str, tuple[str, bool]]]] = defaultdict(set)
    for (system, code), concept in vocabulary.measurement_codes.items():
        found["result", concept.id].add((system, (code, False)))
    for (system, code), drug_id in vocabulary.drug_codes.items():
        for name in {drug_id, *vocabulary.drugs[drug_id].groups}:
            found["drug", name].add((system, (code, False)))
    for one in vocabulary.atc_classes:
        groups = set(one.groups) | set(one.ingredients)
        groups |= {group for drug_id in one.ingredients for group in vocabulary.drugs[drug_id].groups}
        for name in groups:
            found["drug", name].add((ATC, (one.prefix, not one.exact)))
    for (system, code), names in vocabulary.condition_codes.items():
        for name in names if not _is_undotted(vocabulary, system, code) else ():
            found["condition", name].add((system, (code, False)))
    for system, prefixes in vocabulary.condition_prefixes.items():
        for prefix, names in prefixes:
            for name in names:
                found["condition", name].add((system, (_dotted(prefix), True)))
    named = [("result", name) for name in vocabulary.concepts]
    named += [("drug", name) for name in (*vocabulary.drugs, *vocabulary.group_labels)]
    named += [("condition", name) for name in vocabulary.condition_labels]
    for key in named:
        found.setdefault(key, set())
    return dict(found)


def _is_undotted(vocabulary: Vocabulary, system: str, code: str) -> bool:
    """Whether an ICD-10 code is the spelling without a dot of one that is there too."""
    dotted = _dotted(code)
    return system in _ICD and dotted != code and (system, dotted) in vocabulary.condition_codes


def _dotted(code: str) -> str:
    """An ICD-10 code as the classification prints it."""
    return code if len(code) <= 3 or "." in code else f"{code[:3]}.{code[3:]}"


def _includes(codes: Iterable[tuple[str, tuple[str, bool]]]) -> Iterator[dict[str, Any]]:
    whole: Codes = defaultdict(dict)
    below: Codes = defaultdict(dict)
    for system, (code, deeper) in sorted(codes):
        whole[system][code] = None
        if deeper:
            below[system][code] = None
    for system in sorted(whole):
        yield {"system": system, "concept": [{"code": code} for code in whole[system]]}
        for code in below[system]:
            yield {"system": system, "filter": [{"property": "concept", "op": "descendent-of", "value": code}]}
