"""Pairs that do not interact enough to alert: no rule of the group may say anything about them, in either direction."""

from __future__ import annotations

import pytest

from cds_service.knowledge.case_file import CaseEntry, DrugEntry
from cds_service.knowledge.file_model import Hook
from cds_service.knowledge.model import Rule
from cds_service.service.cases import run_case
from tests.shipped import released

NEVER = (
    "amoxicillin", "trimethoprim", "paracetamol", "metformin", "omeprazole", "pantoprazole", "colecalciferol",
    "potassium chloride", "simvastatin", "atorvastatin", "pravastatin", "apixaban", "rivaroxaban", "edoxaban",
    "dabigatran", "pregabalin",
)  # fmt: skip
INTRAVENOUS = ("ciprofloxacin", "levofloxacin", "moxifloxacin", "doxycycline", "cefuroxime", "azithromycin")
SOURCES = (
    {"is": "Maalox"},
    {"is": "calcium carbonate", "code": "A02AC01"},
    {"is": "calcium carbonate", "code": "A12AA04"},
    {"is": "magnesium citrate", "code": "A12CC04"},
    {"is": "magnesium oxide", "code": "A06AD02"},
    {"is": "ferrous fumarate"},
    {"is": "zinc sulfate"},
    {"is": "multivitamine", "code": "A11AA03"},
    {"is": "sucralfate"},
    {"is": "lanthanum"},
    {"is": "sevelamer"},
)
HOOKS: tuple[Hook, ...] = ("order-sign", "medication-refill")


def speaking(hook: Hook, victim: dict[str, str], source: dict[str, str], *, ordered: str) -> list[str]:
    """The rules of group H that fire when one of the two is ordered during use of the other."""
    taken, draft = (source, victim) if ordered == "victim" else (victim, source)
    case = CaseEntry(
        name="pair",
        hook=hook,
        drugs=(DrugEntry.model_validate(taken | {"is": f"{taken['is']} -60d"}),),
        drafts=(DrugEntry.model_validate(draft),),
        then="not-applicable",
    )
    rules: list[Rule] = [rule for rule in released().rules if rule.group == "H" and hook in rule.hooks]
    return [rule.id for rule in rules if run_case(case, rule, released()).decision.trace[0].kind == "fires"]


@pytest.mark.parametrize("ordered", ["victim", "source"])
@pytest.mark.parametrize("name", NEVER)
def test_what_does_not_interact_enough_says_nothing(name: str, ordered: str) -> None:
    found = {str(source): speaking("order-sign", {"is": name}, source, ordered=ordered) for source in SOURCES}
    assert {source: rules for source, rules in found.items() if rules} == {}


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("name", INTRAVENOUS)
def test_an_intravenous_antibiotic_says_nothing(name: str, hook: Hook) -> None:
    victim = {"is": name, "route": "intravenous"}
    found = {str(source): speaking(hook, victim, source, ordered="victim") for source in SOURCES}
    assert {source: rules for source, rules in found.items() if rules} == {}


@pytest.mark.parametrize("name", INTRAVENOUS)
def test_the_same_antibiotic_by_mouth_speaks_about_an_antacid(name: str) -> None:
    assert speaking("order-sign", {"is": name}, SOURCES[0], ordered="victim")
