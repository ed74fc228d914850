"""From RxNorm's layout to a map: products, packs, brands and salts down to our ingredients."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.errors import KnowledgeError
from cds_service.knowledge.drug_maps.rxnorm import read_rxnorm
from tests.unit.drug_maps.shipped import LISINOPRIL, MAGNESIUM_OXIDE, THIAZIDE, concept, relation, vocabulary, write

CONCEPTS = [
    concept(LISINOPRIL, "IN", "lisinopril"),
    concept(THIAZIDE, "IN", "hydrochlorothiazide"),
    concept(MAGNESIUM_OXIDE, "IN", "magnesium oxide"),
    concept("900001", "IN", "unobtainium"),
    concept("900002", "PIN", "lisinopril dihydrate"),
    concept("910001", "SCDC", "lisinopril 10 MG"),
    concept("910002", "SCDC", "hydrochlorothiazide 12.5 MG"),
    concept("910003", "SCDC", "magnesium oxide 400 MG"),
    concept("910004", "SCDC", "unobtainium 5 MG"),
    concept("920001", "SCD", "hydrochlorothiazide 12.5 MG / lisinopril 10 MG Oral Tablet"),
    concept("920002", "SCD", "magnesium oxide 400 MG Oral Tablet"),
    concept("920003", "SCD", "unobtainium 5 MG Oral Tablet"),
    concept("920004", "SCD", "lost 5 MG Oral Tablet"),
    concept("920005", "SCD", "obsolete 5 MG Oral Tablet", suppress="O"),
    concept("930001", "SBD", "hydrochlorothiazide 12.5 MG / lisinopril 10 MG Oral Tablet [Brandname]"),
    concept("940001", "GPCK", "pack of both"),
    concept("940002", "BPCK", "pack of both [Brandname]"),
    concept("950001", "SCDF", "lisinopril Oral Tablet"),
    concept("960001", "MIN", "hydrochlorothiazide / lisinopril"),
    concept("970001", "BN", "Brandname"),
    concept("980001", "SCD", "of another source", sab="OTHER"),
]
RELATIONS = [
    relation("910001", "has_ingredient", LISINOPRIL),
    relation("910001", "has_precise_ingredient", "900002"),
    relation("900002", "form_of", LISINOPRIL),
    relation("910002", "has_ingredient", THIAZIDE),
    relation("910003", "has_ingredient", MAGNESIUM_OXIDE),
    relation("910004", "has_ingredient", "900001"),
    relation("920001", "consists_of", "910001"),
    relation("920001", "consists_of", "910002"),
    relation("920002", "consists_of", "910003"),
    relation("920003", "consists_of", "910004"),
    relation("920004", "consists_of", "910001", sab="OTHER"),
    relation("910001", "constitutes", "920001"),
    relation("930001", "tradename_of", "920001"),
    relation("930001", "has_ingredient", "970001"),
    relation("940001", "contains", "920001"),
    relation("940001", "contains", "920002"),
    relation("940002", "tradename_of", "940001"),
    relation("950001", "has_ingredient", LISINOPRIL),
    relation("960001", "has_part", LISINOPRIL),
    relation("960001", "has_part", THIAZIDE),
    relation("970001", "tradename_of", LISINOPRIL),
    relation("970001", "tradename_of", THIAZIDE),
]
BOTH = "hydrochlorothiazide+lisinopril"


def release(folder: Path, **more: list[str]) -> Path:
    write(folder / "RXNCONSO.RRF", *CONCEPTS)
    write(folder / "RXNREL.RRF", *RELATIONS)
    for name, lines in more.items():
        write(folder / f"{name}.RRF", *lines)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {row.code: row.ingredients for row in read_rxnorm(folder, vocabulary())[0]}


@pytest.mark.parametrize(
    ("code", "ingredients"),
    [
        ("910001", "lisinopril"),
        ("920001", BOTH),
        ("920002", "magnesium-oxide"),
        ("920003", "other"),
        ("930001", BOTH),
        ("940001", f"{BOTH}+magnesium-oxide"),
        ("940002", f"{BOTH}+magnesium-oxide"),
        ("950001", "lisinopril"),
        ("960001", BOTH),
        ("970001", BOTH),
        ("900002", "lisinopril"),
    ],
)
def test_every_kind_of_product_leads_to_its_ingredients(tmp_path: Path, code: str, ingredients: str) -> None:
    assert contents(release(tmp_path))[code] == ingredients


def test_what_leads_nowhere_or_is_not_rxnorms_own_is_left_out_and_counted(tmp_path: Path) -> None:
    rows, counts = read_rxnorm(release(tmp_path), vocabulary())
    assert {row.code for row in rows}.isdisjoint({"920004", "920005", "980001", LISINOPRIL})
    assert counts["without ingredients"] == 1


def test_the_content_of_a_product_with_a_mineral_is_kept_in_ucum(tmp_path: Path) -> None:
    strengths = {row.code: row.strength for row in read_rxnorm(release(tmp_path), vocabulary())[0]}
    assert strengths["920002"] == "magnesium oxide 400 mg"
    assert strengths["920001"] == ""
    assert strengths["940001"] == ""


def test_retired_codes_stand_for_what_they_were_merged_into(tmp_path: Path) -> None:
    archive = ["", "", "old", "", "", "", "800001", "", "ENG", "", "", "", "800001", "RXNORM", "SCD", "800002"]
    folder = release(
        tmp_path, RXNATOMARCHIVE=["|".join(archive) + "|"], RXNCUI=["800002|10AA_000101F|10AB_000101F|1|920002|"]
    )
    found = contents(folder)
    assert found["800001"] == found["800002"] == "magnesium-oxide"


def test_ndc_codes_stand_for_their_product(tmp_path: Path) -> None:
    line = ["920002", "", "", "A1", "AUI", "920002", "", "", "NDC", "RXNORM", "00000000101", "N", ""]
    other = ["920002", "", "", "A1", "AUI", "920002", "", "", "NDC", "MTHSPL", "00000000202", "N", ""]
    rows, counts = read_rxnorm(release(tmp_path, RXNSAT=["|".join(line) + "|", "|".join(other) + "|"]), vocabulary())
    ndc = [row for row in rows if row.system == "http://hl7.org/fhir/sid/ndc"]
    assert [(row.code, row.ingredients) for row in ndc] == [("00000000101", "magnesium-oxide")]
    assert counts["NDC codes"] == 1


def test_relations_in_a_circle_end(tmp_path: Path) -> None:
    folder = release(tmp_path)
    write(folder / "RXNREL.RRF", relation("940002", "tradename_of", "940001"), relation("940001", "contains", "920001"))
    assert "940002" not in contents(folder)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match=r"RXNCONSO.RRF:1: .*missing.*folder rrf"):
        read_rxnorm(tmp_path, vocabulary())


def test_a_file_of_another_layout_is_refused_with_the_line(tmp_path: Path) -> None:
    folder = release(tmp_path)
    write(folder / "RXNREL.RRF", RELATIONS[0], "1|2|3")
    with pytest.raises(KnowledgeError, match=r"RXNREL.RRF:2: .*3 fields instead of 16"):
        read_rxnorm(folder, vocabulary())
