"""The file of a drug map: what is written is read, and nothing else is."""

from __future__ import annotations

import gzip
from datetime import date
from pathlib import Path

import pytest

from cds_service.errors import KnowledgeError
from cds_service.facts.vocabulary import MappedDrug
from cds_service.knowledge.drug_maps.file import (
    ProductRow,
    map_name,
    read_drug_map,
    read_header,
    write_drug_map,
)
from cds_service.knowledge.sources import DEFAULT_CARDS
from tests.unit.drug_maps.shipped import vocabulary

SITE = "urn:site:drugs"
ROWS = [
    ProductRow(SITE, "2", "lisinopril+other", "C09BA03"),
    ProductRow(SITE, "1", "magnesium-oxide", "", "oral", "magnesium oxide 400 mg"),
    ProductRow("urn:oid:2.16.840.1.113883.6.88", "99", "other"),
]


def written(path: Path, rows: list[ProductRow] | None = None) -> Path:
    write_drug_map(path, ROWS if rows is None else rows, source="s", version="1", created=date(2026, 11, 1), tool="t")
    return path


@pytest.mark.parametrize("name", ["map.csv", "map.csv.gz"])
def test_what_is_written_is_read(tmp_path: Path, name: str) -> None:
    found = read_drug_map(written(tmp_path / name), vocabulary())
    assert found.header.rows == 3
    assert found.header.ours == 2
    assert found.header.codes == {SITE: 2, "urn:oid:2.16.840.1.113883.6.88": 1}
    assert found.drugs[SITE]["2"] == MappedDrug(frozenset({"lisinopril"}), frozenset({"C09BA03"}))
    oxide = found.drugs[SITE]["1"]
    assert (oxide.route, str(oxide.strengths[0].amount), oxide.strengths[0].unit) == ("oral", "400", "mg")


def test_a_system_is_read_under_its_canonical_name(tmp_path: Path) -> None:
    drugs = read_drug_map(written(tmp_path / "map.csv"), vocabulary()).drugs
    assert drugs["http://www.nlm.nih.gov/research/umls/rxnorm"]["99"] == MappedDrug()


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    one, other = written(tmp_path / "a.csv.gz"), written(tmp_path / "b.csv.gz", ROWS[::-1])
    assert one.read_bytes() == other.read_bytes()


def test_a_map_that_was_edited_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "map.csv")
    path.write_text(path.read_text().replace("lisinopril", "omeprazole"))
    with pytest.raises(KnowledgeError, match=r"map.csv:1: .*changed after it was made.*drug_codes"):
        read_drug_map(path, vocabulary())


@pytest.mark.parametrize(
    ("row", "line", "problem"),
    [
        (ProductRow(SITE, "3", "unobtainium"), 3, "no ingredient unobtainium"),
        (ProductRow(SITE, "3"), 3, "neither ingredients nor an ATC code"),
        (ProductRow(SITE, "3", "lisinopril", route="telepathic"), 3, "no route telepathic"),
        (ProductRow(SITE, "3", "lisinopril", strength="a lot"), 3, "a lot is no strength"),
    ],
)
def test_a_line_that_means_nothing_is_refused_with_its_number(
    tmp_path: Path, row: ProductRow, line: int, problem: str
) -> None:
    with pytest.raises(KnowledgeError, match=f"map.csv:{line}: .*{problem}"):
        read_drug_map(written(tmp_path / "map.csv", [row]), vocabulary())


def test_one_code_with_two_meanings_is_refused(tmp_path: Path) -> None:
    rows = [ProductRow(SITE, "3", "lisinopril"), ProductRow(SITE, "3", "omeprazole")]
    with pytest.raises(KnowledgeError, match="3 stands here twice"):
        read_drug_map(written(tmp_path / "map.csv", rows), vocabulary())


@pytest.mark.parametrize("content", [b"system,code\n", b"", gzip.compress(b"x", mtime=0)])
def test_another_file_is_no_map(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "map.csv"
    path.write_bytes(content)
    with pytest.raises(KnowledgeError, match="no drug map begins like this"):
        read_header(path)


@pytest.mark.parametrize("content", [b"system,code\n", gzip.compress(b"x", mtime=0)[:10] + b"\xff" * 20])
def test_a_file_that_is_no_gzip_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "map.csv.gz"
    path.write_bytes(content)
    with pytest.raises(KnowledgeError, match="cannot be read"):
        read_header(path)


def test_a_site_map_wins_over_the_shipped_one_and_leaves_the_rest(tmp_path: Path) -> None:
    rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
    shipped = vocabulary().mapped_drugs[rxnorm]
    first, second = sorted(shipped)[:2]
    path = written(tmp_path / "map.csv", [ProductRow(rxnorm, first, "omeprazole")])
    merged = read_drug_map(path, vocabulary()).applied(vocabulary()).mapped_drugs[rxnorm]
    assert merged[first].ingredients == {"omeprazole"}
    assert merged[second] == shipped[second]
    assert vocabulary().mapped_drugs[rxnorm][first] == shipped[first]


def test_the_name_of_a_map_says_what_and_when() -> None:
    assert map_name("rxnorm", "2026 11/03", date(2026, 11, 22)) == "rxnorm-2026-11-03-2026-11-22.csv.gz"


def test_the_shipped_map_is_whole_and_knows_a_thiazide() -> None:
    header = read_header(DEFAULT_CARDS / "_shared" / "valuesets" / "products.csv")
    drugs = read_drug_map(DEFAULT_CARDS / "_shared" / "valuesets" / "products.csv", vocabulary()).drugs
    assert header.rows == sum(map(len, drugs.values())) > 200
    assert drugs["http://www.nlm.nih.gov/research/umls/rxnorm"]["310798"].ingredients == {"hydrochlorothiazide"}
