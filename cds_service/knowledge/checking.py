"""The first part of `ionwise check`: everything that is wrong with the files of cards/, all at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cds_service.errors import Finding
from cds_service.knowledge.lint import ADVICE, run_checks
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.load import compile_knowledge
from cds_service.knowledge.sources import read_sources


def check_cards(cards_dir: Path | None, today: date) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Errors and advice, each sorted. Reads cards/ (default: the one beside cds_service), drafts included.

    When the shared files themselves are refused, only that is reported: nothing else can be judged without them.
    """
    sources = read_sources(cards_dir)
    knowledge, findings = compile_knowledge(sources, drafts=True)
    if knowledge is not None:
        findings += run_checks(Desk(sources, knowledge, today))
    unique = sorted(set(findings))
    errors = tuple(finding for finding in unique if finding.check not in ADVICE)
    return errors, tuple(finding for finding in unique if finding.check in ADVICE)
