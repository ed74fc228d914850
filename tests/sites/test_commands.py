"""The commands that show an analyst what a site's service asks for and how it comes to an answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cds_service.cli import commands
from tests.fixtures.service import FIXTURES

RECORDED = FIXTURES / "hooks/order-sign/ciprofloxacin_with_antacid.json"


@pytest.fixture
def overlay(tmp_path: Path) -> str:
    """A site with a code of its own for magnesium, where something else guards one rule."""
    path = tmp_path / "north.yaml"
    path.write_text(
        "covered_by_other_cds: {sep-ciprofloxacin: G-Standaard}\n"
        "lab_codes:\n- {system: 'urn:oid:1.2.3', code: MGX, concept: magnesium-serum, unit: mmol/L}\n"
    )
    return str(path)


def printed(*arguments: str) -> str:
    """What a command prints."""
    ran = CliRunner().invoke(commands, list(arguments))
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_explain_tells_how_the_site_comes_to_its_answer(overlay: str) -> None:
    assert "covered by G-Standaard" not in printed("explain", str(RECORDED))
    assert "covered by G-Standaard" in printed("explain", str(RECORDED), "--overlay", overlay)


def test_explain_gives_a_date_as_the_chart_has_it() -> None:
    assert '"authoredOn": "2026-10-22"' in RECORDED.read_text("utf-8")
    assert "active, oral, since 2026-10-22 (" in printed("explain", str(RECORDED))


def test_prefetch_prints_the_queries_with_the_codes_of_the_site(overlay: str) -> None:
    assert "MGX" not in printed("prefetch", "--hook", "patient-view")
    assert "MGX" in printed("prefetch", "--hook", "patient-view", "--overlay", overlay)
