"""Which feedback is taken, and what is said about the rest."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from cds_service.errors import RequestError
from cds_service.service.feedback import MOST_REPORTS, decode_feedback
from cds_service.storage.records import Report

AT = "2026-11-21T09:00:00Z"
ACCEPTED = {"card": "c-1", "outcome": "accepted", "acceptedSuggestions": [{"id": "s-1"}], "outcomeTimestamp": AT}
OVERRIDDEN = {"card": "c-1", "outcome": "overridden", "outcomeTimestamp": AT}
CODING = {"code": "or-not-now", "system": "https://ionwise.example/CodeSystem/override-reason"}


def read(*items: Any) -> tuple[Report, ...]:
    return decode_feedback(orjson.dumps({"feedback": items}))[0]


def complaint(body: bytes) -> str:
    with pytest.raises(RequestError) as caught:
        decode_feedback(body)
    assert caught.value.status == 400
    return str(caught.value)


def test_a_batch_is_read_in_its_order() -> None:
    first, second = read(ACCEPTED, OVERRIDDEN | {"overrideReason": {"reason": CODING, "userComment": "later"}})
    assert (first.outcome, first.suggestions) == ("accepted", ("s-1",))
    assert (second.reason, second.reason_system, second.comment) == ("or-not-now", CODING["system"], "later")
    assert first.reported_at == datetime(2026, 11, 21, 9, tzinfo=UTC)


@pytest.mark.parametrize("at", ["2026-11-21T09:00:00Z", "2026-11-21T09:00:00.123456Z", "2026-11-21T10:00:00+01:00"])
def test_a_time_may_have_a_fraction_and_any_offset(at: str) -> None:
    assert read(OVERRIDDEN | {"outcomeTimestamp": at})[0].reported_at.replace(microsecond=0).hour in (9, 10)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ({}, (None, None)),
        ({"overrideReason": None}, (None, None)),
        ({"overrideReason": {"userComment": "known"}}, (None, "known")),
        ({"overrideReasons": {"reason": CODING}}, ("or-not-now", None)),
        ({"overrideReasons": [{"reason": CODING}]}, ("or-not-now", None)),
        ({"overrideReason": {"extension": {"com.epic.cdshooks.feedback.overrideReason.x": 1}}}, (None, None)),
        ({"overrideReason": {"reason": CODING | {"display": "Not now"}, "extension": []}}, ("or-not-now", None)),
    ],
)
def test_a_reason_may_be_absent_or_written_as_epic_does(reason: Any, expected: tuple[str | None, str | None]) -> None:
    report = read(OVERRIDDEN | reason)[0]
    assert (report.reason, report.comment) == expected


def test_a_card_id_need_not_be_a_uuid() -> None:
    assert read(OVERRIDDEN | {"card": "123456"})[0].card == "123456"


@pytest.mark.parametrize(
    ("item", "member"),
    [
        ({"card": None}, "card"),
        ({"card": ""}, "card"),
        ({"card": 123456}, "card"),
        ({"card": "x" * 201}, "card"),
        ({"outcome": None}, "outcome"),
        ({"outcome": "ignored"}, "outcome"),
        ({"outcome": "accepted"}, "acceptedSuggestions"),
        ({"outcome": "accepted", "acceptedSuggestions": []}, "acceptedSuggestions"),
        ({"outcome": "accepted", "acceptedSuggestions": ["s-1"]}, "acceptedSuggestions"),
        ({"outcome": "accepted", "acceptedSuggestions": [{"id": 7}]}, "acceptedSuggestions"),
        ({"outcomeTimestamp": None}, "outcomeTimestamp"),
        ({"outcomeTimestamp": "2026-11-21T09:00:00"}, "outcomeTimestamp"),
        ({"outcomeTimestamp": "yesterday"}, "outcomeTimestamp"),
        ({"outcomeTimestamp": 1795251600}, "outcomeTimestamp"),
        ({"overrideReason": "busy"}, "overrideReason"),
        ({"overrideReason": {}}, "overrideReason"),
        ({"overrideReason": {"reason": "or-not-now"}}, "overrideReason.reason"),
        ({"overrideReason": {"reason": {"code": 7}}}, "overrideReason.reason.code"),
        ({"overrideReason": {"userComment": ["x"]}}, "overrideReason.userComment"),
        ({"overrideReasons": [{"userComment": "a"}, {"userComment": "b"}]}, "overrideReasons"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(item: dict[str, Any], member: str) -> None:
    assert complaint(orjson.dumps({"feedback": [OVERRIDDEN, OVERRIDDEN | item]})).startswith(f"feedback[1].{member}:")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'"feedback"', b"{}", b'{"feedback":{}}', b"[" * 9999])
def test_a_body_that_is_no_feedback_is_refused(body: bytes) -> None:
    assert complaint(body)


def test_a_batch_has_a_limit() -> None:
    assert "at most" in complaint(orjson.dumps({"feedback": [OVERRIDDEN] * (MOST_REPORTS + 1)}))
