"""What the HTTP edge is given by the composition root: values and one function, nothing that it looks up itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from cds_service.fhir.call import Call
from cds_service.knowledge.model import KeyPlanEntry, Knowledge


class Voice(NamedTuple):
    """In which language to answer, and at which address the links of the answer start."""

    language: str
    base_url: str


Answer = Callable[[Call, Voice], Mapping[str, Any]]
"""From a call to the wire response `{"cards": [...], "extension": {...}}`, ready to be written as JSON."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Everything the routes need. `clock` gives aware instants; `plan` is the key plan with the EHR's profile
    applied."""

    knowledge: Knowledge
    plan: tuple[KeyPlanEntry, ...]
    answer: Answer
    languages: tuple[str, ...]
    loopback: str
    clock: Callable[[], datetime]
    public_url: str | None = None
    sandbox: bool = False
    absent_sources: frozenset[str] = frozenset()
    max_body_bytes: int = 16 * 1024 * 1024

    def keys_of(self, hook: str) -> tuple[KeyPlanEntry, ...]:
        """The prefetch keys of one hook, in the order of the plan."""
        return tuple(entry for entry in self.plan if hook in entry.hooks)
