"""lock.json knows every rule as it is now; a released rule never changes under the same version."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.errors import Finding
from cds_service.knowledge.lint.desk import Desk
from cds_service.knowledge.lock import compare_lock


def check(desk: Desk) -> Iterator[Finding]:
    """The findings of the lock."""
    yield from compare_lock(desk.sources)
