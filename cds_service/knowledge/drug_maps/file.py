"""The file of a drug map: one header line, one line of column names, one line per product code; gzip when it ends .gz.

The header holds where the map comes from, of which date and version, who made it, how much is in it, and the SHA-256
of everything below the header, so that a map cannot change between the signature of the pharmacist and its use.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cds_service.errors import Finding, KnowledgeError
from cds_service.facts.vocabulary import MappedDrug, Vocabulary
from cds_service.knowledge.drug_maps.strengths import read_strengths

NAME = "drug-map"
MARK = "# ionwise drug map "
FORMAT = 1
OTHER = "other"
COLUMNS = ("system", "code", "ingredients", "atc", "route", "strength")
MOST_FINDINGS = 20
_AGAIN = "import the map again with this version; corrections belong in the overlay under drug_codes"


class ProductRow(NamedTuple):
    """One product code: ingredient ids (`other` for what is not ours) and ATC codes joined with `+`, route id, content
    per unit of product (`magnesium oxide 400 mg; ...`)."""

    system: str
    code: str
    ingredients: str = ""
    atc: str = ""
    route: str = ""
    strength: str = ""


class MapHeader(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a map says of itself. `codes` counts the codes per system, `ours` those with an ingredient of ours."""

    format: int
    source: str
    source_version: str
    created: str
    tool: str
    rows: int
    ours: int
    codes: dict[str, int]
    sha256: str


class DrugMap(msgspec.Struct, frozen=True):
    """A map that was read: its header, and system -> code -> drug."""

    header: MapHeader
    drugs: Mapping[str, Mapping[str, MappedDrug]]

    def applied(self, vocabulary: Vocabulary) -> Vocabulary:
        """The vocabulary with this map over the maps it has; where both know a code, this one counts."""
        merged = dict(vocabulary.mapped_drugs)
        for system, codes in self.drugs.items():
            known = merged.get(system)
            merged[system] = codes if known is None else {**known, **codes}
        return msgspec.structs.replace(vocabulary, mapped_drugs=merged)


def map_name(source: str, version: str, created: date) -> str:
    """The file name of a map: source, version and date of making."""
    kept = "".join(c if c.isalnum() else "-" for c in f"{source}-{version}".lower()).strip("-")
    return f"{kept}-{created.isoformat()}.csv.gz"


def write_drug_map(
    path: Path, rows: Iterable[ProductRow], *, source: str, version: str, created: date, tool: str
) -> MapHeader:
    """Write a map, sorted by system and code; the same rows give the same bytes."""
    listed = sorted(set(rows))
    body = io.StringIO(newline="")
    writer = csv.writer(body, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(listed)
    data = body.getvalue().encode()
    header = MapHeader(
        format=FORMAT,
        source=source,
        source_version=version,
        created=created.isoformat(),
        tool=tool,
        rows=len(listed),
        ours=sum(not set(row.ingredients.split("+")) <= {OTHER, ""} for row in listed),
        codes=dict(sorted(Counter(row.system for row in listed).items())),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    data = f"{MARK}{json.dumps(msgspec.structs.asdict(header))}\n".encode() + data
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return header


def read_header(path: Path) -> MapHeader:
    """What a map says of itself. Raises KnowledgeError when it is no map, or was changed after it was made."""
    return _checked(path)[0]


def read_drug_map(path: Path, vocabulary: Vocabulary) -> DrugMap:
    """Read a map. Raises KnowledgeError naming file and line of everything (at most 20 things) that is wrong."""
    header, body = _checked(path)
    reader = _Rows(path.name, vocabulary)
    drugs = reader.read(body)
    if reader.findings:
        raise KnowledgeError(tuple(reader.findings))
    return DrugMap(header, drugs)


def _checked(path: Path) -> tuple[MapHeader, bytes]:
    try:
        data = path.read_bytes()
        data = gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError, zlib.error) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is no gzip file"
        raise _refused(path.name, f"the map cannot be read: {reason}", "name a file of `ionwise map import`") from error
    first, _, body = data.partition(b"\n")
    if not first.startswith(MARK.encode()):
        raise _refused(path.name, "no drug map begins like this", "make one with `ionwise map import`")
    try:
        header = msgspec.json.decode(first[len(MARK) :], type=MapHeader)
    except msgspec.MsgspecError as error:
        raise _refused(path.name, f"the header is not that of a drug map: {error}", _AGAIN) from error
    if header.format != FORMAT:
        raise _refused(path.name, f"a map of format {header.format}; this version reads {FORMAT}", _AGAIN)
    if hashlib.sha256(body).hexdigest() != header.sha256:
        raise _refused(path.name, "the map was changed after it was made", _AGAIN)
    return header, body


def _refused(file: str, problem: str, remedy: str) -> KnowledgeError:
    return KnowledgeError((Finding(file, 1, NAME, problem, remedy),))


class _Rows:
    """Rows to drugs. Equal contents are kept once: a national list has few of them for its many codes."""

    def __init__(self, file: str, vocabulary: Vocabulary) -> None:
        self.file = file
        self.vocabulary = vocabulary
        self.routes = {*vocabulary.routes.values(), *vocabulary.route_words.values()}
        self.findings: list[Finding] = []
        self._contents: dict[tuple[str, ...], MappedDrug] = {}
        self._sets: dict[str, frozenset[str]] = {"": frozenset(), OTHER: frozenset()}

    def read(self, body: bytes) -> dict[str, dict[str, MappedDrug]]:
        drugs: dict[str, dict[str, MappedDrug]] = {}
        reader = csv.reader(io.StringIO(body.decode(errors="replace"), newline=""))
        if tuple(next(reader, ())) != COLUMNS:
            self._wrong(2, f"the columns are not {','.join(COLUMNS)}", _AGAIN)
            return drugs
        last = ""
        codes: dict[str, MappedDrug] = {}
        for number, row in enumerate(reader, 3):
            if len(row) != len(COLUMNS):
                self._wrong(number, f"{len(row)} columns instead of {len(COLUMNS)}", _AGAIN)
                continue
            system, code, *content = row
            if system != last:
                last = system
                codes = drugs.setdefault(self.vocabulary.systems.get(system, system), {})
            key = tuple(content)
            drug = self._contents.get(key)
            if drug is None:
                drug = self._contents[key] = self._drug(number, content)
            if code in codes:
                self._wrong(number, f"{code} stands here twice", _AGAIN)
            codes[code] = drug
        return drugs

    def _drug(self, number: int, content: list[Any]) -> MappedDrug:
        ingredients, atc, route, strength = content
        known = self._set(ingredients)
        if not known <= self.vocabulary.drugs.keys():
            for ingredient in sorted(known - self.vocabulary.drugs.keys()):
                self._wrong(number, f"no ingredient {ingredient}", _AGAIN)
        if not ingredients and not atc:
            self._wrong(number, "neither ingredients nor an ATC code", f"leave the line out, or write `{OTHER}`")
        if route and route not in self.routes:
            self._wrong(number, f"no route {route}", f"one of {', '.join(sorted(self.routes))}, or nothing")
        strengths = read_strengths(strength) if strength else ()
        if strengths is None:
            self._wrong(number, f"{strength} is no strength", "write <ingredient> <number> <unit>[/<unit>]; ...")
        return MappedDrug(known, self._set(atc), route or None, strengths or ())

    def _set(self, text: str) -> frozenset[str]:
        found = self._sets.get(text)
        if found is None:
            found = self._sets[text] = frozenset(text.split("+")) - {OTHER, ""}
        return found

    def _wrong(self, number: int, problem: str, remedy: str) -> None:
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(Finding(self.file, number, NAME, problem, remedy))
