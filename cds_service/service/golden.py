"""expected.json of every rule folder: the cards of all firing cases in both languages, reviewed as a diff.

A reviewer reads what differs between cases: indicator, summary, detail (line by line) and suggestion labels. What all
cards of the rule share stands once, under `shared`, and each suggested resource once, under `suggestions`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cds_service.knowledge.case_file import read_cases
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.sources import Sources
from cds_service.service.cases import GOLDEN_FILE, golden_cards

SHAREABLE = ("source", "selectionBehavior", "overrideReasons", "extension")


def golden_text(rule_id: str, knowledge: Knowledge, sources: Sources) -> str:
    """What expected.json of a rule should hold now. Raises KnowledgeError when its cases cannot be read."""
    rule = knowledge.rule(rule_id)
    cards = golden_cards(rule, read_cases(sources, rule.folder).entry.cases, knowledge)
    return json.dumps(compact(cards), ensure_ascii=False, indent=1) + "\n"


def compact(cards: Mapping[str, Mapping[str, dict[str, Any]]]) -> dict[str, Any]:
    """Case -> language -> card, without repeating what is the same in every card of a language."""
    shared: dict[str, Any] = {}
    for language in sorted({language for found in cards.values() for language in found}, reverse=True):
        found = [by_language[language] for by_language in cards.values() if language in by_language]
        shared[language] = _alike([{name: card[name] for name in SHAREABLE if name in card} for card in found])
    suggestions: dict[str, Any] = {}
    for card in (card for by_language in cards.values() for card in by_language.values()):
        for suggestion in card.get("suggestions", ()):
            suggestions[suggestion["label"]] = suggestion["actions"]
    cases = {
        name: {language: _own(card, shared[language]) for language, card in by_language.items()}
        for name, by_language in cards.items()
    }
    return {"shared": shared, "suggestions": suggestions, "cases": cases}


def _alike(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The members that all have in common; of an object that differs, those within it."""
    common: dict[str, Any] = {}
    for name, value in found[0].items():
        if all(one.get(name) == value for one in found):
            common[name] = value
            continue
        objects = [one[name] for one in found if isinstance(one.get(name), dict)]
        if len(objects) == len(found) and (within := _alike(objects)):
            common[name] = within
    return common


def _beyond(whole: Mapping[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    """The members of `whole` that `shared` does not hold already."""
    differing = {name: value for name, value in whole.items() if name not in shared or value != shared[name]}
    return {name: _beyond(value, shared[name]) if name in shared else value for name, value in differing.items()}


def _own(card: dict[str, Any], shared: Mapping[str, Any]) -> dict[str, Any]:
    own = _beyond(card, shared)
    own["detail"] = card["detail"].split("\n")
    if "suggestions" in card:
        own["suggestions"] = [suggestion["label"] for suggestion in card["suggestions"]]
    return own


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
