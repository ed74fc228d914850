"""Everything a rule reads exists in the value sets and is delivered by a prefetch key at each of its hooks."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any

from cds_service.errors import Finding
from cds_service.facts.patient import Needs
from cds_service.facts.vocabulary import UNASKED, Vocabulary
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.model import Rule
from cds_service.knowledge.sources import Source

NAME = "needs"
KEYS = {"drugs": "medications", "conditions": "conditions", "procedures": "procedures", "orders": "orders"}
ONLY_LEAVES_OUT = frozenset({"orders"})  # an order not seen costs a superfluous suggestion, no more


def check(desk: Desk) -> Iterator[Finding]:
    """Vocabulary, key plan, and triggers as a part of needs."""
    known = vocabulary_ids(desk.knowledge.vocabulary)
    for source in desk.sources.owners:
        for kind, ids in known.items():
            yield from _unknown(source, getattr(source.entry.needs, kind), ids, kind)
    rules = {rule.id: rule for rule in desk.knowledge.rules}
    for source in desk.sources.rules:
        rule = rules.get(source.entry.id)
        if rule is not None:
            yield from _undelivered(desk, source, rule)
            yield from _triggers(source, rule.needs)


def vocabulary_ids(vocabulary: Vocabulary) -> dict[str, set[str]]:
    """Kind of need -> the ids that exist."""
    problems = set(vocabulary.condition_labels)
    problems |= {group for groups in vocabulary.condition_codes.values() for group in groups}
    problems |= {group for pairs in vocabulary.condition_prefixes.values() for _, groups in pairs for group in groups}
    problems |= {group for _, group in vocabulary.condition_terms}
    drugs = set(vocabulary.drugs) | set(vocabulary.group_labels)
    drugs |= {group for drug in vocabulary.drugs.values() for group in drug.groups}
    drugs |= {group for atc in vocabulary.atc_classes for group in atc.groups}
    concepts = set(vocabulary.concepts)
    return {"results": concepts, "drugs": drugs, "conditions": problems, "procedures": problems, "orders": concepts}


def _unknown(source: Source[Any], used: Collection[str], known: set[str], kind: str) -> Iterator[Finding]:
    for index, name in enumerate(used):
        if name not in known:
            near = get_close_matches(name, sorted(known), n=3)
            remedy = f"did you mean {' or '.join(near)}?" if near else "add it to _shared/valuesets"
            yield source.finding(NAME, f"{name} is not in the value sets", remedy, "needs", kind, index)


def _undelivered(desk: Desk, source: Source[Any], rule: Rule) -> Iterator[Finding]:
    concepts = desk.knowledge.vocabulary.concepts
    wanted = {concepts[name].key for name in rule.needs.results if name in concepts}
    wanted |= {key for kind, key in KEYS.items() if getattr(rule.needs, kind)}
    wanted.discard(UNASKED)
    asked = {hook: {e.key for e in desk.knowledge.key_plan if hook in e.hooks} for hook in sorted(rule.hooks)}
    somewhere = {key for keys in asked.values() for key in keys}
    for hook, delivered in asked.items():
        for key in sorted(wanted - delivered - (somewhere & ONLY_LEAVES_OUT)):
            problem = f"needs the prefetch key {key}, which is not asked at {hook}"
            yield source.finding(NAME, problem, "extend _shared/key_plan.yaml, or drop the need or the hook", "needs")


def _triggers(source: Source[Any], needs: Needs) -> Iterator[Finding]:
    kinds = {"result": "results", "drug": "drugs", "draft": "drugs", "condition": "conditions",
             "procedure": "procedures"}  # fmt: skip
    for member in ("trigger", "together_with"):
        for index, token in enumerate(getattr(source.entry, member)):
            kind, name = token.split(":", 1)
            if name not in getattr(needs, kinds[kind]):
                remedy = f"add {name} to needs.{kinds[kind]}"
                yield source.finding(NAME, f"{member} {token} is not among the needs", remedy, member, index)
