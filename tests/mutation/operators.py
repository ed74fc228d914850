"""What may be wrong with one expression or statement: each operator names the piece of source it replaces.

Edits are made in the text, not in the tree, so that a mutant reads like a line somebody wrote.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

COMPARISONS: dict[type[ast.cmpop], tuple[str, tuple[str, ...]]] = {
    ast.Lt: ("<", ("<=", ">=")),
    ast.LtE: ("<=", ("<", ">")),
    ast.Gt: (">", (">=", "<=")),
    ast.GtE: (">=", (">", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
}
ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.BitOr: ("|", "&"),
    ast.BitAnd: ("&", "|"),
    ast.BitXor: ("^", "|"),
}
OPPOSITES = {"min": "max", "max": "min", "any": "all", "all": "any"}
EXACT_NUMBERS = frozenset({"Decimal", "Fraction"})
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Edit(NamedTuple):
    """Bytes `start` to `end` of the source become `text`."""

    start: int
    end: int
    text: str
    kind: str


class Source:
    """One file as bytes, because positions in Python's syntax tree count bytes."""

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._starts = [0]
        for line in text.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """Where a node begins and ends."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[end_line - 1] + end_column

    def replace(self, node: ast.expr | ast.stmt, text: str, kind: str) -> Edit:
        """The node becomes `text`."""
        return Edit(*self.span(node), text, kind)

    def between(self, left: ast.expr, right: ast.expr, was: str, now: str, kind: str) -> Iterator[Edit]:
        """The operator `was` between two operands becomes `now`."""
        start, end = self.span(left)[1], self.span(right)[0]
        spelled = rb"\s+".join(re.escape(word).encode() for word in was.split())
        if found := re.search(spelled, self.text[start:end]):
            yield Edit(start + found.start(), start + found.end(), now, kind)


def of_expression(node: ast.expr, source: Source) -> Iterator[Edit]:
    """Every way in which this very expression (not what is inside it) may be wrong."""
    match node:
        case ast.Compare():
            yield from _compare(node, source)
        case ast.BoolOp():
            yield from _both(node, source)
        case ast.BinOp():
            yield from _arithmetic(node, source)
        case ast.UnaryOp():
            yield from _sign(node, source)
        case ast.IfExp():
            yield from _choice(node, source)
        case ast.Call():
            yield from _call(node, source)
        case ast.Constant():
            yield from _constant(node, source)
        case ast.Set() | ast.Dict():
            yield from without_members(node, source)


def _compare(node: ast.Compare, source: Source) -> Iterator[Edit]:
    for (left, right), operator in zip(pairwise([node.left, *node.comparators]), node.ops, strict=True):
        was, others = COMPARISONS[type(operator)]
        for now in others:
            yield from source.between(left, right, was, now, "comparison")
        if isinstance(operator, ast.In | ast.NotIn) and isinstance(right, ast.Tuple):
            yield from without_members(right, source)


def _both(node: ast.BoolOp, source: Source) -> Iterator[Edit]:
    was, now = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in pairwise(node.values):
        yield from source.between(left, right, was, now, "and, or")


def _arithmetic(node: ast.BinOp, source: Source) -> Iterator[Edit]:
    texts = [side for side in (node.left, node.right) if isinstance(side, ast.JoinedStr) or _is(side, str)]
    if not texts and type(node.op) in ARITHMETIC:
        was, now = ARITHMETIC[type(node.op)]
        yield from source.between(node.left, node.right, was, now, "arithmetic")


def _sign(node: ast.UnaryOp, source: Source) -> Iterator[Edit]:
    if isinstance(node.op, ast.Not | ast.USub):
        start, end = source.span(node)[0], source.span(node.operand)[0]
        kept = source.text[start:end].decode().lstrip("not-").lstrip()  # an opening parenthesis stays
        yield Edit(start, end, kept, "not" if isinstance(node.op, ast.Not) else "arithmetic")


def _choice(node: ast.IfExp, source: Source) -> Iterator[Edit]:
    for always in ("True", "False"):
        yield source.replace(node.test, always, "condition")


def _call(node: ast.Call, source: Source) -> Iterator[Edit]:
    if not isinstance(node.func, ast.Name):
        return
    if node.func.id in OPPOSITES:
        yield source.replace(node.func, OPPOSITES[node.func.id], "min, max, any, all")
    for argument in node.args if node.func.id in EXACT_NUMBERS else ():
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and NUMBER.fullmatch(argument.value):
            yield source.replace(argument, f'"{argument.value}1"', "constant")


def _constant(node: ast.Constant, source: Source) -> Iterator[Edit]:
    if isinstance(node.value, bool):
        yield source.replace(node, str(not node.value), "constant")
    elif isinstance(node.value, int):
        yield source.replace(node, str(node.value + 1), "constant")
        if node.value == 1:
            yield source.replace(node, "0", "constant")


def without_members(node: ast.Set | ast.Dict | ast.Tuple | ast.List, source: Source) -> Iterator[Edit]:
    """The literal without each of its members; starred and unpacked ones stay."""
    spans = _member_spans(node, source)
    empty = {ast.Set: "set()", ast.Dict: "{}", ast.Tuple: "()", ast.List: "[]"}[type(node)]
    if len(spans) == 1 and spans[0] is not None:
        yield source.replace(node, empty, "member")
    elif len(spans) == 2 and isinstance(node, ast.Tuple) and None not in spans:
        for kept in reversed(node.elts):
            start, end = source.span(kept)
            yield source.replace(node, f"({source.text[start:end].decode()},)", "member")
    elif None not in spans:
        known = [span for span in spans if span is not None]
        for (start, _), (following, _) in pairwise(known):
            yield Edit(start, following, "", "member")
        if len(known) > 1:
            yield Edit(known[-2][1], known[-1][1], "", "member")


def _member_spans(node: ast.Set | ast.Dict | ast.Tuple | ast.List, source: Source) -> list[tuple[int, int] | None]:
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return [None if key is None else (source.span(key)[0], source.span(value)[1]) for key, value in pairs]
    return [None if isinstance(member, ast.Starred) else source.span(member) for member in node.elts]


def of_statement(node: ast.stmt, source: Source, answers_bool: bool) -> Iterator[Edit]:
    """Every way in which this very statement may be wrong; `answers_bool` when its function returns a bool."""
    if isinstance(node, ast.If):
        yield source.replace(node.test, "False", "guard")
        if not isinstance(node.test, ast.Compare | ast.BoolOp | ast.UnaryOp):
            yield source.replace(node.test, "True", "guard")
    elif isinstance(node, ast.While):
        yield source.replace(node.test, "False", "guard")
    elif isinstance(node, ast.Return) and node.value is not None and not isinstance(node.value, ast.Constant):
        for now in ("True", "False") if answers_bool else ("None",):
            yield source.replace(node.value, now, "return")
    elif isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant):
        yield source.replace(node, "pass", "statement")
    elif isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
        was, now = ARITHMETIC[type(node.op)]
        yield from source.between(node.target, node.value, was, now, "arithmetic")


def of_filter(node: ast.comprehension, source: Source) -> Iterator[Edit]:
    """A comprehension that lets everything through."""
    for condition in node.ifs:
        yield source.replace(condition, "True", "condition")


def _is(node: ast.expr, kind: type) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, kind)


def names(nodes: Sequence[ast.expr]) -> bool:
    """Whether there is nothing but names: `A | B` of types is no arithmetic."""
    return all(isinstance(node, ast.Name | ast.Attribute) or _is(node, type(None)) for node in nodes)
