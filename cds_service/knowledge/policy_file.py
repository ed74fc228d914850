"""The shapes of policy.yaml, evidence.yaml, phrases.yaml and retired.yaml, and the objects they become."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, field_validator

from cds_service.facts.outcomes import Severity
from cds_service.knowledge.file_model import Bilingual, FileModel, Hook, Id, IsoDate, Span
from cds_service.knowledge.model import Absorption, Evidence, GateEffect, MemoryPolicy, Policy, Provenance, Tier
from cds_service.knowledge.rule_file import Name

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
    """`winner` absorbs each of `losers`; without a `line` because its card says as much."""

    winner: Id
    losers: Annotated[tuple[Id, ...], Field(min_length=1)]
    hooks: tuple[Hook, ...] = ()
    winner_variants: tuple[Name, ...] = ()
    loser_variants: tuple[Name, ...] = ()
    winner_at_least: Indicator = "info"
    loser_at_most: Indicator = "critical"
    line: bool = True

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
                self.line,
            )
            for loser in self.losers
        ]


class GateEffectEntry(FileModel):
    """A gate over all rules of the tiers."""

    gate: Id
    effect: Literal["off", "critical-only"]
    tiers: tuple[Tier, ...] = ALL_TIERS


class UrgentEntry(FileModel):
    """No critical card, and no card of these rules, is kept back for longer."""

    at_most: Span
    rules: tuple[Id, ...] = ()


class SameOrderEntry(FileModel):
    """Overrides of these tiers count for the same drugs, and at these hooks for the same order."""

    tiers: tuple[Tier, ...]
    hooks: tuple[Hook, ...]
    within: Span


class OnceCardEntry(FileModel):
    """One variant of a rule that comes once as an info card, at whatever hook."""

    rule: Id
    variant: Name
    within: Span


class OnceEntry(FileModel):
    """Info cards that come once per patient and user: those of the tiers at the hooks, and `cards`."""

    tiers: tuple[Tier, ...]
    hooks: tuple[Hook, ...]
    within: Span
    cards: tuple[OnceCardEntry, ...] = ()


class BandsEntry(FileModel):
    """Variants of a rule that are bands of one thing, the worst first."""

    rule: Id
    worst_first: Annotated[tuple[Name, ...], Field(min_length=2)]


class MemoryEntry(FileModel):
    """What is not repeated, and for how long. `unbanded`: rules none of whose variants is a milder band of another."""

    provenance: Provenance
    overridden_for: dict[Tier, Span]
    shorter_for: dict[str, Span] = {}
    urgent: UrgentEntry
    same_order: SameOrderEntry
    once: OnceEntry
    bands: tuple[BandsEntry, ...] = ()
    unbanded: tuple[Id, ...] = ()

    @field_validator("overridden_for")
    @classmethod
    def _every_tier(cls, value: dict[Tier, timedelta]) -> dict[Tier, timedelta]:
        if absent := sorted(set(ALL_TIERS) - set(value)):
            raise ValueError(f"says nothing about {', '.join(absent)}")
        return value

    def build(self) -> MemoryPolicy:
        """The memory policy as the engine wants it."""
        bands: dict[str, tuple[tuple[str, ...], ...]] = {}
        for entry in self.bands:
            bands[entry.rule] = (*bands.get(entry.rule, ()), entry.worst_first)
        return MemoryPolicy(
            overridden_for={str(tier): span for tier, span in self.overridden_for.items()},
            shorter_for=self.shorter_for,
            urgent_for=self.urgent.at_most,
            urgent_rules=frozenset(self.urgent.rules),
            same_subject=frozenset(self.same_order.tiers),
            ordering=frozenset(self.same_order.hooks),
            same_order_for=self.same_order.within,
            once_tiers=frozenset(self.once.tiers),
            once_hooks=frozenset(self.once.hooks),
            once_for=self.once.within,
            once_cards={(card.rule, card.variant): card.within for card in self.once.cards},
            bands=bands,
        )


class PolicyEntry(FileModel):
    """policy.yaml."""

    caps: CapsEntry
    hook_tiers: dict[Hook, tuple[Tier, ...]]
    gate_effects: tuple[GateEffectEntry, ...] = ()
    precedence: tuple[PrecedenceEntry, ...] = ()
    memory: MemoryEntry
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
            memory=self.memory.build(),
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
