"""What a request must hold, and status and words for what it does not. Ids are those of the conformance checklist."""

from __future__ import annotations

import uuid
from typing import Any

import orjson
import pytest

from cds_service.service.envelope import CONTEXTS
from tests.http.calls import DRAFT, DRAFT_REFERENCE, NOTHING, context, prefetch, request, url
from tests.http.client import Client
from tests.http.conftest import HOOKS, Make
from tests.http.trusted import signed

DEEP = b'{"hook":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
EPIC_EMPTY = {
    "resourceType": "Bundle",
    "total": 0,
    "entry": [{"resource": {**OUTCOME, "issue": [{"severity": "warning"}]}, "search": {"mode": "outcome"}}],
}

BAD_BODIES: list[tuple[str, bytes, str]] = [
    ("R-03 empty body", b"", "request body"),
    ("R-03 not JSON", b"{hook}", "request body"),
    ("R-03 cut off", b'{"hook": "patient', "request body"),
    ("R-03 array", b"[]", "request body"),
    ("R-03 null", b"null", "request body"),
    ("R-03 string", b'""', "request body"),
    ("R-03 NaN", b'{"hook": NaN}', "request body"),
    ("R-03 Infinity", b'{"hook": "patient-view", "prefetch": {"labs": {"total": Infinity}}}', "request body"),
    ("R-03 nested too deeply", DEEP, "request body"),
    ("R-03 invalid UTF-8", b'{"hook": "\xff"}', "UTF-8"),
    ("R-03 UTF-16", orjson.dumps(request()).decode().encode("utf-16"), "UTF-8"),
    ("R-03 lone surrogate", b'{"hook": "\\ud800"}', "request body"),
    ("R-03 duplicate member", orjson.dumps(request())[:-1] + b',"hook":"patient-view"}', "twice"),
    ("R-03 duplicate, escaped", orjson.dumps(request())[:-1] + b', "h\\u006fok" : "order-sign"}', "twice"),
    (
        "R-26 patientId twice",
        orjson.dumps(request()).replace(b'"patientId":"p1"', b'"patientId":"p2", "patientId": "p1"'),
        "context: holds the same member twice",
    ),
    ("R-26 patient twice", orjson.dumps(request()).replace(b'"labs"', b'"patient"'), "prefetch: holds the same"),
]


@pytest.mark.parametrize(("body", "words"), [row[1:] for row in BAD_BODIES], ids=[row[0] for row in BAD_BODIES])
def test_a_body_that_cannot_be_read_is_a_400(client: Client, body: bytes, words: str) -> None:
    reply = client.post(url("patient-view"), body)
    assert reply.status == 400
    assert words in reply.complaint


BAD_MEMBERS: list[tuple[str, dict[str, Any], str]] = [
    ("R-02 no hook", {"hook": None}, "hook: missing"),
    ("R-02 no hookInstance", {"hookInstance": None}, "hookInstance: missing"),
    ("R-02 no context", {"context": None}, "context: missing"),
    ("R-02 empty context", {"context": {}}, "context.patientId: missing"),
    ("R-03 hook 5", {"hook": 5}, "hook: must be a string"),
    ("R-03 context []", {"context": []}, "context: must be a JSON object"),
    ("R-03 prefetch []", {"prefetch": []}, "prefetch: must be a JSON object"),
    ("R-03 extension 5", {"extension": 5}, "extension: must be a JSON object"),
    ("R-03 hookInstance {}", {"hookInstance": {}}, "hookInstance: must be a string"),
    ("R-04 another hook", {"hook": "order-sign"}, "hook: this service answers patient-view only"),
    ("H-31 a hook nobody knows", {"hook": "org.example.x"}, "hook: this service"),
    ("R-06 authorization without server", {"fhirAuthorization": {"access_token": "t"}}, "fhirServer: required"),
    ("R-11 required member null", {"context": {"userId": "Practitioner/1", "patientId": None}}, "context.patientId"),
    ("R-11 required member empty", {"context": {"userId": "Practitioner/1", "patientId": ""}}, "context.patientId"),
    ("H patientId with type", {"context": context("patient-view", patientId="Patient/p1")}, "context.patientId"),
    ("H encounterId with type", {"context": context("patient-view", encounterId="Encounter/1")}, "encounterId"),
    ("H userId without type", {"context": context("patient-view", userId="u1")}, "context.userId"),
    ("H userId 5", {"context": context("patient-view", userId=5)}, "context.userId"),
    (
        "R-26 another patient",
        {"prefetch": prefetch(patient={"resourceType": "Patient", "id": "p2"})},
        "prefetch.patient",
    ),
]


@pytest.mark.parametrize(("members", "words"), [row[1:] for row in BAD_MEMBERS], ids=[row[0] for row in BAD_MEMBERS])
def test_a_wrong_member_is_a_400_that_names_it(client: Client, members: dict[str, Any], words: str) -> None:
    reply = client.post(url("patient-view"), {**request(), **members})
    assert reply.status == 400
    assert words in reply.complaint


def test_complaints_hold_nothing_of_the_chart(client: Client) -> None:
    """R-29."""
    other = request(prefetch=prefetch(patient={"resourceType": "Patient", "id": "secret-patient"}))
    assert "secret" not in client.post(url("patient-view"), other).body.decode()


@pytest.mark.parametrize("hook", HOOKS)
def test_h_20_the_required_context_alone_is_enough(client: Client, hook: str) -> None:
    shape = CONTEXTS[hook]
    minimal = context(
        hook, userId="Practitioner/1" if shape.user else None, encounterId="e1" if shape.encounter else None
    )
    assert client.post(url(hook), request(hook, context=minimal)).status == 200


REQUIRED = [(hook, name) for hook in HOOKS for name in context(hook) if name != "encounterId" or "encounter" in hook]


@pytest.mark.parametrize(("hook", "name"), [row for row in REQUIRED if row != ("medication-refill", "userId")])
def test_h_20_a_required_context_field_is_named_when_it_lacks(client: Client, hook: str, name: str) -> None:
    reply = client.post(url(hook), request(hook, context=context(hook, **{name: None})))
    assert reply.status == 400
    assert f"context.{name}" in reply.complaint


GOOD_MEMBERS: list[tuple[str, dict[str, Any]]] = [
    ("R-05 UUID version 1", {"hookInstance": str(uuid.uuid1())}),
    ("R-05 UUID version 4, upper case", {"hookInstance": str(uuid.uuid4()).upper()}),
    ("R-05 no UUID", {"hookInstance": "call 17"}),
    ("R-07 incomplete authorization", {"fhirServer": "https://e.example", "fhirAuthorization": {"access_token": "t"}}),
    ("R-08 scope of its own", {"fhirServer": "https://e.example", "fhirAuthorization": {"scope": "Patient.Read (R4)"}}),
    ("R-09 unknown root member", {"surprise": [1]}),
    ("R-09 unknown context member", {"context": context("patient-view", surprise={})}),
    ("R-10 extensions", {"extension": {"a": {"b": []}}, "context": context("patient-view", extension={"c": 1})}),
    ("R-11 optional member empty", {"context": context("patient-view", encounterId="")}),
    ("R-11 null members", {"context": {**context("patient-view"), "encounterId": None}, "extension": None}),
    ("R-15 null prefetch", {"prefetch": prefetch(labs=None)}),
    ("R-16 empty Bundle", {"prefetch": prefetch(labs={"resourceType": "Bundle"})}),
    ("R-17 optional key failed", {"prefetch": prefetch(conditions=OUTCOME)}),
    ("R-18 Epic's empty Bundle", {"prefetch": prefetch(labs=EPIC_EMPTY)}),
    ("R-21 unknown key", {"prefetch": prefetch(other=5)}),
    ("R-14 optional keys missing", {"prefetch": prefetch()}),
    ("R-26 patient without id", {"prefetch": prefetch(patient={"resourceType": "Patient"})}),
]


@pytest.mark.parametrize("members", [row[1] for row in GOOD_MEMBERS], ids=[row[0] for row in GOOD_MEMBERS])
def test_what_must_be_accepted_is_a_200(client: Client, members: dict[str, Any]) -> None:
    assert client.post(url("patient-view"), {**request(), **members}).status == 200


LACKING: list[tuple[str, Any, str]] = [
    ("R-12 required key missing", {"patient": {"resourceType": "Patient", "id": "p1"}}, "labs (not sent)"),
    ("R-12 no prefetch", {}, "patient (not sent), labs (not sent)"),
    ("R-17 required key failed", prefetch(labs=OUTCOME), "labs (failed)"),
    (
        "R-18 error outcome",
        prefetch(labs={"resourceType": "Bundle", "entry": [{"resource": OUTCOME}]}),
        "labs (failed)",
    ),
    ("R-12 patient is null", prefetch(patient=None), "patient (failed)"),
    ("R-12 patient is no Patient", prefetch(patient={"resourceType": "Group", "id": "p1"}), "patient (failed)"),
]


@pytest.mark.parametrize(("delivered", "words"), [row[1:] for row in LACKING], ids=[row[0] for row in LACKING])
def test_required_prefetch_that_lacks_is_a_412_that_names_it(client: Client, delivered: Any, words: str) -> None:
    reply = client.post(url("patient-view"), request(prefetch=delivered))
    assert reply.status == 412
    assert words in reply.complaint


def test_r_20_a_next_link_arrives_as_truncated(client: Client) -> None:
    labs = {**NOTHING, "link": [{"relation": "next", "url": "x"}]}
    told = client.post(url("patient-view"), request(prefetch=prefetch(labs=labs))).json["extension"]["test"]
    assert told["answers"]["labs"] == ["truncated", 0, 0]


def test_r_30_the_same_call_twice_is_answered_twice(client: Client) -> None:
    assert [client.post(url("patient-view"), request()).status for _ in range(2)] == [200, 200]


DRAFTS: list[tuple[str, Any, int]] = [
    ("H-21 Bundle without type", {"resourceType": "Bundle", "entry": [{"resource": DRAFT}]}, 200),
    ("H-21 Bundle without resourceType", {"entry": [{"resource": DRAFT}]}, 200),
    ("H-21 empty Bundle", {"resourceType": "Bundle"}, 200),
    ("H-22 with a Medication", {"entry": [{"resource": {"resourceType": "Medication"}}, {"resource": DRAFT}]}, 200),
    ("H-25 sparse order", {"entry": [{"resource": {"resourceType": "MedicationRequest"}}]}, 200),
    ("H-26 not a draft", {"entry": [{"resource": {**DRAFT, "status": "active"}}]}, 200),
    ("H-27 DSTU2 order", {"entry": [{"resource": {"resourceType": "MedicationOrder", "category": {}}}]}, 200),
    ("R-24 broken order", {"entry": [{"resource": 5}, {"resource": {"resourceType": 5}}, None]}, 200),
    (
        "R-25 absolute subject",
        {"entry": [{"resource": {"subject": {"reference": "https://e.example/Patient/p1"}}}]},
        200,
    ),
    ("R-26 other subject", {"entry": [{"resource": {"subject": {"reference": "Patient/p2"}}}]}, 400),
    (
        "R-26 other, absolute",
        {"entry": [{"resource": {"subject": {"reference": "https://e.example/Patient/p2"}}}]},
        400,
    ),
    ("R-26 other, DSTU2", {"entry": [{"resource": {"patient": {"reference": "Patient/p2/_history/3"}}}]}, 400),
    ("R-03 drafts as array", [DRAFT], 400),
    ("R-03 drafts as a resource", DRAFT, 400),
    ("R-03 drafts as a number", 5, 400),
]


@pytest.mark.parametrize(("drafts", "status"), [row[1:] for row in DRAFTS], ids=[row[0] for row in DRAFTS])
def test_draft_orders_are_read_tolerantly_but_never_for_another_patient(
    client: Client, drafts: Any, status: int
) -> None:
    assert (
        client.post(url("order-sign"), request("order-sign", context=context("order-sign", draftOrders=drafts))).status
        == status
    )


SELECTIONS: list[tuple[str, list[str], list[str]]] = [
    ("H-23 selected", [DRAFT_REFERENCE], [DRAFT_REFERENCE]),
    ("H-24 unknown is ignored", ["ServiceRequest/9", DRAFT_REFERENCE], [DRAFT_REFERENCE]),
    ("H-24 only unknown", ["ServiceRequest/9"], []),
    ("H-24 none", [], []),
    ("R-25 absolute", ["https://e.example/fhir/" + DRAFT_REFERENCE], [DRAFT_REFERENCE]),
]


@pytest.mark.parametrize(("chosen", "judged"), [row[1:] for row in SELECTIONS], ids=[row[0] for row in SELECTIONS])
def test_order_select_judges_what_was_selected(client: Client, chosen: list[str], judged: list[str]) -> None:
    body = request("order-select", context=context("order-select", selections=chosen))
    assert client.post(url("order-select"), body).json["extension"]["test"]["judged"] == judged


@pytest.mark.parametrize("hook", ["order-sign", "medication-refill"])
def test_the_other_order_hooks_judge_all_drafts(client: Client, hook: str) -> None:
    told = client.post(url(hook), request(hook)).json["extension"]["test"]
    assert (told["judged"], told["drafts"]) == ("all", 1)


@pytest.mark.parametrize("user", ["Patient/p1", "RelatedPerson/r1"])
def test_h_29_a_patient_who_looks_on_gets_no_cards(client: Client, user: str) -> None:
    reply = client.post(url("patient-view"), request(context=context("patient-view", userId=user)))
    assert (reply.status, reply.json) == (200, {"cards": []})


def test_the_sandbox_honours_the_evaluation_time_of_the_request(client: Client) -> None:
    reply = client.post(url("patient-view"), request(extension={"org.ionwise.as-of": "2026-11-21T10:00:00+01:00"}))
    assert reply.json["extension"]["test"]["asOf"] == "2026-11-21T10:00:00+01:00"


BEYOND_THE_CALENDAR = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]


@pytest.mark.parametrize("text", ["yesterday", "2026-11-21T10:00:00", 5, {}, *BEYOND_THE_CALENDAR])
def test_an_evaluation_time_that_cannot_be_read_is_a_400(client: Client, text: Any) -> None:
    assert client.post(url("patient-view"), request(extension={"org.ionwise.as-of": text})).status == 400


def test_outside_the_sandbox_the_servers_clock_rules(make: Make) -> None:
    asked = request(extension={"org.ionwise.as-of": "1999-01-01T00:00:00Z"})
    reply = make(sandbox=False).post(url("patient-view"), asked, signed())
    assert not reply.json["extension"]["test"]["asOf"].startswith("1999")
