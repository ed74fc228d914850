"""Files around the work list: reads recorded requests and bulk exports, writes the table and an overlay to complete."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from cds_service.errors import IonwiseError
from cds_service.facts.vocabulary import Vocabulary
from cds_service.fhir.json_files import json_files, read_values
from cds_service.service.unmapped import TEXT, Line, WorkList

COLUMNS = ("kind", "count", "system", "code", "display", "unit", "low", "high", "proposal", "meaning", "signed_by")


def read_work_list(source: Path, vocabulary: Vocabulary) -> tuple[WorkList, int]:
    """The work list of a file or of all files below a folder, and how many pieces could not be read.

    Read are `.json` (recorded hook requests, Bundles, resources) and `.ndjson`, each also with `.gz`. Raises
    IonwiseError when there is nothing to read.
    """
    paths = json_files(source)
    if not paths:
        raise IonwiseError(f"{source.name}: no .json, .ndjson or .gz of these -> name recorded requests or bulk files")
    work, unreadable = WorkList(vocabulary), 0
    for path in paths:
        for piece in _pieces(path):
            if piece is None:
                unreadable += 1
            else:
                work.add(piece)
    return work, unreadable


def _pieces(path: Path) -> Iterator[Any]:
    """The JSON values of a file; None for one that cannot be read."""
    try:
        for text in read_values(path):
            yield _decoded(text)
    except OSError:
        yield None


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return None


def write_table(path: Path, lines: Iterable[Line]) -> None:
    """The work list as CSV; `meaning` and `signed_by` are for the laboratory and the pharmacist to fill in."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for line in lines:
            what = line.what
            cells = (what.system, what.code, what.display, what.unit, _number(line.low), _number(line.high))
            writer.writerow((what.kind, line.count, *map(_harmless, cells), what.proposal, "", ""))


def _harmless(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") and not cell[1:2].isdigit() else cell


def _number(value: object) -> str:
    return "" if value is None else str(value)


def write_overlay(path: Path, lines: Sequence[Line], made: date) -> None:
    """An overlay to complete and sign. Until an entry is filled in or removed, the overlay is refused."""
    labs = [line for line in lines if line.what.kind == "lab" and line.what.system != TEXT]
    units = [line for line in lines if line.what.kind == "unit"]
    drugs = [line for line in lines if line.what.kind == "drug" and line.what.system != TEXT]
    texts = [line for line in lines if line.what.system == TEXT]
    out = [
        f"# Codes that were not understood, {made.isoformat()}. Fill in or remove every entry, then sign.",
        "#   laboratory: name, date:",
        "#   pharmacist: name, date:",
        "",
        "# Laboratory: `concept` is an id of cards/_shared/valuesets/observations.yaml.",
        "lab_codes:" if labs else "lab_codes: []",
    ]
    for line in labs:
        out += [f"# {_figures(line)}", f'- {{{_code(line)}, concept: ""}}']
    if units:
        out += ["", "# Units that are not understood: send UCUM, or say under lab_codes what a missing unit means."]
        out += [f"#   {line.what.proposal}, {_code(line)}: {_figures(line)}" for line in units]
    out += [
        "",
        "# Pharmacist: `ingredients` are ids of cards/_shared/valuesets/drugs.yaml, `atc` of level 5; one suffices.",
        "drug_codes:" if drugs else "drug_codes: []",
    ]
    for line in drugs:
        proposed = f"; by its text {line.what.proposal}" if line.what.proposal else ""
        out += [f"# {_figures(line)}{proposed}", f"- {{{_code(line)}, ingredients: [], atc: []}}"]
    if texts:
        out += ["", "# Without any code: nothing to map here; have them coded at the source."]
        out += [f"#   {line.what.kind}: {_figures(line)}" for line in texts]
    path.write_text("\n".join(out) + "\n", encoding="utf-8")


def _code(line: Line) -> str:
    return f"system: {json.dumps(line.what.system)}, code: {json.dumps(line.what.code)}"


def _figures(line: Line) -> str:
    """How often, what it is called and which values were seen, on one line."""
    what = line.what
    name = json.dumps(what.display, ensure_ascii=False)
    values = "" if line.low is None else f" {line.low} to {line.high} {what.unit or 'without a unit'}"
    return f"{line.count} x {name}{values}"
