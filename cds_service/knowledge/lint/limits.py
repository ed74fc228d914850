"""Every limit has a source, lies in its range, and is one the code really asks for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from cds_service.errors import Finding
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.rule_file import LimitEntry
from cds_service.knowledge.sources import Source

NAME = "limits"


def check(desk: Desk) -> Iterator[Finding]:
    """Range, evidence and use of every limit of rules and families."""
    known = set(desk.knowledge.evidence)
    for source in desk.sources.owners:
        for name, limit in source.entry.limits.items():
            yield from _entry(source, name, limit, known)
    for source in desk.sources.owners:
        yield from _use(desk, source)


def _entry(source: Source[Any], name: str, limit: LimitEntry, known: set[str]) -> Iterator[Finding]:
    at = ("limits", name)
    if limit.range is not None and limit.value is not None and not limit.range[0] <= limit.value <= limit.range[1]:
        problem = f"{name} is {limit.value}, outside its own range"
        yield source.finding(NAME, problem, "widen the range or correct the value", *at)
    if limit.constant and limit.range is not None and limit.range[0] != limit.range[1]:
        yield source.finding(NAME, f"{name} is a constant with a range", "give it one value as range", *at)
    if limit.provenance == "verified" and limit.evidence is None:
        remedy = "name the source under evidence, or call it recalled or design"
        yield source.finding(NAME, f"{name} is verified without evidence", remedy, *at)
    if limit.evidence is not None and limit.evidence not in known:
        remedy = "add it to _shared/evidence.yaml or correct the id"
        yield source.finding(NAME, f"{name}: unknown evidence {limit.evidence}", remedy, *at)


def _use(desk: Desk, source: Source[Any]) -> Iterator[Finding]:
    path = desk.code_of(source)
    tree = desk.tree(path)
    if tree is None:
        return
    family = desk.family_of(source) if hasattr(source.entry, "family") else None
    names = {*source.entry.limits, *(family.entry.limits if family else ())}
    dynamic, asked = _asked(tree)
    if family is None:
        for name in sorted(asked - names):
            yield source.finding(NAME, f"{path.name} asks for the limit {name}, which does not exist",
                                 "add it under limits or correct the name", "limits")  # fmt: skip
    literals = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    texts = source.path.read_text(encoding="utf-8")
    for name in source.entry.limits:
        if not dynamic and name not in literals and f"{{limit.{name}}}" not in texts:
            yield source.finding("unused", f"limit {name} is used nowhere", "remove it, or use it", "limits", name)


def _asked(tree: ast.Module) -> tuple[bool, set[str]]:
    """Whether a limit's name is put together at run time, and the names written out: `k["x"]`, `k.span("x")`."""
    dynamic, found = False, set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "k":
            name: ast.expr = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "span":
            name = node.args[0]
        else:
            continue
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            found.add(name.value)
        else:
            dynamic = True
    return dynamic, found
