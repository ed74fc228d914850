"""The shape of cards/_families/<name>/family.yaml."""

from __future__ import annotations

from typing import Literal

from cds_service.knowledge.file_model import Bilingual, FileModel, Id
from cds_service.knowledge.rule_file import CardEntry, LimitEntry, Name, NeedsEntry


class FamilyEntry(FileModel):
    """One family.yaml.

    function: the function of family.py, when it is neither `evaluate` (kind rule) nor the id in snake_case.
    cards, notes, phrases: for kind `rule`, texts that its rules share; a rule's own text of the same name wins.
    """

    id: Id
    kind: Literal["question", "gate", "rule"]
    title: Bilingual
    needs: NeedsEntry = NeedsEntry()
    limits: dict[Name, LimitEntry] = {}
    evidence: tuple[Id, ...] = ()
    known_limits: tuple[Bilingual, ...] = ()
    function: str | None = None
    cards: dict[Name, CardEntry] = {}
    notes: dict[Name, Bilingual] = {}
    phrases: dict[Name, Bilingual] = {}
