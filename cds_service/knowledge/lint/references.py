"""Override reasons, suggestions, gates and families that a rule names exist, with the nearest name when they do not."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from cds_service.errors import Finding
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.rule_file import RuleEntry
from cds_service.knowledge.sources import Source

NAME = "references"


def check(desk: Desk) -> Iterator[Finding]:
    """Every id that a rule borrows from _shared or _families."""
    knowledge = desk.knowledge
    for source in desk.sources.rules:
        entry = source.entry
        yield from unknown(source, entry.override_reasons, knowledge.override_reasons, "override reason",
                           "override_reasons")  # fmt: skip
        yield from unknown(source, entry.gates, knowledge.gates, "gate", "gates")
        yield from unknown(source, entry.suggestions, knowledge.orders, "suggestion", "suggestions")
        for variant, card in entry.cards.items():
            path = ("cards", variant, "suggestions")
            yield from unknown(source, card.suggestions or (), knowledge.orders, "suggestion", *path)


def unknown(
    source: Source[RuleEntry], used: Collection[str], known: Collection[str], kind: str, *path: str
) -> Iterator[Finding]:
    """A finding for each of `used` that is not `known`."""
    for name in used:
        if name not in known:
            near = get_close_matches(name, list(known), n=3)
            remedy = f"did you mean {' or '.join(near)}?" if near else f"add the {kind}, or correct the name"
            yield source.finding(NAME, f"unknown {kind} {name}", remedy, *path)
