"""`ionwise fire` over real sockets: our own service, somebody else's, FHIR servers with and without a token."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner, Result

from cds_service.cli import commands
from cds_service.demo import running_service
from cds_service.ehr.file_records import read_files
from tests.http.fhir_server import CdsServer, FhirServer, Moods, serving
from tests.unit.ehr.patients import AS_OF, DIGOXIN, ROOT, SEVERE
from tests.unit.ehr.traces import traces

KEY = ec.generate_private_key(ec.SECP384R1())
SECRET = "a-token-that-nobody-may-see"
CARD = {
    "uuid": "c-1", "summary": "Look", "indicator": "info", "source": {"label": "Them"}, "selectionBehavior": "any",
    "suggestions": [{"uuid": "s-1", "label": "Do"}], "overrideReasons": [{"code": "no", "system": "http://r"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def ours() -> Iterator[str]:
    """Our service in the sandbox."""
    with running_service() as address:
        yield address


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """Servers that live as long as a test."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """Our private key."""
    file = tmp_path / "key.pem"
    file.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


@pytest.fixture
def process(tmp_path: Path) -> Iterator[str]:
    """`ionwise serve --sandbox` as a process of its own, with a memory."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [sys.executable, "-m", "cds_service", "serve", "--sandbox", "--port", str(port)]
    settings = {"PYTHONPATH": str(ROOT), "IONWISE_DATA_DIR": str(tmp_path / "data")}
    with subprocess.Popen(command, cwd=ROOT, env=settings, stderr=subprocess.DEVNULL) as service:
        yield f"http://127.0.0.1:{port}"
        service.terminate()


def fire(*arguments: object, answers: str | None = None) -> Result:
    return CliRunner().invoke(commands, ["fire", *map(str, arguments)], input=answers)


def fhir(running: ExitStack, chart: Path = SEVERE, **moods: Any) -> FhirServer:
    server = FhirServer(read_files(chart), Moods(**moods))
    running.enter_context(serving(server))
    return server


def theirs(running: ExitStack, prefetch: dict[str, str] | None = None, hook: str = "patient-view") -> CdsServer:
    """A service of somebody else, with one card."""
    entry = {"hook": hook, "id": "greeter", "description": "d"} | ({"prefetch": prefetch} if prefetch else {})
    server = CdsServer([entry], {"cards": [CARD]})
    running.enter_context(serving(server))
    return server


def received(server: CdsServer) -> Any:
    """The body of the hook call."""
    return next(body for path, _, body in server.received if path.endswith("/greeter"))


def test_a_patient_of_a_file_gets_the_cards_of_our_service(ours: str) -> None:
    result = fire(ours, "--chart", SEVERE, "--as-of", AS_OF)
    assert result.exit_code == 0, result.output
    for shown in ("Severely low magnesium 1.1 mg/dL", "critical", "discovery", "together"):
        assert shown in result.output


def test_the_service_as_it_is_started_takes_feedback(process: str) -> None:
    deadline = time.monotonic() + 60
    while fire(process, "--chart", SEVERE).exit_code and time.monotonic() < deadline:
        time.sleep(0.2)  # until it listens
    result = fire(process, "--chart", SEVERE, "--as-of", AS_OF, "--accept", "1.2", "--override", "2")
    assert result.exit_code == 0, result.output
    assert "feedback on 2 cards was taken" in result.output


def test_a_patient_of_a_fhir_server_gets_the_same_cards(ours: str, running: ExitStack) -> None:
    server = fhir(running)
    result = fire(ours, "--fhir", server.base, "--patient", server.records.patient_id, "--as-of", AS_OF)
    assert result.exit_code == 0, result.output
    assert "Severely low magnesium 1.1 mg/dL" in result.output
    assert "prefetch labsRare" in result.output
    assert any(
        query.startswith("Observation?patient=okapi-67&code=http://loinc.org|2601-3") for query in server.moods.asked
    )


@pytest.mark.parametrize(("hook", "drafts"), [("order-select", 1), ("order-sign", 1)])
def test_draft_orders_are_taken_from_the_records(ours: str, running: ExitStack, hook: str, drafts: int) -> None:
    server = fhir(running, DIGOXIN)
    own, other = ["--fhir", server.base, "--patient", server.records.patient_id], ["--chart", DIGOXIN]
    for source in (own, other):
        result = fire(ours, "--hook", hook, *source, "--stored-drafts", "--show-request", "--as-of", AS_OF)
        assert result.exit_code == 0, result.output
        assert f"{hook}: {drafts} card" in result.output or f"{hook}: 2 cards" in result.output
        assert '"draftOrders"' in result.output


def test_draft_orders_come_from_a_file_and_one_is_selected(running: ExitStack, tmp_path: Path) -> None:
    server = theirs(running, hook="order-select")
    orders = [{"resourceType": "MedicationRequest", "id": name, "status": "draft"} for name in "ab"]
    (tmp_path / "orders.json").write_text(json.dumps(orders), "utf-8")
    more = tmp_path / "context.json"
    more.write_text('{"encounterId": "e-9"}', "utf-8")
    choice = ["--draft", tmp_path / "orders.json", "--select", "MedicationRequest/b", "--context", more]
    result = fire(server.base, "--hook", "order-select", "--chart", SEVERE, *choice)
    assert result.exit_code == 0, result.output
    context = received(server)["context"]
    assert context["selections"] == ["MedicationRequest/b"]
    assert [entry["resource"]["id"] for entry in context["draftOrders"]["entry"]] == ["a", "b"]
    assert context["encounterId"] == "e-9"


def test_a_service_of_somebody_else_gets_what_its_templates_ask(running: ExitStack) -> None:
    templates = {
        "who": "Practitioner/{{userPractitionerId}}",
        "a1c": "Observation?patient={{context.patientId}}&code=4548-4",
    }
    server = theirs(running, templates)
    result = fire(f"{server.base}/cds-services/", "--chart", SEVERE)
    assert result.exit_code == 0, result.output
    assert received(server)["prefetch"] == {"who": None, "a1c": None}
    assert "Suggestion 1.1: Do" in result.output


def test_without_prefetch_none_is_sent(running: ExitStack) -> None:
    server = theirs(running, {"patient": "Patient/{{context.patientId}}"})
    assert fire(server.base, "--chart", SEVERE, "--no-prefetch").exit_code == 0
    assert received(server).keys() == {"hook", "hookInstance", "context"}


def test_a_key_that_the_server_refuses_is_told_and_sent_as_an_error(running: ExitStack) -> None:
    records, server = fhir(running, refuses={"Observation": 403}), theirs(running, {"labs": "Observation?patient=x"})
    patient = ["--fhir", records.base, "--patient", records.records.patient_id]
    result = fire(server.base, *patient)
    assert "! labs: sent as an error; not for you" in result.output
    assert received(server)["prefetch"]["labs"]["resourceType"] == "OperationOutcome"
    server.received.clear()
    assert "! labs: not sent; not for you" in fire(server.base, *patient, "--cds-hooks", "1.0").output
    assert "prefetch" not in received(server)


def test_a_bearer_token_opens_the_fhir_server_and_is_passed_on_when_told(running: ExitStack, tmp_path: Path) -> None:
    records, server = fhir(running, token=SECRET), theirs(running, {"patient": "Patient/{{context.patientId}}"})
    (tmp_path / "token").write_text(SECRET, "utf-8")
    patient = ["--fhir", records.base, "--patient", records.records.patient_id, "--token-file", tmp_path / "token"]
    result = fire(
        server.base, *patient, "--give-access", "--scope", "user/*.read", "--client-id", "us", "--show-request"
    )
    assert result.exit_code == 0, result.output
    assert received(server)["fhirServer"] == records.base
    assert received(server)["fhirAuthorization"]["access_token"] == SECRET
    assert received(server)["prefetch"]["patient"]["id"] == records.records.patient_id
    assert SECRET not in result.output


def test_a_token_that_comes_back_is_not_shown(running: ExitStack, tmp_path: Path) -> None:
    records, server = fhir(running, token=SECRET), theirs(running)
    (tmp_path / "token").write_text(SECRET, "utf-8")
    server.status, server.answer = 500, {"resourceType": "OperationOutcome", "issue": [{"diagnostics": f"no {SECRET}"}]}
    given = ["--token-file", tmp_path / "token", "--give-access", "--scope", "user/*.read", "--client-id", "us"]
    result = fire(server.base, "--fhir", records.base, "--patient", "p", "--no-prefetch", *given)
    assert "answered 500: no <token>" in result.output
    assert SECRET not in result.output


def test_smart_backend_services_give_a_token(running: ExitStack, pem: Path) -> None:
    records = fhir(running, token=SECRET, public_key=KEY.public_key())
    server = theirs(running, {"patient": "Patient/{{context.patientId}}"})
    client = ["--client-id", "us", "--client-key", pem, "--client-kid", "k-1", "--scope", "system/Patient.r"]
    patient = ["--fhir", f"{records.base}/", "--patient", records.records.patient_id]
    result = fire(server.base, *patient, *client, "--give-access", "--show-request")
    assert result.exit_code == 0, result.output
    assert received(server)["prefetch"]["patient"]["resourceType"] == "Patient"
    assert received(server)["fhirAuthorization"] == {
        "access_token": SECRET, "token_type": "Bearer", "expires_in": 240, "scope": "system/Patient.r", "subject": "us",
    }  # fmt: skip
    (claims,) = records.moods.assertions
    assert claims["iss"] == claims["sub"] == "us"
    assert SECRET not in result.output


def test_a_client_that_is_not_known_gets_no_token(running: ExitStack, pem: Path) -> None:
    records = fhir(running, token=SECRET, public_key=ec.generate_private_key(ec.SECP384R1()).public_key())
    client = ["--client-id", "us", "--client-key", pem, "--client-kid", "k-1"]
    result = fire("http://127.0.0.1:1", "--fhir", records.base, "--patient", "p", *client)
    assert result.exit_code == 2
    assert "token: the server refused (400, invalid_client) -> check client id, key id" in result.output


def test_every_call_is_signed_for_the_address_that_is_called(running: ExitStack, pem: Path) -> None:
    server = theirs(running)
    signing = ["--key", pem, "--kid", "k-1", "--issuer", "https://ehr.example", "--jku", "https://ehr.example/jwks"]
    assert fire(server.base, "--chart", SEVERE, *signing, "--accept", "1").exit_code == 0
    for path, header, _ in server.received:
        audience = server.base.removesuffix("/r4") + path
        assert header is not None
        claims = jwt.decode(header.removeprefix("Bearer "), KEY.public_key(), ["ES384"], audience=audience)
        assert claims["iss"] == "https://ehr.example"
    assert len(server.received) == 3


def test_feedback_is_sent_for_cards_followed_and_set_aside(running: ExitStack) -> None:
    server = theirs(running)
    result = fire(
        server.base, "--chart", SEVERE, "--accept", "1.1", "--override", "1", "--reason", "no", "--comment", "x"
    )
    assert "feedback on 2 cards was taken" in result.output
    path, _, body = server.received[-1]
    assert path == "/r4/cds-services/greeter/feedback"
    assert [report["outcome"] for report in body["feedback"]] == ["accepted", "overridden"]
    assert body["feedback"][1]["overrideReason"]["reason"] == {"code": "no", "system": "http://r"}


@pytest.mark.parametrize(("typed", "outcome"), [("a\n", "accepted"), ("o\nno\n", "overridden"), ("s\n", None)])
def test_feedback_is_asked_for_when_wanted(running: ExitStack, typed: str, outcome: str | None) -> None:
    server = theirs(running)
    assert fire(server.base, "--chart", SEVERE, "--ask", answers=typed).exit_code == 0
    sent = [report["outcome"] for _, _, body in server.received for report in (body or {}).get("feedback", [])]
    assert sent == ([outcome] if outcome else [])


@pytest.mark.parametrize(
    ("status", "complaint"),
    [(404, "feedback: the service takes none (404)"), (503, "feedback: the service answered 503")],
)
def test_a_service_that_takes_no_feedback_is_told_of(running: ExitStack, status: int, complaint: str) -> None:
    server = theirs(running)
    server.feedback_status = status
    result = fire(server.base, "--chart", SEVERE, "--override", "1")
    assert (result.exit_code, complaint in result.output) == (2, True)


def test_a_server_that_keeps_its_drafts_to_itself_is_told(running: ExitStack) -> None:
    records, server = fhir(running, refuses={"MedicationRequest": 403}), theirs(running, hook="order-sign")
    patient = ["--fhir", records.base, "--patient", records.records.patient_id]
    result = fire(server.base, "--hook", "order-sign", *patient, "--stored-drafts")
    assert "! drafts: the server gives no draft MedicationRequest" in result.output
    assert result.exit_code == 2


@pytest.mark.parametrize(("content", "complaint"), [("{", "cannot be read as JSON"), ("[]", "must be a JSON object")])
def test_a_context_that_is_none_is_told(running: ExitStack, tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "context.json").write_text(content, "utf-8")
    result = fire(theirs(running).base, "--chart", SEVERE, "--context", tmp_path / "context.json")
    assert f"context.json: {complaint}" in result.output


def test_a_server_without_smart_backend_services_is_told(running: ExitStack, pem: Path) -> None:
    client = ["--client-id", "us", "--client-key", pem, "--client-kid", "k-1"]
    result = fire("http://127.0.0.1:1", "--fhir", fhir(running).base, "--patient", "p", *client)
    assert "the server names no token_endpoint (200) -> give --token-file instead" in result.output


def test_an_answer_out_of_the_ordinary_is_shown_and_told(running: ExitStack) -> None:
    server = theirs(running)
    server.answer = {"cards": [{"summary": "Look", "indicator": "hard-stop"}]}
    result = fire(server.base, "--chart", SEVERE)
    assert result.exit_code == 0
    assert "! not as the standard says: card 1: indicator must be one of" in result.output


def test_a_saved_exchange_holds_no_patient_and_can_be_explained(ours: str, tmp_path: Path) -> None:
    saved = tmp_path / "saved.json"
    result = fire(ours, "--chart", SEVERE, "--as-of", AS_OF, "--save", saved)
    assert "saved without the patient: saved.json; left out: text" in result.output
    kept = json.loads(saved.read_bytes())
    original = json.loads(SEVERE.read_bytes())
    left = [trace for trace in traces(original, kept) if not trace.startswith("date")]
    assert left == []
    assert kept["extension"]["org.ionwise.answered"]["cards"][0]["rules"] == ["mg-hypomagnesaemia"]
    explained = CliRunner().invoke(commands, ["explain", str(saved)])
    assert "Severely low magnesium" in explained.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "no patient's records are named -> give one of --fhir and --chart"),
        (["--chart", SEVERE, "--fhir", "http://127.0.0.1:1"], "give one of --fhir and --chart"),
        (["--fhir", "http://127.0.0.1:1"], "--patient: missing"),
        (["--chart", SEVERE, "--kid", "k"], "sign nothing without a key"),
        (["--chart", SEVERE, "--key", SEVERE], "--key: needs --kid and --issuer"),
        (["--chart", SEVERE, "--client-key", SEVERE], "--client-key: needs the FHIR server"),
        (["--chart", SEVERE, "--reason", "x"], "say with --override which card"),
        (["--chart", SEVERE, "--give-access"], "the records are files"),
        (
            ["--chart", SEVERE, "--hook", "order-sign"],
            "nothing answers order-sign there; offered: patient-view (greeter)",
        ),
        (["--chart", SEVERE, "--context", SEVERE.parent / "stories.json", "--accept", "9"], "the answer holds 1 cards"),
        (["--chart", SEVERE, "--save", SEVERE.parent / "nowhere" / "x.json"], "name a file in a folder that exists"),
    ],
)
def test_what_cannot_be_fired_is_told_with_a_remedy(
    running: ExitStack, arguments: list[object], complaint: str
) -> None:
    result = fire(theirs(running).base, *arguments)
    assert result.exit_code == 2
    assert complaint in " ".join(result.output.split())


def test_orders_are_asked_for_when_a_hook_is_about_them(ours: str) -> None:
    result = fire(ours, "--hook", "order-sign", "--chart", SEVERE)
    assert "order-sign: is about unsigned orders -> give --draft FILE or --stored-drafts" in result.output


@pytest.mark.parametrize(
    ("status", "answer", "complaint"),
    [
        (
            412,
            {"resourceType": "OperationOutcome", "issue": [{"diagnostics": "labs missing"}]},
            "answered 412: labs missing",
        ),
        (500, "boom", 'answered 500: "boom"'),
        (301, {}, "points elsewhere (301)"),
        (200, {"card": []}, "the answer holds no list `cards`"),
    ],
)
def test_an_answer_that_is_none_is_told(running: ExitStack, status: int, answer: Any, complaint: str) -> None:
    server = theirs(running)
    server.status, server.answer = status, answer
    result = fire(server.base, "--chart", SEVERE)
    assert result.exit_code == 2
    assert complaint in result.output


@pytest.mark.parametrize(
    ("services", "complaint"),
    [(None, "has no list `services`"), ([{"id": "x"}], "an entry has no `hook` or no `id`")],
)
def test_what_is_no_discovery_is_told(running: ExitStack, services: Any, complaint: str) -> None:
    server = theirs(running)
    server.services = services
    assert complaint in fire(server.base, "--chart", SEVERE).output


def test_a_wrong_address_is_told(running: ExitStack) -> None:
    server = fhir(running)
    assert "discovery: answered 404" in fire(f"{server.base}/x", "--chart", SEVERE).output
