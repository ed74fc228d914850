"""`ionwise sandbox-check` against FHIR servers good and bad, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from cds_service.cli import commands
from cds_service.ehr.file_records import FileRecords, read_files
from tests.http.fhir_server import FhirServer, Moods, serving
from tests.unit.ehr.patients import DIGOXIN, SEVERE

SECRET = "a-token-that-nobody-may-see"


@pytest.fixture
def running() -> Iterator[ExitStack]:
    """Servers that live as long as a test."""
    with ExitStack() as stack:
        yield stack


def serve(running: ExitStack, records: FileRecords | None = None, **moods: Any) -> FhirServer:
    server = FhirServer(records or read_files(DIGOXIN), Moods(**moods))
    running.enter_context(serving(server))
    return server


def check(server: FhirServer, *arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(commands, ["sandbox-check", server.base, *map(str, arguments)])


def row(result: Result, key: str) -> list[str]:
    """The cells of a key's line."""
    return next(line.split() for line in result.output.splitlines() if line.startswith(f"{key} "))


def test_a_good_server_satisfies_every_hook(running: ExitStack, tmp_path: Path) -> None:
    result = check(serve(running), "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "FHIR 4.0.1 (R4), Loopback; 1 patients looked at" in result.output
    assert row(result, "labsFrequent") == ["labsFrequent", "works", "3", "3", "0", "-", "yes", "yes", "yes", "yes"]
    assert row(result, "encounter")[1:4] == ["works", "1", "1"]
    assert "order-sign: has all required keys" in result.output
    assert "units: mmol/L (3)" in result.output
    assert "MedicationRequest: " in result.output
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".csv", ".yaml"]


def test_a_refused_key_names_the_hooks_that_cannot_do_without(running: ExitStack) -> None:
    result = check(serve(running, refuses={"MedicationRequest": 403}))
    assert result.exit_code == 1
    assert row(result, "medications")[1] == "refused"
    assert "! medications: refused for 1 of 1 patients: not for you" in result.output
    assert "order-sign: lacks medications" in result.output
    assert "patient-view: has all required keys" in result.output


@pytest.mark.parametrize(
    ("moods", "remark"),
    [
        ({"honours_count": False}, "labsFrequent: _count is not honoured"),
        ({"filters": False}, "labsFrequent: holds entries that were not asked for"),
        ({"links_on": False}, "labsFrequent: a page of one entry has no next page"),
        ({"takes_post": False}, "labsFrequent: POST _search is refused"),
    ],
)
def test_a_server_with_a_quirk_is_told_by_it(running: ExitStack, moods: dict[str, Any], remark: str) -> None:
    assert remark in check(serve(running, **moods)).output


def test_patients_with_one_result_each_do_not_show_whether_there_are_pages(running: ExitStack) -> None:
    server = serve(running, read_files(SEVERE))
    patient = server.records.patient_id
    assert row(check(server, "--patient", patient, "--patient", patient), "labsRare")[2:] == [
        "2", "2", "0", "-", "yes", "yes", "-", "yes",
    ]  # fmt: skip


def test_results_out_of_order_are_noticed(running: ExitStack) -> None:
    records = read_files(DIGOXIN)
    results = [found for found in records.resources if found["resourceType"] == "Observation"]
    for day, result in enumerate(results, 1):
        result["effectiveDateTime"] = f"2025-01-0{day}"
    assert "labsFrequent: not newest first" in check(serve(running, records, sorts=False)).output
    assert "not newest first" not in check(serve(running, records)).output


def test_results_that_are_not_used_are_told_with_the_reason(
    running: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = read_files(DIGOXIN)
    for found in records.resources:
        if found["resourceType"] == "Observation":
            found["status"] = "unknown"
    assert "! labsFrequent: not used of 3: dq-status (3)" in check(serve(running, records)).output
    monkeypatch.setenv("IONWISE_ADMIT_UNKNOWN_STATUS", "true")
    assert row(check(serve(running, records)), "labsFrequent")[2:4] == ["3", "3"]


def test_what_metadata_does_not_declare_is_told(running: ExitStack) -> None:
    server = serve(running)
    described = server.metadata()
    described["rest"][0]["resource"] = [{"type": "Observation", "searchParam": [{"name": "patient"}]}]
    server.metadata = lambda: described  # type: ignore[method-assign]
    result = check(server)
    assert "! labsRare: not declared in metadata: code" in result.output
    assert "! conditions: not declared in metadata: Condition" in result.output


def test_dstu2_is_refused(running: ExitStack) -> None:
    result = check(serve(running, version="1.0.2"))
    assert result.exit_code == 2
    assert "metadata: the server speaks DSTU2 (1.0.2), not read here -> use its R4 address" in result.output


def test_a_version_that_is_not_known_is_told(running: ExitStack) -> None:
    assert "! this version of FHIR is not known" in check(serve(running, version="6.0.0")).output


def test_patients_are_named_where_the_server_lists_none(running: ExitStack) -> None:
    server = serve(running, lists_patients=False)
    assert "patients: the server lists none without more being said -> name some with --patient" in check(server).output
    assert check(server, "--patient", server.records.patient_id).exit_code == 0


def test_a_server_without_patients_is_told(running: ExitStack) -> None:
    assert "patients: the server has none to show" in check(serve(running, FileRecords([], "nobody"))).output


def test_a_patient_without_an_encounter_leaves_that_key_unasked(running: ExitStack) -> None:
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1950"}
    result = check(serve(running, FileRecords([patient], "p")))
    assert "! encounter: not asked" in result.output
    assert row(result, "labsRare")[1:3] == ["nothing", "found"]


def test_a_token_is_needed_used_and_not_shown(running: ExitStack, tmp_path: Path) -> None:
    server = serve(running, token=SECRET)
    assert check(server).exit_code == 2
    (tmp_path / "token").write_text(SECRET, "utf-8")
    result = check(server, "--token-file", tmp_path / "token")
    assert result.exit_code == 0, result.output
    assert SECRET not in result.output


def test_what_is_no_fhir_server_is_told(running: ExitStack) -> None:
    server = serve(running)
    server.base += "/x"
    assert "metadata: answered 404, no CapabilityStatement -> give the base address" in check(server).output


def test_only_a_known_profile_is_taken(running: ExitStack) -> None:
    result = check(serve(running), "--profile", "other")
    assert result.exit_code == 2
    assert "is not one of generic" in " ".join(result.output.replace("│", " ").split())
