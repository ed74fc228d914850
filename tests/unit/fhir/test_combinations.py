"""A combined product known by its name belongs to the groups that its ATC code implies."""

from __future__ import annotations

import pytest

from cds_service.fhir.datatypes import Coding
from cds_service.fhir.read.drugs import Identity, identify
from tests.shipped import released
from tests.unit.fhir.charts import ATC

VOCABULARY = released().vocabulary


def by_name(text: str) -> Identity:
    return identify([], text, None, VOCABULARY)


def by_code(code: str) -> Identity:
    return identify([Coding(ATC, code)], "", None, VOCABULARY)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("calcium acetate/magnesium carbonate 435 MG / 235 MG Oral Tablet", "V03AE04"),
        ("Calciumacetaat/magnesiumcarbonaat", "V03AE04"),
        ("OsvaRen filmomhulde tablet", "V03AE04"),
        ("sodium picosulfate/magnesium citrate", "A06AB58"),
        ("Natriumpicosulfaat, magnesiumoxide, citroenzuur poeder", "A06AB58"),
        ("Picoprep poeder", "A06AB58"),
    ],
)
def test_a_name_and_a_code_give_the_same_groups(text: str, code: str) -> None:
    assert by_name(text).groups >= by_code(code).groups


@pytest.mark.parametrize(
    "text", ["calcium carbonate/magnesium carbonate", "calcium acetate", "magnesium carbonate", "sodium picosulfate"]
)
def test_other_ingredients_are_no_phosphate_binder_with_magnesium_and_no_bowel_preparation(text: str) -> None:
    assert by_name(text).groups.isdisjoint({"phosphate-binder-magnesium", "bowel-preparation-magnesium"})


def test_a_code_for_any_salts_adds_nothing_to_a_product_of_known_salts() -> None:
    assert "cation-calcium" in by_code("A02AD01").groups
    assert "cation-calcium" not in by_name("Maalox kauwtablet").groups
