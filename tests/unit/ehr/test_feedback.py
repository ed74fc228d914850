"""Which report a clinician's deed becomes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cds_service.ehr.feedback import accept_card, override_card
from cds_service.errors import EhrError

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
AT = {"outcomeTimestamp": "2026-11-21T10:00:00Z"}
REASON = {"code": "too-soon", "system": "http://reasons", "display": "Too soon"}
ANSWER: dict[str, Any] = {
    "cards": [
        {"uuid": "c1", "suggestions": [{"uuid": "s1"}, {"uuid": "s2"}, {"label": "x"}], "overrideReasons": [REASON]},
        {"uuid": "c2"},
        {},
    ]
}


@pytest.mark.parametrize(("choice", "suggestion"), [("1", "s1"), ("1.2", "s2")])
def test_an_accepted_suggestion_is_named(choice: str, suggestion: str) -> None:
    told = {"card": "c1", "outcome": "accepted", "acceptedSuggestions": [{"id": suggestion}]}
    assert accept_card(ANSWER, choice, NOW) == told | AT


@pytest.mark.parametrize(
    ("choice", "complaint"),
    [
        ("one", "write a card's number"),
        ("4", "the answer holds 3 cards"),
        ("0", "the answer holds 3 cards"),
        ("2", "has 0 suggestions -> override it instead"),
        ("1.4", "has 3 suggestions"),
        ("1.3", "the suggestion has no uuid"),
        ("3", "the card has no uuid"),
    ],
)
def test_what_cannot_be_accepted_is_refused(choice: str, complaint: str) -> None:
    with pytest.raises(EhrError, match=complaint):
        accept_card(ANSWER, choice, NOW)


def test_an_override_carries_the_reason_of_the_card_and_the_comment() -> None:
    told = {"card": "c1", "outcome": "overridden", "overrideReason": {"reason": REASON, "userComment": "later"}}
    assert override_card(ANSWER, 1, "too-soon", "later", NOW) == told | AT
    assert override_card(ANSWER, 2, None, None, NOW) == {"card": "c2", "outcome": "overridden"} | AT


def test_a_reason_that_the_card_does_not_offer_is_refused() -> None:
    with pytest.raises(EhrError, match="card 1 does not offer it -> choose from: too-soon"):
        override_card(ANSWER, 1, "other", None, NOW)
