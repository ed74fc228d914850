"""Imports rule.py and family.py by folder convention; no decorators, no registration."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.sources import DEFAULT_CARDS

_ELSEWHERE: dict[Path, dict[str, ModuleType]] = {}


def import_code(cards_dir: Path, *parts: str, shown: str) -> ModuleType:
    """The module `<cards>.<parts>`. Another cards directory is imported as a package of its own folder name.

    Raises KnowledgeError when the file is absent or does not import.
    """
    path = cards_dir.joinpath(*parts).with_suffix(".py")
    if not path.exists():
        raise KnowledgeError((Finding(shown, 1, "code", "the file does not exist", "write it, or name a family"),))
    try:
        if cards_dir != DEFAULT_CARDS and cards_dir.name == DEFAULT_CARDS.name:
            with _in_place_of_ours(cards_dir):
                return importlib.import_module(".".join((cards_dir.name, *parts)))
        return importlib.import_module(".".join((_package(cards_dir), *parts)))
    except SyntaxError as error:
        line, what = error.lineno or 1, error.msg
    except Exception as error:  # whatever a knowledge file raises on import is a finding
        line, what = 1, f"{type(error).__name__}: {error}"
    raise KnowledgeError((Finding(shown, line, "code", f"cannot be imported: {what}", "correct the code"),))


@contextmanager
def _in_place_of_ours(cards_dir: Path) -> Iterator[None]:
    """While it lasts, `cards` is another folder of that name: its rules import their families from there."""
    ours = _taken_out()
    sys.modules.update(_ELSEWHERE.get(cards_dir) or {cards_dir.name: _new_package(cards_dir)})
    try:
        yield
    finally:
        _ELSEWHERE[cards_dir] = _taken_out()
        sys.modules.update(ours)


def _taken_out() -> dict[str, ModuleType]:
    name = DEFAULT_CARDS.name
    return {
        module: sys.modules.pop(module)
        for module in list(sys.modules)
        if module == name or module.startswith(f"{name}.")
    }


def _new_package(cards_dir: Path) -> ModuleType:
    package = ModuleType(cards_dir.name)
    package.__path__ = [str(cards_dir)]
    importlib.invalidate_caches()
    return package


def _package(cards_dir: Path) -> str:
    """The importable name of a cards directory, made known to Python when it is not yet."""
    name = cards_dir.name
    known = sys.modules.get(name)
    if known is not None and str(cards_dir) in [str(Path(place).resolve()) for place in known.__path__]:
        return name
    for stale in [module for module in sys.modules if module == name or module.startswith(f"{name}.")]:
        del sys.modules[stale]
    sys.modules[name] = _new_package(cards_dir)
    return name


def find_function(module: ModuleType, wanted: str, shown: str) -> Callable[..., Any]:
    """The function `wanted` of a module, or its only public one. Raises KnowledgeError when that is not clear."""
    found = getattr(module, wanted, None)
    if callable(found):
        return found  # type: ignore[no-any-return]  # getattr on a module
    public = [
        function
        for name, function in vars(module).items()
        if inspect.isfunction(function) and function.__module__ == module.__name__ and not name.startswith("_")
    ]
    if len(public) == 1:
        return public[0]
    problem = f"no function {wanted}()"
    raise KnowledgeError((Finding(shown, 1, "code", problem, f"define {wanted}(patient, k), see the format"),))
