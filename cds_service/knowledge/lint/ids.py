"""Ids are unique, match their folder, and are never used again after retirement."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.errors import Finding
from cds_service.knowledge.lint.desk import Desk

NAME = "ids"


def check(desk: Desk) -> Iterator[Finding]:
    """Id against folder name, duplicates, tombstones."""
    sources = desk.sources
    retired = sources.retired.entry.retired if sources.retired else {}
    seen: set[str] = set()
    for source in sources.owners:
        wanted = source.entry.id.replace("-", "_")
        if source.folder.name != wanted:
            problem = f"id {source.entry.id} lives in the folder {source.folder.name}"
            yield source.finding(NAME, problem, f"rename the folder to {wanted}, or correct the id", "id")
        if source.entry.id in seen:
            yield source.finding(NAME, f"id {source.entry.id} exists twice", "rename one of them", "id")
        seen.add(source.entry.id)
    for rule in sources.rules:
        if rule.entry.id in retired and rule.entry.status != "retired":
            problem = f"id {rule.entry.id} was retired on {retired[rule.entry.id].retired}"
            yield rule.finding(NAME, problem, "take a new id; a retired one is never used again", "id")
