"""cards/lock.json: what each rule was at which version, so that a released rule cannot change unnoticed.

An entry is released once `cards/VERSION` has moved beyond the version of the knowledge that the entry was locked in
(`since`). A released rule may only change together with its `version`, never goes back to draft, and never disappears
without a tombstone in retired.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.rule_file import RuleEntry
from cds_service.knowledge.sources import Source, Sources, family_hash, rule_hash

NAME = "lock"
FILE = "lock.json"
UPDATE = "run `ionwise lock`"


def compare_lock(sources: Sources) -> Iterator[Finding]:
    """What differs between cards/ and its lock, with what to do about each."""
    locked = _read(sources.cards_dir / FILE)
    yield from refusals(sources, locked)
    for source in sources.rules:
        old = locked["rules"].get(source.entry.id)
        if old != _entry(source, old, sources.version) and not _breaks(source, old, sources.version):
            yield source.finding(NAME, f"{source.entry.id} is not as lock.json knows it", UPDATE, "version")
    for family in sources.families:
        if locked["families"].get(family.entry.id) != family_hash(family.folder):
            yield family.finding(NAME, f"family {family.entry.id} is not as lock.json knows it", UPDATE, "id")
    gone = set(locked["rules"]) - {source.entry.id for source in sources.rules} - _retired(sources)
    for rule_id in sorted(gone):
        if not _released(locked["rules"][rule_id], sources.version):
            yield Finding(_shown(sources), 1, NAME, f"{rule_id} is locked and no longer exists", UPDATE)


def refusals(sources: Sources, locked: dict[str, Any]) -> Iterator[Finding]:
    """The differences that locking again cannot mend."""
    for source in sources.rules:
        problem = _breaks(source, locked["rules"].get(source.entry.id), sources.version)
        if problem:
            remedy = f"set version to {locked['rules'][source.entry.id]['version'] + 1} or higher and {UPDATE}"
            if source.entry.status == "draft":
                remedy = "use silent or retired instead"
            yield source.finding(NAME, problem, remedy, "version")
    for rule_id in sorted(set(locked["rules"]) - {source.entry.id for source in sources.rules} - _retired(sources)):
        if _released(locked["rules"][rule_id], sources.version):
            problem = f"{rule_id} was released and no longer exists"
            yield Finding(_shown(sources), 1, NAME, problem, "put it back, or write its tombstone in retired.yaml")


def update_lock(sources: Sources) -> tuple[str, ...]:
    """Write lock.json; returns the ids of rules and families that were new or changed.

    Raises KnowledgeError, and writes nothing, when a released rule changed without a new version.
    """
    path = sources.cards_dir / FILE
    locked = _read(path)
    refused = tuple(refusals(sources, locked))
    if refused:
        raise KnowledgeError(refused)
    rules = {s.entry.id: _entry(s, locked["rules"].get(s.entry.id), sources.version) for s in sources.rules}
    families = {s.entry.id: family_hash(s.folder) for s in sources.families}
    fresh: dict[str, dict[str, Any]] = {"families": families, "rules": rules}
    path.write_text(json.dumps(fresh, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return tuple(sorted(
        key for kind in ("rules", "families") for key, entry in fresh[kind].items() if locked[kind].get(key) != entry
    ))  # fmt: skip


def _entry(source: Source[RuleEntry], old: dict[str, Any] | None, version: str) -> dict[str, Any]:
    """The lock entry of a rule; `since` stays as long as nothing changes."""
    entry = source.entry
    fresh = {"sha256": rule_hash(source.folder), "status": entry.status, "version": entry.version}
    if old is not None and fresh == {key: old[key] for key in fresh}:
        return {**fresh, "since": old["since"]}
    return {**fresh, "since": version}


def _breaks(source: Source[RuleEntry], old: dict[str, Any] | None, version: str) -> str:
    if old is None or not _released(old, version):
        return ""
    entry = source.entry
    if entry.status == "draft" and old["status"] != "draft":
        return f"{entry.id} was released and goes back to draft"
    if rule_hash(source.folder) != old["sha256"] and entry.version <= old["version"]:
        return f"{entry.id} changed since knowledge {old['since']} and is still version {entry.version}"
    return ""


def _released(old: dict[str, Any], version: str) -> bool:
    return bool(old["since"] != version)


def _retired(sources: Sources) -> set[str]:
    return set(sources.retired.entry.retired) if sources.retired else set()


def _read(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {"families": {}, "rules": {}}
    locked: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return locked


def _shown(sources: Sources) -> str:
    return sources.shown(sources.cards_dir / FILE)
