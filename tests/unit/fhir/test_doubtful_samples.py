"""What a result says about how its sample was taken, and what a value in a suspect unit would have been."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.unit.fhir.lab_results import UCUM, observation, only, read


@pytest.mark.parametrize(
    "note",
    [
        "mogelijk afgenomen uit infuusarm",
        "afname uit arm met infuus",
        "verdunning met infuusvloeistof?",
        "boven het infuus geprikt",
        "drawn from drip arm",
        "geen hemolyse, wel uit infuusarm",
        "contaminated with IV fluid",
        "sample taken above the infusion",
    ],
)
def test_a_note_about_the_drip_arm_flags_the_result(note: str) -> None:
    assert "drip-arm" in only(read(observation(note=[{"text": note}]))).flags


@pytest.mark.parametrize(
    "note", ["niet uit infuusarm afgenomen", "not drawn from drip arm", "patiënt kreeg infuus", ""]
)
def test_other_notes_do_not(note: str) -> None:
    assert "drip-arm" not in only(read(observation(note=[{"text": note}]))).flags


def test_a_suspect_unit_keeps_the_value_that_was_stated() -> None:
    unit = {"unit": "mmol/L", "system": UCUM, "code": "mmol/L"}
    suspect = observation(value=1.9, referenceRange=[{"low": {"value": 1.6, **unit}, "high": {"value": 2.6, **unit}}])
    [unusable] = read(suspect).unusable["magnesium-serum"]
    assert (unusable.reason, unusable.value) == ("dq-unit-suspect", Decimal("1.9"))


def test_another_unusable_result_keeps_no_value() -> None:
    [unusable] = read(observation(value=42)).unusable["magnesium-serum"]
    assert unusable.value is None
