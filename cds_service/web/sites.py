"""The tenants that a running service answers for. One reference holds them all: a reload swaps it between two calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from cds_service.engine.suppress import Memory
from cds_service.engine.verdict import Verdict
from cds_service.errors import RequestError
from cds_service.fhir.call import Call
from cds_service.fhir.prefetch import is_null
from cds_service.knowledge.model import KeyPlanEntry, Knowledge
from cds_service.service.decide import Decision
from cds_service.trust.clients import Clients
from cds_service.web.voice import Voice

TENANT_EXTENSION = "org.ionwise.tenant"
_UNKNOWN = f"extension.{TENANT_EXTENSION}: must name one of the configured tenants"
Answer = Callable[[Call, Voice], Mapping[str, Any]]
"""From a call to the wire response `{"cards": [...], "extension": {...}}`, ready to be written as JSON."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The wire response, and the decision it was written from; None when something else answered in its place."""

    response: Mapping[str, Any]
    decision: Decision | None


class Opinion(NamedTuple):
    """What is to be said of a call but for the earlier cards: `answer` says it, given these.

    repeatable: the verdicts whose earlier cards matter; without any there is nothing to look up.
    """

    repeatable: tuple[Verdict, ...]
    answer: Callable[[Memory], Answered]


Adviser = Callable[[Call, Voice, Mapping[str, str]], Opinion]
"""From a call, how the caller is spoken to, and what an operator switched `off` or `silent` to an opinion."""


@dataclass(frozen=True, slots=True)
class Site:
    """One tenant as the edge serves it. `plan` is its key plan with the EHR's profile applied, `keys` the same per
    hook."""

    knowledge: Knowledge
    plan: tuple[KeyPlanEntry, ...]
    keys: Mapping[str, tuple[KeyPlanEntry, ...]]
    advise: Adviser
    languages: tuple[str, ...]
    absent_sources: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SiteTable:
    """All tenants by name. `shown` is what discovery and the pages speak of: the only tenant, or the base knowledge
    when there are several. `clients`: who may call; `as_seen`: name of client, tenant -> the tenant as that client's
    EHR sees it."""

    by_name: Mapping[str, Site]
    shown: Site
    clients: Clients = field(default_factory=Clients)
    as_seen: Mapping[tuple[str, str], Site] = field(default_factory=dict)


class Sites:
    """Holds the current table; `table` is the one reference that a reload replaces."""

    __slots__ = ("table",)

    def __init__(self, table: SiteTable) -> None:
        self.table = table

    def of(self, extension: Mapping[str, msgspec.Raw], *, sandbox: bool) -> Site:
        """The tenant of a call: the only one, or in the sandbox the one that the request names.

        Raises RequestError 400 when a tenant has to be named, or is not one of ours.
        """
        raw = extension.get(TENANT_EXTENSION) if sandbox else None
        known = self.table.by_name
        if raw is None or is_null(raw):
            if len(known) == 1:
                return next(iter(known.values()))
            raise RequestError(400, "required", _UNKNOWN)
        try:
            site = known.get(msgspec.json.decode(raw, type=str))
        except msgspec.DecodeError:
            site = None
        if site is None:
            raise RequestError(400, "value", _UNKNOWN)
        return site
