"""Which words, strengths and units of a magnesium product are understood, and which leave its dose unknown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.cards.test_magnesium_intake import bounds, intake, magnesium, strength


@pytest.mark.parametrize("word", ["not", "non", "niet", "geen", "no", "unknown", "onbekend", "unclear", "onduidelijk"])
def test_a_word_that_leaves_it_open_is_no_statement(word: str) -> None:
    assert bounds(magnesium(amount="1000", name=f"magnesium citrate (elemental {word})")) == (113, 1000)


@pytest.mark.parametrize("word", ["elemental", "elementair", "elementaire", "elementar"])
def test_every_word_for_elemental_is_a_statement(word: str) -> None:
    assert bounds(magnesium(amount="200", name=f"magnesium citrate 200 mg {word}")) == (200, 200)


@pytest.mark.parametrize("name", ["magnesium", "Mg", "magnesium ion", "magnesiumion"])
def test_a_listed_strength_of_magnesium_itself_is_elemental(name: str) -> None:
    assert bounds(magnesium(amount="1", unit="tablet", strengths=(strength(name, "100"),))) == (100, 100)


def test_the_strength_of_another_ingredient_is_left_out() -> None:
    listed = (strength("pyridoxine", "10"), strength("magnesium (elemental)", "150"))
    assert bounds(magnesium(amount="1", unit="tablet", strengths=listed)) == (150, 150)


@pytest.mark.parametrize("unit", ["stuk", "mg/mL", "mL", "U"])
def test_a_strength_in_a_unit_that_is_no_amount_is_unknown(unit: str) -> None:
    listed = (strength("magnesium (elemental)", "150", unit),)
    assert intake(magnesium(amount="1", unit="tablet", strengths=listed)).at_least


def test_a_strength_in_a_name_is_not_that_of_a_volume() -> None:
    assert intake(magnesium(amount="5", unit="mL", name="magnesiumcitraat 100 mg")).at_least


def test_an_amount_is_converted_by_its_unit() -> None:
    assert bounds(magnesium(amount="0.001", unit="kg", text="elemental")) == (1000, 1000)
    assert bounds(magnesium(amount="0.2", unit="g", text="elemental")) == (200, 200)


def test_a_salt_of_unknown_share_beside_another_leaves_the_mass_unknown() -> None:
    assert intake(magnesium("magnesium-silicate", "500", beside=("magnesium-oxide",))).at_least


def test_what_a_strength_is_stated_for_is_compared_with_the_dose() -> None:
    per_gram = (strength("magnesium (elemental)", "100", per="5", per_unit="g"),)
    assert intake(magnesium(amount="10", unit="mL", strengths=per_gram)).at_least
    per_litre = (strength("magnesium (elemental)", "10000", per="1", per_unit="L"),)
    assert bounds(magnesium(amount="10", unit="mL", strengths=per_litre)) == (100, 100)
    assert intake(magnesium(amount="1", unit="tablet", strengths=per_litre)).at_least
    per_two = (strength("magnesium (elemental)", "100", per="2"),)
    assert bounds(magnesium(amount="1", unit="tablet", strengths=per_two)) == (50, 50)


@pytest.mark.parametrize("words", ["elemental (as salt)", "elementair (als zout)"])
def test_a_name_that_says_both_element_and_salt_is_no_statement(words: str) -> None:
    assert bounds(magnesium(amount="1000", name=f"magnesium citrate {words}")) == (113, 1000)


def test_two_salts_of_one_product_leave_every_share_between_theirs_open() -> None:
    assert bounds(magnesium("magnesium-oxide", "1000", beside=("magnesium-citrate",), text="as salt")) == (113, 603)


def test_a_dose_without_an_amount_is_unknown() -> None:
    assert intake(magnesium(amount=None, text="elemental")).at_least
    assert intake(magnesium(amount=None, unit="tablet", strengths=(strength("magnesium", "100"),))).at_least


def test_a_listed_salt_of_no_one_share_is_a_range() -> None:
    listed = (strength("magnesium citrate", "1000"),)
    assert bounds(magnesium(amount="2", unit="tablet", strengths=listed)) == (226, 324)


def test_an_ingredient_listed_twice_is_one_ingredient_with_two_readings() -> None:
    listed = (strength("Magnesium", "100"), strength("magnesium", "150"))
    assert bounds(magnesium(amount="1", unit="tablet", strengths=listed)) == (100, 150)


def test_the_one_listed_strength_of_a_combination_is_not_that_of_its_magnesium() -> None:
    listed = (strength("aluminium hydroxide", "200"),)
    combination = magnesium("magnesium-oxide", "1", "tablet", beside=("aluminium-hydroxide",), strengths=listed)
    assert intake(combination).at_least


def test_one_product_of_unknown_dose_is_enough_for_any_limit() -> None:
    found = intake(magnesium(amount="60", text="elemental"), magnesium("magnesium-oxide"))
    assert found.may_reach(Decimal(100))
