"""What the HTTP edge is given by the composition root: values and one function, nothing that it looks up itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from cds_service.knowledge.model import Knowledge
from cds_service.service.capture import Captures
from cds_service.service.fetch import Fetcher
from cds_service.service.keeper import Keeper
from cds_service.service.meter import Meter
from cds_service.service.rule_records import RuleRecord
from cds_service.web.sites import Answer, Site, Sites
from cds_service.web.voice import Voice

if TYPE_CHECKING:
    from cds_service.web.auth import Gate

__all__ = ["Answer", "Edge", "Voice"]


def _nothing_on_file(_: str) -> RuleRecord:
    return RuleRecord()


@dataclass(frozen=True, slots=True)
class Edge:
    """Everything the routes need.

    sites      the tenants as they are at this moment
    clock      gives aware instants
    keeper     None in a deployment that keeps nothing
    gate       lets callers in; None: anybody may call
    pages_url  where clinicians reach the rule pages, when not where the EHR's server reaches us
    record     what is on file about a rule, by id
    fetcher    asks FHIR servers for what a call did not bring; None: nobody does
    captures   whose requests an operator wants kept
    release    the version of this program
    meter      what is counted in this process
    """

    sites: Sites
    loopback: str
    clock: Callable[[], datetime]
    public_url: str | None = None
    sandbox: bool = False
    max_body_bytes: int = 16 * 1024 * 1024
    keeper: Keeper | None = None
    gate: Gate | None = None
    protect_discovery: bool = False
    pages_url: str | None = None
    canonical_base: str = "https://ionwise.example"
    record: Callable[[str], RuleRecord] = _nothing_on_file
    fetcher: Fetcher | None = None
    captures: Captures = field(default_factory=Captures)
    release: str = ""
    meter: Meter = field(default_factory=Meter)

    @property
    def shown(self) -> Site:
        """What discovery and the pages speak of."""
        return self.sites.table.shown

    @property
    def knowledge(self) -> Knowledge:
        """The knowledge that the pages speak of."""
        return self.shown.knowledge
