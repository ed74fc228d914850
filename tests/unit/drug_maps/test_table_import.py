"""A site's own table as a drug map, and names of ingredients as other files write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.errors import KnowledgeError
from cds_service.knowledge.drug_maps.file import ProductRow
from cds_service.knowledge.drug_maps.ingredients import IngredientNames
from cds_service.knowledge.drug_maps.table import read_table
from tests.unit.drug_maps.shipped import vocabulary, write


def test_a_table_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path / "formulary.csv",
        "Code;System;ATC;Ingredients;Strength",
        "17;urn:site;;Omeprazol;",
        "18;urn:site;a12cc10;magnesium-oxide;magnesium oxide 400 mg",
        "19;urn:site;;other;",
    )
    rows, counts = read_table(path, vocabulary())
    assert rows == [
        ProductRow("urn:site", "17", "omeprazole"),
        ProductRow("urn:site", "18", "magnesium-oxide", "A12CC10", "", "magnesium oxide 400 mg"),
        ProductRow("urn:site", "19", "other"),
    ]
    assert counts == {"codes": 3}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("urn:site,,omeprazole", "no system or no code"),
        ("urn:site,1,unobtainium", "unobtainium is none of our ingredients"),
        ("urn:site,1,", "neither ingredients nor an ATC code"),
        ("urn:site,0,lisinopril", "0 stands here twice"),
    ],
)
def test_a_line_that_is_not_understood_is_refused_with_its_number(tmp_path: Path, line: str, problem: str) -> None:
    path = write(tmp_path / "formulary.csv", "system,code,ingredients", "urn:site,0,omeprazole", line)
    with pytest.raises(KnowledgeError, match=f"formulary.csv:3: .*{problem}"):
        read_table(path, vocabulary())


def test_a_table_in_another_encoding_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "formulary.csv"
    path.write_bytes("system;code;ingredients\nurn:site;1;natriumpicosulfaat à 5 mg\n".encode("cp1252"))
    with pytest.raises(KnowledgeError, match="save it as CSV in UTF-8"):
        read_table(path, vocabulary())


def test_a_table_without_a_heading_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="heading"):
        read_table(write(tmp_path / "formulary.csv", "urn:site,1,omeprazole"), vocabulary())


@pytest.mark.parametrize(
    ("name", "ingredient"),
    [
        ("OMEPRAZOL", "omeprazole"),
        ("METOPROLOLTARTRAAT", "metoprolol-tartrate"),
        ("ENALAPRILMALEAAT", "enalapril"),
        ("Pantoprazole sodium", "pantoprazole"),
        ("PANTOPRAZOLNATRIUM", "pantoprazole"),
        ("MAGNESIUMSTEARAAT", None),
        ("magnesium stearate", None),
        ("calcium chloride dihydrate", "calcium-chloride"),
        ("unobtainium hydrochloride", None),
        ("", None),
    ],
)
def test_an_ingredient_is_found_by_its_name_without_its_salt(name: str, ingredient: str | None) -> None:
    assert IngredientNames(vocabulary()).of_name(name) == ingredient
