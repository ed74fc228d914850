"""How names are compared: without case, accents and punctuation."""

from __future__ import annotations

import pytest

from cds_service.facts.vocabulary import normal_name
from cds_service.fhir.read.drugs import drug_names
from tests.shipped import released


def test_an_accent_belongs_to_its_letter_and_does_not_part_a_word() -> None:
    assert normal_name("Hypomagnésémie") == normal_name("hypomagnesemie") == "hypomagnesemie"


@pytest.mark.parametrize(
    "element",
    [
        "magnesium",
        "calcium",
        "potassium",
        "kalium",
        "zinc",
        "zink",
        "iron",
        "ijzer",
        "aluminium",
        "aluminum",
        "lithium",
    ],
)
def test_an_element_after_a_drug_is_its_counter_ion(element: str) -> None:
    names = drug_names(released().vocabulary)
    assert names.identify((), f"losartan {element}").ingredients == {"losartan"}
    assert names.identify((), f"{element} tablet").ingredients


@pytest.mark.parametrize("element", ["sodium", "natrium"])
def test_an_element_that_no_rule_knows_hides_no_other(element: str) -> None:
    assert drug_names(released().vocabulary).identify((), f"{element} magnesium").ingredients == {"magnesium-compound"}
