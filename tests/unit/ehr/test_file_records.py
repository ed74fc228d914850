"""Files in the place of a FHIR server: what they find, what they refuse."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from cds_service.ehr.file_records import FileRecords, read_files
from cds_service.ehr.records import is_refusal, matches
from cds_service.errors import EhrError
from tests.unit.ehr.patients import DIGOXIN, SEVERE


def found(records: FileRecords, query: str) -> list[str]:
    return [str(resource["id"]) for resource in matches(records.ask(query, "test"))]


def result(name: str, **members: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": name, "status": "final", "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": name}]},
    } | members  # fmt: skip


CHART = FileRecords(
    [
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Patient", "id": "q"},
        result("1", effectiveDateTime="2026-01-05", category=[{"coding": [{"code": "laboratory"}]}]),
        result("2", effectiveDateTime="2026-03-05T10:00:00Z"),
        result("3", effectivePeriod={"start": "2026-02-01", "end": "2026-02-03"}, component=[{"code": {}}]),
        result("4", subject={"reference": "Patient/q"}),
        {"resourceType": "MedicationRequest", "id": "d", "status": "draft", "subject": {"reference": "Patient/p"}},
        {"resourceType": "Condition", "id": "c", "clinicalStatus": {"coding": [{"code": "active"}]},
         "subject": {"reference": "urn:uuid:p"}},
    ],
    "p",
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("Observation?patient=p", ["1", "2", "3"]),
        ("Observation?subject=Patient/p&_sort=-date", ["2", "3", "1"]),
        ("Observation?patient=p&_sort=date&_count=2", ["1", "3"]),
        ("Observation?patient=p&code=http://loinc.org|1,2", ["1", "2"]),
        ("Observation?patient=p&code=http://other.org|1", []),
        ("Observation?patient=p&category=laboratory", ["1"]),
        ("Observation?patient=p&date=ge2026-02-03", ["2", "3"]),
        ("Observation?patient=p&date=lt2026-02&date=ge2026", ["1"]),
        ("Observation?patient=p&date=2026-03-05", ["2"]),
        ("Observation?patient=p&date=soon", []),
        ("Condition?patient=p&clinical-status=active", ["c"]),
        ("MedicationRequest?patient=p", []),
        ("MedicationRequest?patient=p&status=draft", ["d"]),
        ("Observation?patient=q", []),
        ("Patient?_id=p&_format=json", ["p"]),
    ],
)
def test_a_search_finds_what_it_asks_for(query: str, ids: list[str]) -> None:
    assert found(CHART, query) == ids


def test_a_search_by_something_unknown_is_refused_and_not_answered_with_everything() -> None:
    answer = CHART.ask("Observation?patient=p&value-quantity=gt5", "test")
    assert is_refusal(answer)
    assert "value-quantity" in json.dumps(answer)


def test_a_read_finds_one_resource_or_nothing() -> None:
    assert CHART.ask("Patient/p", "test") == {"resourceType": "Patient", "id": "p"}
    assert CHART.ask("Patient/q", "test") is None


def test_products_come_along_with_the_prescriptions_that_name_them() -> None:
    answer = read_files(DIGOXIN).ask("MedicationRequest?patient=x&status=active", "test")
    assert matches(answer) == []
    records = read_files(DIGOXIN)
    answer = records.ask(f"MedicationRequest?patient={records.patient_id}&status=active", "test")
    assert answer is not None
    modes = [(entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in answer["entry"]]
    assert modes == [("MedicationRequest", "match")] * 2 + [("Medication", "include")]


def test_a_folder_of_ndjson_holds_many_patients_and_one_is_chosen(tmp_path: Path) -> None:
    people = b'{"resourceType": "Patient", "id": "a"}\n\n{"resourceType": "Patient", "id": "b"}\n'
    (tmp_path / "Patient.ndjson.gz").write_bytes(gzip.compress(people))
    (tmp_path / "Observation.json").write_text(json.dumps(result("1", subject={"reference": "Patient/b"})), "utf-8")
    (tmp_path / "readme.txt").write_text("not FHIR", "utf-8")
    assert found(read_files(tmp_path, "b"), "Observation?patient=b") == ["1"]
    with pytest.raises(EhrError, match="holds 2 patients -> say which with --patient"):
        read_files(tmp_path)
    with pytest.raises(EhrError, match="no patient with this id"):
        read_files(tmp_path, "c")


def test_references_between_the_entries_of_a_transaction_are_resolved(tmp_path: Path) -> None:
    name = "urn:uuid:0b4b7c0e-0000-4000-8000-000000000001"
    entries = [
        {"fullUrl": name, "resource": {"resourceType": "Patient", "id": "p"}},
        {"fullUrl": "urn:uuid:77", "resource": result("", subject={"reference": name}) | {"id": None}},
    ]
    del entries[1]["resource"]["id"]  # type: ignore[attr-defined]
    file = tmp_path / "bundle.json"
    file.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}), "utf-8")
    assert found(read_files(file), "Observation?patient=p") == ["77"]


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.json", "{", "a.json: cannot be read as JSON -> mend or remove it"),
        ("a.json", "[]", "holds no Patient"),
        ("a.txt", "x", "no .json or .ndjson there"),
        ("a.json.gz", "x", "cannot be read as JSON"),
    ],
)
def test_files_that_are_no_chart_are_refused(tmp_path: Path, name: str, content: str, complaint: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(EhrError, match=complaint):
        read_files(tmp_path / name)


def test_the_digits_of_a_file_stay_as_they_are() -> None:
    records = read_files(SEVERE)
    values = [str(r["valueQuantity"]["value"]) for r in records.resources if "valueQuantity" in r]
    assert "1.1" in values
