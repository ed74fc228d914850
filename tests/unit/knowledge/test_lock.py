"""A released rule never changes under the same version."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.lock import compare_lock, update_lock
from cds_service.knowledge.sources import read_sources
from tests.unit.knowledge.conftest import Edit


def differences(cards: Path) -> list[Finding]:
    return list(compare_lock(read_sources(cards)))


@pytest.fixture
def locked(cards: Path) -> Path:
    update_lock(read_sources(cards))
    return cards


@pytest.fixture
def released(locked: Path) -> Path:
    (locked / "VERSION").write_text("1.1.0\n", encoding="utf-8")
    return locked


def test_an_unlocked_rule_is_reported_until_it_is_locked(cards: Path) -> None:
    assert {finding.remedy for finding in differences(cards)} == {"run `ionwise lock`"}
    assert update_lock(read_sources(cards)) == ("lowest-magnesium", "mg-trial")
    assert differences(cards) == []
    assert update_lock(read_sources(cards)) == ()


def test_a_rule_that_was_never_released_may_change_freely(locked: Path, edit: Edit) -> None:
    edit("mg_trial/rule.yaml", "Repeat.", "Repeat soon.")
    assert [finding.remedy for finding in differences(locked)] == ["run `ionwise lock`"]
    assert update_lock(read_sources(locked)) == ("mg-trial",)


def test_a_released_rule_needs_a_new_version(released: Path, edit: Edit) -> None:
    edit("mg_trial/rule.py", "Fires below", "Fires far below")
    before = (released / "lock.json").read_text(encoding="utf-8")
    (finding,) = differences(released)
    assert "changed since knowledge 1.0.0" in finding.problem
    assert "set version to 2" in finding.remedy
    with pytest.raises(KnowledgeError, match="set version to 2"):
        update_lock(read_sources(released))
    assert (released / "lock.json").read_text(encoding="utf-8") == before


def test_a_released_rule_with_a_new_version_can_be_locked(released: Path, edit: Edit) -> None:
    edit("mg_trial/rule.yaml", "version: 1", "version: 2")
    assert update_lock(read_sources(released)) == ("mg-trial",)
    entry = json.loads((released / "lock.json").read_text(encoding="utf-8"))["rules"]["mg-trial"]
    assert (entry["version"], entry["since"]) == (2, "1.1.0")


def test_a_case_may_be_added_without_a_new_version(released: Path, edit: Edit) -> None:
    edit("mg_trial/cases.yaml", "name: too old", "name: far too old")
    assert differences(released) == []


def test_a_released_rule_does_not_go_back_to_draft(released: Path, edit: Edit) -> None:
    edit("mg_trial/rule.yaml", "version: 1", "version: 2")
    edit("mg_trial/rule.yaml", "status: live", "status: draft")
    with pytest.raises(KnowledgeError, match="goes back to draft"):
        update_lock(read_sources(released))


def test_a_released_rule_leaves_a_tombstone(released: Path) -> None:
    for path in (released / "mg_trial").iterdir():
        path.unlink()
    with pytest.raises(KnowledgeError, match="was released and no longer exists"):
        update_lock(read_sources(released))
    (released / "retired.yaml").write_text("retired: {mg-trial: {retired: 2027-01-01, reason: replaced}}\n")
    assert update_lock(read_sources(released)) == ()


def test_a_family_is_locked_with_all_its_code(locked: Path) -> None:
    (locked / "_families/lowest_magnesium/lines.py").write_text('"""Beside the family."""\n', encoding="utf-8")
    assert [finding.problem for finding in differences(locked)] == [
        "family lowest-magnesium is not as lock.json knows it"
    ]
