"""The knowledge as the engine sees it: frozen objects, compiled once at start from cards/ and a tenant's overlay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Literal

import msgspec

from cds_service.facts.outcomes import Outcome, Severity
from cds_service.facts.patient import FamilyKnowledge, Limits, Needs, Patient
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.template import Template
from cds_service.knowledge.tenant import Tenant

Text = Mapping[str, Template]
PlainText = Mapping[str, str]
Status = Literal["draft", "silent", "live", "retired"]
Tier = Literal["P1", "P2", "P3", "P4", "P5"]
Grade = Literal["strong", "moderate", "low", "contested"]
Provenance = Literal["verified", "recalled", "design"]
Requirement = Literal["R", "S", "O"]


class Limit(msgspec.Struct, frozen=True):
    """One clinical number with its unit, how far a site may move it, and where it comes from."""

    name: str
    value: Decimal
    unit: str
    low: Decimal | None
    high: Decimal | None
    provenance: Provenance
    evidence: str | None
    line: int
    same_as: str | None = None
    constant: bool = False


class Evidence(msgspec.Struct, frozen=True):
    """One entry of the bibliography. `read` tells when someone read it; None: recalled only."""

    id: str
    label: str
    citation: str
    url: str | None = None
    read: date | None = None


class CardText(msgspec.Struct, frozen=True):
    """The texts of one variant, per language. `grade`, `tier`: where they differ from those of the rule."""

    variant: str
    indicator: Severity
    summary: Text
    why: Text | None
    do: tuple[Text, ...]
    suggestions: tuple[str, ...]
    grade: Grade | None = None
    tier: Tier | None = None


class Review(msgspec.Struct, frozen=True):
    """Who wrote the rule, who checked it, and when it must be looked at again."""

    author: str
    checker: str
    reviewed: date
    next: date


class Rule(msgspec.Struct, frozen=True):
    """One rule folder, compiled. `needs` includes those of its families; `sha256` is over rule.yaml and rule.py.

    trigger        any one of these must be present
    together_with  and, unless empty, any one of these
    tells_age      its texts say themselves that the result is old: the card needs no remark about it
    """

    id: str
    version: int
    status: Status
    group: str
    title: PlainText
    hooks: frozenset[str]
    tiers: Mapping[str, Tier]
    default_tier: Tier
    ages: Literal["adult", "child", "any"]
    gates: tuple[str, ...]
    recent_is_fresh_at: frozenset[str]
    trigger: frozenset[str]
    needs: Needs
    limits: Limits
    limit_table: tuple[Limit, ...]
    evaluate: Callable[[Patient, Limits], Outcome]
    cards: Mapping[str, CardText]
    notes: Mapping[str, Text]
    phrases: Mapping[str, Text]
    grade: Grade
    evidence: tuple[Evidence, ...]
    known_limits: tuple[PlainText, ...]
    override_reasons: tuple[str, ...]
    review: Review
    family: str | None
    sha256: str
    folder: str
    together_with: frozenset[str] = frozenset()
    tells_age: bool = False

    def grade_of(self, variant: str) -> Grade:
        """The evidence grade of one variant: its own, else that of the rule."""
        return self.cards[variant].grade or self.grade

    def tier(self, hook: str) -> Tier:
        """The alert tier at a hook (before `critical` makes it P1)."""
        return self.tiers.get(hook, self.default_tier)


class Gate(msgspec.Struct, frozen=True):
    """A population gate: a question that returns the fact that makes it hold, or None. `title` names it on a card."""

    id: str
    title: PlainText
    question: Callable[[Patient, Limits], Any]


class Family(msgspec.Struct, frozen=True):
    """One folder of cards/_families as loaded: what it asks, its numbers and what it can miss."""

    id: str
    kind: Literal["question", "gate", "rule"]
    title: PlainText
    needs: Needs
    limits: Limits
    limit_table: tuple[Limit, ...]
    known_limits: tuple[PlainText, ...]
    function: Callable[..., Any]


class KeyPlanEntry(msgspec.Struct, frozen=True):
    """One prefetch key: the same query in every service. `hooks`: hook -> R (required), S (send) or O (optional)."""

    key: str
    query: str
    hooks: Mapping[str, Requirement]
    why: PlainText
    resource: str
    concepts: tuple[str, ...] = ()


class Absorption(msgspec.Struct, frozen=True):
    """`winner` absorbs `loser` when both fire: only at these hooks, winner variants, loser variants and severities
    (empty = any). `line`: false where the winner's card says what the loser says."""

    winner: str
    loser: str
    hooks: frozenset[str] = frozenset()
    winner_variants: frozenset[str] = frozenset()
    loser_variants: frozenset[str] = frozenset()
    winner_at_least: Severity = Severity.INFO
    loser_at_most: Severity = Severity.CRITICAL
    line: bool = True


class GateEffect(msgspec.Struct, frozen=True):
    """A gate that works on all rules: `off` for the tiers, or `critical-only` (and then shown as warning)."""

    gate: str
    effect: Literal["off", "critical-only"]
    tiers: frozenset[str]


class MemoryPolicy(msgspec.Struct, frozen=True):
    """For how long what was overridden or shown before is not said again.

    overridden_for  tier -> span after an override; shorter_for: override code -> a span that may only shorten it
    urgent_for      the longest span for criticals and for `urgent_rules`
    same_subject    tiers whose override counts for the same drugs only, and at `ordering` hooks for the same order:
                    one written at most `same_order_for` after the override
    once_...        info cards of these tiers at these hooks come once per patient and user within `once_for`
    once_cards      (rule, variant) -> span: as an info card it comes once within it, at whatever hook
    bands           rule -> ladders of variants that are bands of one thing, the worst first
    """

    overridden_for: Mapping[str, timedelta] = {}
    shorter_for: Mapping[str, timedelta] = {}
    urgent_for: timedelta = timedelta(0)
    urgent_rules: frozenset[str] = frozenset()
    same_subject: frozenset[str] = frozenset()
    ordering: frozenset[str] = frozenset()
    same_order_for: timedelta = timedelta(0)
    once_tiers: frozenset[str] = frozenset()
    once_hooks: frozenset[str] = frozenset()
    once_for: timedelta = timedelta(0)
    once_cards: Mapping[tuple[str, str], timedelta] = {}
    bands: Mapping[str, tuple[tuple[str, ...], ...]] = {}

    @property
    def longest(self) -> timedelta:
        """How far back a memory has to reach."""
        return max((*self.overridden_for.values(), self.once_for, *self.once_cards.values()))


class Policy(msgspec.Struct, frozen=True, dict=True):
    """Alert-fatigue policy as data: caps per call, which tiers a hook shows, who absorbs whom, gates over all rules,
    what is not repeated.

    `lines_only`: rules that are shown only as a line in the card that absorbs them.
    """

    max_critical: int
    max_warning: int
    max_info: int
    max_total: int
    hook_tiers: Mapping[str, frozenset[str]]
    absorptions: tuple[Absorption, ...]
    gate_effects: tuple[GateEffect, ...]
    memory: MemoryPolicy = MemoryPolicy()
    lines_only: frozenset[str] = frozenset()

    @cached_property
    def by_winner(self) -> Mapping[str, tuple[tuple[int, Absorption], ...]]:
        """The absorptions of each winner, each with its place in the table."""
        found: dict[str, list[tuple[int, Absorption]]] = {}
        for place, entry in enumerate(self.absorptions):
            found.setdefault(entry.winner, []).append((place, entry))
        return {winner: tuple(entries) for winner, entries in found.items()}

    @cached_property
    def effects_by_tier(self) -> Mapping[str, tuple[GateEffect, ...]]:
        """The gates that work on the rules of each tier, in the order of `gate_effects`."""
        tiers = {tier for effect in self.gate_effects for tier in effect.tiers}
        return {tier: tuple(effect for effect in self.gate_effects if tier in effect.tiers) for tier in tiers}

    @cached_property
    def gates_by_tier(self) -> Mapping[str, frozenset[str]]:
        """The ids of those gates."""
        return {tier: frozenset(e.gate for e in effects) for tier, effects in self.effects_by_tier.items()}


class Order(msgspec.Struct, frozen=True):
    """What a suggestion may order: a draft ServiceRequest. Active orders for all `concepts` make it moot.

    own: the first coding is the EHR's own, from the site's overlay.
    """

    id: str
    label: PlainText
    concepts: tuple[str, ...]
    codings: tuple[Mapping[str, str], ...]
    category: str | None = None
    own: bool = False


class OverrideReason(msgspec.Struct, frozen=True):
    """A reason a clinician may give for overriding a card."""

    code: str
    display: PlainText


class Knowledge(msgspec.Struct, frozen=True):
    """One tenant's compiled knowledge: immutable, shared by all calls; reload builds a new one.

    `by_hook`: the live and silent rules of each hook, in the order of `rules`; `concept_keys`: concept -> prefetch key;
    `plans`: the engine's own preparation, by hook. `tenant`: what the site decided besides; `overlay_hash`: empty
    without an overlay.
    """

    version: str
    overlay_hash: str
    rules: tuple[Rule, ...]
    families: Mapping[Callable[..., Any], FamilyKnowledge]
    family_table: tuple[Family, ...]
    gates: Mapping[str, Gate]
    vocabulary: Vocabulary
    key_plan: tuple[KeyPlanEntry, ...]
    policy: Policy
    orders: Mapping[str, Order]
    evidence: Mapping[str, Evidence]
    phrases: Mapping[str, Text]
    override_reasons: Mapping[str, OverrideReason]
    by_hook: Mapping[str, tuple[Rule, ...]] = {}
    concept_keys: Mapping[str, str] = {}
    tenant: Tenant = Tenant()
    plans: dict[str, Any] = {}

    def rule(self, rule_id: str) -> Rule:
        """The rule with this id; KeyError when there is none."""
        for rule in self.rules:
            if rule.id == rule_id:
                return rule
        raise KeyError(rule_id)
