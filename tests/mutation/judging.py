"""Whether the suite notices a mutant.

Most mutants are put into the running process: a fork of the suite gets the mutated function's code and the mutated
module's tables. Those of which that would not be the whole effect (defaults of a class, functions that already ran
while the knowledge was loaded) get a process that imports the project with the mutated file in place.
"""

from __future__ import annotations

import ast
import gc
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

import pytest

from tests.mutation.children import ChildDiedError, be_quiet, in_child
from tests.mutation.mutants import ROOT, Mutant
from tests.mutation.suite import OPTIONS, OURS, TESTS, Suite, Watch, first_failure

NOT_LOADED = "the project does not load"
OUT_OF_TIME = "a test takes too long"
GONE = "a test is no longer collected"
CONTROL = 1000  # tests, run once more without any mutant: they must still pass
Report = Callable[[Mutant, "str | None"], None]


class Verdicts(NamedTuple):
    """What became of the mutants.

    killers  mutant -> the test that notices it (or what happens instead), None when the suite passes
    left     those that need a process of their own, with the order in which to run the tests
    failing  tests that fail without any mutant: they were left out
    """

    killers: dict[Mutant, str | None]
    left: list[tuple[Mutant, list[str]]]
    failing: list[str]


def judge(mutants: Sequence[Mutant], report: Report) -> Verdicts:
    """Which test notices each mutant; `report` is told of each as soon as it is known.

    Raises ChildDiedError when the suite itself cannot be run.
    """
    import_others()
    found = in_child(lambda: _judge_in_place(mutants, report))
    for mutant, order in found.left:
        killer = _killer(partial(_in_fresh_process, mutant, order))
        found.killers[mutant] = killer
        report(mutant, killer)
    return found


def import_others() -> None:
    """What the project imports and is not ours: once, for all processes."""
    for name in (
        "fastapi",
        "fhir.resources",
        "hypothesis",
        "msgspec",
        "orjson",
        "pint",
        "pydantic",
        "ucumvert",
        "yaml",
    ):
        importlib.import_module(name)


def _killer(work: Callable[[], str | None]) -> str | None:
    try:
        return in_child(work)
    except ChildDiedError as death:
        return OUT_OF_TIME if death.out_of_time else NOT_LOADED


def _run_pytest(plugin: object) -> None:
    from hypothesis import settings

    settings.register_profile("mutation", database=None, derandomize=True)
    settings.load_profile("mutation")
    pytest.main([*OPTIONS, f"--rootdir={ROOT}", *TESTS], plugins=[plugin])


# ---- in the running process ------------------------------------------------------------------------------------------


class _InPlace:
    def __init__(self, mutants: Sequence[Mutant], report: Report, watch: Watch) -> None:
        self._mutants, self._report, self._watch = mutants, report, watch
        self.verdicts = Verdicts({}, [], [])
        self._functions: list[FunctionType] = []
        self._killers: dict[str, set[str]] = defaultdict(set)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed or not session.items:
            raise session.Failed("the tests cannot be collected")
        suite = Suite(session, self._watch)
        self.verdicts.failing.extend(suite.failing)
        paths = {str(ROOT / mutant.file) for mutant in self._mutants}
        functions = [found for found in gc.get_objects() if isinstance(found, FunctionType)]
        self._functions = [function for function in functions if function.__code__.co_filename in paths]
        gc.freeze()  # children share what they do not change
        control = _killer(lambda: _without_mutant({mutant.file for mutant in self._mutants}, suite))
        if control is not None:
            raise session.Failed(f"fails when it is run again without any mutant: {control}")
        for mutant in self._mutants:
            self._judge(mutant, suite)
        return True

    def _judge(self, mutant: Mutant, suite: Suite) -> None:
        place = (mutant.file, mutant.scope)
        by_tables = place in run_by_tables(mutant.file)
        if mutant.scope and not by_tables and (not mutant.body or place in suite.at_start):
            self.verdicts.left.append((mutant, suite.users_of_file(mutant.file)))
            return
        names = suite.users(place) if mutant.scope and not by_tables else suite.users_of_file(mutant.file)
        names = self._killers_first(mutant.file, names)
        killer = _killer(lambda: _with_mutant(mutant, self._functions, suite, names)) if names else None
        self.verdicts.killers[mutant] = killer
        self._report(mutant, killer)
        if killer is not None:
            self._killers[mutant.file].add(killer)

    def _killers_first(self, file: str, names: list[str]) -> list[str]:
        """Sorted is stable: among those that noticed another mutant of the file, and the others, the quickest first."""
        known = self._killers[file]
        return sorted(names, key=lambda name: name not in known)


def _judge_in_place(mutants: Sequence[Mutant], report: Report) -> Verdicts:
    watch = Watch({mutant.file for mutant in mutants})
    plugin = _InPlace(mutants, report, watch)
    watch.start()
    _run_pytest(plugin)
    return plugin.verdicts


def _without_mutant(files: Iterable[str], suite: Suite) -> str | None:
    be_quiet()
    for file in files:
        make_tables((ROOT / file).read_bytes(), file)
    return suite.first_failure(suite.quickest_first[:CONTROL])


def _with_mutant(mutant: Mutant, functions: Iterable[FunctionType], suite: Suite, names: Sequence[str]) -> str | None:
    be_quiet()
    try:
        put_in_place(mutant, functions)
    except Exception:  # whatever the mutated module raises while its tables are made
        return NOT_LOADED
    return suite.first_failure(names)


def put_in_place(mutant: Mutant, functions: Iterable[FunctionType]) -> None:
    """The running process gets the mutant's code: functions keep their identity, tables are made again."""
    source = mutant.source()
    if mutant.body:
        code = _code_of(compile(source, str(ROOT / mutant.file), "exec"), mutant.scope, mutant.line)
        for function in functions:
            if _is_same(function.__code__, code):
                function.__code__ = code
    make_tables(source, mutant.file)


def make_tables(source: bytes, file: str) -> None:
    """Run again, in the module as it is, what the source does at module level besides importing and defining."""
    module, tree = sys.modules[module_name(file)], ast.parse(source)
    definitions = ast.FunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom
    tree.body = [statement for statement in tree.body if not isinstance(statement, definitions)]
    before = dict(vars(module))
    exec(compile(tree, str(ROOT / file), "exec"), vars(module))  # noqa: S102 - our own source, with one edit
    _import_again(module, before)


def _code_of(module: CodeType, scope: str, line: int) -> CodeType:
    """The last function of that name that begins before the line (a property and its setter share one)."""
    found = [code for code in _codes(module) if code.co_qualname == scope and code.co_firstlineno <= line]
    return max(found, key=lambda code: code.co_firstlineno)


def _codes(code: CodeType) -> list[CodeType]:
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return [code, *[found for one in inner for found in _codes(one)]]


def _is_same(old: CodeType, new: CodeType) -> bool:
    return (old.co_filename, old.co_qualname, old.co_firstlineno) == (
        new.co_filename,
        new.co_qualname,
        new.co_firstlineno,
    )


def _import_again(module: ModuleType, before: dict[str, Any]) -> None:
    """What other modules had imported from this one before its tables were made again, they have now."""
    changed = {name: value for name, value in vars(module).items() if before.get(name) is not value}
    others = [other for name, other in sys.modules.items() if name.startswith((*OURS, "tests."))]
    for name, value in changed.items():
        for other in others:
            if vars(other).get(name, _NOTHING) is before.get(name):
                vars(other)[name] = value


_NOTHING = object()


def run_by_tables(file: str) -> set[tuple[str, str]]:
    """The functions of a file that its own tables are made with: making these again is enough."""
    tree = ast.parse((ROOT / file).read_bytes())
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    outside = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    called = {node.id for top in outside for node in ast.walk(top) if isinstance(node, ast.Name)}
    return {(file, name) for name in functions & called}


# ---- in a process of its own -----------------------------------------------------------------------------------------


def module_name(file: str) -> str:
    """How the project imports a file."""
    return file.removesuffix(".py").replace("/", ".")


class _Mutated(importlib.abc.MetaPathFinder):
    """Imports one module from the mutant's source."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(self, name: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        if name != module_name(self._mutant.file):
            return None
        place = str(ROOT / self._mutant.file)
        return importlib.util.spec_from_file_location(name, place, loader=_Loader(name, place, self._mutant.source()))


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, source: bytes) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec")


class _Fresh:
    def __init__(self, order: Sequence[str]) -> None:
        self._order = order
        self.killer: str | None = NOT_LOADED

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        if not session.testsfailed:
            self.killer = first_failure([items[name] for name in self._order if name in items])
            if self.killer is None and any(name not in items for name in self._order):
                self.killer = GONE
        return True


def _in_fresh_process(mutant: Mutant, order: Sequence[str]) -> str | None:
    be_quiet()
    sys.meta_path.insert(0, _Mutated(mutant))
    plugin = _Fresh(order)
    _run_pytest(plugin)
    return plugin.killer
