"""The mutants themselves: what is changed, how a mutant is told, and that it is put in place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.mutation import mutants
from tests.mutation.__main__ import share
from tests.mutation.survivors import Explained, read_explained, reckon


def mutated(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the mutants of a file with this one line look like."""
    (tmp_path / "example.py").write_text(f'"""Nothing here changes."""\n{line}\n', "utf-8")
    monkeypatch.setattr(mutants, "ROOT", tmp_path)
    return [mutant.now for mutant in mutants.mutants_of("example.py")]


@pytest.mark.parametrize(
    ("line", "now"),
    [
        ("x = a < b", ["x = a <= b", "x = a >= b"]),
        ("x = a is not b", ["x = a is b"]),
        ("x = a and b or c", ["x = a or b or c", "x = a and b and c"]),
        ("x = not (a)", ["x = (a)"]),
        ("x = min(a, b)", ["x = max(a, b)"]),
        ("x = a - 1", ["x = a + 1", "x = a - 2", "x = a - 0"]),
        ("x = a if b else c", ["x = a if True else c", "x = a if False else c"]),
        ("x = [a for a in b if a]", ["x = [a for a in b if True]"]),
        ('x = {"a", "b"}', ['x = {"b"}', 'x = {"a"}']),
        ('x = ("a", "b")', ['x = ("b",)', 'x = ("a",)']),
        ('x = Fraction("2.1")', ['x = Fraction("2.11")']),
        ("if a: b()", ["if False: b()", "if True: b()", "if a: pass"]),
        ("def f() -> bool: return a", ["def f() -> bool: return True", "def f() -> bool: return False"]),
        ("def f() -> int: return a", ["def f() -> int: return None"]),
        ('x: int | None = f"{a < b}"', []),
        ("Fact = Result | Problem", []),
    ],
)
def test_each_operator_makes_the_mistakes_it_is_for(
    line: str, now: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sorted(mutated(line, tmp_path, monkeypatch)) == sorted(now)


def test_every_mutant_is_python_and_differs_from_the_file() -> None:
    for mutant in mutants.mutants_of("cds_service/facts/proof.py"):
        assert ast.dump(ast.parse(mutant.source())) != ast.dump(ast.parse((mutants.ROOT / mutant.file).read_bytes()))


def test_a_mutant_knows_the_outermost_function_it_is_in() -> None:
    found = {mutant.scope for mutant in mutants.mutants_of("cds_service/facts/snapshot.py")}
    assert "Snapshot.gap" in found


def test_an_explanation_is_stale_once_a_test_notices_its_mutant() -> None:
    mutant = next(mutants.mutants_of("cds_service/facts/proof.py"))
    told = {"file": mutant.file, "in": mutant.scope, "was": mutant.was, "now": mutant.now}
    entry = Explained.model_validate(told | {"kind": "equivalent", "because": "an example"})
    gone = entry.model_copy(update={"now": "something else"})
    assert reckon([entry], [mutant], {mutant: None}).explained == {mutant: entry}
    assert len(reckon([entry], [mutant], {mutant: "a test"}).stale) == 1
    assert reckon([], [mutant], {mutant: None}).unexplained == [mutant]
    assert len(reckon([gone], [mutant], {mutant: None}).stale) == 1


def test_the_explanations_can_be_read() -> None:
    assert all(entry.because for entry in read_explained())


def test_a_sample_has_an_interval_and_the_whole_has_none() -> None:
    assert share(90, 100, 100) == "90.0%"
    assert share(360, 400, 3000) == "90.0%, of all mutants probably 86.7% to 92.6% (95 %)"
