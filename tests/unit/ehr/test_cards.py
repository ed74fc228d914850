"""Cards of any service in a terminal."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console

from cds_service.ehr.cards import show_answer

CARD: dict[str, Any] = {
    "summary": "Low magnesium", "indicator": "warning", "detail": "Why **so**", "source": {"label": "NTvG"},
    "suggestions": [{"label": "ECG"}, {"label": "Repeat"}], "links": [{"label": "Guide", "url": "https://g.example"}],
}  # fmt: skip


def printed(answer: dict[str, Any], language: str = "en", seen: set[str] | None = None) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(*show_answer("patient-view", answer, language, seen or set()), sep="\n")
    return out.getvalue()


def test_a_card_is_shown_with_the_numbers_that_feedback_takes() -> None:
    text = printed({"cards": [CARD]})
    for shown in ("patient-view: 1 card", " 1 ", "Suggestion 1.2: Repeat", "Link: Guide, https://g.example", "NTvG"):
        assert shown in text


def test_a_card_with_next_to_nothing_is_shown_too() -> None:
    text = printed({"cards": [{"indicator": "hard-stop"}, "no card", {"summary": "s", "source": "x"}]})
    assert "2 cards" in text
    assert "hard-stop" in text


def test_a_card_seen_before_is_only_named() -> None:
    assert "as above" in printed({"cards": [CARD]}, seen={"Why **so**"})


def test_what_could_not_be_judged_and_system_actions_are_told() -> None:
    decision = {"cannot_tell": [{"missing": "labsRare"}], "unusable": ["magnesium"], "quarantined": 2}
    answer = {
        "cards": [], "systemActions": [{"description": "Annotates the order"}],
        "extension": {"org.ionwise.decision": decision},
    }  # fmt: skip
    text = printed(answer, "nl")
    for shown in ("geen kaarten", "zonder: labsRare", "Niet bruikbaar: magnesium", "Opzij gelegd: 2", "Annotates"):
        assert shown in text


def test_a_card_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in printed({"cards": [CARD | {"summary": "a\x1b]0;b", "detail": "\x1b[2J"}]})
