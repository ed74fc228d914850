"""Names as other countries and lists write them: inverted, German, branded. On the vocabulary as shipped."""

from __future__ import annotations

import pytest

from cds_service.fhir.read.drugs import drug_names
from tests.shipped import released


@pytest.mark.parametrize(
    ("text", "ingredients"),
    [
        ("Estrogens, Conjugated (USP) 0.625 MG Oral Tablet", {"conjugated-estrogens"}),
        ("Morphin", {"morphine"}),
        ("Topiramat 25 mg Filmtabletten", {"topiramate"}),
        ("Acetylsalicylsäure 100 mg", {"acetylsalicylic-acid"}),
        ("Kombiglyze XR Tablet 5/500mg", {"metformin", "saxagliptin"}),
        ("Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet", {"amoxicillin", "clavulanic-acid"}),
        ("Lisinopril, 10 mg, hydrochlorothiazide", {"lisinopril", "hydrochlorothiazide"}),
        ("morphinelike", set()),
        ("Apricot kernels", set()),
    ],
)
def test_a_name_is_understood_as_it_is_written(text: str, ingredients: set[str]) -> None:
    assert drug_names(released().vocabulary).identify((), text).ingredients == ingredients
