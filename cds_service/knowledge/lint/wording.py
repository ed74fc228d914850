"""Variants, notes and phrases that the code names exist; those that nothing names are reported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

from cds_service.errors import Finding
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.rule_file import RuleEntry
from cds_service.knowledge.sources import Source

NAME = "wording"


def check(desk: Desk) -> Iterator[Finding]:
    """What rule.py says against what rule.yaml holds."""
    shared = set(desk.sources.phrases.entry.phrases) if desk.sources.phrases else set()
    for source in desk.sources.rules:
        tree = desk.tree(desk.code_of(source))
        if tree is not None:
            yield from _compare(desk, source, tree, shared)


def _compare(desk: Desk, source: Source[RuleEntry], tree: ast.Module, shared: set[str]) -> Iterator[Finding]:
    family = desk.family_of(source)
    entries = (source.entry,) if family is None else (source.entry, family.entry)
    cards, notes, phrases = ({n for e in entries for n in getattr(e, kind)} for kind in ("cards", "notes", "phrases"))
    for name, known, kind in (("Fires", cards, "cards"), ("Phrase", notes | phrases | shared, "phrases")):
        for used in _first_arguments(tree, name):
            if used not in known:
                problem = f"{desk.code_of(source).name} says {name}({used!r}), which no text answers"
                yield source.finding(NAME, problem, f"add it under {kind} or correct the name", kind)
    for used in _listed(tree, "notes") | _listed(tree, "unknown"):
        if used not in notes | phrases | shared:
            problem = f"{desk.code_of(source).name} names the note {used!r}, which does not exist"
            yield source.finding(NAME, problem, "add it under notes or correct the name", "notes")
    literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    if _composes_names(tree):
        return
    literals |= set(_strings(source.entry.data))  # a family takes such names from the rule's data
    for kind in ("cards", "notes", "phrases"):
        for name in getattr(source.entry, kind):
            if name not in literals:
                problem = f"{kind}.{name} is used nowhere in {desk.code_of(source).name}"
                yield source.finding("unused", problem, "remove it, or use it", kind, name)


def _strings(data: Any) -> Iterator[str]:
    """All strings in a rule's data."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping | list | tuple):
        for part in data.values() if isinstance(data, Mapping) else data:
            yield from _strings(part)


def _first_arguments(tree: ast.Module, function: str) -> set[str]:
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == function
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    }


def _listed(tree: ast.Module, keyword: str) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == keyword and isinstance(node.value, ast.Tuple | ast.List):
            found |= {e.value for e in node.value.elts if isinstance(e, ast.Constant) and isinstance(e.value, str)}
    return found


def _composes_names(tree: ast.Module) -> bool:
    """Whether a name may be put together at run time (an f-string), so that "unused" cannot be judged."""
    return any(isinstance(node, ast.JoinedStr) for node in ast.walk(tree))
