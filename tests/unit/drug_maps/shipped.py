"""The vocabulary as shipped, and small files in the layouts of the sources: every code and name in them is made up."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cds_service.facts.vocabulary import Vocabulary
from tests.shipped import released

# RxNorm's own ingredients, which the vocabulary has: the rest of the file refers to them
MAGNESIUM_OXIDE, LISINOPRIL, THIAZIDE = "6582", "29046", "5487"


@lru_cache
def vocabulary() -> Vocabulary:
    return released().vocabulary


def concept(code: str, kind: str, name: str, sab: str = "RXNORM", suppress: str = "N") -> str:
    """A line of RXNCONSO.RRF."""
    fields = [code, "ENG", "", "", "", "", "", f"A{code}", "", "", "", sab, kind, code, name, "", suppress, ""]
    return "|".join(fields) + "|"


def relation(above: str, name: str, below: str, sab: str = "RXNORM") -> str:
    """A line of RXNREL.RRF that says: `above` `name` `below`."""
    fields = [below, "", "CUI", "RO", above, "", "CUI", name, "", "", sab, "", "", "", "", ""]
    return "|".join(fields) + "|"


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def record(number: str, length: int, fields: dict[int, str], mutation: str = "0") -> str:
    """A record of a fixed length: texts by the position (from 1) where they begin."""
    cells = list(" " * length)
    for start, text in {1: number, 5: mutation, **fields}.items():
        cells[start - 1 : start - 1 + len(text)] = text
    assert len(cells) == length
    return "".join(cells)
