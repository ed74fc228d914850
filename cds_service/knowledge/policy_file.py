"""The shapes of policy.yaml, evidence.yaml, phrases.yaml and retired.yaml, and the objects they become."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cds_service.facts.outcomes import Severity
from cds_service.knowledge.file_model import Bilingual, FileModel, Id, IsoDate
from cds_service.knowledge.model import Absorption, Evidence, GateEffect, Policy, Tier
from cds_service.knowledge.rule_file import Hook, Name

Indicator = Literal["info", "warning", "critical"]
ALL_TIERS: tuple[Tier, ...] = ("P1", "P2", "P3", "P4", "P5")
Count = Annotated[int, Field(ge=0)]


class CapsEntry(FileModel):
    """How many cards a call may show."""

    critical: Count
    warning: Count
    info: Count
    total: Count


class PrecedenceEntry(FileModel):
    """`winner` absorbs each of `losers`."""

    winner: Id
    losers: Annotated[tuple[Id, ...], Field(min_length=1)]
    hooks: tuple[Hook, ...] = ()
    winner_variants: tuple[Name, ...] = ()
    loser_variants: tuple[Name, ...] = ()
    winner_at_least: Indicator = "info"
    loser_at_most: Indicator = "critical"

    def absorptions(self) -> list[Absorption]:
        """One Absorption per loser."""
        return [
            Absorption(
                self.winner,
                loser,
                frozenset(self.hooks),
                frozenset(self.winner_variants),
                frozenset(self.loser_variants),
                Severity[self.winner_at_least.upper()],
                Severity[self.loser_at_most.upper()],
            )
            for loser in self.losers
        ]


class GateEffectEntry(FileModel):
    """A gate over all rules of the tiers."""

    gate: Id
    effect: Literal["off", "critical-only"]
    tiers: tuple[Tier, ...] = ALL_TIERS


class PolicyEntry(FileModel):
    """policy.yaml."""

    caps: CapsEntry
    hook_tiers: dict[Hook, tuple[Tier, ...]]
    gate_effects: tuple[GateEffectEntry, ...] = ()
    precedence: tuple[PrecedenceEntry, ...] = ()
    lines_only: tuple[Id, ...] = ()
    planned: tuple[Id, ...] = ()

    def build(self) -> Policy:
        """The policy as the engine wants it; the precedence keeps the order of the file."""
        return Policy(
            max_critical=self.caps.critical,
            max_warning=self.caps.warning,
            max_info=self.caps.info,
            max_total=self.caps.total,
            hook_tiers={hook: frozenset(tiers) for hook, tiers in self.hook_tiers.items()},
            absorptions=tuple(one for entry in self.precedence for one in entry.absorptions()),
            gate_effects=tuple(GateEffect(e.gate, e.effect, frozenset(e.tiers)) for e in self.gate_effects),
            lines_only=frozenset(self.lines_only),
        )


class SourceEntry(FileModel):
    """One entry of the bibliography."""

    label: Annotated[str, Field(min_length=1, max_length=80)]
    citation: Annotated[str, Field(min_length=1)]
    url: Annotated[str, Field(pattern=r"^https?://")] | None = None
    read: IsoDate | None = None


class EvidenceEntry(FileModel):
    """evidence.yaml."""

    evidence: dict[Id, SourceEntry]

    def build(self) -> dict[str, Evidence]:
        """Id -> Evidence."""
        return {key: Evidence(key, e.label, e.citation, e.url, e.read) for key, e in self.evidence.items()}


class PhrasesEntry(FileModel):
    """phrases.yaml."""

    phrases: dict[Name, Bilingual]


class RetiredRule(FileModel):
    """A rule that was withdrawn; its id is never used again."""

    retired: IsoDate
    reason: str


class RetiredEntry(FileModel):
    """retired.yaml."""

    retired: dict[Id, RetiredRule]
