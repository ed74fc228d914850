"""The tree of the project as the architecture tests look at it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
LEFT_BEHIND = frozenset({".coverage", "__pycache__", ".git", "build", "dist", "htmlcov", "target"})


def files(*tops: str) -> Iterator[Path]:
    """Every file of ours below the named top-level folders (or the whole tree), sorted, without what tools leave."""
    for top in tops or (".",):
        yield from _below(ROOT / top)


def _below(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for inner in sorted(path.iterdir()):
            if not _left_by_tools(inner):  # .venv and caches hold more files than we do
                yield from _below(inner)


def _left_by_tools(path: Path) -> bool:
    hidden = path.name.startswith(".") and path.name != ".ci" and path.is_dir()
    return hidden or path.name in LEFT_BEHIND or path.name.endswith(("_cache", ".egg-info"))


def python_files(*tops: str) -> list[Path]:
    """The Python files among them."""
    return [path for path in files(*tops) if path.suffix == ".py"]


def name(path: Path) -> str:
    """How a finding names a file."""
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module that a Python file imports, absolute and dotted; `from a import b` gives `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
