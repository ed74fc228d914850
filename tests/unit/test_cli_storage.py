"""`ionwise db`, `ionwise rule` and `ionwise stats` on a database of their own."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cds_service.cli import commands
from cds_service.storage.database import FILE_NAME


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_DATA_DIR", str(tmp_path))


def run(*words: str) -> Result:
    """Run a command."""
    return CliRunner().invoke(commands, words)


def rows(folder: Path, statement: str) -> list[tuple[object, ...]]:
    """What is in the database."""
    connection = sqlite3.connect(folder / FILE_NAME)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def test_a_switch_is_recorded_with_author_and_reason(tmp_path: Path) -> None:
    done = run(
        "rule", "off", "mg-hypomagnesaemia", "--tenant", "olvg", "--reason", "too many", "--author", "A. Pharmacist"
    )
    assert done.exit_code == 0
    assert "within a minute" in done.output
    assert run("rule", "silent", "*", "--reason", "trial").exit_code == 0
    assert run("rule", "on", "mg-hypomagnesaemia", "--tenant", "olvg", "--reason", "mended").exit_code == 0
    assert rows(tmp_path, "SELECT tenant, rule, state, reason FROM rule_switch ORDER BY id") == [
        ("olvg", "mg-hypomagnesaemia", "off", "too many"),
        ("default", "*", "silent", "trial"),
        ("olvg", "mg-hypomagnesaemia", "on", "mended"),
    ]
    authors = [author for (author,) in rows(tmp_path, "SELECT author FROM rule_switch ORDER BY id")]
    assert authors[0] == "A. Pharmacist"
    assert all(authors)


def test_a_switch_for_a_tenant_that_is_not_served_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    overlays = tmp_path / "overlays"
    overlays.mkdir()
    monkeypatch.setenv("IONWISE_TENANTS_DIR", str(overlays))
    (overlays / "north.yaml").write_text("setting: gp\n", "utf-8")
    (overlays / "b.yaml").write_text("tenant: south\n", "utf-8")
    refused = run("rule", "off", "vitd-low", "--reason", "x")
    assert refused.exit_code == 2
    assert "none of north, south" in refused.output
    assert [run("rule", "off", "vitd-low", "--reason", "x", "--tenant", name).exit_code for name in ("south", "*")] == [
        0,
        0,
    ]
    (overlays / "b.yaml").write_text("tenant: [", "utf-8")
    assert run("rule", "off", "vitd-low", "--reason", "x").exit_code == 0, "a broken overlay is no obstacle"


@pytest.mark.parametrize(
    "words", [("rule", "off", "no-such-rule", "--reason", "x"), ("rule", "off", "vitd-low", "--reason", " ")]
)
def test_an_unknown_rule_and_an_empty_reason_are_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    assert run(*words).exit_code == 2
    assert not (tmp_path / FILE_NAME).exists()


def test_upgrade_prune_and_stats_work_on_a_new_database(tmp_path: Path) -> None:
    assert run("db", "upgrade").exit_code == 0
    pruned = run("db", "prune")
    assert "issued_card: 0 rows deleted" in pruned.output
    assert json.loads(run("stats", "--json", "--days", "7").output)["rules"] == []
    assert "fired" in run("stats").output


def test_erase_needs_the_key(tmp_path: Path) -> None:
    refused = run("db", "erase", "--patient", "patient-1")
    assert refused.exit_code == 2
    assert "IONWISE_PSEUDONYM_KEY_FILE" in refused.output
    (tmp_path / "pseudonym.key").write_text("a " + "0" * 64)
    (tmp_path / "pseudonym.key").chmod(0o400)
    done = run("db", "erase", "--patient", "patient-1")
    assert "erased: 0 rows of the ledger, 0 feedback reports" in done.output
    assert "patient-1" not in done.output


@pytest.mark.parametrize("command", [("db", "erase"), ("audit", "history")])
def test_a_tenant_at_which_nothing_is_kept_of_the_patient_is_named(tmp_path: Path, command: tuple[str, str]) -> None:
    (tmp_path / "pseudonym.key").write_text("a " + "0" * 64)
    (tmp_path / "pseudonym.key").chmod(0o400)
    done = run(*command, "--patient", "patient-1", "--tenant", "elsewhere")
    assert "nothing is kept of this patient at tenant elsewhere -> check --patient and --tenant" in done.output


def test_a_database_that_is_away_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IONWISE_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/d")
    refused = run("stats")
    assert refused.exit_code == 2
    assert "database does not answer" in refused.output
    assert "secret" not in refused.output
