"""The knowledge of cards/, read once in a process: it is frozen, so all tests share it."""

from __future__ import annotations

from functools import cache

from cds_service.knowledge.load import load_knowledge
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.sources import Sources, read_sources


@cache
def released() -> Knowledge:
    """What a service runs with. Raises KnowledgeError when cards/ is refused."""
    return load_knowledge()


@cache
def knowledge() -> Knowledge:
    """The same, and the rules that are still being written. Raises KnowledgeError when cards/ is refused."""
    return load_knowledge(drafts=True)


@cache
def sources() -> Sources:
    """The files of cards/ as written; to be read only."""
    return read_sources()
