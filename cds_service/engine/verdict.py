"""What a rule came to on one chart."""

from __future__ import annotations

from typing import Literal

import msgspec

from cds_service.facts.outcomes import Fires, Outcome, Phrase, Severity
from cds_service.knowledge.model import Rule, Tier

Kind = Literal["fires", "satisfied", "cannot-tell", "not-applicable", "gated"]


class Verdict(msgspec.Struct, frozen=True):
    """What one rule came to.

    severity  after all caps; None unless it fires
    missing   what could not be judged for want of (cannot-tell)
    reason    why it is not applicable, or which gate holds
    remarks   lines that the engine adds to the card (shared phrases)
    """

    rule: Rule
    kind: Kind
    outcome: Outcome
    tier: Tier
    severity: Severity | None = None
    missing: tuple[str, ...] = ()
    reason: str = ""
    remarks: tuple[Phrase, ...] = ()

    @property
    def rule_id(self) -> str:
        """The rule's id."""
        return self.rule.id

    @property
    def variant(self) -> str | None:
        """The card variant, when the rule fires."""
        return self.outcome.variant if isinstance(self.outcome, Fires) else None

    @property
    def fires(self) -> Fires:
        """The firing outcome; only for verdicts of kind `fires`."""
        assert isinstance(self.outcome, Fires)  # noqa: S101 (narrowing; callers filter by kind)
        return self.outcome
