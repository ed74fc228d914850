"""The work list: what is not understood is counted once, and nothing else is on it."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cds_service.errors import IonwiseError, KnowledgeError
from cds_service.knowledge.load import load_knowledge
from cds_service.knowledge.yaml_strict import load_yaml
from cds_service.service.unmapped import Line, WorkList
from cds_service.service.unmapped_files import read_work_list, write_overlay, write_table
from tests.shipped import released

SITE, GPK, HPK = "urn:site:lab", "urn:oid:2.16.840.1.113883.2.4.4.1", "urn:oid:2.16.840.1.113883.2.4.4.7"
ATC, LOINC, UCUM = "http://www.whocc.no/atc", "http://loinc.org", "http://unitsofmeasure.org"
LABORATORY = [{"coding": [{"code": "laboratory"}]}]
VOCABULARY = released().vocabulary


def coding(system: str, code: str, display: str = "") -> dict[str, Any]:
    return {"system": system, "code": code, "display": display}


def result(key: str, value: float, unit: str, *codes: dict[str, Any], **other: Any) -> dict[str, Any]:
    quantity = {"value": value, "unit": unit, "system": UCUM, "code": unit} if unit else {"value": value}
    return {
        "resourceType": "Observation", "id": key, "code": {"coding": list(codes)}, "category": LABORATORY,
        "valueQuantity": quantity,
    } | other  # fmt: skip


def order(key: str, text: str, *codes: dict[str, Any]) -> dict[str, Any]:
    concept = {"coding": list(codes), "text": text}
    return {"resourceType": "MedicationRequest", "id": key, "medicationCodeableConcept": concept}


def lines(*resources: dict[str, Any]) -> list[Line]:
    work = WorkList(VOCABULARY)
    for resource in resources:
        work.add(resource)
    return work.lines()


def test_a_local_laboratory_code_is_listed_with_its_range() -> None:
    local = coding(SITE, "MG", "Magnesium")
    (line,) = lines(result("1", 0.71, "mmol/L", local), result("2", 1.05, "mmol/L", local))
    assert (line.what.kind, line.what.system, line.what.code, line.what.unit) == ("lab", SITE, "MG", "mmol/L")
    assert (line.count, str(line.low), str(line.high)) == (2, "0.71", "1.05")


@pytest.mark.parametrize("word", ["NaN", "sNaN", "Infinity"])
def test_what_is_no_number_is_not_counted(word: str) -> None:
    local = coding(SITE, "MG", "Magnesium")
    no_number = result("2", 1, "mmol/L", local) | {"valueQuantity": {"value": word, "unit": "mmol/L"}}
    (line,) = lines(result("1", 0.71, "mmol/L", local), no_number)
    assert (line.count, str(line.low), str(line.high)) == (1, "0.71", "0.71")


def test_a_drug_of_r5_is_listed_as_one_of_r4() -> None:
    concept = {"coding": [coding(SITE, "7", "Onbekendine")], "text": "Onbekendine"}
    named = {"resourceType": "MedicationRequest", "id": "1", "medication": {"concept": concept}}
    referred = named | {"id": "2", "medication": {"reference": {"reference": "Medication/m", "display": "Vreemdol"}}}
    part = {"item": {"concept": {"coding": [coding(ATC, "A02BC01")]}}}
    known = {"resourceType": "Medication", "id": "k", "code": {"text": "Vreemdol"}, "ingredient": [part]}
    to_known = named | {"id": "3", "medication": {"reference": {"reference": "Medication/k"}}}
    found = {line.what.display: line.count for line in lines(named, referred, known, to_known)}
    assert found == {"Onbekendine": 1, "Vreemdol": 1}


def test_a_code_that_is_understood_is_not_listed() -> None:
    assert lines(result("1", 0.71, "mmol/L", coding(SITE, "MG"), coding(LOINC, "2601-3"))) == []


def test_what_is_not_from_the_laboratory_is_not_listed() -> None:
    vital = [{"coding": [{"code": "vital-signs"}]}]
    assert lines(result("1", 37, "Cel", coding(SITE, "T"), category=vital)) == []


@pytest.mark.parametrize("unit", ["furlong", ""])
def test_a_unit_that_is_not_understood_is_listed_with_its_test(unit: str) -> None:
    (line,) = lines(result("1", 4, unit, coding(LOINC, "2601-3")))
    assert (line.what.kind, line.what.code, line.what.unit) == ("unit", "2601-3", unit)
    assert line.what.proposal.startswith("magnesium")


def test_a_drug_that_nothing_identifies_is_listed() -> None:
    (line,) = lines(order("1", "Mysterium 5 mg", coding(HPK, "77")), order("2", "Mysterium 5 mg", coding(HPK, "77")))
    assert (line.what.system, line.what.code, line.what.display, line.count) == (HPK, "77", "Mysterium 5 mg", 2)


def test_a_drug_that_only_its_text_identifies_is_listed_with_the_proposal() -> None:
    (line,) = lines(order("1", "Omeprazol 20 mg", coding(HPK, "77")))
    assert line.what.proposal == "omeprazole"


@pytest.mark.parametrize(
    "concept",
    [
        [coding(ATC, "A02BC01")],
        [coding("http://www.nlm.nih.gov/research/umls/rxnorm", "310798")],
        [coding("http://snomed.info/sct", "787481004")],
    ],
)
def test_a_drug_that_a_code_identifies_is_not_listed(concept: list[dict[str, Any]]) -> None:
    assert lines(order("1", "x", *concept)) == []


def test_the_generic_product_is_listed_rather_than_the_trade_product() -> None:
    null = coding("http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "OTH")
    (line,) = lines(order("1", "Mysterium", null, coding(HPK, "77"), coding(GPK, "7")))
    assert (line.what.system, line.what.code) == (GPK, "7")


def test_a_referenced_product_counts_as_often_as_it_is_used() -> None:
    product = {"resourceType": "Medication", "id": "m", "code": {"coding": [coding(HPK, "77", "Mysterium")]}}
    uses = [
        {"resourceType": "MedicationRequest", "id": str(n), "medicationReference": {"reference": "Medication/m"}}
        for n in range(3)
    ]
    (line,) = lines(product, *uses)
    assert (line.what.code, line.count) == ("77", 3)


def test_a_contained_product_and_a_bare_display_are_listed() -> None:
    contained = {"resourceType": "Medication", "id": "c", "code": {"coding": [coding(HPK, "78", "Arcanum")]}}
    inside = {"reference": "#c"}
    found = lines(
        {"resourceType": "MedicationRequest", "id": "1", "contained": [contained], "medicationReference": inside},
        {"resourceType": "MedicationRequest", "id": "2", "medicationReference": {"display": "Occultum"}},
    )
    assert {(line.what.system, line.what.code, line.what.display) for line in found} == {
        (HPK, "78", "Arcanum"), ("text", "", "Occultum"),
    }  # fmt: skip


def test_the_same_chart_in_two_requests_counts_once() -> None:
    bundle = {"resourceType": "Bundle", "entry": [{"resource": order("1", "Mysterium", coding(HPK, "77"))}]}
    request = {"hook": "patient-view", "prefetch": {"medications": bundle}, "context": {"patientId": "p"}}
    (line,) = lines(request, request)
    assert line.count == 1


def test_files_of_requests_and_of_bulk_exports_are_read(tmp_path: Path) -> None:
    body = {"prefetch": {"a": {"resourceType": "Bundle", "entry": [{"resource": order("1", "Mysterium")}]}}}
    (tmp_path / "request.json").write_text(json.dumps(body))
    rows = [json.dumps(order("2", "Mysterium")), "{broken", json.dumps(order("3", "Arcanum"))]
    (tmp_path / "bulk.ndjson.gz").write_bytes(gzip.compress("\n".join(rows).encode()))
    (tmp_path / "broken.json.gz").write_bytes(gzip.compress(b"{}")[:10] + b"\xff" * 20)
    (tmp_path / "notes.txt").write_text("not read")
    work, unreadable = read_work_list(tmp_path, VOCABULARY)
    assert {(line.what.display, line.count) for line in work.lines()} == {("Mysterium", 2), ("Arcanum", 1)}
    assert (work.resources, unreadable) == (3, 2)


def test_a_folder_with_nothing_to_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IonwiseError, match="name recorded requests"):
        read_work_list(tmp_path, VOCABULARY)


def test_the_table_holds_every_line_and_no_formulas(tmp_path: Path) -> None:
    found = lines(order("1", '=HYPERLINK("x")'), result("2", -1.5, "mmol/L", coding(SITE, "B")))
    write_table(tmp_path / "t.csv", found)
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["kind"]: row for row in csv.DictReader(file)}
    assert rows["drug"]["display"] == '\'=HYPERLINK("x")'
    assert rows["lab"]["low"] == "-1.5"


def test_the_overlay_to_complete_has_an_empty_entry_for_every_code(tmp_path: Path) -> None:
    found = lines(
        order("1", 'A "quoted"\nname', coding(HPK, "77")),
        order("2", "Textonly"),
        result("3", 1, "mmol/L", coding(SITE, "MG")),
        result("4", 1, "furlong", coding(LOINC, "2601-3")),
    )
    write_overlay(tmp_path / "o.yaml", found, date(2026, 11, 22))
    data = load_yaml(tmp_path / "o.yaml").data
    assert data["lab_codes"] == [{"system": SITE, "code": "MG", "concept": ""}]
    assert data["drug_codes"] == [{"system": HPK, "code": "77", "ingredients": [], "atc": []}]


def test_the_overlay_is_refused_until_it_is_completed_and_then_empties_the_list(tmp_path: Path) -> None:
    records = (order("1", "Mysterium", coding(HPK, "77")), result("2", 0.7, "mmol/L", coding(SITE, "MG")))
    path = tmp_path / "overlay.yaml"
    write_overlay(path, lines(*records), date(2026, 11, 22))
    with pytest.raises(KnowledgeError) as refused:
        load_knowledge(overlay=path)
    assert len({finding.line for finding in refused.value.findings}) == 2
    text = path.read_text("utf-8").replace('concept: ""', "concept: magnesium-serum")
    path.write_text(text.replace("ingredients: []", "ingredients: [omeprazole]"), encoding="utf-8")
    work = WorkList(load_knowledge(overlay=path).vocabulary)
    work.add(list(records))
    assert work.lines() == []
