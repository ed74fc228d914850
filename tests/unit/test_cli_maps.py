"""`ionwise map` and `ionwise unmapped` from the command line to the files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cds_service.cli import commands

RUNNER = CliRunner()


def table(folder: Path) -> Path:
    path = folder / "formulary.csv"
    path.write_text("system,code,ingredients\nurn:site,17,omeprazole\nurn:site,18,other\n", encoding="utf-8")
    return path


def test_a_table_becomes_a_dated_map_that_can_be_shown(tmp_path: Path) -> None:
    made = RUNNER.invoke(
        commands, ["map", "import", "--csv", str(table(tmp_path)), "--version", "7", "--out", str(tmp_path / "maps")]
    )
    assert made.exit_code == 0, made.output
    (path,) = (tmp_path / "maps").iterdir()
    assert path.name.startswith("csv-7-20")
    assert path.name.endswith(".csv.gz")
    shown = RUNNER.invoke(commands, ["map", "show", str(path), "--code", "17"])
    assert "2, 1 of them with an ingredient of ours" in shown.output
    assert "urn:site 17: omeprazole" in shown.output


@pytest.mark.parametrize("arguments", [[], ["--version", "7"]])
def test_an_import_needs_one_source_and_its_version(tmp_path: Path, arguments: list[str]) -> None:
    given = arguments or ["--csv", str(table(tmp_path))]
    result = RUNNER.invoke(commands, ["map", "import", *given])
    assert result.exit_code == 2


def test_a_file_that_is_no_map_is_refused(tmp_path: Path) -> None:
    result = RUNNER.invoke(commands, ["map", "show", str(table(tmp_path))])
    assert result.exit_code == 2
    assert "make one with `ionwise map import`" in result.output


def test_the_work_list_writes_a_table_and_an_overlay(tmp_path: Path) -> None:
    order = {"resourceType": "MedicationRequest", "id": "1", "medicationCodeableConcept": {"text": "Mysterium"}}
    (tmp_path / "request.json").write_text(json.dumps({"prefetch": {"medications": order}}))
    result = RUNNER.invoke(commands, ["unmapped", str(tmp_path / "request.json"), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [".csv", ".yaml"]
    assert "drug       1 not understood, in 1 records" in result.output
