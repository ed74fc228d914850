"""The policy names rules, variants and gates that exist (or are planned)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from cds_service.errors import Finding
from cds_service.knowledge.file_model import Hook
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.policy_file import PolicyEntry
from cds_service.knowledge.sources import Source

NAME = "policy"


def check(desk: Desk) -> Iterator[Finding]:
    """Precedence, lines, gate effects and hook tiers of policy.yaml."""
    policy = desk.sources.policy
    if policy is None:
        return
    variants = {rule.id: set(rule.cards) for rule in desk.knowledge.rules}
    built = {source.entry.id for source in desk.sources.rules}
    for index, rule_id in enumerate(policy.entry.planned):
        if rule_id in built:
            yield policy.finding(NAME, f"{rule_id} is built", "remove it from planned", "planned", index)
    losers = {loser for entry in policy.entry.precedence for loser in entry.losers}
    for index, rule_id in enumerate(policy.entry.lines_only):
        if rule_id not in losers:
            remedy = "name under precedence which cards carry its line"
            yield policy.finding(NAME, f"no card absorbs {rule_id}, which is only a line", remedy, "lines_only", index)
    known = built | set(policy.entry.planned)
    yield from _precedence(policy, known, variants)
    yield from _memory(policy, known, variants, frozenset(desk.knowledge.override_reasons))
    for index, effect in enumerate(policy.entry.gate_effects):
        if effect.gate not in desk.knowledge.gates:
            remedy = "add the gate to _families, or correct the id"
            yield policy.finding(NAME, f"unknown gate {effect.gate}", remedy, "gate_effects", index)
    for hook in get_args(Hook):
        if hook not in policy.entry.hook_tiers:
            yield policy.finding(NAME, f"hook_tiers says nothing about {hook}", "add it", "hook_tiers")


def _precedence(policy: Source[PolicyEntry], known: set[str], variants: dict[str, set[str]]) -> Iterator[Finding]:
    for index, entry in enumerate(policy.entry.precedence):
        at = ("precedence", index)
        for rule_id in (entry.winner, *entry.losers):
            if rule_id not in known:
                yield policy.finding(NAME, f"unknown rule {rule_id}", "correct the id, or list it under planned", *at)
        if entry.winner in entry.losers:
            yield policy.finding(NAME, f"{entry.winner} absorbs itself", "remove it from losers", *at)
        named = [(entry.winner, entry.winner_variants), *((loser, entry.loser_variants) for loser in entry.losers)]
        for rule_id, used in named:
            for variant in used:
                if rule_id in variants and variant not in variants[rule_id]:
                    remedy = f"the variants are: {', '.join(sorted(variants[rule_id]))}"
                    yield policy.finding(NAME, f"{rule_id} has no variant {variant}", remedy, *at)


def _memory(
    policy: Source[PolicyEntry], known: set[str], variants: dict[str, set[str]], reasons: frozenset[str]
) -> Iterator[Finding]:
    memory = policy.entry.memory
    for code in memory.shorter_for:
        if code not in reasons:
            yield policy.finding(NAME, f"unknown override reason {code}", "correct the code", "memory", "shorter_for")
    for rule_id in memory.urgent.rules:
        if rule_id not in known:
            yield policy.finding(NAME, f"unknown rule {rule_id}", "correct the id", "memory", "urgent")
    for index, card in enumerate(memory.once.cards):
        if card.variant not in variants.get(card.rule, ()):
            problem = f"{card.rule} has no variant {card.variant}"
            yield policy.finding(NAME, problem, "correct the rule or the variant", "memory", "once", "cards", index)
    for index, entry in enumerate(memory.bands):
        at = ("memory", "bands", index)
        if entry.rule not in known:
            yield policy.finding(NAME, f"unknown rule {entry.rule}", "correct the id", *at)
        for used in entry.worst_first:
            if entry.rule in variants and used not in variants[entry.rule]:
                remedy = f"the variants are: {', '.join(sorted(variants[entry.rule]))}"
                yield policy.finding(NAME, f"{entry.rule} has no variant {used}", remedy, *at)
    yield from _unsaid(policy, known, variants)


def _unsaid(policy: Source[PolicyEntry], known: set[str], variants: dict[str, set[str]]) -> Iterator[Finding]:
    """Of every rule with several variants it is said whether an override of one covers another."""
    memory = policy.entry.memory
    banded = {entry.rule for entry in memory.bands}
    for index, rule_id in enumerate(memory.unbanded):
        at = ("memory", "unbanded", index)
        if rule_id not in known:
            yield policy.finding(NAME, f"unknown rule {rule_id}", "correct the id", *at)
        if rule_id in banded:
            yield policy.finding(NAME, f"{rule_id} has bands", "remove it from unbanded or from bands", *at)
    for rule_id in sorted(variants):
        if len(variants[rule_id]) > 1 and rule_id not in banded and rule_id not in memory.unbanded:
            listed = ", ".join(sorted(variants[rule_id]))
            problem = f"memory does not say which variants of {rule_id} are bands of one thing ({listed})"
            remedy = (
                "add a line with them under bands, the worst first; or, when there are none, the rule under unbanded"
            )
            yield policy.finding(NAME, problem, remedy, "memory", "bands")
