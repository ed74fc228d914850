"""Which rules use a number, wherever it is written, and the most severe card that it can lead to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import msgspec

from cds_service.facts.outcomes import Severity
from cds_service.knowledge.model import Family, Knowledge, Limit, Rule


class UsedLimit(msgspec.Struct, frozen=True):
    """A number at the place where it stands, the rules that use it, and the worst card of those."""

    owner: Rule | Family
    limit: Limit
    users: tuple[Rule, ...]
    worst: Severity

    @property
    def name(self) -> str:
        """`<rule or family>.<limit>`."""
        return f"{self.owner.id}.{self.limit.name}"


def worst(rule: Rule) -> Severity:
    """The most severe card that a rule has."""
    return max(card.indicator for card in rule.cards.values())


def used_limits(knowledge: Knowledge) -> Iterator[UsedLimit]:
    """Every number with a place of its own; one that repeats another (`same_as`) counts there."""
    borrowed: Mapping[str, list[Rule]] = defaultdict(list)
    asked: Mapping[str, list[Rule]] = defaultdict(list)
    lenders: Mapping[str, set[str]] = defaultdict(set)
    everywhere = {effect.gate for effect in knowledge.policy.gate_effects}
    for family in knowledge.family_table:
        for limit in family.limit_table:
            if limit.same_as:
                lenders[limit.same_as].add(family.id)
    for rule in knowledge.rules:
        for name in {*rule.needs.uses, *rule.gates, *everywhere, *([rule.family] if rule.family else [])}:
            asked[name].append(rule)
        for limit in rule.limit_table:
            if limit.same_as:
                borrowed[limit.same_as].append(rule)
    shared = {family.id: family.limit_table for family in knowledge.family_table}
    owners: list[Rule | Family] = [*knowledge.rules, *knowledge.family_table]
    for owner in owners:
        lent = shared.get(owner.family or "", ()) if isinstance(owner, Rule) else ()
        for limit in owner.limit_table:
            if limit.same_as or limit in lent:
                continue
            key = f"{owner.id}.{limit.name}"
            users = [owner] if isinstance(owner, Rule) else list(asked[owner.id])
            users += [*borrowed[key], *(rule for lender in lenders[key] for rule in asked[lender])]
            unique = tuple({rule.id: rule for rule in users}.values())
            yield UsedLimit(owner, limit, unique, max(map(worst, unique), default=Severity.INFO))
