"""The checks behind `ionwise check`: one per module, each a function `check(desk) -> Iterable[Finding]`."""

from __future__ import annotations

from cds_service.errors import Finding
from cds_service.knowledge.lint import (
    cases,
    dossier,
    hooks,
    ids,
    limits,
    locked,
    needs,
    policy,
    references,
    review,
    rule_code,
    summaries,
    templates,
    unread,
    wording,
)
from cds_service.knowledge.lint.desk import Desk

CHECKS = (
    ids, templates, wording, limits, references, needs, hooks, review, summaries, rule_code, cases, policy, locked,
    dossier, unread,
)  # fmt: skip
ADVICE = frozenset({"review-soon", "unused"})


def run_checks(desk: Desk) -> list[Finding]:
    """Everything that the checks find, sorted. A finding whose check is in ADVICE does not fail the build."""
    return sorted({finding for module in CHECKS for finding in module.check(desk)})
