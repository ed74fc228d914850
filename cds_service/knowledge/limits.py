"""Resolves the limits of rules and families: one number in one place, `same_as` everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from cds_service.errors import Finding
from cds_service.facts.patient import Limits
from cds_service.knowledge.family_file import FamilyEntry
from cds_service.knowledge.model import Limit
from cds_service.knowledge.rule_file import SPAN_UNITS, LimitEntry, RuleEntry
from cds_service.knowledge.sources import Source, Sources

Owner = Source[RuleEntry] | Source[FamilyEntry]
MAX_CHAIN = 5


class LimitTable:
    """All limits of cards/ by `<rule or family id>.<name>`; `overlay` holds a site's own values by the same name."""

    def __init__(self, sources: Sources, overlay: Mapping[str, Decimal] | None = None) -> None:
        self.overlay = dict(overlay or {})
        self.owners: dict[str, Owner] = {}
        for source in sources.owners:
            self.owners.setdefault(source.entry.id, source)

    def resolve(self, owner: Owner) -> tuple[tuple[Limit, ...], list[Finding]]:
        """The owner's limits with every `same_as` followed, and a finding for each that leads nowhere."""
        found: list[Limit] = []
        findings: list[Finding] = []
        for name, entry in owner.entry.limits.items():
            limit = self._follow(owner, name, entry)
            if limit is not None:
                found.append(limit)
                continue
            findings.append(
                owner.finding(
                    "limits",
                    f"same_as {entry.same_as} leads to no limit",
                    "name an existing <rule or family>.<limit>, without going round in a circle",
                    *("limits", name, "same_as"),
                )
            )
        return tuple(found), findings

    def _follow(self, owner: Owner, name: str, entry: LimitEntry) -> Limit | None:
        line, same_as = owner.document.line("limits", name), entry.same_as
        at_owner, at_name, at_entry = owner.entry.id, name, entry
        for _ in range(MAX_CHAIN):
            if at_entry.same_as is None:
                return self._limit(f"{at_owner}.{at_name}", name, at_entry, line, same_as)
            at_owner, at_name = at_entry.same_as.split(".", 1)
            target = self.owners.get(at_owner)
            if target is None or at_name not in target.entry.limits:
                return None
            at_entry = target.entry.limits[at_name]
        return None

    def _limit(self, full: str, name: str, entry: LimitEntry, line: int, same_as: str | None) -> Limit:
        if entry.value is None or entry.unit is None or entry.range is None or entry.provenance is None:
            raise AssertionError("LimitEntry guarantees these when same_as is absent")
        return Limit(
            name=name,
            value=self.overlay.get(full, entry.value),
            unit=entry.unit,
            low=entry.range[0],
            high=entry.range[1],
            provenance=entry.provenance,
            evidence=entry.evidence,
            line=line,
            same_as=same_as,
            constant=entry.constant,
        )


def as_span(value: Decimal, unit: str) -> timedelta:
    """A number of days (d) or hours (h) as a timedelta."""
    return timedelta(days=float(value)) if unit == "d" else timedelta(hours=float(value))


def last_digit(value: Decimal, unit: str) -> Decimal:
    """The smallest step by which a limit can move: one of its last digit; a whole day or hour for a span."""
    return Decimal(1) if unit in SPAN_UNITS else Decimal(1).scaleb(int(value.as_tuple().exponent))


def build_limits(table: tuple[Limit, ...], data: Any = None) -> Limits:
    """What a rule sees as `k`."""
    return Limits(
        {limit.name: limit.value for limit in table if limit.unit not in SPAN_UNITS},
        {limit.name: as_span(limit.value, limit.unit) for limit in table if limit.unit in SPAN_UNITS},
        data,
    )
