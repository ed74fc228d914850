"""Where "it is not there" cannot be said: keys not (completely) answered, drugs that could not be identified."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from cds_service.facts.snapshot import Snapshot

DRUG_KEYS = ("medications", "medicationStatements")
LIST_KEYS = (*DRUG_KEYS, "conditions")
KIND_KEYS = {"condition": ("conditions",), "procedure": ("procedures",)}


class Gaps:
    """Missing items by kind of trigger (`drug`, `condition`, `procedure`) and by concept key."""

    __slots__ = ("_by_key", "_drugs", "_keys")

    def __init__(self, by_key: Mapping[str, str], drugs: tuple[str, ...], keys: Mapping[str, str]) -> None:
        self._by_key = by_key
        self._drugs = drugs
        self._keys = keys

    def __bool__(self) -> bool:
        return bool(self._by_key or self._drugs)

    def behind(self, trigger: frozenset[str]) -> tuple[str, ...]:
        """What is missing to say that none of the trigger's items is present; empty when that can be said."""
        by_drugs, keys, concepts = _sources(trigger)
        missing = list(self._drugs) if by_drugs else []
        if concepts:
            keys |= {self._keys.get(concept, concept) for concept in concepts}
        if not keys.isdisjoint(self._by_key):
            missing += [self._by_key[key] for key in sorted(keys) if key in self._by_key]
        return tuple(dict.fromkeys(missing)) if missing else ()


@lru_cache(maxsize=1024)
def _sources(trigger: frozenset[str]) -> tuple[bool, frozenset[str], tuple[str, ...]]:
    """What could have delivered a trigger: the drug lists, other prefetch keys, and those of which concepts."""
    tokens = [token.partition(":")[::2] for token in sorted(trigger)]
    return (
        any(kind == "drug" for kind, _ in tokens),
        frozenset(key for kind, _ in tokens for key in KIND_KEYS.get(kind, ())),
        tuple(name for kind, name in tokens if kind == "result"),
    )


def find_gaps(snapshot: Snapshot) -> Gaps:
    """Computed once per snapshot."""
    by_key = {key: gap for key in (*LIST_KEYS, *snapshot.coverage) if (gap := snapshot.gap(key))}
    drugs = [by_key[key] for key in DRUG_KEYS if key in by_key]
    drugs += sorted({f"unidentified drug ({drug.system})" for drug in snapshot.unmapped})
    return Gaps(by_key, tuple(drugs), snapshot.concept_keys)
