"""A site's own limits: each within the range that the knowledge allows, in the rules and families that use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from cds_service.facts.patient import FamilyKnowledge
from cds_service.knowledge.limits import LimitTable, build_limits
from cds_service.knowledge.model import Family, Limit, Rule
from cds_service.knowledge.overlay.desk import Desk
from cds_service.knowledge.sources import Sources


def check_limits(desk: Desk, sources: Sources) -> dict[str, Decimal]:
    """The limits that may be moved as the overlay asks; the others become findings."""
    owners = LimitTable(sources).owners
    moved = {}
    for full, value in desk.entry.limits.items():
        owner_id, _, name = full.partition(".")
        owner = owners.get(owner_id)
        limit = owner.entry.limits.get(name) if owner is not None else None
        if limit is None or limit.range is None:
            remedy = "name a limit as <rule or family>.<limit>"
            if owner is not None:
                own = [name for name, limit in owner.entry.limits.items() if limit.range is not None]
                remedy = f"it has {', '.join(own) or 'none'}; where it says same_as, move the original"
            desk.wrong(f"no limit {full} of its own", remedy, "limits", full)
        elif limit.constant:
            desk.wrong(f"{full} is part of a formula", "leave it out: no site may move it", "limits", full)
        elif not limit.range[0] <= value <= limit.range[1]:
            low, high = limit.range
            if low == high:
                desk.wrong(f"{full} is fixed at {low}", "leave it out: no site may move it", "limits", full)
                continue
            desk.wrong(
                f"{full} = {value} is outside {low} to {high}", "choose a value within the range", "limits", full
            )
        else:
            moved[full] = value
    return moved


class MovedLimits:
    """The limits of rules and families under an overlay; what does not change stays the very same object."""

    def __init__(self, sources: Sources, moved: Mapping[str, Decimal]) -> None:
        table = LimitTable(sources, moved)
        self._tables = {owner.entry.id: table.resolve(owner)[0] for owner in sources.owners} if moved else {}

    def rule(self, rule: Rule) -> Rule:
        """The rule with its limits of this site."""
        limits = self._merged(rule.limit_table, self._tables.get(rule.family or "", ()), self._tables.get(rule.id, ()))
        if limits == rule.limit_table:
            return rule
        return msgspec.structs.replace(rule, limit_table=limits, limits=build_limits(limits, rule.limits.data))

    def family(self, family: Family) -> Family:
        """The family with its limits of this site."""
        limits = self._merged(family.limit_table, self._tables.get(family.id, ()))
        if limits == family.limit_table:
            return family
        return msgspec.structs.replace(family, limit_table=limits, limits=build_limits(limits, family.limits.data))

    def _merged(self, old: tuple[Limit, ...], *tables: tuple[Limit, ...]) -> tuple[Limit, ...]:
        fresh = {limit.name: limit for table in tables for limit in table}
        return tuple(fresh.get(limit.name, limit) for limit in old)


def questions(families: tuple[Family, ...]) -> dict[Callable[..., Any], FamilyKnowledge]:
    """What rules may ask, by the function they ask it with."""
    return {f.function: FamilyKnowledge(f.id, f.limits, f.needs) for f in families if f.kind != "rule"}
