"""Whatever is sent to the service: a clear 4xx or a sound answer, never a 5xx, never advice on another patient."""

from __future__ import annotations

import logging
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_service.app import create_app
from cds_service.settings import Settings
from cds_service.web.wire import HookResponse
from tests.http.client import JSON, Client, Reply
from tests.http.hostile import DEEP, PLAIN, RAW, raw, resources, spoil, written
from tests.shipped import released

ROOT = Path(__file__).parents[2]
RECORDED = sorted((ROOT / "fhir_fixtures" / "hooks").glob("*/*.json"))
BROKEN = sorted((ROOT / "fhir_fixtures" / "broken").glob("[0-9]*.json"))
SOUND: dict[str, Any] = orjson.loads((ROOT / "fhir_fixtures" / "broken" / "sound_request.json").read_bytes())
SEVERE: dict[str, Any] = orjson.loads(
    (ROOT / "fhir_fixtures/hooks/encounter-start/admission_with_severe_hypomagnesaemia.json").read_bytes()
)
MEGABYTE = 1024 * 1024
MANY = settings(
    max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def service() -> Client:
    """The sandbox with the real knowledge."""
    return Client(create_app(Settings(sandbox=True), released()))


@pytest.fixture(autouse=True)
def _nothing_crashes(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No crash, no failed rule, no failed card text is logged during any test here."""
    with caplog.at_level(logging.WARNING, logger="ionwise"):
        yield
    assert [r.getMessage() for r in caplog.records if r.name.startswith("ionwise")] == []


def fire(service: Client, body: bytes | dict[str, Any], hook: str = "patient-view") -> Reply:
    return service.call(
        "POST", f"/cds-services/ionwise-{hook}", body if isinstance(body, bytes) else written(body), JSON
    )


def judge(reply: Reply) -> None:
    """A sound answer, or a 4xx with an outcome."""
    assert reply.status in (200, 400, 412), reply.body[:500]
    if reply.status == 200:
        HookResponse.model_validate(reply.json)
    else:
        assert reply.complaint


def cards(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.body[:500]
    return [f"{card['indicator']} {card['source']['topic']['code']}" for card in reply.json["cards"]]


def extension(reply: Reply) -> dict[str, Any]:
    found = reply.json["extension"]["org.ionwise.decision"]
    assert isinstance(found, dict)
    return found


def severe(**prefetch: Any) -> dict[str, Any]:
    """The request of an adult with a magnesium of 1.1 mg/dL, its prefetch overridden; a copy to be spoilt at will."""
    body: dict[str, Any] = orjson.loads(orjson.dumps(SEVERE))
    body["prefetch"] |= prefetch
    return body


# ---- at random


@MANY
@given(path=st.sampled_from(RECORDED), seed=st.integers(0, 2**32), times=st.sampled_from([1, 1, 2, 4, 12]))
def test_a_recorded_request_may_be_spoilt_anywhere(service: Client, path: Path, seed: int, times: int) -> None:
    body = spoil(orjson.loads(path.read_bytes()), random.Random(seed), times)
    judge(fire(service, body, path.parent.name))


@MANY
@given(chosen=st.lists(st.sampled_from(BROKEN), min_size=1, max_size=6), seed=st.integers(0, 2**32))
def test_the_quirks_of_real_data_may_come_together_and_spoilt(service: Client, chosen: list[Path], seed: int) -> None:
    body = orjson.loads(orjson.dumps(SOUND))
    for path in chosen:
        quirk = orjson.loads(path.read_bytes())
        for key, value in quirk.items() if isinstance(quirk, dict) else ():
            known = body["prefetch"].get(key)
            if isinstance(known, dict) and isinstance(value, dict) and "entry" in known and "entry" in value:
                value = value | {"entry": [*known["entry"], *value["entry"]]}
            body["prefetch"][key] = value
    judge(fire(service, written(body)))
    judge(fire(service, spoil(body, random.Random(seed), 3)))


# ---- one by one


@pytest.mark.parametrize("name", sorted(RAW))
@pytest.mark.parametrize("member", ["hook", "hookInstance", "context", "prefetch", "extension", "unknown"])
def test_what_no_json_library_writes_is_answered_in_any_root_member(service: Client, name: str, member: str) -> None:
    judge(fire(service, SEVERE | {member: raw(name)}, "encounter-start"))


@pytest.mark.parametrize(
    "key", ["patient", "encounter", "labsRare", "medications", "conditions", "procedures", "orders"]
)
def test_any_value_under_any_key_is_answered(service: Client, key: str) -> None:
    for value in (*(v for v in PLAIN if not isinstance(v, int) or abs(v) < 2**63), *map(raw, RAW)):
        judge(fire(service, severe(**{key: value}), "encounter-start"))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e400", "-1e400", "9" * 400, "1E+999999999", "0.41e", ".41"])
def test_a_magnesium_that_is_no_number_is_no_magnesium(service: Client, number: str) -> None:
    body = orjson.dumps(SEVERE).replace(b'"value":1.1,', b'"value":' + number.encode() + b",")
    assert number.encode() in body
    reply = fire(service, body, "encounter-start")
    judge(reply)
    assert reply.status != 200 or not any("mg-hypo" in card for card in cards(reply))


@pytest.mark.parametrize("where", ["root", "context", "prefetch", "resource"])
@pytest.mark.parametrize("depth", [1_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_deep_nesting_is_answered(service: Client, where: str, depth: int, opening: bytes, closing: bytes) -> None:
    deep = opening * depth + b"1" + closing * depth
    mark = "@deep@"
    body = severe()
    holder = {"root": body, "context": body["context"], "prefetch": body["prefetch"], "resource": next(resources(body))}
    holder[where]["extension"] = mark
    judge(fire(service, orjson.dumps(body).replace(f'"{mark}"'.encode(), deep), "encounter-start"))
    assert DEEP < 100_000


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "latin-1"])
def test_another_encoding_is_a_400(service: Client, encoding: str) -> None:
    text = orjson.dumps(SEVERE | {"note": "é"}).decode()
    assert fire(service, text.encode(encoding), "encounter-start").status == 400


def test_broken_utf_8_inside_a_resource_is_a_400(service: Client) -> None:
    body = orjson.dumps(SEVERE).replace(b'"status"', b'"note":"\xff\xc3","status"', 1)
    assert fire(service, body, "encounter-start").status == 400


def test_a_byte_order_mark_changes_nothing(service: Client) -> None:
    plain = fire(service, SEVERE, "encounter-start")
    assert cards(plain) == cards(fire(service, b"\xef\xbb\xbf" + orjson.dumps(SEVERE), "encounter-start"))
    assert "critical mg-hypomagnesaemia" in cards(plain)


def test_a_huge_string_is_answered(service: Client) -> None:
    body = severe()
    for resource in resources(body):
        resource["text"] = {"div": "x" * MEGABYTE}
    assert "critical mg-hypomagnesaemia" in cards(fire(service, body, "encounter-start"))


def test_markup_and_control_characters_never_reach_a_card(service: Client) -> None:
    body = severe()
    evil = "Omeprazole <img src=x onerror=alert(1)> [a](javascript:b) ![c](d) \u202e\x00 `</code>`"
    for resource in resources(body):
        for name in ("code", "medicationCodeableConcept"):
            if name in resource:
                resource[name] = resource[name] | {"text": evil}
        if "valueQuantity" in resource:
            resource["valueQuantity"] |= {"unit": "<b>mg/dL</b>"}
    reply = fire(service, body, "encounter-start")
    details = "".join(card["detail"] for card in reply.json["cards"])
    assert "Omeprazole" in details
    assert re.search(r"(?<!\\)<\w|(?<!\\)\[a(?<!\\)\]|[\u202e\x00]", details) is None


# ---- whose chart


def test_a_patient_resource_of_another_patient_is_refused(service: Client) -> None:
    assert (
        fire(service, severe(patient={"resourceType": "Patient", "id": "somebody-else"}), "encounter-start").status
        == 400
    )


@pytest.mark.parametrize(
    "subject",
    [
        {"reference": "Patient/somebody-else"}, {"reference": "urn:uuid:0f0e0d0c-0b0a-1908-8706-050403020100"},
        {"reference": "https://ehr.example/fhir/Patient/somebody-else/_history/1"}, {"display": "the same person"},
        {"identifier": {"value": "1"}}, {"reference": "Group/{id}"}, {"reference": "Patient/{id}/x"}, None,
        "Patient/{id}", [], {"reference": "Patient/x{id}"}, {"reference": "Patient/{id}x"},
    ],
)  # fmt: skip
def test_nothing_of_another_or_an_unnamed_patient_becomes_advice(service: Client, subject: Any) -> None:
    body = severe()
    named = orjson.loads(orjson.dumps(subject).replace(b"{id}", body["context"]["patientId"].encode()))
    spoilt = 0
    for resource in resources(body):
        if resource["resourceType"] != "Patient":
            resource["subject"] = named
            spoilt += 1
    reply = fire(service, body, "encounter-start")
    assert cards(reply) == []
    assert extension(reply)["quarantined"] == spoilt


def test_a_result_of_tomorrow_is_not_used_and_said_so(service: Client) -> None:
    body = severe()
    for resource in resources(body):
        resource |= {"effectiveDateTime": "2999-01-01T00:00:00Z"} if resource["resourceType"] == "Observation" else {}
    reply = fire(service, body, "encounter-start")
    assert not [card for card in cards(reply) if "hypomagnesaemia" in card or "hypokalaemia" in card]
    assert any("dq-future" in found for found in extension(reply)["unusable"])


def test_one_unreadable_resource_does_not_hide_its_neighbours(service: Client) -> None:
    body = severe()
    key = next(k for k, a in body["prefetch"].items() if isinstance(a, dict) and a.get("entry"))
    broken: tuple[Any, ...] = (1, "text", [], None, {"resourceType": "Observation", "status": {"no": "text"}})
    for spoilt in broken:
        body["prefetch"][key]["entry"].append({"resource": spoilt})
    assert "critical mg-hypomagnesaemia" in cards(fire(service, body, "encounter-start"))
