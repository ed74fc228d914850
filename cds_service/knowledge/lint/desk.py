"""What the checks look at: the files, the compiled knowledge, and the day of the check."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from cds_service.knowledge.family_file import FamilyEntry
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.rule_file import RuleEntry
from cds_service.knowledge.sources import Source, Sources


@dataclass
class Desk:
    """Everything a check may look at. `knowledge` holds only the rules that compiled."""

    sources: Sources
    knowledge: Knowledge
    today: date
    _trees: dict[Path, ast.Module | None] = field(default_factory=dict)

    def tree(self, path: Path) -> ast.Module | None:
        """The syntax tree of a Python file; None when it is absent or does not parse (the compiler reports that)."""
        if path not in self._trees:
            try:
                self._trees[path] = ast.parse(path.read_text(encoding="utf-8"))
            except (OSError, SyntaxError):
                self._trees[path] = None
        return self._trees[path]

    def family_of(self, rule: Source[RuleEntry]) -> Source[FamilyEntry] | None:
        """The family of kind `rule` that evaluates a rule without rule.py."""
        return self.sources.family(rule.entry.family) if rule.entry.family else None

    def code_of(self, source: Source[Any]) -> Path:
        """The Python file that decides for a rule or family."""
        if isinstance(source.entry, FamilyEntry):
            return source.folder / "family.py"
        family = self.family_of(source)
        return source.folder / "rule.py" if family is None else family.folder / "family.py"
