"""Where "it is not there" cannot be said: keys not (completely) answered, drugs and orders that could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from cds_service.facts.snapshot import Snapshot

DRUG_KEYS = ("medications", "medicationStatements")
LIST_KEYS = (*DRUG_KEYS, "conditions")
DRAFTS = "draftOrders"
KIND_KEYS = {"condition": ("conditions",), "procedure": ("procedures",)}


class Gaps:
    """Missing items by kind of trigger (`drug`, `draft`, `condition`, `procedure`) and by concept key.

    `sources`: all that something is missing of, in the terms of `sources_of`.
    """

    __slots__ = ("_by_key", "_drafts", "_drugs", "_keys", "sources")

    def __init__(
        self, by_key: Mapping[str, str], drugs: tuple[str, ...], drafts: tuple[str, ...], keys: Mapping[str, str]
    ) -> None:
        self._by_key = by_key
        self._drugs = drugs
        self._drafts = drafts
        self._keys = keys
        self.sources: set[str] = {*by_key, *(("drug",) if drugs else ()), *(("draft",) if drafts else ())}

    def behind(self, trigger: frozenset[str]) -> tuple[str, ...]:
        """What is missing to say that none of the trigger's items is present; empty when that can be said."""
        kinds, keys, concepts = _sources(trigger)
        missing = list(self._drugs) if "drug" in kinds else []
        if "draft" in kinds:
            missing += self._drafts
        if concepts:
            keys |= {self._keys.get(concept, concept) for concept in concepts}
        if not keys.isdisjoint(self._by_key):
            missing += [self._by_key[key] for key in sorted(keys) if key in self._by_key]
        return tuple(dict.fromkeys(missing)) if missing else ()


@lru_cache(maxsize=1024)
def _sources(trigger: frozenset[str]) -> tuple[frozenset[str], frozenset[str], tuple[str, ...]]:
    """What could have delivered a trigger: its kinds, their prefetch keys, and the concepts whose keys could have."""
    tokens = [token.partition(":")[::2] for token in sorted(trigger)]
    return (
        frozenset(kind for kind, _ in tokens),
        frozenset(key for kind, _ in tokens for key in KIND_KEYS.get(kind, ())),
        tuple(name for kind, name in tokens if kind == "result"),
    )


def sources_of(trigger: frozenset[str], concept_keys: Mapping[str, str]) -> frozenset[str]:
    """What could have delivered any of a trigger's items: prefetch keys, and `drug` or `draft` for the drug lists."""
    kinds, keys, concepts = _sources(trigger)
    return (kinds & {"drug", "draft"}) | keys | {concept_keys.get(concept, concept) for concept in concepts}


def find_gaps(snapshot: Snapshot) -> Gaps:
    """Computed once per snapshot."""
    coverage = snapshot.coverage
    by_key = {key: snapshot.gap(key) for key, answered in coverage.items() if answered.state != "complete"}
    for key in LIST_KEYS:
        if key not in coverage:
            by_key[key] = key
    drugs = [by_key[key] for key in DRUG_KEYS if key in by_key]
    drafts: list[str] = []
    if snapshot.unmapped:
        drugs += sorted({f"unidentified drug ({drug.system})" for drug in snapshot.unmapped})
        drafts += sorted({f"unidentified drug ({drug.system})" for drug in snapshot.unmapped if drug.draft})
    if snapshot.quarantine and any(resource.key == DRAFTS for resource in snapshot.quarantine):
        drafts.append(f"{DRAFTS}: an order could not be read")
    return Gaps(by_key, tuple(drugs), tuple(drafts), snapshot.concept_keys)
