"""YAML is read without surprises, and every error names its line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from cds_service.errors import KnowledgeError
from cds_service.knowledge.yaml_strict import load_yaml, parse_yaml


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("true", True),
        ("false", False),
        ("on", "on"),
        ("no", "no"),
        ("yes", "yes"),
        ("True", "True"),
        ("12:30", "12:30"),
        ("2026-11-21", "2026-11-21"),
        ("2601-3", "2601-3"),
        ("-1d", "-1d"),
        ("007", "007"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        ("0", 0),
        ("-12", -12),
        ("0.50", Decimal("0.50")),
        ('"0.50"', "0.50"),
        ("~", None),
        ("null", None),
        ("", None),
    ],
)
def test_a_scalar_is_what_it_looks_like(written: str, read: object) -> None:
    data = parse_yaml(f"key: {written}\n", "f.yaml").data
    assert data == {"key": read}
    assert type(data["key"]) is type(read)


def test_a_decimal_keeps_its_trailing_zeros() -> None:
    assert str(parse_yaml("limit: 0.50", "f.yaml").data["limit"]) == "0.50"


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "duplicate key 'a' (first on line 1)"),
        ("a:\n  b: !!int 3\n", 2, "tag"),
        ("a: *nowhere\n", 1, "unknown anchor"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("<<: 1\n", 1, "a merge key"),
        ("? [a]\n: 1\n", 1, "a key that is not plain text"),
        ("a: b: c\n", 1, "mapping values"),
    ],
)
def test_what_is_refused_is_refused_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(KnowledgeError) as refused:
        parse_yaml(text, "f.yaml")
    (finding,) = refused.value.findings
    assert (finding.file, finding.line) == ("f.yaml", line)
    assert problem in finding.problem
    assert finding.remedy


def test_every_member_and_item_has_a_line() -> None:
    document = parse_yaml("# comment\nid: x\nlimits:\n  mild: {value: 1}\nlist:\n- a\n- b: 1\n", "f.yaml")
    assert document.line("id") == 2
    assert document.line("limits", "mild", "value") == 4
    assert document.line("list", 1, "b") == 7
    assert document.line("limits", "nothing") == 3


def test_an_anchor_is_repeated_with_its_own_line() -> None:
    document = parse_yaml("a: &it {k: 1}\nb: *it\n", "f.yaml")
    assert document.data["b"] == {"k": 1}
    assert document.line("b", "k") == 1


def test_a_missing_file_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="does not exist"):
        load_yaml(tmp_path / "none.yaml")


def test_a_file_that_is_not_utf8_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("a: é".encode("latin-1"))
    with pytest.raises(KnowledgeError, match="not UTF-8"):
        load_yaml(path, "cards/latin.yaml")


def test_an_empty_text_is_nothing() -> None:
    assert parse_yaml("# only a comment\n", "f.yaml").data is None
