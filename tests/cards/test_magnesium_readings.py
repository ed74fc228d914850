"""Which words, strengths and units of a magnesium product are understood, and which leave its dose unknown."""

from __future__ import annotations

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
