"""From fixed-length records in the G-Standaard's layout to a map. Codes and records are made up."""

from __future__ import annotations

from pathlib import Path

import pytest

from cds_service.errors import KnowledgeError
from cds_service.knowledge.drug_maps.file import ProductRow
from cds_service.knowledge.drug_maps.gstandaard import GPK, HPK, PRK, ZI, read_gstandaard
from tests.unit.drug_maps.shipped import record, vocabulary, write


def generic_product(gpk: str, gsk: str, atc: str, mutation: str = "0") -> str:
    return record("0711", 160, {6: gpk, 14: gsk, 119: atc}, mutation)


def composition(gsk: str, gnk: str, kind: str = "W") -> str:
    return record("0715", 64, {6: kind, 7: gsk, 15: gnk})


def substance(gnk: str, name: str, stem: str) -> str:
    return record("0750", 192, {6: gnk, 12: name, 62: stem})


def release(folder: Path) -> Path:
    write(
        folder / "BST711T",
        generic_product("00000101", "00000201", "A02BC01"),
        generic_product("00000102", "00000202", "C09BA03"),
        generic_product("00000103", "00000203", "A12CC10"),
        generic_product("00000104", "00000204", "Z"),
        generic_product("00000105", "00000205", "A02BC02", mutation="1"),
        generic_product("00000106", "00000206", "A02BC02"),
        generic_product("00000107", "00000207", "Y"),
    )
    write(
        folder / "BST715T",
        composition("00000201", "000301"),
        composition("00000201", "000309", kind="H"),
        composition("00000202", "000302"),
        composition("00000202", "000303"),
        composition("00000203", "000304"),
        composition("00000204", "000305"),
        composition("00000206", "000399"),
    )
    write(
        folder / "BST750T",
        substance("000301", "OMEPRAZOL", "000301"),
        substance("000302", "LISINOPRIL-2-WATER", "000306"),
        substance("000306", "LISINOPRIL", "000306"),
        substance("000303", "HYDROCHLOORTHIAZIDE", "000303"),
        substance("000304", "MAGNESIUMOXIDE", "000304"),
        substance("000305", "ONBESTAANBAARSTOF", "000305"),
        substance("000309", "LACTOSE", "000309"),
    )
    write(
        folder / "BST052T",
        record("0052", 128, {6: "00001101", 21: "00000101"}),
        record("0052", 128, {6: "00001103", 21: "00000103"}),
    )
    write(folder / "BST031T", record("0031", 480, {6: "00002101", 14: "00001101"}))
    write(folder / "BST004T", record("0004", 320, {6: "00003101", 14: "00002101"}))
    return folder


def rows(folder: Path) -> dict[tuple[str, str], ProductRow]:
    return {(row.system, row.code): row for row in read_gstandaard([folder], vocabulary())[0]}


@pytest.mark.parametrize(
    ("system", "code", "ingredients", "atc"),
    [
        (GPK, "101", "omeprazole", "A02BC01"),
        (PRK, "1101", "omeprazole", "A02BC01"),
        (HPK, "2101", "omeprazole", "A02BC01"),
        (ZI, "3101", "omeprazole", "A02BC01"),
        (GPK, "102", "hydrochlorothiazide+lisinopril", "C09BA03"),
        (PRK, "1103", "magnesium-oxide", "A12CC10"),
        (GPK, "104", "other", ""),
        (GPK, "106", "", "A02BC02"),
    ],
)
def test_every_level_has_the_substances_and_the_atc_code_of_its_generic_product(
    tmp_path: Path, system: str, code: str, ingredients: str, atc: str
) -> None:
    row = rows(release(tmp_path))[system, code]
    assert (row.ingredients, row.atc) == (ingredients, atc)


def test_removed_records_and_products_without_content_are_left_out(tmp_path: Path) -> None:
    found, counts = read_gstandaard([release(tmp_path)], vocabulary())
    assert {"105", "107"}.isdisjoint({row.code for row in found})
    assert counts["GPK without content"] == 1
    assert counts["PRK"] == 2


def test_an_atc_code_that_the_release_does_not_have_is_not_used(tmp_path: Path) -> None:
    folder = release(tmp_path)
    write(folder / "BST801T", record("0801", 192, {6: "A02BC01"}))
    assert rows(folder)[GPK, "102"].atc == ""
    assert rows(folder)[GPK, "101"].atc == "A02BC01"


def test_the_generic_products_are_enough_for_a_map(tmp_path: Path) -> None:
    file = write(tmp_path / "BST711T.txt", generic_product("00000101", "00000201", "A02BC01"))
    found, _ = read_gstandaard([file], vocabulary())
    assert found == [ProductRow(GPK, "101", "", "A02BC01")]


def test_without_the_generic_products_there_is_no_map(tmp_path: Path) -> None:
    write(tmp_path / "BST052T", record("0052", 128, {6: "00001101", 21: "00000101"}))
    with pytest.raises(KnowledgeError, match=r"BST711T:1: .*missing"):
        read_gstandaard([tmp_path], vocabulary())


@pytest.mark.parametrize("line", ["0715" + " " * 156, "0711 0000010100000201", "no record"])
def test_a_file_of_another_layout_is_refused_with_the_line(tmp_path: Path, line: str) -> None:
    write(tmp_path / "BST711T", generic_product("00000101", "00000201", "A02BC01"), line)
    with pytest.raises(KnowledgeError, match=r"BST711T:2: .*no record of BST711T"):
        read_gstandaard([tmp_path], vocabulary())
