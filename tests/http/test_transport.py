"""Methods, media types, sizes, encodings, CORS, languages and addresses. Ids are those of the conformance checklist."""

from __future__ import annotations

import gzip
import logging
from typing import Any

import orjson
import pytest

from cds_service.fhir.call import Call
from cds_service.web.edge import Voice
from cds_service.web.log import TextLines, record
from tests.http.calls import NOTHING, prefetch, request, url
from tests.http.client import JSON, Client
from tests.http.conftest import Make

BODY = orjson.dumps(request())
PATH = url("patient-view")


def test_r_01_a_call_is_answered_with_json_that_nobody_may_store(client: Client) -> None:
    reply = client.post(PATH, BODY)
    assert (reply.status, reply.json["cards"]) == (200, [])
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"


GOOD_TYPES = [
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON;charset=UTF-8",
    "application/fhir+json",
]


@pytest.mark.parametrize("kind", GOOD_TYPES)
def test_r_27_json_is_accepted_however_it_is_called(client: Client, kind: str) -> None:
    assert client.post(PATH, BODY, {"Content-Type": kind}).status == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""]
)
def test_r_27_anything_else_is_a_415(client: Client, kind: str) -> None:
    assert client.post(PATH, BODY, {"Content-Type": kind}).status == 415


def test_r_27_a_byte_order_mark_is_tolerated(client: Client) -> None:
    assert client.post(PATH, b"\xef\xbb\xbf" + BODY).status == 200


def test_r_27_a_body_that_is_printed_for_people_is_accepted(client: Client) -> None:
    assert client.post(PATH, orjson.dumps(request(), option=orjson.OPT_INDENT_2)).status == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "PATCH"])
def test_r_31_another_method_is_a_405_that_says_which_are_allowed(client: Client, method: str) -> None:
    reply = client.call(method, PATH)
    assert (reply.status, reply.headers["allow"]) == (405, "POST, OPTIONS")


def test_r_31_a_trailing_slash_is_tolerated(client: Client) -> None:
    assert client.post(PATH + "/", BODY).status == 200


@pytest.mark.parametrize("path", ["/cds-services/other", PATH + "/feedback", "/nothing", "/rules/none"])
def test_what_is_not_there_is_a_404_with_an_outcome(client: Client, path: str) -> None:
    reply = client.post(path, BODY) if "rules" not in path else client.get(path)
    assert reply.status == 404
    assert reply.complaint


def test_r_28_a_declared_size_above_the_limit_is_refused_unread(make: Make) -> None:
    reply = make(max_body_bytes=2048).post(PATH, BODY, {**JSON, "Content-Length": "2049"})
    assert (reply.status, reply.pieces_read) == (413, 0)


def test_r_28_a_stream_is_refused_as_soon_as_it_exceeds_the_limit(make: Make) -> None:
    reply = make(max_body_bytes=2048).call("POST", PATH, [b" " * 1000] * 50, JSON)
    assert (reply.status, reply.pieces_read) == (413, 3)


def test_r_28_a_body_in_pieces_is_put_together(client: Client) -> None:
    assert client.call("POST", PATH, [BODY[:10], BODY[10:]], JSON).status == 200


def test_r_28_five_megabytes_are_accepted(client: Client) -> None:
    labs = {
        **NOTHING,
        "entry": [{"resource": {"resourceType": "Observation", "note": "x" * 5000}}] * 1000,
        "total": 1000,
    }
    assert client.post(PATH, request(prefetch=prefetch(labs=labs))).status == 200


PACKED: list[tuple[str, bytes, str, int]] = [
    ("gzip", gzip.compress(BODY), "gzip", 200),
    ("identity", BODY, "identity", 200),
    ("a gzip bomb", gzip.compress(b" " * 10_000_000), "gzip", 413),
    ("gzip cut off", gzip.compress(BODY)[:-9], "gzip", 400),
    ("not gzip", BODY, "gzip", 400),
    ("two gzip members", gzip.compress(BODY) * 2, "gzip", 400),
    ("brotli", BODY, "br", 415),
]


@pytest.mark.parametrize(("body", "encoding", "status"), [row[1:] for row in PACKED], ids=[row[0] for row in PACKED])
def test_r_28_packed_bodies(make: Make, body: bytes, encoding: str, status: int) -> None:
    reply = make(max_body_bytes=1_000_000).post(PATH, body, {**JSON, "Content-Encoding": encoding})
    assert reply.status == status


def crash(call: Call, voice: Voice) -> dict[str, Any]:
    raise RuntimeError(f"patient {call.patient_id} broke it")


def test_a_bug_is_a_500_that_tells_nothing_and_a_log_line_that_tells_where(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "ionwise.web"):
        reply = make(crash).post(PATH, BODY)
    assert reply.status == 500
    written = "\n".join(TextLines().format(line) for line in caplog.records)
    assert "broke" not in reply.body.decode() + written + caplog.text
    assert "error=RuntimeError" in written
    assert "where=test_transport.py:" in written


def test_a_client_that_goes_away_gets_nothing(client: Client) -> None:
    assert client.call("POST", PATH, [], JSON).status == 0


def test_a_call_is_logged_without_anything_of_the_chart(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "ionwise.web"):
        client.post(PATH, BODY)
    (line,) = [TextLines().format(record) for record in caplog.records if record.name == "ionwise.web"]
    assert " DEBUG ionwise.web call hook=patient-view client=sandbox instance=" in line


def test_at_the_usual_level_only_calls_that_failed_are_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ionwise.web"):
        client.post(PATH, BODY)
        client.post(PATH, b"{")
    (line,) = [TextLines().format(record) for record in caplog.records if record.name == "ionwise.web"]
    assert " INFO ionwise.web call hook=patient-view client=sandbox instance=" in line


def test_a_field_that_is_not_on_the_list_cannot_be_logged() -> None:
    with pytest.raises(ValueError, match="patient"):
        record("call", patient="p1")  # type: ignore[call-arg]


PREFLIGHT = {
    "Origin": "https://ehr.example",
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization, content-type",
}


@pytest.mark.parametrize("path", ["/cds-services", PATH, PATH + "/feedback"])
def test_s_40_preflight_needs_no_authentication(client: Client, path: str) -> None:
    reply = client.call("OPTIONS", path, headers=PREFLIGHT)
    assert reply.status == 200
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    assert {"Authorization", "Content-Type"} <= set(reply.headers["access-control-allow-headers"].split(", "))


@pytest.mark.parametrize(
    ("path", "body", "status"), [(PATH, BODY, 200), (PATH, b"", 400), ("/cds-services/other", BODY, 404)]
)
def test_s_41_every_answer_carries_cors_headers(client: Client, path: str, body: bytes, status: int) -> None:
    reply = client.post(path, body, {**JSON, "Origin": "https://ehr.example"})
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (status, "*")
    assert "access-control-allow-credentials" not in reply.headers


def test_s_41_a_500_carries_cors_headers(make: Make) -> None:
    reply = make(crash).post(PATH, BODY, {**JSON, "Origin": "https://ehr.example"})
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (500, "*")


def test_outside_the_sandbox_only_configured_origins_are_admitted(make: Make) -> None:
    named = make(sandbox=False, cors_origins="https://ehr.example")
    headers = named.post(PATH, BODY, {**JSON, "Origin": "https://ehr.example"}).headers
    assert headers["access-control-allow-origin"] == "https://ehr.example"
    assert "access-control-allow-origin" not in named.post(PATH, BODY, {**JSON, "Origin": "https://x.example"}).headers
    none = make(sandbox=False)
    assert "access-control-allow-origin" not in none.call("OPTIONS", PATH, headers=PREFLIGHT).headers


def test_options_without_origin_tells_the_methods(client: Client) -> None:
    reply = client.call("OPTIONS", PATH)
    assert (reply.status, reply.headers["allow"]) == (204, "POST, OPTIONS")


LANGUAGES = [
    ("", "nl"),
    ("en", "en"),
    ("de, en-GB;q=0.5", "en"),
    ("en;q=0.4, nl;q=0.8", "nl"),
    ("fr", "nl"),
    ("en;q=x", "nl"),
]


@pytest.mark.parametrize(("wanted", "spoken"), LANGUAGES)
def test_accept_language_chooses_among_the_languages_of_the_site(client: Client, wanted: str, spoken: str) -> None:
    reply = client.post(PATH, BODY, {**JSON, "Accept-Language": wanted})
    assert reply.json["extension"]["test"]["language"] == spoken


def test_links_start_at_the_public_address_or_in_the_sandbox_as_called(make: Make) -> None:
    def base(client: Client, **headers: str) -> str:
        return str(client.post(PATH, BODY, {**JSON, **headers}).json["extension"]["test"]["base"])

    assert base(make()) == "http://cds.test:8000"
    assert base(make(), Host="evil.example/<script>") == "http://127.0.0.1:8000"
    assert base(make(public_url="https://cds.example/")) == "https://cds.example"
