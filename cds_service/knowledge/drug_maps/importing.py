"""From a source that a site holds to a dated map, and back to words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.drug_maps.file import MapHeader, map_name, read_drug_map, read_header, write_drug_map
from cds_service.knowledge.drug_maps.gstandaard import read_gstandaard
from cds_service.knowledge.drug_maps.rxnorm import read_rxnorm
from cds_service.knowledge.drug_maps.table import read_table


def import_drug_map(
    source: str, paths: Sequence[Path], folder: Path, vocabulary: Vocabulary, *, version: str, created: date, tool: str
) -> tuple[Path, MapHeader, dict[str, int]]:
    """Write the map of a source (`rxnorm`, `gstandaard` or `csv`) into a folder; its path, header and the counts.

    `tool` says who made it. Raises KnowledgeError when the source cannot be read.
    """
    if source == "rxnorm":
        rows, counts = read_rxnorm(paths[0], vocabulary)
    elif source == "gstandaard":
        rows, counts = read_gstandaard(paths, vocabulary)
    else:
        rows, counts = read_table(paths[0], vocabulary)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / map_name(source, version, created)
    header = write_drug_map(path, rows, source=source, version=version, created=created, tool=tool)
    return path, header, counts


def describe_map(path: Path, vocabulary: Vocabulary, code: str | None = None) -> list[str]:
    """A map in words: its header, and what it says of one code. Raises KnowledgeError when it would be refused."""
    header, drugs = read_header(path), read_drug_map(path, vocabulary).drugs
    lines = [
        f"source   {header.source} {header.source_version}",
        f"created  {header.created} by {header.tool}",
        f"sha256   {header.sha256} (as made)",
        f"codes    {header.rows}, {header.ours} of them with an ingredient of ours",
        *(f"  {number:8d} {system}" for system, number in header.codes.items()),
    ]
    for system, codes in drugs.items() if code is not None else ():
        drug = codes.get(code or "")
        if drug is not None:
            said = "+".join(sorted(drug.ingredients)) or "none of our ingredients"
            lines.append(f"{system} {code}: {said} {' '.join(sorted(drug.atc))}".rstrip())
    return lines
