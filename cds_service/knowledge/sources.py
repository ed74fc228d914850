"""Everything written in cards/, read and checked for shape, not yet compiled: what the loader and the lint work on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.family_file import FamilyEntry
from cds_service.knowledge.file_model import read_model
from cds_service.knowledge.policy_file import EvidenceEntry, PhrasesEntry, PolicyEntry, RetiredEntry
from cds_service.knowledge.rule_file import RuleEntry
from cds_service.knowledge.yaml_strict import Document, load_yaml

DEFAULT_CARDS = Path(__file__).resolve().parents[2] / "cards"
Entry = TypeVar("Entry", bound=BaseModel)


@dataclass(frozen=True)
class Source(Generic[Entry]):
    """One file: where it is, its document (for line numbers) and its checked content."""

    path: Path
    document: Document
    entry: Entry

    @property
    def folder(self) -> Path:
        """The folder that holds it."""
        return self.path.parent

    def finding(self, check: str, problem: str, remedy: str, *path: str | int) -> Finding:
        """A finding at the line of `path`."""
        return self.document.finding(path, problem, remedy, check)


@dataclass
class Sources:
    """cards/ as read; `findings` holds what could not be read."""

    cards_dir: Path
    rules: list[Source[RuleEntry]] = field(default_factory=list)
    families: list[Source[FamilyEntry]] = field(default_factory=list)
    policy: Source[PolicyEntry] | None = None
    evidence: Source[EvidenceEntry] | None = None
    phrases: Source[PhrasesEntry] | None = None
    retired: Source[RetiredEntry] | None = None
    version: str = "0"
    findings: list[Finding] = field(default_factory=list)

    def shown(self, path: Path) -> str:
        """How findings print a path: from the folder that holds cards/."""
        return path.relative_to(self.cards_dir.parent).as_posix()

    @property
    def owners(self) -> tuple[Source[Any], ...]:
        """Families and rules: everything that has needs, limits and code."""
        return (*self.families, *self.rules)

    def family(self, family_id: str) -> Source[FamilyEntry] | None:
        """The family with this id."""
        return next((source for source in self.families if source.entry.id == family_id), None)


def read_sources(cards_dir: Path | None = None) -> Sources:
    """Read cards/ (default: the one beside cds_service). Shape errors end up in `findings`; nothing is raised."""
    sources = Sources((cards_dir or DEFAULT_CARDS).resolve())
    shared = sources.cards_dir / "_shared"
    for folder in _folders(sources.cards_dir / "_families"):
        family = _read(sources, folder / "family.yaml", FamilyEntry)
        if family is not None:
            sources.families.append(family)
    for folder in _folders(sources.cards_dir):
        rule = _read(sources, folder / "rule.yaml", RuleEntry)
        if rule is not None:
            sources.rules.append(rule)
    sources.policy = _read(sources, shared / "policy.yaml", PolicyEntry)
    sources.evidence = _read(sources, shared / "evidence.yaml", EvidenceEntry)
    sources.phrases = _read(sources, shared / "phrases.yaml", PhrasesEntry)
    if (sources.cards_dir / "retired.yaml").exists():
        sources.retired = _read(sources, sources.cards_dir / "retired.yaml", RetiredEntry)
    version = sources.cards_dir / "VERSION"
    if version.exists():
        sources.version = version.read_text(encoding="utf-8").strip()
    return sources


def _folders(parent: Path) -> Iterator[Path]:
    if not parent.is_dir():
        return
    for folder in sorted(parent.iterdir()):
        if folder.is_dir() and folder.name[0] not in "_." and any(p.name != "__pycache__" for p in folder.iterdir()):
            yield folder


def _read(sources: Sources, path: Path, model: type[Entry]) -> Source[Entry] | None:
    source, findings = read_source(path, sources.shown(path), model)
    sources.findings += findings
    return source


def read_source(path: Path, shown: str, model: type[Entry]) -> tuple[Source[Entry] | None, list[Finding]]:
    """One file as `model`, or all that is wrong with it. shown: the path as findings print it. Nothing is raised."""
    try:
        document = load_yaml(path, shown)
    except KnowledgeError as refused:
        return None, [*refused.findings]
    entry, findings = read_model(document, model)
    return (None if entry is None else Source(path, document, entry)), findings


def folder_hash(folder: Path, *names: str) -> str:
    """SHA-256 over the named files of a folder (those that exist), names and contents."""
    digest = hashlib.sha256()
    for name in sorted(names):
        path = folder / name
        if path.exists():
            digest.update(name.encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return digest.hexdigest()


def rule_hash(folder: Path) -> str:
    """The hash that lock.json keeps of a rule: rule.yaml and rule.py, not its cases."""
    return folder_hash(folder, "rule.yaml", "rule.py")


def family_hash(folder: Path) -> str:
    """The hash that lock.json keeps of a family: family.yaml and all its code."""
    return folder_hash(folder, "family.yaml", *(path.name for path in folder.glob("*.py")))
