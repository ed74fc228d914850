"""The wire models refuse what clients choke on, so that checking an answer with them means something."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from cds_service.web.wire import HookResponse
from tests.http.calls import request, url
from tests.http.client import Client

UUID = "0f0e0d0c-0b0a-1908-8706-050403020100"
CREATE = {"type": "create", "description": "Order", "resource": {"resourceType": "ServiceRequest"}}
APP = {"label": "A", "url": "https://a.example", "type": "smart", "appContext": "x"}


def card(**members: Any) -> dict[str, Any]:
    fields = {"uuid": UUID, "summary": "Low", "indicator": "info", "source": {"label": "S"}} | members
    return {"cards": [{name: value for name, value in fields.items() if value != "absent"}]}


def suggesting(*actions: dict[str, Any]) -> dict[str, Any]:
    return card(suggestions=[{"label": "Order", "actions": list(actions)}], selectionBehavior="any")


GOOD = [
    ("C-02 no cards", {"cards": []}),
    ("C-10 a card", card()),
    ("C-11 139 characters", card(summary="x" * 139)),
    ("C-45 a suggestion", suggesting(CREATE)),
    ("C-49 a deletion", suggesting({"type": "delete", "description": "Stop", "resourceId": "MedicationRequest/1"})),
    (
        "C-63 context for an app",
        card(links=[APP]),
    ),
]
BAD = [
    ("C-01 no cards member", {}),
    ("C-04 null", card(detail=None)),
    ("C-04 empty text", card(detail="")),
    ("C-04 empty list", card(links=[])),
    ("C-04 empty object", card(extension={})),
    ("C-10 upper case uuid", card(uuid=UUID.upper())),
    ("C-11 140 characters", card(summary="x" * 140)),
    ("C-13 hard-stop", card(indicator="hard-stop")),
    ("C-14 no source", card(source="absent")),
    ("C-16 selection without suggestions", card(selectionBehavior="any")),
    ("C-16 suggestions without selection", card(suggestions=[{"label": "A"}])),
    ("C-17 reason without display", card(overrideReasons=[{"system": "s", "code": "c"}])),
    ("C-19 unknown member", card(colour="red")),
    ("C-30 no label", card(source={"url": "https://a.example"})),
    ("C-31 relative url", card(source={"label": "S", "url": "/rules/x"})),
    ("C-45 upper case type", suggesting(CREATE | {"type": "CREATE"})),
    ("C-46 no description", suggesting({"type": "create", "resource": {"resourceType": "Task"}})),
    ("C-47 nothing to create", suggesting({"type": "create", "description": "Order"})),
    ("C-61 script link", card(links=[{"label": "A", "url": "javascript:x", "type": "absolute"}])),
    ("C-63 context for a page", card(links=[APP | {"type": "absolute"}])),
]


@pytest.mark.parametrize("answer", [row[1] for row in GOOD], ids=[row[0] for row in GOOD])
def test_a_good_answer_passes(answer: dict[str, Any]) -> None:
    HookResponse.model_validate(answer)


@pytest.mark.parametrize("answer", [row[1] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_answer_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        HookResponse.model_validate(answer)


def test_c_02_nothing_to_say_is_a_200_without_cards(client: Client) -> None:
    HookResponse.model_validate(client.post(url("patient-view"), request()).json)
