"""The codes of a FHIR ValueSet as a terminology server expanded it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cds_service.errors import Finding, KnowledgeError

NAME = "expansion"


def read_expansion(path: Path) -> tuple[tuple[str, str], ...]:
    """System and code of every concept. Raises KnowledgeError for a file that is no complete expansion."""
    try:
        value_set = json.loads(path.read_bytes())
    except ValueError as error:
        raise _refused(path, getattr(error, "lineno", 1), "is not JSON", "save what $expand answered") from error
    expansion = value_set.get("expansion") if isinstance(value_set, dict) else None
    if not isinstance(expansion, dict) or value_set.get("resourceType") != "ValueSet":
        raise _refused(path, 1, "is no ValueSet with an expansion", "save what $expand answered, not the definition")
    codes = tuple(dict.fromkeys(_codes(expansion.get("contains"))))
    total = expansion.get("total")
    if isinstance(total, int) and total > len(list(_entries(expansion.get("contains")))):
        problem = f"holds {len(codes)} of {total} codes"
        raise _refused(path, 1, problem, "ask $expand for all of them (`count`), or join the pages")
    if not codes:
        raise _refused(path, 1, "holds no codes", "look whether the terminology server knows the code system")
    return codes


def _codes(contains: Any) -> Iterator[tuple[str, str]]:
    for entry in _entries(contains):
        system, code = entry.get("system"), entry.get("code")
        if isinstance(system, str) and isinstance(code, str) and not entry.get("abstract"):
            yield system, code


def _entries(contains: Any) -> Iterator[dict[str, Any]]:
    for entry in contains if isinstance(contains, list) else ():
        if isinstance(entry, dict):
            yield entry
            yield from _entries(entry.get("contains"))


def _refused(path: Path, line: int, problem: str, remedy: str) -> KnowledgeError:
    return KnowledgeError((Finding(path.name, line, NAME, f"the file {problem}", remedy),))
