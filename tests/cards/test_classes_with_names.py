"""An order that is coded with a class only: its name says which member of the class it is, and adds nothing else."""

from __future__ import annotations

import pytest

from cds_service.fhir.datatypes import Coding
from cds_service.fhir.read.drugs import Identity, identify
from cds_service.knowledge.vocabulary_systems import ATC
from tests.shipped import knowledge


def coded(atc: str, name: str) -> Identity:
    return identify([Coding(system=ATC, code=atc)], name, None, knowledge().vocabulary)


@pytest.mark.parametrize(
    ("atc", "name", "ingredient"),
    [
        ("A06AD", "magnesium hydroxide 724 mg 2dd", "magnesium-hydroxide"),
        ("A06AD", "magnesium oxide 500 mg", "magnesium-oxide"),
        ("A12CC", "magnesium bisglycinate 200 mg", "magnesium-bisglycinate"),
        ("C03D", "spironolactone 25 mg", "spironolactone"),
    ],
)
def test_a_name_says_which_member_of_a_class_an_order_is(atc: str, name: str, ingredient: str) -> None:
    assert coded(atc, name).ingredients == {ingredient}


def test_a_magnesium_laxative_without_its_own_code_is_a_magnesium_product() -> None:
    assert {"magnesium", "laxative"} <= coded("A06AD", "magnesium hydroxide 724 mg").groups


def test_a_salt_in_the_name_of_another_laxative_is_no_member_of_the_class() -> None:
    assert "potassium" not in coded("A06AD", "macrogol with potassium chloride").groups
