"""From settings and overlays to the tenants that are served, at start and again at every SIGHUP.

A reload reads the overlays anew over the knowledge of the start (code is not loaded twice in one process): a changed
`cards/` needs a restart. An overlay that is refused leaves all tenants as they were.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from cds_service.errors import Finding, KnowledgeError
from cds_service.fhir.profiles import PROFILES, apply_profile
from cds_service.fhir.write import validate_orders
from cds_service.knowledge.load import compile_base
from cds_service.knowledge.model import Knowledge
from cds_service.knowledge.overlay.apply import silenced
from cds_service.knowledge.sources import Sources
from cds_service.knowledge.tenant import DEFAULT_TENANT
from cds_service.knowledge.tenants import load_tenants
from cds_service.service.envelope import CONTEXTS
from cds_service.service.overlay_check import check_limits
from cds_service.service.rule_records import RuleRecord, RuleRecords
from cds_service.settings import Settings
from cds_service.web.sites import Adviser, Site, Sites, SiteTable

log = logging.getLogger("ionwise.tenants")
Bind = Callable[[Knowledge], Adviser]


class Tenancy:
    """The tenants of one process. `bind` makes the adviser of one knowledge.

    knowledge: instead of the one in the settings' cards folder; then there is one tenant and nothing to reload.
    """

    def __init__(self, settings: Settings, bind: Bind, knowledge: Knowledge | None = None) -> None:
        """Raises KnowledgeError when the knowledge or an overlay is refused."""
        self._settings = settings
        self._bind = bind
        self._sources: Sources | None = None
        if knowledge is None:
            knowledge, self._sources = compile_base(settings.cards_dir)
        self._base = knowledge
        self._records = RuleRecords(self._sources) if self._sources else None
        self._reloading = threading.Lock()
        self.sites = Sites(self._table())

    def record(self, rule_id: str) -> RuleRecord:
        """What is on file about a rule; nothing when the knowledge did not come from files."""
        return self._records.of(rule_id) if self._records else RuleRecord()

    def reload(self) -> bool:
        """Read the overlays again and swap them in; False, with a line in the log, when they are refused."""
        with self._reloading:
            try:
                table = self._table()
            except KnowledgeError as refused:
                log.error("overlays refused, the old ones stay in use:\n%s", refused)
                return False
            self.sites.table = table
        log.info("overlays read again: %s", ", ".join(table.by_name))
        return True

    def reload_on_hangup(self) -> None:
        """Reload in a thread at every SIGHUP. Only for the main thread of a server."""

        def hang_up(*_: object) -> None:
            threading.Thread(target=self.reload, name="reload", daemon=True).start()

        signal.signal(signal.SIGHUP, hang_up)

    def _table(self) -> SiteTable:
        served = {name: self._site(knowledge) for name, knowledge in self._tenants().items()}
        shown = next(iter(served.values())) if len(served) == 1 else self._site(self._base)
        return SiteTable(served, shown)

    def _tenants(self) -> Mapping[str, Knowledge]:
        if self._sources is None:
            return {DEFAULT_TENANT: self._base}
        return load_tenants(self._base, self._sources, self._settings.tenants_dir, self._verify)

    def _verify(self, path: Path, knowledge: Knowledge) -> tuple[Finding, ...]:
        """The cases at the limits that an overlay moves."""
        if self._sources is None or not knowledge.tenant.limits:
            return ()
        return check_limits(path, knowledge, self._base, self._sources).findings

    def _site(self, knowledge: Knowledge) -> Site:
        settings, tenant = self._settings, knowledge.tenant
        knowledge = silenced(knowledge) if settings.silent else knowledge
        own = [order for order in knowledge.orders.values() if order.own]
        if own:  # `ionwise check` has seen to the rest
            validate_orders(own, tenant.languages or settings.languages)
        absent = frozenset(settings.absent_sources) if tenant.absent_sources is None else tenant.absent_sources
        plan = apply_profile(knowledge.key_plan, PROFILES[settings.profile], absent)
        return Site(
            knowledge=knowledge,
            plan=plan,
            keys={hook: tuple(entry for entry in plan if hook in entry.hooks) for hook in CONTEXTS},
            advise=self._bind(knowledge),
            languages=tenant.languages or settings.languages,
            absent_sources=absent,
        )
