"""Micrograms of vitamin D a day from what orders say: strengths, names, units, and what stays unknown."""

from __future__ import annotations

from decimal import Decimal

from cards._families.vitamin_d_intake.family import vitamin_d_intake
from cds_service.facts.patient import FamilyKnowledge, Limits, Needs, Patient
from cds_service.facts.records import Dosage, Exposure, Strength
from tests.cards.drugs import chart, drug

LIMITS = Limits({"units_per_ug": Decimal(40)}, {})


def per_day(*exposures: Exposure) -> Decimal | None:
    needs = Needs(drugs=frozenset({"vitamin-d"}), uses=frozenset({"vitamin-d-intake"}))
    families = {vitamin_d_intake: FamilyKnowledge("vitamin-d-intake", LIMITS, needs)}
    (line,) = Patient(chart(*exposures), needs, families).ask(vitamin_d_intake).lines
    return line.per_day


def product(amount: str | None, unit: str = "tablet", *strengths: Strength, **other: object) -> Exposure:
    dosage = Dosage(amount=None if amount is None else Decimal(amount), unit=unit, per_day=Decimal(1))
    fields = {"groups": frozenset({"vitamin-d"}), "dosages": (dosage,), "strengths": strengths} | other
    return drug("colecalciferol", **fields)


def strength(ingredient: str, amount: str, unit: str, per: str = "1", per_unit: str = "tablet") -> Strength:
    return Strength(ingredient, Decimal(amount), unit, Decimal(per), per_unit)


def test_the_name_says_the_dose_a_day_when_the_instruction_does_not() -> None:
    assert per_day(product(None, name="colecalciferol 800 IE per dag")) == 20


def test_a_strength_in_the_name_is_no_dose_when_the_instruction_holds_none() -> None:
    assert per_day(product(None, name="colecalciferol 800 IE")) is None


def test_a_listed_strength_counts_for_each_unit_of_the_product() -> None:
    assert per_day(product("2", "tablet", strength("colecalciferol", "400", "[IU]"))) == 20


def test_a_listed_strength_of_a_liquid_is_not_that_of_a_tablet() -> None:
    assert per_day(product("1", "tablet", strength("colecalciferol", "400", "[IU]", "1", "mL"))) is None


def test_the_calcium_in_a_combination_is_not_its_vitamin_d() -> None:
    listed = (strength("calcium carbonate", "500", "mg"), strength("colecalciferol", "440", "[IU]"))
    both = product("1", "tablet", *listed, ingredients=frozenset({"calcium-carbonate", "colecalciferol"}))
    assert per_day(both) == 11


def test_a_dose_in_milligrams_is_a_thousand_micrograms_each() -> None:
    assert per_day(product("0.02", "mg")) == 20


def test_a_dose_in_thousands_of_units_counts_them_all() -> None:
    assert per_day(product("0.8", "k[IU]")) == 20
