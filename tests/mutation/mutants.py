"""All mutants of a file: its source with one edit each, told apart by where they are and what the line says then."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from tests.mutation.operators import Edit, Source, names, of_expression, of_filter, of_statement, without_members

ROOT = Path(__file__).parent.parent.parent
UNTOUCHED = frozenset({"__all__", "__slots__"})
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Mutant(NamedTuple):
    """One wrong line of one file.

    file      relative to the project
    scope     qualified name of the outermost function (or class) it is in, "" at module level
    body      whether it is inside a function, and not in what Python runs when the module is imported
    was, now  the changed lines, without indentation
    """

    file: str
    line: int
    scope: str
    body: bool
    kind: str
    was: str
    now: str
    edit: Edit

    def source(self) -> bytes:
        """The whole file with the edit made."""
        return _edited((ROOT / self.file).read_bytes(), self.edit)

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.scope}\n    - {self.was}\n    + {self.now}"


def mutants_of(file: str) -> Iterator[Mutant]:
    """Every mutant of a file (path from the project's root) that is still Python, top to bottom."""
    text = (ROOT / file).read_bytes()
    source = Source(text)
    seen: set[Edit] = set()
    for edit, scope, body in sorted(_walk(ast.parse(text), source, _Place("", False, False))):
        mutated = _edited(text, edit)
        if edit in seen or not _is_python(mutated):
            continue
        seen.add(edit)
        was, now = _changed(text.decode(), mutated.decode())
        yield Mutant(file, text.count(b"\n", 0, edit.start) + 1, scope, body, edit.kind, was, now, edit)


class _Place(NamedTuple):
    scope: str
    body: bool
    answers_bool: bool


def _walk(node: ast.AST, source: Source, place: _Place) -> Iterator[tuple[Edit, str, bool]]:
    for child in ast.iter_child_nodes(node):
        if _says_nothing(node, child):
            continue
        if isinstance(child, Function | ast.ClassDef):
            yield from _definition(child, source, place)
            continue
        for edit in _edits(child, source, place):
            yield edit, place.scope, place.body
        yield from _walk(child, source, place)


def _definition(node: Function | ast.ClassDef, source: Source, place: _Place) -> Iterator[tuple[Edit, str, bool]]:
    inner = _Place(f"{place.scope}.{node.name}" if place.scope else node.name, False, False)
    if isinstance(node, Function):
        for default in (*node.args.defaults, *node.args.kw_defaults):
            if default is not None:
                yield from _walk(ast.Expression(default), source, place._replace(scope=inner.scope))
        answers_bool = isinstance(node.returns, ast.Name) and node.returns.id == "bool"
        inner = _Place(place.scope if place.body else inner.scope, True, answers_bool)
    for statement in node.body:
        yield from _walk(ast.Module([statement], []), source, inner)


def _edits(node: ast.AST, source: Source, place: _Place) -> Iterator[Edit]:
    if isinstance(node, ast.stmt):
        yield from of_statement(node, source, place.answers_bool)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and not place.body:
            for table in ast.walk(node.value):
                if isinstance(table, ast.Tuple | ast.List):
                    yield from without_members(table, source)
    elif isinstance(node, ast.expr):
        yield from of_expression(node, source)
    elif isinstance(node, ast.comprehension):
        yield from of_filter(node, source)


def _says_nothing(parent: ast.AST, child: ast.AST) -> bool:
    """Docstrings, annotations, names of types and the insides of f-strings (whose positions Python does not know)."""
    if isinstance(parent, ast.AnnAssign | ast.arg) and child is parent.annotation:
        return True
    if isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name):
        return child.targets[0].id in UNTOUCHED or isinstance(child.value, ast.Subscript)
    if isinstance(child, ast.BinOp) and isinstance(child.op, ast.BitOr):
        return names(
            [node for node in ast.walk(child) if isinstance(node, ast.expr) and not isinstance(node, ast.BinOp)]
        )
    docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
    return docstring or isinstance(child, ast.JoinedStr | ast.Import | ast.ImportFrom)


def _edited(text: bytes, edit: Edit) -> bytes:
    return text[: edit.start] + edit.text.encode() + text[edit.end :]


def _is_python(text: bytes) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _changed(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, each side joined into one."""
    old, new = before.splitlines(), after.splitlines()
    head = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False))))
    old, new = old[head:], new[head:]
    tail = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(reversed(old), reversed(new), strict=False))))
    kept = [lines[: len(lines) - tail] for lines in (old, new)]
    was, now = (" ".join(line.strip() for line in lines) for lines in kept)
    return was, now
