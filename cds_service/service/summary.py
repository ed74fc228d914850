"""The extension of an answer: which knowledge decided, what could not be judged, what is not shown and why."""

from __future__ import annotations

from typing import Any

import orjson

from cds_service.engine.rank import Ranking, Suppressed
from cds_service.engine.suppress import NO_MEMORY, Memory
from cds_service.engine.verdict import Verdict
from cds_service.facts.snapshot import Snapshot
from cds_service.knowledge.model import Knowledge

EXTENSION_LIMIT = 4000  # bytes; leaves room for the extension's own name within 4 kB
CUTTABLE = ("cannot_tell", "suppressed", "unusable")


def summarise(
    knowledge: Knowledge,
    snapshot: Snapshot,
    trace: tuple[Verdict, ...],
    ranking: Ranking,
    memory: Memory = NO_MEMORY,
    *,
    with_times: bool = False,
) -> dict[str, Any]:
    """The response extension: versions and, grouped by missing item, what could not be judged; below 4 kB.

    Holds no values and no date but the evaluation time, and `with_times` until when a card is kept back.
    """
    missing: dict[str, list[str]] = {}
    for verdict in [verdict for verdict in trace if verdict.missing]:
        for item in verdict.missing:
            missing.setdefault(item, []).append(verdict.rule_id)
    summary: dict[str, Any] = {
        "knowledge_version": knowledge.version,
        "overlay_hash": knowledge.overlay_hash or "none",
        "as_of": snapshot.as_of.at.isoformat(),
    }
    if knowledge.tenant.remarks:
        summary["site"] = list(knowledge.tenant.remarks)
    if not memory.available:
        summary["memory"] = "unavailable"
    if missing:
        summary["cannot_tell"] = [{"missing": item, "rules": rules} for item, rules in missing.items()]
    if ranking.suppressed:
        summary["suppressed"] = [_not_shown(one, with_times) for one in ranking.suppressed]
    if snapshot.quarantine:
        summary["quarantined"] = len(snapshot.quarantine)
    unusable = sorted({f"{u.concept}: {u.reason}" for found in snapshot.unusable.values() for u in found})
    if unusable:
        summary["unusable"] = unusable
    return _fit(summary)


def _not_shown(suppressed: Suppressed, with_times: bool) -> dict[str, str]:
    until = f" until {suppressed.until.isoformat()}" if with_times and suppressed.until is not None else ""
    return {"rule": suppressed.verdict.rule_id, "reason": suppressed.reason + until}


def _fit(summary: dict[str, Any]) -> dict[str, Any]:
    """Below 4 kB: first the rule lists become counts, then the longest lists are cut, saying how many were left out."""
    if summary.keys().isdisjoint(CUTTABLE):
        return summary
    if len(orjson.dumps(summary)) <= EXTENSION_LIMIT:
        return summary
    for entry in summary.get("cannot_tell", ()):
        entry["rules"] = len(entry["rules"])
    for name in CUTTABLE:
        while name in summary and len(orjson.dumps(summary)) > EXTENSION_LIMIT:
            kept = summary[name][: len(summary[name]) // 2]
            summary["left_out"] = summary.get("left_out", 0) + len(summary[name]) - len(kept)
            summary[name] = kept
            if not kept:
                del summary[name]
    return summary
