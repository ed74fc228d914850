"""What the clinician did with a card, told to the service (CDS Hooks 2.0, "Feedback")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cds_service.ehr.hook_calls import Service, Sign, unsigned
from cds_service.ehr.records import objects
from cds_service.ehr.wire import WRITE, Wire, told_by
from cds_service.errors import EhrError

_CHOICE = re.compile(r"(\d{1,3})(?:\.(\d{1,3}))?")


def accept_card(answer: Mapping[str, Any], choice: str, now: datetime) -> dict[str, Any]:
    """The report that a suggestion was followed: `choice` is `2` (card 2, its first suggestion) or `2.1`.

    Raises EhrError when there is no such card or suggestion, or it has no uuid.
    """
    found = _CHOICE.fullmatch(choice)
    if found is None:
        raise EhrError(f"--accept {choice}: write a card's number, or card and suggestion as 2.1")
    card = _card(answer, int(found[1]), "--accept")
    suggestions = objects(card.get("suggestions"))
    place = int(found[2] or 1)
    if not 0 < place <= len(suggestions):
        raise EhrError(f"--accept {choice}: card {found[1]} has {len(suggestions)} suggestions -> override it instead")
    taken = suggestions[place - 1].get("uuid")
    if not taken:
        raise EhrError(f"--accept {choice}: the suggestion has no uuid, so the service takes no feedback on it")
    return {"card": card["uuid"], "outcome": "accepted", "acceptedSuggestions": [{"id": taken}]} | _at(now)


def override_card(
    answer: Mapping[str, Any], number: int, reason: str | None, comment: str | None, now: datetime
) -> dict[str, Any]:
    """The report that a card was set aside. reason: a code among the card's reasons. Raises EhrError for another."""
    card = _card(answer, number, "--override")
    told: dict[str, Any] = {}
    if reason is not None:
        offered = objects(card.get("overrideReasons"))
        coding = next((one for one in offered if one.get("code") == reason), None)
        if coding is None:
            codes = ", ".join(str(one.get("code")) for one in offered) or "none"
            raise EhrError(f"--reason {reason}: card {number} does not offer it -> choose from: {codes}")
        told["reason"] = {name: coding[name] for name in ("code", "system", "display") if name in coding}
    if comment:
        told["userComment"] = comment
    return {"card": card["uuid"], "outcome": "overridden"} | ({"overrideReason": told} if told else {}) | _at(now)


def send_feedback(wire: Wire, service: Service, reports: list[dict[str, Any]], sign: Sign = unsigned) -> None:
    """Send the reports in one message. Raises EhrError when the service does not take them."""
    url = f"{service.url}/feedback"
    reply = wire.post("feedback", url, WRITE({"feedback": reports}), sign(url))
    if reply.status == 404:
        raise EhrError("feedback: the service takes none (404)")
    if not 200 <= reply.status < 300:
        raise EhrError(f"feedback: the service answered {reply.status}: {told_by(reply)}")


def _card(answer: Mapping[str, Any], number: int, option: str) -> dict[str, Any]:
    cards = answer["cards"]
    if not 0 < number <= len(cards):
        raise EhrError(f"{option} {number}: the answer holds {len(cards)} cards")
    card: dict[str, Any] = cards[number - 1]
    if not card.get("uuid"):
        raise EhrError(f"{option} {number}: the card has no uuid, so the service takes no feedback on it")
    return card


def _at(now: datetime) -> dict[str, str]:
    return {"outcomeTimestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
