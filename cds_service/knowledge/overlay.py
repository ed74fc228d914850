"""A site's own choices over the base knowledge: limits within their range, rules switched off or made silent."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import msgspec

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.file_model import FileModel, Id, Number, read_model
from cds_service.knowledge.limits import LimitTable
from cds_service.knowledge.model import Rule
from cds_service.knowledge.sources import Sources
from cds_service.knowledge.yaml_strict import Document, load_yaml

NAME = "overlay"


class OverlayEntry(FileModel):
    """An overlay file: `limits` by `<rule or family>.<name>`, rules `off`, rules `silent`."""

    limits: dict[str, Number] = {}
    off: tuple[Id, ...] = ()
    silent: tuple[Id, ...] = ()


@dataclass(frozen=True)
class Overlay:
    """An overlay after its checks; `sha256` names it in every decision, empty without one."""

    limits: Mapping[str, Decimal] = field(default_factory=dict)
    off: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    sha256: str = ""
    findings: tuple[Finding, ...] = ()

    def applied(self, rule: Rule) -> Rule:
        """The rule as this site runs it."""
        return msgspec.structs.replace(rule, status="silent") if rule.id in self.silent else rule


def read_overlay(path: Path | None, sources: Sources) -> Overlay:
    """Read and check an overlay file against `sources`; no path gives the empty overlay."""
    if path is None:
        return Overlay()
    try:
        document = load_yaml(path, path.name)
    except KnowledgeError as refused:
        return Overlay(findings=refused.findings)
    entry, findings = read_model(document, OverlayEntry)
    if entry is None:
        return Overlay(findings=tuple(findings))
    findings += _check_limits(document, entry, sources)
    known = {source.entry.id for source in sources.rules}
    for kind in ("off", "silent"):
        for index, rule_id in enumerate(getattr(entry, kind)):
            if rule_id not in known:
                findings.append(document.finding((kind, index), f"unknown rule {rule_id}", "correct the id", NAME))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return Overlay(entry.limits, frozenset(entry.off), frozenset(entry.silent), digest, tuple(findings))


def _check_limits(document: Document, entry: OverlayEntry, sources: Sources) -> list[Finding]:
    owners = LimitTable(sources).owners
    findings = []
    for full, value in entry.limits.items():
        owner_id, _, name = full.partition(".")
        owner = owners.get(owner_id)
        limit = owner.entry.limits.get(name) if owner is not None else None
        if limit is None or limit.range is None:
            remedy = "name a limit as <rule or family>.<limit>; where it says same_as, move the original"
            findings.append(document.finding(("limits", full), f"no limit {full} of its own", remedy, NAME))
        elif limit.constant or not limit.range[0] <= value <= limit.range[1]:
            low, high = limit.range
            problem = f"{full} = {value} is outside {low} to {high}"
            findings.append(document.finding(("limits", full), problem, "choose a value within the range", NAME))
    return findings
