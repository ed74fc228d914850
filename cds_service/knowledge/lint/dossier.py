"""Claims, hazards and open questions are complete and name rules, gates and families that exist."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.errors import Finding, KnowledgeError
from cds_service.knowledge.dossier import read_dossier
from cds_service.knowledge.lint.desk import Desk


def check(desk: Desk) -> Iterator[Finding]:
    """Everything that is wrong with the dossier."""
    try:
        read_dossier(desk.sources)
    except KnowledgeError as refused:
        yield from refused.findings
