"""A drug map from the G-Standaard's fixed-length files: ZI number, HPK and PRK up to the GPK, its ATC and substances.

Positions are those of the file descriptions that Z-Index publishes. The files are licensed: a site reads its own copy.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cds_service.errors import Finding, KnowledgeError
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.drug_maps.file import NAME, ProductRow
from cds_service.knowledge.drug_maps.ingredients import IngredientNames, joined

_OID = "urn:oid:2.16.840.1.113883.2.4.4."
GPK, PRK, HPK, ZI = f"{_OID}1", f"{_OID}10", f"{_OID}7", f"{_OID}8"
REMOVED = "1"
ACTIVE = "W"
# file -> first and last position of the fields that are read
LAYOUTS: Mapping[str, Mapping[str, tuple[int, int]]] = {
    "BST711T": {"GPKODE": (6, 13), "GSKODE": (14, 21), "ATCODE": (119, 126)},
    "BST052T": {"PRKODE": (6, 13), "GPKODE": (21, 28)},
    "BST031T": {"HPKODE": (6, 13), "PRKODE": (14, 21)},
    "BST004T": {"ATKODE": (6, 13), "HPKODE": (14, 21)},
    "BST715T": {"GNMWHS": (6, 6), "GSKODE": (7, 14), "GNNKPK": (15, 20)},
    "BST750T": {"GNGNK": (6, 11), "GNGNAM": (12, 61), "GNSTAM": (62, 67)},
    "BST801T": {"ATCODE": (6, 13)},
}
_NEEDED = "BST711T"


def read_gstandaard(files: Iterable[Path], vocabulary: Vocabulary) -> tuple[list[ProductRow], dict[str, int]]:
    """The rows of a map and what was counted on the way.

    `files` are files, or folders that hold them. BST711T is needed; BST052T, BST031T and BST004T add PRK, HPK and ZI
    numbers, BST715T with BST750T the substances, BST801T checks the ATC codes. Raises KnowledgeError.
    """
    release = _Release(files)
    content = release.content(IngredientNames(vocabulary))
    rows: list[ProductRow] = []
    counts: dict[str, int] = {}
    gpk = {record["GPKODE"]: record["GPKODE"] for record in release.records("BST711T")}
    prk = {record["PRKODE"]: record["GPKODE"] for record in release.records("BST052T")}
    hpk = {r["HPKODE"]: prk[r["PRKODE"]] for r in release.records("BST031T") if r["PRKODE"] in prk}
    zi = {r["ATKODE"]: hpk[r["HPKODE"]] for r in release.records("BST004T") if r["HPKODE"] in hpk}
    for name, system, codes in (("GPK", GPK, gpk), ("PRK", PRK, prk), ("HPK", HPK, hpk), ("ZI", ZI, zi)):
        listed = [ProductRow(system, code, *content[g]) for code, g in codes.items() if code and g in content]
        counts[name], counts[f"{name} without content"] = len(listed), len(codes) - len(listed)
        rows += listed
    return rows, counts


class _Release:
    """The files of one release, read on demand."""

    def __init__(self, given: Iterable[Path]) -> None:
        paths = [path for start in given for path in ([start] if start.is_file() else sorted(start.glob("*")))]
        self.paths = {path.stem.upper(): path for path in paths if path.stem.upper() in LAYOUTS}
        if _NEEDED not in self.paths:
            raise _refused(
                _NEEDED, 1, "the file is missing", "name the files or the folder of your G-Standaard release"
            )

    def content(self, names: IngredientNames) -> dict[str, tuple[str, str]]:
        """GPK -> its ingredients and its ATC code, as a row has them; left out when neither is known."""
        atc_codes = {record["ATCODE"] for record in self.records("BST801T")}
        substances = self._substances(names)
        found = {}
        for record in self.records("BST711T"):
            atc = record["ATCODE"] if len(record["ATCODE"]) > 1 else ""  # Y and Z say that there is none
            if atc_codes and atc not in atc_codes:
                atc = ""
            ingredients = substances.get(record["GSKODE"], "") if record["GSKODE"] else ""
            if ingredients or atc:
                found[record["GPKODE"]] = (ingredients, atc)
        return found

    def _substances(self, names: IngredientNames) -> dict[str, str]:
        """GSK -> its active substances, as a row has them; only where all of them have a name."""
        named = {record["GNGNK"]: record for record in self.records("BST750T")}
        composed: dict[str, list[str | None]] = {}
        unnamed = set()
        for record in self.records("BST715T"):
            if record["GNMWHS"] != ACTIVE:
                continue
            substance = named.get(record["GNNKPK"])
            if substance is None:
                unnamed.add(record["GSKODE"])
            else:
                stem = named.get(substance["GNSTAM"], substance)
                ours = names.of_name(substance["GNGNAM"], stem["GNGNAM"])
                composed.setdefault(record["GSKODE"], []).append(ours)
        return {code: joined(found) for code, found in composed.items() if code not in unnamed}

    def records(self, file: str) -> Iterator[dict[str, str]]:
        """The records of a file that were not removed; numbers without leading zeros. Nothing when it was not given."""
        path = self.paths.get(file)
        if path is None:
            return
        fields = LAYOUTS[file]
        shortest = max(first for first, _ in fields.values())  # blanks at the end may have been cut off
        number_of_file = file[3:6].rjust(4, "0")
        with path.open(encoding="latin-1", newline="\n") as lines:
            for number, line in enumerate(lines, 1):
                text = line.rstrip("\r\n\x1a")
                if not text:
                    continue
                if text[:4] != number_of_file or len(text) < shortest:
                    problem = f"no record of {file}: {len(text)} characters, file number {text[:4]!r}"
                    raise _refused(path.name, number, problem, f"records of {file} begin with {number_of_file}")
                if text[4] != REMOVED:
                    yield {name: _value(text[first - 1 : last]) for name, (first, last) in fields.items()}


def _value(text: str) -> str:
    text = text.strip()
    return text.lstrip("0") if text.isdigit() else text


def _refused(file: str, number: int, problem: str, remedy: str) -> KnowledgeError:
    return KnowledgeError((Finding(file, number, NAME, problem, remedy),))
