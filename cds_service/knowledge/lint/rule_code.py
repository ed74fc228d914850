"""rule.py is short, pure and holds no clinical number; family.py imports nothing else than rule.py may."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from cds_service.errors import Finding
from cds_service.knowledge.lint.desk import Desk

NAME = "rule-code"
MAX_LINES = 40
PLAIN_NUMBERS = frozenset({0, 1})
IMPORTS = frozenset({
    "__future__", "collections", "dataclasses", "datetime", "decimal", "enum", "functools",
    "itertools", "math", "msgspec", "operator", "pydantic", "re", "statistics", "typing",
})  # fmt: skip
OURS = ("cds_service.facts", "cds_service.knowledge", "cds_service.errors")
CALLS = frozenset({"open", "eval", "exec", "print", "input", "__import__", "globals", "setattr"})
CLOCKS = frozenset({"now", "utcnow", "today"})


def check(desk: Desk) -> Iterator[Finding]:
    """Imports and purity of all code in cards/; size, docstring and numbers of rule.py."""
    for source in desk.sources.owners:
        for path in sorted(source.folder.glob("*.py")):
            tree = desk.tree(path)
            if tree is not None:
                shown = desk.sources.shown(path)
                yield from _purity(tree, shown, f"{desk.sources.cards_dir.name}._families")
                if path.name == "rule.py":
                    yield from _rule(tree, shown)


def _purity(tree: ast.Module, shown: str, families: str) -> Iterator[Finding]:
    for node in ast.walk(tree):
        for module in _imported(node):
            if module.split(".")[0] not in IMPORTS and not module.startswith((*OURS, families)):
                yield _finding(shown, node, f"imports {module}", "use only facts, knowledge and the families")
        if isinstance(node, ast.Call):
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            if called in CALLS or (method in CLOCKS and not node.args):
                yield _finding(shown, node, f"calls {called or method}()", "rules are pure; use patient.as_of for now")
        if isinstance(node, ast.Global | ast.Nonlocal):
            yield _finding(shown, node, "keeps state between calls", "pass values as arguments")


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def _rule(tree: ast.Module, shown: str) -> Iterator[Finding]:
    indices = {id(node.slice) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_LINES:
                yield _finding(shown, node, f"{node.name}() has {lines} lines", f"at most {MAX_LINES}; split it")
            if node.name == "evaluate" and not ast.get_docstring(node):
                yield _finding(shown, node, "evaluate() has no docstring", "say the decision in one sentence")
        if isinstance(node, ast.Constant) and _is_clinical(node.value) and id(node) not in indices:
            yield _finding(shown, node, f"the number {node.value!r}", "make it a limit in rule.yaml")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Decimal" and node.args:
            written = node.args[0]
            if isinstance(written, ast.Constant) and written.value not in ("0", "1", 0, 1):
                yield _finding(shown, node, f"the number {written.value!r}", "make it a limit in rule.yaml")


def _is_clinical(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value not in PLAIN_NUMBERS


def _finding(shown: str, node: ast.AST, problem: str, remedy: str) -> Finding:
    return Finding(shown, getattr(node, "lineno", 1), NAME, problem, remedy)
