"""How much vitamin D a day the orders say, for the rules about 25-OH vitamin D."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cards._families.vitamin_d_intake.family import vitamin_d_intake
from cds_service.facts.records import Dosage, Exposure, Strength
from tests.cards.asking import ask, taken


def product(name: str = "colecalciferol", amount: str | None = "1", unit: str = "tablet", **other: Any) -> Exposure:
    per_day = other.pop("per_day", 1)
    dosage = Dosage(None if amount is None else Decimal(amount), unit, None if per_day is None else Decimal(per_day))
    return taken("vitamin-d", **({"name": name, "dosages": (dosage,)} | other))


def per_day(*exposures: Exposure) -> Decimal | None:
    (line,) = ask(vitamin_d_intake, *exposures).lines
    return line.per_day if line.per_day is None else Decimal(line.per_day)


def strength(ingredient: str, amount: str, unit: str = "ug", per: str = "1", per_unit: str = "tablet") -> Strength:
    return Strength(ingredient, Decimal(amount), unit, Decimal(per), per_unit)


@pytest.mark.parametrize("word", ["IU", "IE", "E", "eenheden", "units", "iu", "ie"])
def test_every_word_for_units_is_understood(word: str) -> None:
    assert per_day(product(f"D3 800 {word}")) == 20
    assert per_day(product(amount="800", unit=word)) == 20
    assert per_day(product(f"D3 25.000 {word}")) == 625


@pytest.mark.parametrize("word", ["ug", "µg", "μg", "mcg", "microgram"])
def test_every_word_for_micrograms_is_understood(word: str) -> None:
    assert per_day(product(f"D3 12,5 {word}")) == Decimal("12.5")
    assert per_day(product(amount="20", unit=word)) == 20
    assert per_day(product(f"D3 1.000 {word}")) is None


def test_a_mass_is_converted_to_micrograms() -> None:
    assert per_day(product(amount="0.05", unit="mg")) == 50
    assert per_day(product(amount="0.00000005", unit="kg")) == 50
    assert per_day(product(amount="2", unit="k[IU]")) == 50


@pytest.mark.parametrize("unit", ["mg/mL", "nmol", "mL"])
def test_another_unit_says_nothing(unit: str) -> None:
    assert per_day(product(amount="1", unit=unit)) is None


@pytest.mark.parametrize("word", ["d", "dag", "day", "24h", "DAG"])
def test_without_a_dose_a_name_may_say_how_much_a_day(word: str) -> None:
    for order in (product(f"D3 800 IE/{word}", dosages=()), product(f"D3 800 IE per {word}", amount=None),
                  product(f"D3 800 IE/{word}", per_day=None)):  # fmt: skip
        assert per_day(order) == 20


def test_without_a_dose_a_name_that_says_no_day_says_nothing() -> None:
    for name in ("D3 800 IE", "D3 5600 IE/week", "D3", "D3 800 IE/d of 400 IE/d"):
        assert per_day(product(name, dosages=())) is None
        assert per_day(product(name, amount=None)) is None


def test_the_strength_of_vitamin_d_is_meant() -> None:
    both = frozenset({"colecalciferol", "retinol"})
    retinol, own = strength("retinol", "900"), strength("Colecalciferol", "20")
    assert per_day(product(strengths=(retinol, own), ingredients=both)) == 20
    assert per_day(product(strengths=(retinol,), ingredients=both)) is None
    assert per_day(product(strengths=(strength("werkzame stof", "20"),))) == 20
    assert per_day(product(strengths=(strength("colecalciferol", "20", per="2"),))) == 10
    assert per_day(product(strengths=(strength("colecalciferol", "20", "mL"),))) is None


def test_a_strength_is_for_what_is_taken() -> None:
    drops = strength("colecalciferol", "100", per="1", per_unit="mL")
    assert per_day(product(amount="2", unit="mL", strengths=(drops,))) == 200
    assert per_day(product(amount="2", unit="ML", strengths=(drops,))) is None
    assert per_day(product(amount="2", unit="tablet", strengths=(drops,))) is None
    assert per_day(product("D3 100 ug/ml", amount="2", unit="mL")) == 200
    assert per_day(product("D3 100 ug/ml", amount="2", unit="drops")) is None
    assert per_day(product("D3 100 ug", amount="2", unit="capsule")) == 200


def test_regular_dosages_add_up_and_the_rest_is_left_out() -> None:
    twice = Dosage(Decimal(400), "IE", Decimal(1))
    extra = Dosage(Decimal(9000), "IE", Decimal(1), as_needed=True)
    assert per_day(product(dosages=(twice, twice))) == 20
    assert per_day(product(dosages=(twice, extra))) == 10
    assert per_day(product(dosages=(extra,))) is None
    assert per_day(product(dosages=(twice, Dosage(Decimal(1), "drop", Decimal(1))))) is None


def test_only_products_in_regular_use_that_raise_the_level_are_lines() -> None:
    known, unknown = product(amount="800", unit="IE"), product()
    found = ask(vitamin_d_intake, known, unknown)
    assert (found.known, found.complete, len(found.lines)) == (20, False, 2)
    assert ask(vitamin_d_intake, known).complete
    active = product(groups=frozenset({"vitamin-d", "vitamin-d-active"}))
    assert ask(vitamin_d_intake, active, product(as_needed=True)).lines == ()


def test_a_strength_by_weight_is_not_that_of_a_volume() -> None:
    assert per_day(product(unit="mL", strengths=(strength("colecalciferol", "20", per_unit="g"),))) is None


@pytest.mark.parametrize("name", ["D3 1.000 mg", "D3 1.5.5 ug", "D3 1,5.5 IE"])
def test_a_number_that_may_be_several_is_not_guessed(name: str) -> None:
    assert per_day(product(name)) is None
