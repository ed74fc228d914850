"""The tables of cards/_shared as the service loads them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from cds_service.knowledge.shared_files import SharedFiles, read_shared

SHARED = Path(__file__).resolve().parents[3] / "cards" / "_shared"


@lru_cache(maxsize=1)
def shared_tables() -> SharedFiles:
    """Everything in cards/_shared that is a table of codes."""
    built, findings = read_shared(SHARED, lambda path: path.name)
    assert built is not None, findings
    assert findings == []
    return built
