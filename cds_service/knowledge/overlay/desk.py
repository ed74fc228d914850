"""What the checks of an overlay share: the file, the knowledge it is laid over, and the findings so far."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.overlay.file import OverlayFile
from cds_service.knowledge.yaml_strict import Document

NAME = "overlay"


class Desk:
    """One overlay on its way over `base`. Files that it names are looked for beside it; all count for its hash."""

    def __init__(self, path: Path, document: Document, entry: OverlayFile, base: Knowledge) -> None:
        self.path = path
        self.document = document
        self.entry = entry
        self.base = base
        self.findings: list[Finding] = []
        self.remarks: list[str] = []
        self._digest = hashlib.sha256(path.read_bytes())

    @property
    def sha256(self) -> str:
        """The hash over the overlay and every file taken from it so far."""
        return self._digest.hexdigest()

    def wrong(self, problem: str, remedy: str, *path: str | int) -> None:
        """Note a finding at the line of `path`."""
        self.findings.append(self.document.finding(path, problem, remedy, NAME))

    def unknown(self, what: str, name: str, known: Iterable[str], *path: str | int) -> None:
        """Note that there is no `what` of this name, and which comes near."""
        near = get_close_matches(name, list(known), n=1, cutoff=0.7)
        remedy = f"did you mean {near[0]}?" if near else "correct the id; docs/overlay.md says where they are listed"
        self.wrong(f"unknown {what} {name}", remedy, *path)

    def take(self, name: str, *path: str | int) -> Path | None:
        """A file that the overlay names, relative to its own folder; None and a finding when it is not there."""
        file = self.path.parent / name
        if not file.is_file():
            self.wrong(f"the file {name} is not there", f"put it beside {self.path.name}, or correct the name", *path)
            return None
        self._digest.update(name.encode() + b"\0" + file.read_bytes())
        return file

    def admit(self, refused: KnowledgeError) -> None:
        """Take over the findings of a file that the overlay names."""
        self.findings += refused.findings

    def rules(self, pattern: str, *path: str | int) -> Iterator[str]:
        """The ids of the rules that a pattern (`sep-*`) or an id names; a finding when there are none."""
        known = [rule.id for rule in self.base.rules]
        stem = pattern.removesuffix("*")
        found = [rule for rule in known if (rule == pattern or (stem != pattern and rule.startswith(stem)))]
        if not found:
            self.unknown("rule", pattern, known, *path)
        yield from found
