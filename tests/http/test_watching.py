"""What operators see of a running service: metrics, log lines, versions; and what a capture keeps of a test patient."""

from __future__ import annotations

import asyncio
import json
import logging
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from cds_service.service.capture import MINUTES, Captures, order_capture
from cds_service.web.log import JsonLines, TextLines
from tests.conftest import leaks, personal_marks
from tests.http.client import Reply
from tests.http.with_store import SEVERE, Running, recorded, runner
from tests.unit.test_cli_storage import run

pytestmark = pytest.mark.anyio
INSTANCE = "8b1c3a0e-4e0e-4c5e-9d9a-1f2e3d4c5b6a"


@pytest.fixture(autouse=True)
def anyio_backend() -> str:
    """The event loop of the service."""
    return "asyncio"


@pytest.fixture
def running(tmp_path: Path) -> Running:
    """Starts a service with its data in a folder."""
    return runner(tmp_path)


def samples(reply: Reply) -> dict[tuple[str, ...], float]:
    """The samples of an answer: name and label values, in the order of the labels' names -> value."""
    assert reply.status == 200
    families = text_string_to_metric_families(reply.body.decode())
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


async def test_calls_cards_and_prefetch_are_counted(running: Running) -> None:
    async with running() as service:
        await service.open_chart(SEVERE)
        await service.post("ionwise-patient-view", {"hook": "patient-view"})
        await service.settle()
        found = samples(await service.get("/metrics"))
    assert found["ionwise_calls_total", "sandbox", "patient-view", "200"] == 1
    assert found["ionwise_calls_total", "sandbox", "patient-view", "400"] == 1
    assert found["ionwise_cards_total", "patient-view", "mg-hypomagnesaemia", "critical", "default"] == 1
    assert found["ionwise_prefetch_total", "sandbox", "labsRare", "data"] == 1
    assert found["ionwise_call_seconds_count", "patient-view", "whole"] == 2
    assert found["ionwise_call_seconds_count", "patient-view", "decide"] == 1
    assert found[("ionwise_ledger_waiting",)] == 0


async def test_what_was_not_let_in_and_what_was_fetched_is_counted(running: Running) -> None:
    async with running() as service:
        await service.open_chart(SEVERE, fhirServer="http://127.0.0.1:9/fhir", prefetch={})
        found = samples(await service.get("/metrics"))
    assert found["ionwise_calls_total", "sandbox", "patient-view", "412"] == 1
    assert found["ionwise_fetched_needs_total", "connect"] > 1
    assert found["ionwise_fetches_total", "connect"] > 1


async def test_metrics_tell_nothing_of_the_patient(running: Running) -> None:
    async with running() as service:
        await service.open_chart(SEVERE)
        await service.settle()
        told = (await service.get("/metrics")).body.decode()
    assert leaks(told, frozenset(personal_marks(recorded(SEVERE)))) == []


async def test_the_version_names_release_and_knowledge(running: Running) -> None:
    async with running() as service:
        version = (await service.get("/version")).json
        ready = await service.ready()
    assert (version["knowledge"], version["overlay"]) == (ready["knowledge"], ready["overlay"])
    assert version["release"]
    assert version["cds_hooks"] == "2.0"


@pytest.mark.parametrize(
    ("sent", "told"), [(INSTANCE.upper(), INSTANCE), ("Mr. Jansen, born 1951", "sha256:")], ids=["uuid", "other"]
)
async def test_a_call_is_logged_by_its_instance_unless_that_might_say_anything(
    running: Running, caplog: pytest.LogCaptureFixture, sent: str, told: str
) -> None:
    with caplog.at_level(logging.DEBUG, "ionwise.web"):
        async with running() as service:
            await service.open_chart(SEVERE, hookInstance=sent)
    (line,) = [JsonLines().format(one) for one in caplog.records if one.name == "ionwise.web"]
    said = json.loads(line)
    assert said["event"] == "call"
    assert said["instance"].startswith(told)
    assert "Jansen" not in line


def test_a_traceback_is_told_by_class_and_place() -> None:
    try:
        raise RuntimeError("Jansen, born 1951")
    except RuntimeError as error:
        failed = logging.LogRecord("x", logging.ERROR, "", 0, "it failed", None, (type(error), error, None))
    for shape in (JsonLines(), TextLines()):
        line = shape.format(failed)
        assert "RuntimeError" in line
        assert "Jansen" not in line


def test_an_attribute_that_is_no_field_is_not_written() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "it failed", None, None)
    record.patient, record.rule = "p1", "k-low"
    assert json.loads(JsonLines().format(record)).keys() == {"at", "level", "logger", "event", "rule"}


PATIENT = recorded(SEVERE)["context"]["patientId"]


async def test_a_capture_keeps_the_requests_of_one_client_about_listed_patients(
    running: Running, tmp_path: Path
) -> None:
    order_capture(tmp_path, "sandbox", frozenset({PATIENT}), datetime.now(UTC), "A. Pharmacist", "why no card")
    async with running() as service:
        await service.open_chart(SEVERE)
    (kept,) = (tmp_path / "captures").glob("request-*.json")
    assert orjson.loads(kept.read_bytes())["context"]["patientId"] == PATIENT
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_capture_never_holds_the_token_for_the_fhir_server(tmp_path: Path, mark: bytes) -> None:
    order_capture(tmp_path, "ehr", frozenset({"p1"}), datetime.now(UTC), "A. Pharmacist", "why")
    sent = b'{"hook": "patient-view", "fhir\\u0041uthorization": {"access_token": "s3cr3t"}, "context": {"x": 1.10}}'
    assert Captures(tmp_path).keep(mark + sent)
    (kept,) = (tmp_path / "captures").glob("request-*.json")
    assert kept.read_bytes() == b'{"hook":"patient-view","context":{"x": 1.10}}'


@pytest.mark.parametrize(("client", "patient"), [("another", PATIENT), ("sandbox", "another")])
async def test_nobody_else_is_captured(running: Running, tmp_path: Path, client: str, patient: str) -> None:
    order_capture(tmp_path, client, frozenset({patient}), datetime.now(UTC), "A. Pharmacist", "why")
    async with running() as service:
        await service.open_chart(SEVERE)
    assert not list((tmp_path / "captures").glob("request-*.json"))


def test_a_capture_ends_and_is_deleted_by_itself(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    order_capture(tmp_path, "ehr", frozenset({"p1"}), now, "A. Pharmacist", "why")
    captures = Captures(tmp_path)
    captures.look(now)
    assert captures.wants("ehr", "p1", now)
    assert captures.keep(b"{}")
    end = now + timedelta(minutes=MINUTES)
    assert captures.wants("ehr", "p1", end - timedelta(seconds=1))
    assert not captures.wants("ehr", "p1", end)
    captures.look(end)
    assert list((tmp_path / "captures").iterdir()) == []


def test_an_operator_orders_lists_and_stops_a_capture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_DATA_DIR", str(tmp_path))
    (tmp_path / "pseudonym.key").write_text("k1 " + "x" * 64)
    (tmp_path / "pseudonym.key").chmod(0o600)
    assert run("capture", "start", "--client", "ehr", "--patient", "p1", "--reason", " ").exit_code == 2
    started = run("capture", "start", "--client", "ehr", "--patient", "p1", "--reason", "why no card")
    assert started.exit_code == 0, started.output
    captures = Captures(tmp_path)
    captures.look(datetime.now(UTC))
    assert captures.keep(b"{}")
    assert "request-" in run("capture", "list").output
    whole = run("audit", "verify")
    assert (whole.exit_code, whole.output) == (0, "2 rows in 1 chains, 0 emptied by an erasure\n")
    assert run("capture", "stop").output == "1 requests deleted\n"
    assert run("capture", "list").output == ""


async def test_the_trail_of_a_served_patient_is_found_by_the_patients_id(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(audit=True) as service:
        await service.open_chart(SEVERE, hookInstance=INSTANCE)
    monkeypatch.setenv("IONWISE_DATA_DIR", str(tmp_path))
    told = await asyncio.to_thread(run, "audit", "history", "--patient", PATIENT)
    said = json.loads(told.output)
    assert (said["kind"], said["hook"], said["instance"]) == ("call", "patient-view", INSTANCE)
    assert (await asyncio.to_thread(run, "audit", "verify")).exit_code == 0
