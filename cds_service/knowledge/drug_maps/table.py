"""A drug map from a site's own table: CSV with a heading, one line per product code."""

from __future__ import annotations

import csv
from pathlib import Path

from cds_service.errors import Finding, KnowledgeError
from cds_service.facts.vocabulary import Vocabulary
from cds_service.knowledge.drug_maps.file import COLUMNS, MOST_FINDINGS, NAME, OTHER, ProductRow
from cds_service.knowledge.drug_maps.ingredients import IngredientNames, joined
from cds_service.knowledge.drug_maps.strengths import read_strengths

NEEDED = ("system", "code")


def read_table(path: Path, vocabulary: Vocabulary) -> tuple[list[ProductRow], dict[str, int]]:
    """The rows of a map and what was counted on the way.

    Columns `system`, `code`, and `ingredients` or `atc` or both; optional `route`, `strength`. Ingredients are ids or
    names, joined with `+`; `other` says that a drug is known and none of ours. A comma or a semicolon divides columns.
    Raises KnowledgeError naming every line that is wrong (at most 20).
    """
    names = IngredientNames(vocabulary)
    findings: list[Finding] = []
    rows: dict[tuple[str, str], ProductRow] = {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        problem, remedy = f"the table cannot be read ({type(error).__name__})", "save it as CSV in UTF-8"
        raise KnowledgeError((Finding(path.name, 1, NAME, problem, remedy),)) from error
    divider = ";" if ";" in text.partition("\n")[0] else ","
    reader = csv.DictReader(text.splitlines(), delimiter=divider)
    heading = [column.strip().lower() for column in reader.fieldnames or ()]
    if not {*NEEDED} <= {*heading} or not {"ingredients", "atc"} & {*heading}:
        remedy = f"the first line names the columns: {', '.join(COLUMNS)}"
        raise KnowledgeError((Finding(path.name, 1, NAME, "the heading is not that of a drug map", remedy),))
    for number, record in enumerate(reader, 2):
        line = {str(k).strip().lower(): (v or "").strip() for k, v in record.items() if k is not None}
        row, problem = _row(line, names, vocabulary)
        if (row.system, row.code) in rows and rows[row.system, row.code] != row:
            problem = f"{row.code} stands here twice, with different content"
        if problem:
            findings.append(Finding(path.name, number, NAME, problem, "correct the line, or leave it out"))
        rows[row.system, row.code] = row
    if findings:
        raise KnowledgeError(tuple(findings[:MOST_FINDINGS]))
    return list(rows.values()), {"codes": len(rows)}


def _row(line: dict[str, str], names: IngredientNames, vocabulary: Vocabulary) -> tuple[ProductRow, str]:
    system = vocabulary.systems.get(line["system"], line["system"])
    listed = [part.strip() for part in line.get("ingredients", "").split("+") if part.strip()]
    found = {part: part if part in vocabulary.drugs else names.of_name(part) for part in listed if part != OTHER}
    unknown = [part for part, ingredient in found.items() if ingredient is None]
    atc = "+".join(sorted(code.strip().upper() for code in line.get("atc", "").split("+") if code.strip()))
    route = line.get("route", "")
    problem = ""
    if not line["system"] or not line["code"]:
        problem = "no system or no code"
    elif unknown:
        problem = f"{unknown[0]} is none of our ingredients (`{OTHER}` says so)"
    elif not listed and not atc:
        problem = "neither ingredients nor an ATC code"
    elif route and route not in vocabulary.routes.values():
        problem = f"no route {route}"
    elif read_strengths(line.get("strength", "")) is None:
        problem = f"{line['strength']} is no strength (<ingredient> <number> <unit>)"
    ingredients = joined(found.get(part) for part in listed)
    return ProductRow(system, line["code"], ingredients, atc, route, line.get("strength", "")), problem
