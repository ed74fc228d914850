"""Potassium, calcium and vitamin D a day from what orders say: salts, strengths, names, and what stays unknown."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cards._families.daily_intake.family import DailyIntake, daily_intake, total
from cds_service.facts.patient import FamilyKnowledge, Limits, Needs, Patient
from cds_service.facts.records import Dosage, Exposure, Strength
from tests.cards.drugs import chart, drug

LIMITS = Limits(
    {
        "potassium_mass": Decimal("39.098"),
        "calcium_mass": Decimal("40.078"),
        "calcium_valence": Decimal(2),
        "vitamin_d_units": Decimal(40),
    },
    {},
)
GROUPS = frozenset({"potassium", "calcium", "vitamin-d"})
SALTS = {
    "potassium": {"potassium-chloride": (Decimal("52.4"), Decimal("52.4")), "potassium-compound": None},
    "calcium": {
        "calcium-carbonate": (Decimal("40.0"), Decimal("40.0")),
        "calcium-citrate": (Decimal("21.0"), Decimal("24.1")),
        "calcium-compound": None,
    },
}


def intake(*exposures: Exposure) -> DailyIntake:
    needs = Needs(drugs=GROUPS, uses=frozenset({"daily-intake"}))
    families = {daily_intake: FamilyKnowledge("daily-intake", LIMITS, needs)}
    return Patient(chart(*exposures, salts=SALTS), needs, families).ask(daily_intake)


def product(
    ingredient: str, group: str, name: str = "", amount: str | None = "1", unit: str = "tablet", **other: object
) -> Exposure:
    per_day = other.pop("per_day", 1)
    dosage = Dosage(
        amount=None if amount is None else Decimal(amount),
        unit=unit,
        per_day=None if per_day is None else Decimal(str(per_day)),
        as_needed=bool(other.pop("as_needed", False)),
    )
    fields = {"name": name or ingredient, "groups": frozenset({group}), "dosages": (dosage,)} | other
    return drug(ingredient, **fields)


def potassium(**other: object) -> Decimal | None:
    (supply,) = intake(product("potassium-chloride", "potassium", **other)).potassium  # type: ignore[arg-type]
    return None if supply.per_day is None else supply.per_day.quantize(Decimal(1))


def calcium(**other: object) -> Decimal | None:
    (supply,) = intake(product("calcium-carbonate", "calcium", **other)).calcium  # type: ignore[arg-type]
    return None if supply.per_day is None else supply.per_day.quantize(Decimal(1))


def vitamin_d(**other: object) -> Decimal | None:
    (supply,) = intake(product("colecalciferol", "vitamin-d", **other)).vitamin_d  # type: ignore[arg-type]
    return None if supply.per_day is None else supply.per_day.quantize(Decimal(1))


def test_potassium_in_millimoles_counts_as_it_is() -> None:
    assert potassium(amount="20", unit="mmol", per_day=3) == 60
    assert potassium(amount="20", unit="meq", per_day=2) == 40


def test_potassium_by_mass_is_that_of_its_salt() -> None:
    assert potassium(amount="600", unit="mg", per_day=3) == 24
    assert potassium(name="Slow-K 600 mg", per_day=3) == 24


def test_potassium_of_a_liquid_follows_its_concentration() -> None:
    assert potassium(name="kaliumchloride drank 1 mmol/ml", amount="20", unit="mL", per_day=2) == 40
    assert potassium(name="kaliumchloride 20 mmol", amount="20", unit="mL") is None


def test_potassium_of_unknown_salt_has_no_mass() -> None:
    (supply,) = intake(product("potassium-compound", "potassium", amount="600", unit="mg")).potassium
    assert supply.per_day is None


@pytest.mark.parametrize("missing", [{"amount": None}, {"per_day": None}])
def test_half_a_dose_is_no_dose(missing: dict[str, object]) -> None:
    assert potassium(**({"unit": "mmol"} | missing)) is None


def test_calcium_of_a_brand_is_elemental_and_of_a_named_salt_is_not() -> None:
    assert calcium(name="Calci-Chew 500 mg", per_day=2) == 1000
    assert calcium(name="calciumcarbonaat 1250 mg", per_day=2) == 1000
    assert calcium(name="calciumcarbonaat 1000 mg elementair", per_day=1) == 1000


def test_calcium_in_millimoles_becomes_milligrams() -> None:
    assert calcium(amount="25", unit="mmol") == 1002
    assert calcium(amount="50", unit="meq") == 1002


def test_a_strength_says_what_one_tablet_holds() -> None:
    elemental = Strength("calcium (elemental)", Decimal(500), "mg", Decimal(1), "tablet")
    salt = Strength("calciumcarbonaat", Decimal(1250), "mg", Decimal(1), "tablet")
    assert calcium(strengths=(elemental,), per_day=2) == 1000
    assert calcium(strengths=(salt, elemental), per_day=1) == 500
    assert calcium(strengths=(salt,), per_day=1) == 500
    assert calcium(strengths=(salt,), unit="mL") is None


def test_a_strength_per_volume_goes_with_a_volume() -> None:
    syrup = Strength("calciumcarbonaat", Decimal(250), "mg", Decimal(5), "mL")
    assert calcium(strengths=(syrup,), amount="10", unit="mL") == 200


def test_vitamin_d_in_units_becomes_micrograms() -> None:
    assert vitamin_d(amount="2000", unit="[IU]") == 50
    assert vitamin_d(amount="800", unit="IE") == 20
    assert vitamin_d(name="D-Cura 25.000 IE", per_day=Decimal(1) / 7) == 89
    assert vitamin_d(amount="50", unit="ug") == 50


def test_a_combination_is_read_from_its_name() -> None:
    both = product(
        "calcium-carbonate",
        "calcium",
        "Calci-Chew D3 500mg/800IE",
        per_day=2,
        ingredients=frozenset({"calcium-carbonate", "colecalciferol"}),
        groups=frozenset({"calcium", "vitamin-d"}),
    )
    found = intake(both)
    assert (total(found.calcium), total(found.vitamin_d)) == (Decimal(1000), Decimal(40))


def test_two_strengths_in_a_name_are_none() -> None:
    assert calcium(name="calciumcarbonaat 1,25 g (500 mg Ca)") is None


def test_drugs_taken_when_needed_or_on_the_skin_do_not_count() -> None:
    assert intake(product("potassium-chloride", "potassium", as_needed=True)).potassium == ()
    assert intake(product("calcium-carbonate", "calcium", route="topical")).calcium == ()
    assert intake(drug("calcium-carbonate", groups=frozenset({"calcium"}), as_needed=True)).calcium == ()


def test_active_vitamin_d_is_not_added_up() -> None:
    active = product("calcitriol", "vitamin-d", groups=frozenset({"vitamin-d", "vitamin-d-active"}), unit="ug")
    assert intake(active).vitamin_d == ()


def test_an_unknown_dose_leaves_the_sum_a_minimum() -> None:
    known = product("potassium-chloride", "potassium", amount="40", unit="mmol")
    unknown = product("potassium-chloride", "potassium", amount=None)
    assert total(intake(known, unknown).potassium) == 40


def test_a_calcium_dose_in_units_of_activity_cannot_be_computed() -> None:
    assert calcium(amount="800", unit="[IU]") is None
