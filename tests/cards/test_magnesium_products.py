"""Which magnesium products are one drug, which are supplements, and which get a line of their own."""

from __future__ import annotations

import pytest

from cards._families.magnesium_intake.family import same_drug
from cards._families.magnesium_intake.lines import is_supplement, product_lines
from cds_service.facts.records import Exposure
from tests.cards.drugs import drug
from tests.cards.test_magnesium_intake import intake, magnesium


def coded(ingredient: str, *atc: str) -> Exposure:
    return drug(ingredient, atc=frozenset(atc))


def product(*groups: str, route: str | None = "oral") -> Exposure:
    return drug("magnesium-oxide", groups=frozenset(groups), route=route)


def test_one_code_of_a_substance_makes_one_drug_whatever_the_ingredients() -> None:
    one, other = coded("magnesium-citrate", "A12CC04"), coded("magnesium-compound", "A12CC04", "A06AD19")
    assert same_drug(one, other)


def test_different_codes_of_substances_make_two_drugs_of_the_same_ingredients() -> None:
    assert not same_drug(coded("magnesium-oxide", "A12CC10"), coded("magnesium-oxide", "A02AA02"))


def test_a_code_of_a_whole_group_says_nothing_about_the_drug() -> None:
    assert not same_drug(coded("magnesium-oxide", "A12CC"), coded("magnesium-citrate", "A12CC"))
    assert same_drug(coded("magnesium-oxide", "A12CC"), coded("magnesium-oxide", "A02AA"))


def test_without_a_code_of_one_of_them_the_ingredients_decide() -> None:
    assert same_drug(coded("magnesium-oxide", "A12CC10"), coded("magnesium-oxide"))
    assert not same_drug(coded("magnesium-oxide", "A12CC10"), coded("magnesium-citrate"))


@pytest.mark.parametrize("route", ["oral", None])
def test_a_magnesium_salt_of_no_other_use_is_a_supplement(route: str | None) -> None:
    assert is_supplement(product("magnesium", route=route))
    assert not is_supplement(product(route=route))


@pytest.mark.parametrize(
    "use",
    ["laxative", "laxative-magnesium", "antacid", "antacid-mg-al", "bowel-preparation-magnesium",
     "phosphate-binder-magnesium", "multivitamin-mineral"],
)  # fmt: skip
def test_a_magnesium_salt_for_something_else_is_a_supplement_only_by_its_class(use: str) -> None:
    assert not is_supplement(product("magnesium", use))
    assert is_supplement(product("magnesium", "magnesium-supplement", use))


def test_magnesium_that_is_not_swallowed_is_no_supplement() -> None:
    assert not is_supplement(product("magnesium", "magnesium-supplement", route="intravenous"))


def test_a_product_without_a_recorded_route_is_counted_as_swallowed() -> None:
    assert len(intake(magnesium(amount="200", route=None)).lines) == 1


def test_what_a_draft_renews_has_no_line_of_its_own() -> None:
    taken, renewal = magnesium(amount="200", text="elemental"), magnesium(amount="300", status="draft")
    (line,) = product_lines(intake(taken, renewal))
    assert line.values["product"] is renewal
