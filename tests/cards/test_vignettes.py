"""The whole service on patients told from the clinic, not from the rules (vignettes.yaml)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from cds_service.knowledge.case_file import CaseEntry
from cds_service.service.decide import DecideOptions, decide
from cds_service.service.situations import build_call
from tests.shipped import released

VIGNETTES: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "vignettes.yaml").read_text(encoding="utf-8")
)
KIDNEYS = "egfr 88 mL/min/{1.73_m2} -1d"


def frozen(value: Any) -> Any:
    """YAML's lists and floats as the tuples and decimals that a case is made of."""
    if isinstance(value, float):
        return Decimal(str(value))
    if isinstance(value, dict):
        return {name: frozen(part) for name, part in value.items()}
    return tuple(frozen(part) for part in value) if isinstance(value, list) else value


def severities(situation: dict[str, Any]) -> dict[str, str]:
    """Rule -> severity of the card that leads with it or absorbed it, of every card shown."""
    person = {"age": 50, "sex": "male"} | situation.get("patient", {})
    data = situation | {"patient": person, "labs": [*situation.get("labs", ()), KIDNEYS]}
    case = CaseEntry.model_validate(frozen({"name": "case", "then": "satisfied"} | data))
    decision = decide(build_call(case, released()), released(), DecideOptions(sandbox=True, strict=True))
    return {
        mark["id"]: card["indicator"]
        for card in decision.response["cards"]
        for mark in card["extension"]["org.ionwise.rules"]
    }


@pytest.mark.parametrize("name", VIGNETTES)
def test_a_patient_gets_the_cards_that_the_clinic_expects(name: str) -> None:
    vignette = dict(VIGNETTES[name])
    expected, silent = vignette.pop("fires", {}), vignette.pop("silent", [])
    shown = severities(vignette)
    assert expected or silent
    assert {rule: shown.get(rule) for rule in expected} == expected
    assert not shown.keys() & set(silent)
