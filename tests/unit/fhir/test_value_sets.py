"""Every value set is a valid FHIR R4 ValueSet and holds what the readers recognise."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.valueset import ValueSet
from typer.testing import CliRunner

from cds_service.cli import commands
from cds_service.fhir.value_sets import ValueSets
from cds_service.service.rule_records import RuleRecord
from cds_service.service.rule_sheet import rule_sheet
from tests.shipped import released

BASE = "https://ionwise.example"


@cache
def value_sets() -> ValueSets:
    return ValueSets(released(), BASE)


def codes(value_set_id: str) -> set[tuple[str, str]]:
    includes: list[dict[str, Any]] = value_sets().resource(value_set_id)["compose"]["include"]
    return {(part["system"], concept["code"]) for part in includes for concept in part.get("concept", ())}


def test_every_value_set_is_valid_fhir() -> None:
    for one in value_sets().ids:
        found = ValueSet.model_validate(value_sets().resource(one))
        assert found.url == f"{BASE}/ValueSet/{one}"
        assert len(one) <= 64, f"{one} is too long for the id of a resource"


def test_every_code_of_a_measurement_is_in_its_value_set() -> None:
    for key, concept in released().vocabulary.measurement_codes.items():
        assert key in codes(f"result-{concept.id}")


@pytest.mark.parametrize(
    ("value_set_id", "system", "code"),
    [
        ("result-magnesium-serum", "http://loinc.org", "2601-3"),
        ("drug-ppi", "http://www.whocc.no/atc", "A02BC01"),
        ("condition-diabetes", "http://snomed.info/sct", "44054006"),
        ("condition-hypomagnesaemia", "http://hl7.org/fhir/sid/icd-10-cm", "E83.42"),
    ],
)
def test_a_value_set_holds_the_codes_of_its_group(value_set_id: str, system: str, code: str) -> None:
    assert (system, code) in codes(value_set_id)


def test_a_class_of_codes_is_the_code_and_all_below_it() -> None:
    includes = value_sets().resource("drug-ppi")["compose"]["include"]
    filters = [part["filter"][0] for part in includes if "filter" in part]
    assert {"property": "concept", "op": "descendent-of", "value": "A02BC"} in filters
    assert ("http://www.whocc.no/atc", "A02BC") in codes("drug-ppi")


def test_an_icd_code_is_written_once_and_with_its_dot() -> None:
    found = {code for system, code in codes("condition-hypomagnesaemia") if "icd" in system}
    assert "E8342" not in found


def test_whatever_the_page_of_a_rule_links_to_is_there() -> None:
    known = set(value_sets().ids)
    for rule in released().rules:
        assert {seen.value_set for seen in rule_sheet(released(), rule, RuleRecord()).sees} <= known


def test_what_is_known_by_name_only_says_so() -> None:
    found = value_sets().resource("condition-confusion")
    assert "compose" not in found
    assert "by its name only" in found["description"]


def test_a_value_set_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError):
        value_sets().resource("drug-nothing")


def test_the_command_writes_one_file_per_value_set(tmp_path: Path) -> None:
    done = CliRunner().invoke(commands, ["valuesets", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    written = sorted(path.stem for path in (tmp_path / "out").glob("*.json"))
    assert written == sorted(value_sets().ids)
    assert json.loads((tmp_path / "out" / "drug-ppi.json").read_text("utf-8"))["resourceType"] == "ValueSet"
