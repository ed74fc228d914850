"""expected.json of every rule folder: the cards of all firing cases in both languages, reviewed as a diff."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from cds_service.knowledge.case_file import read_cases
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.sources import Sources
from cds_service.service.cases import GOLDEN_FILE, golden_cards


def golden_text(rule_id: str, knowledge: Knowledge, sources: Sources) -> str:
    """What expected.json of a rule should hold now. Raises KnowledgeError when its cases cannot be read."""
    rule = knowledge.rule(rule_id)
    cards = golden_cards(rule, read_cases(sources, rule.folder).entry.cases, knowledge)
    return json.dumps(cards, ensure_ascii=False, indent=1) + "\n"


def golden_path(rule_id: str, knowledge: Knowledge, sources: Sources) -> Path:
    """Where it lives."""
    return sources.cards_dir / knowledge.rule(rule_id).folder / GOLDEN_FILE


def write_golden(knowledge: Knowledge, sources: Sources, only: Iterable[str] = ()) -> tuple[str, ...]:
    """Rewrite expected.json of the rules (default all); returns the ids of those that changed."""
    changed = []
    for rule_id in tuple(only) or [rule.id for rule in knowledge.rules]:
        path, text = golden_path(rule_id, knowledge, sources), golden_text(rule_id, knowledge, sources)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(rule_id)
    return tuple(changed)
