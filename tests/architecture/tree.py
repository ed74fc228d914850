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
        start = ROOT / top
        for path in [start] if start.is_file() else sorted(start.rglob("*")):
            if path.is_file() and not _left_by_tools(path.relative_to(ROOT)):
                yield path


def _left_by_tools(path: Path) -> bool:
    hidden = any(part.startswith(".") and part != ".ci" for part in path.parts[:-1])
    return hidden or any(part in LEFT_BEHIND or part.endswith(("_cache", ".egg-info")) for part in path.parts)


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
