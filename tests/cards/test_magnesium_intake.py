"""Elemental magnesium a day from what orders say: salts, strengths, millimoles, and what stays a range."""

from __future__ import annotations

from decimal import Decimal

from cards._families.magnesium_intake.family import MagnesiumIntake, magnesium_intake, whole
from cds_service.facts.patient import FamilyKnowledge, Limits, Needs, Patient
from cds_service.facts.records import Dosage, Exposure, Strength
from tests.cards.drugs import chart, drug

LIMITS = Limits(
    {
        "molar_mass": Decimal("24.305"),
        "valence": Decimal(2),
        "multivitamin_counts_from": Decimal(50),
        "binder_per_tablet": Decimal(60),
    },
    {},
)
GROUPS = frozenset({"magnesium", "multivitamin-mineral", "phosphate-binder-magnesium"})
SALTS = {
    "magnesium": {
        "magnesium-oxide": (Decimal("60.3"), Decimal("60.3")),
        "magnesium-citrate": (Decimal("11.3"), Decimal("16.2")),
        "magnesium-gluconate": (Decimal("5.39"), Decimal("5.86")),
        "magnesium-silicate": None,
        "magnesium-compound": None,
    }
}


def intake(*exposures: Exposure) -> MagnesiumIntake:
    needs = Needs(drugs=GROUPS, uses=frozenset({"magnesium-intake"}))
    families = {magnesium_intake: FamilyKnowledge("magnesium-intake", LIMITS, needs)}
    return Patient(chart(*exposures, salts=SALTS), needs, families).ask(magnesium_intake)


def bounds(*exposures: Exposure) -> tuple[int, int]:
    found = intake(*exposures)
    return int(whole(found.lower)), int(whole(found.upper))


def magnesium(
    salt: str = "magnesium-citrate",
    amount: str | None = None,
    unit: str = "mg",
    *,
    per_day: int | None = 1,
    strengths: tuple[Strength, ...] = (),
    text: str = "",
    as_needed: bool = False,
    **other: object,
) -> Exposure:
    dosage = Dosage(
        amount=None if amount is None else Decimal(amount),
        unit=unit,
        per_day=None if per_day is None else Decimal(per_day),
        as_needed=as_needed,
        text=text,
    )
    ingredients = frozenset({salt}) | frozenset(other.pop("beside", ()))  # type: ignore[call-overload]
    return drug(salt, ingredients=ingredients, groups=frozenset({"magnesium"}), dosages=(dosage,),
                strengths=strengths, as_needed=as_needed, **other)  # fmt: skip


def strength(ingredient: str, amount: str, unit: str = "mg", per: str = "1", per_unit: str = "tablet") -> Strength:
    return Strength(ingredient, Decimal(amount), unit, Decimal(per), per_unit)


def test_a_name_and_a_strength_are_two_readings() -> None:
    assert bounds(magnesium("magnesium-citrate", "1000")) == (113, 1000)


def test_elementair_in_the_name_is_a_statement() -> None:
    assert bounds(magnesium(amount="200", name="magnesiumcitraat 200 mg elementair")) == (200, 200)


def test_elemental_or_salt_not_stated_is_no_statement() -> None:
    assert bounds(magnesium(amount="1000", name="magnesium citrate (elemental or salt not stated)")) == (113, 1000)


def test_two_statements_that_contradict_each_other_are_no_statement() -> None:
    product = magnesium(amount="1000", name="magnesium citrate as salt", text="1000 mg elemental")
    assert bounds(product) == (113, 1000)


def test_as_salt_leaves_the_range_of_its_hydrates() -> None:
    assert bounds(magnesium(amount="1000", name="magnesiumcitraat als zout")) == (113, 162)


def test_a_listed_salt_ingredient_is_the_salt() -> None:
    listed = (strength("magnesium oxide", "500"),)
    assert bounds(magnesium("magnesium-oxide", "2", "tablet", strengths=listed)) == (603, 603)


def test_a_listed_ingredient_magnesium_is_the_element() -> None:
    assert bounds(magnesium(amount="1", unit="tablet", per_day=3, strengths=(strength("Magnesium", "100"),))) == (
        300,
        300,
    )


def test_a_listed_elemental_strength_is_taken_as_it_is() -> None:
    listed = (strength("magnesium (elemental)", "150"),)
    assert bounds(magnesium(amount="1", unit="tablet", strengths=listed)) == (150, 150)


def test_two_listed_salts_of_one_product_add_up() -> None:
    listed = (strength("magnesium (elemental) citrate", "100"), strength("magnesium (elemental) oxide", "150"))
    assert bounds(magnesium(amount="1", unit="tablet", strengths=listed)) == (250, 250)


def test_a_syrup_is_measured_by_its_volume() -> None:
    listed = (strength("magnesium (elemental)", "100", per="5", per_unit="mL"),)
    assert bounds(magnesium("magnesium-gluconate", "15", "ml", strengths=listed)) == (300, 300)


def test_a_tablet_of_a_syrup_cannot_be_computed() -> None:
    listed = (strength("magnesium (elemental)", "100", per="5", per_unit="mL"),)
    assert intake(magnesium(amount="1", unit="tablet", strengths=listed)).at_least


def test_the_strength_in_the_name_counts_per_tablet() -> None:
    assert bounds(magnesium("magnesium-oxide", "1", "tablet", per_day=2, name="magnesiumoxide 500 mg")) == (603, 1000)


def test_a_decimal_comma_in_the_name_is_read() -> None:
    named = magnesium(amount="1", unit="tablet", name="magnesiumcitraat 0,5 g elementair")
    assert bounds(named) == (500, 500)


def test_a_thousands_point_in_the_name_is_not_guessed() -> None:
    assert intake(magnesium(amount="1", unit="tablet", name="magnesiumcitraat 1.000 mg")).at_least


def test_two_strengths_in_the_name_are_not_guessed() -> None:
    assert intake(magnesium(amount="1", unit="tablet", name="magnesium 100 mg 400 mg")).at_least


def test_a_strength_per_volume_in_the_name_is_not_a_tablet() -> None:
    assert intake(magnesium(amount="1", unit="tablet", name="magnesiumgluconaat 100 mg/ml")).at_least


def test_millimoles_and_milliequivalents_are_never_ambiguous() -> None:
    assert bounds(magnesium(amount="10", unit="mmol")) == (243, 243)
    assert bounds(magnesium(amount="20", unit="meq")) == (243, 243)


def test_magnesium_without_a_salt_has_the_lowest_share_of_all_salts_as_lower_reading() -> None:
    assert bounds(magnesium("magnesium-compound", "400")) == (22, 400)


def test_a_dose_of_a_combination_is_not_the_dose_of_its_magnesium() -> None:
    found = intake(magnesium("magnesium-oxide", "800", beside=("aluminium-hydroxide",)))
    assert found.at_least
    assert found.lines[0].may_reach(Decimal(50))


def test_a_dose_without_a_frequency_is_unknown() -> None:
    assert intake(magnesium(amount="300", per_day=None, name="elementair magnesium")).at_least


def test_an_order_without_dosage_is_unknown_and_may_reach_any_limit() -> None:
    found = intake(drug("magnesium-oxide", groups=frozenset({"magnesium"})))
    assert found.at_least
    assert not found.lower
    assert found.may_reach(Decimal(100))


def test_what_is_taken_when_needed_stands_beside_the_sum() -> None:
    found = intake(magnesium(amount="200", text="elemental"), magnesium("magnesium-oxide", "500", as_needed=True))
    assert found.lower == found.upper == 200
    assert [whole(line.lower) for line in found.as_needed] == [302]


def test_drafts_are_in_the_sum_but_not_among_what_is_taken() -> None:
    taken = magnesium(amount="60", text="elemental")
    found = intake(taken, magnesium("magnesium-oxide", "90", text="elemental", status="draft"))
    assert found.lower == 150
    assert not found.may_reach(Decimal(100))
    assert found.may_reach(Decimal(60))


def test_a_draft_of_the_same_drug_replaces_what_is_taken() -> None:
    found = intake(magnesium(amount="200", text="elemental"), magnesium(amount="300", text="elemental", status="draft"))
    assert found.lower == 300
    assert found.may_reach(Decimal(200))


def test_intravenous_and_rectal_magnesium_are_not_in_the_sum() -> None:
    assert intake(magnesium(amount="2000", route="intravenous"), magnesium(amount="900", route="rectal")).lines == ()


def test_a_salt_without_a_known_share_has_the_widest_range() -> None:
    assert bounds(magnesium("magnesium-silicate", "500")) == (27, 500)


def test_a_volume_of_a_liquid_of_unknown_strength_cannot_be_computed() -> None:
    assert intake(magnesium(amount="10", unit="mL", name="magnesiumgluconaat 100 mg")).at_least


def test_a_strength_in_an_unknown_unit_or_a_volume_is_not_an_amount_of_magnesium() -> None:
    for unit in ("scoop", "mL"):
        listed = (strength("magnesium citrate", "5", unit),)
        assert intake(magnesium(amount="1", unit="tablet", strengths=listed)).at_least


def test_two_salts_in_one_dose_of_which_one_has_no_known_share_cannot_be_computed() -> None:
    assert intake(magnesium("magnesium-oxide", "500", beside=("magnesium-silicate",))).at_least
