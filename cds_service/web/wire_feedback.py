"""Feedback on the wire as pydantic models, for OpenAPI; service/feedback.py reads what is sent."""

from __future__ import annotations

from typing import Any, Literal

from cds_service.web.wire import Sent, Text


class AcceptedSuggestion(Sent):
    """The uuid of a suggestion that was taken."""

    id: Text


class GivenReason(Sent):
    """Why a card was overridden: a coded reason, words, or both."""

    reason: dict[str, Any] | None = None
    userComment: str | None = None


class FeedbackItem(Sent):
    """What became of one card. Epic's `overrideReasons` is taken for `overrideReason`."""

    card: Text
    outcome: Literal["accepted", "overridden"]
    outcomeTimestamp: Text
    acceptedSuggestions: list[AcceptedSuggestion] | None = None
    overrideReason: GivenReason | None = None


class Feedback(Sent):
    """A batch of feedback, stored as a whole or not at all."""

    feedback: list[FeedbackItem]
