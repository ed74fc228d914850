"""Two knowledges over the same data: what comes, what goes, what changes in severity, and why."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from typer.testing import CliRunner

from cds_service.cli import commands
from cds_service.knowledge.sources import DEFAULT_CARDS
from tests.fixtures.service import FIXTURES

HOOKS, PATIENTS = str(FIXTURES / "hooks"), str(FIXTURES / "patients")


def compared(old: str, new: str, data: str, *more: str) -> str:
    """What `ionwise compare` prints."""
    ran = CliRunner().invoke(commands, ["compare", data, "--old", old, "--new", new, *more])
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_the_same_knowledge_twice_differs_in_nothing() -> None:
    text = compared(str(DEFAULT_CARDS), str(DEFAULT_CARDS), HOOKS)
    assert re.search(r"28 examples, 0 refused; cards (\d+) -> \1\n", text)
    assert "no card differs" in text


def test_an_overlay_loses_cards_and_says_why(tmp_path: Path) -> None:
    overlay = tmp_path / "site.yaml"
    overlay.write_text("covered_by_other_cds: {sep-ciprofloxacin: G-Standaard}\n")
    text = compared(str(DEFAULT_CARDS), f"{DEFAULT_CARDS}+{overlay}", HOOKS)
    assert "sep-ciprofloxacin: 0 gained, 2 lost, 0 changed" in text
    assert "order-sign/ciprofloxacin_with_antacid (gated: covered by G-Standaard)" in text


def test_another_version_of_the_rules_changes_a_severity(tmp_path: Path) -> None:
    cards = tmp_path / "cards"
    shutil.copytree(DEFAULT_CARDS, cards, ignore=shutil.ignore_patterns("__pycache__"))
    rule = cards / "ppi_long_term_mg_check" / "rule.yaml"
    rule.write_text(rule.read_text("utf-8").replace("indicator: info", "indicator: warning"), "utf-8")
    found = json.loads(compared(str(DEFAULT_CARDS), str(cards), HOOKS, "--json"))
    assert found["rules"]["ppi-long-term-mg-check"]["changed"] == {"info -> warning": 2}
    assert found["rules"]["ppi-long-term-mg-check"]["examples"][0]["kind"] == "changed"
    back = json.loads(compared(str(cards), str(DEFAULT_CARDS), HOOKS, "--json"))
    assert back["rules"]["ppi-long-term-mg-check"]["changed"] == {"warning -> info": 2}


def test_patients_as_bundles_and_as_ndjson_come_to_the_same(tmp_path: Path) -> None:
    overlay = tmp_path / "site.yaml"
    overlay.write_text("silent: [mg-hypomagnesaemia]\n")
    lines = []
    for path in sorted((FIXTURES / "patients").glob("*_*.json")):
        lines += [entry["resource"] for entry in json.loads(path.read_bytes())["entry"]]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "all.ndjson").write_text("\n".join(map(json.dumps, lines)))
    when = ("--as-of", "2026-11-21T10:00:00", "--json")
    ours, site = str(DEFAULT_CARDS), str(overlay)
    bundles, lumped = (json.loads(compared(ours, site, data, *when)) for data in (PATIENTS, str(tmp_path / "data")))
    figures = [{rule: one["lost"] for rule, one in found["rules"].items()} for found in (bundles, lumped)]
    assert bundles["examples"] == lumped["examples"]
    assert bundles["cards"] == lumped["cards"]
    assert figures[0] == figures[1]
    assert figures[0]["mg-hypomagnesaemia"] > 0


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    ran = CliRunner().invoke(commands, ["compare", HOOKS, "--old", str(tmp_path / "gone"), "--new", str(DEFAULT_CARDS)])
    assert ran.exit_code == 2
    assert "there is no such file or folder" in ran.output
    ran = CliRunner().invoke(
        commands, ["compare", str(tmp_path), "--old", str(DEFAULT_CARDS), "--new", str(DEFAULT_CARDS)]
    )
    assert ran.exit_code == 2
    assert "holds no recorded requests" in ran.output


def test_overlay_check_says_what_moved_and_what_is_wrong(tmp_path: Path) -> None:
    overlay = tmp_path / "site.yaml"
    overlay.write_text("limits: {mg-hypomagnesaemia.severe: 0.46}\n")
    ran = CliRunner().invoke(commands, ["overlay", "check", str(overlay)])
    assert ran.exit_code == 0, ran.output
    assert re.search(
        r"mg-hypomagnesaemia\.severe: 0\.50 -> 0\.46 mmol/L, [1-9]\d* boundary cases moved along", ran.output
    )
    assert "to be judged by a clinician: mg-hypomagnesaemia: 1.2 mg/dL rounds to 0.49 and is severe" in ran.output
    overlay.write_text("limits: {mg-supplement-above-ul.eu: 350}\noff: [x-y]\n")
    ran = CliRunner().invoke(commands, ["overlay", "check", str(overlay)])
    assert ran.exit_code == 1
    assert "site.yaml:2: [overlay] unknown rule x-y" in ran.output
