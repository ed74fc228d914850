"""How one dose of potassium, calcium or vitamin D is read: which strength is meant, in which unit, of what product."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cds_service.facts.records import Dosage, Strength
from tests.cards.drugs import drug
from tests.cards.test_daily_intake import calcium, intake, potassium, product, vitamin_d

COMBINATION = frozenset({"calcium-carbonate", "colecalciferol"})


def strength(ingredient: str, amount: int, unit: str = "mg", per: int = 1, per_unit: str = "tablet") -> Strength:
    return Strength(ingredient, Decimal(amount), unit, Decimal(per), per_unit)


@pytest.mark.parametrize("unit", ["IE", "ie", "IU", "iu", "[IU]", "[iu]", "[ie]", "U"])
def test_every_way_to_write_international_units_is_understood(unit: str) -> None:
    assert vitamin_d(amount="800", unit=unit) == 20


def test_an_amount_is_converted_exactly() -> None:
    (supply,) = intake(product("colecalciferol", "vitamin-d", amount="50", unit="ug")).vitamin_d
    assert supply.per_day == 50
    assert vitamin_d(amount="2", unit="k[IU]") == 50
    assert vitamin_d(name="colecalciferol 1,25 mg", unit="capsule") == 1250


@pytest.mark.parametrize("unit", ["nmol", "mL/min"])
def test_a_unit_that_is_no_content_of_the_drug_leaves_its_dose_unknown(unit: str) -> None:
    assert vitamin_d(amount="50", unit=unit) is None
    assert potassium(amount="20", unit="U") is None
    assert calcium(amount="20", unit="U") is None


def test_a_dose_of_a_combination_is_not_that_of_one_of_its_ingredients() -> None:
    vitamins = frozenset({"colecalciferol", "retinol"})
    assert vitamin_d(amount="800", unit="IE", ingredients=vitamins) is None
    assert vitamin_d(amount="800", unit="IE", groups=frozenset({"vitamin-d", "calcium"})) is None
    assert calcium(amount="500", unit="mg", ingredients=COMBINATION) is None
    assert calcium(amount="500", unit="mg", ingredients=frozenset()) is None


def test_a_product_of_several_salts_of_one_element_has_the_dose_it_says() -> None:
    assert (
        potassium(amount="20", unit="mmol", ingredients=frozenset({"potassium-chloride", "potassium-compound"})) == 20
    )


def test_of_a_range_of_shares_the_lowest_counts() -> None:
    assert calcium(name="calciumcitraat", ingredients=frozenset({"calcium-citrate"}), amount="1000", unit="mg") == 210


def test_only_the_regular_part_of_an_order_counts() -> None:
    regular = Dosage(amount=Decimal(20), unit="mmol", per_day=Decimal(2))
    when_needed = Dosage(amount=Decimal(20), unit="mmol", per_day=Decimal(4), as_needed=True)
    both = drug("potassium-chloride", groups=frozenset({"potassium"}), dosages=(regular, when_needed))
    (supply,) = intake(both).potassium
    assert supply.per_day == 40


@pytest.mark.parametrize("route", ["topical", "ophthalmic", "inhaled"])
def test_a_local_route_supplies_nothing(route: str) -> None:
    assert intake(product("calcium-carbonate", "calcium", route=route)).calcium == ()


@pytest.mark.parametrize("word", ["elemental", "elementair", "elementaire"])
def test_every_word_for_elemental_is_understood(word: str) -> None:
    assert calcium(name=f"calcium carbonate 500 mg {word}") == 500


def test_the_strength_of_the_substance_is_meant_and_not_that_of_another() -> None:
    other, own = strength("colecalciferol", 20, "ug"), strength("calciumcarbonaat", 1250)
    assert calcium(strengths=(other, own), ingredients=COMBINATION) == 500
    assert calcium(strengths=(other, strength("Ca", 500)), ingredients=COMBINATION) == 500
    assert calcium(strengths=(other, strength("cacao", 500)), ingredients=COMBINATION) is None


def test_a_strength_that_names_nothing_is_that_of_a_product_with_one_ingredient() -> None:
    unnamed = strength("werkzame stof", 500)
    assert calcium(strengths=(unnamed,)) == 500
    assert calcium(strengths=(unnamed, unnamed)) is None
    assert calcium(strengths=(unnamed,), ingredients=COMBINATION) is None


def test_an_elemental_strength_goes_before_that_of_the_salt() -> None:
    assert calcium(strengths=(strength("calciumcarbonaat", 1250), strength("calcium (elemental)", 600))) == 600


def test_a_strength_that_cannot_be_converted_is_none() -> None:
    assert calcium(strengths=(strength("calcium", 500, "[IU]"),)) is None


def test_a_strength_of_two_tablets_is_halved() -> None:
    assert calcium(strengths=(strength("calcium (elemental)", 500, per=2),)) == 250


def test_volumes_are_compared_in_whatever_unit_they_are_written() -> None:
    assert calcium(strengths=(strength("calcium (elemental)", 5000, per_unit="L"),), amount="10", unit="mL") == 50
    assert potassium(name="kaliumchloride drank 1 mmol/ml", amount="0.2", unit="dL") == 20


def test_a_liquid_by_the_mass_of_an_unknown_salt_is_unknown() -> None:
    (supply,) = intake(product("potassium-compound", "potassium", "kalium drank 100 mg/ml", "10", "mL")).potassium
    assert supply.per_day is None


def test_a_decimal_in_a_name_is_read() -> None:
    assert calcium(name="calciumcarbonaat 1,25 g") == 500
    assert calcium(name="calciumcarbonaat 1.25 g") == 500
