"""From settings, overlays and the clients file to the tenants that are served, at start and again at every SIGHUP.

A reload reads the overlays anew over the knowledge of the start (code is not loaded twice in one process): a changed
`cards/` needs a restart. An overlay that is refused leaves all tenants as they were, a clients file that is refused all
clients.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from cds_service.errors import Finding, KnowledgeError, SettingsError
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
from cds_service.trust.clients import Client, Clients
from cds_service.web.sites import Adviser, Site, Sites, SiteTable

log = logging.getLogger("ionwise.tenants")


class Manner(NamedTuple):
    """How one kind of client is answered: the profile of its EHR, and whether what could not be judged is said."""

    profile: str
    decision_extension: bool


Bind = Callable[[Knowledge, Manner], Adviser]


class Tenancy:
    """The tenants of one process. `bind` makes the adviser of one knowledge for one kind of client.

    knowledge: instead of the one in the settings' cards folder; then there is one tenant and nothing to reload.
    """

    def __init__(self, settings: Settings, bind: Bind, knowledge: Knowledge | None = None) -> None:
        """Raises KnowledgeError when the knowledge or an overlay is refused, SettingsError when the clients file is."""
        self._settings = settings
        self._bind = bind
        self._sources: Sources | None = None
        if knowledge is None:
            knowledge, self._sources = compile_base(settings.cards_dir)
        self._base = knowledge
        self._records = RuleRecords(self._sources) if self._sources else None
        self._reloading = threading.Lock()
        self._tenants = self._read_tenants()
        self._clients = self._read_clients()
        self.sites = Sites(self._table())

    def record(self, rule_id: str) -> RuleRecord:
        """What is on file about a rule; nothing when the knowledge did not come from files."""
        return self._records.of(rule_id) if self._records else RuleRecord()

    def reload(self) -> bool:
        """Read overlays and clients again and swap them in. What is refused stays as it was: False, with a line in the
        log."""
        with self._reloading:
            tenants_read = self._reread_tenants()
            clients_read = self._reread_clients()
            self.sites.table = self._table()
        return tenants_read and clients_read

    def _reread_tenants(self) -> bool:
        try:
            self._tenants = self._read_tenants()
        except KnowledgeError as refused:
            log.error("overlays refused, the old ones stay in use:\n%s", refused)
            return False
        log.info("overlays read again: %s", ", ".join(self._tenants))
        return True

    def _reread_clients(self) -> bool:
        try:
            self._clients = self._read_clients()
        except SettingsError as refused:
            log.error("clients refused, the old ones stay trusted:\n%s", refused)
            return False
        log.info("clients read again: %s", ", ".join(client.name for client in self._clients.by_issuer.values()))
        return True

    def reload_on_hangup(self) -> None:
        """Reload in a thread at every SIGHUP. Only for the main thread of a server."""

        def hang_up(*_: object) -> None:
            threading.Thread(target=self.reload, name="reload", daemon=True).start()

        signal.signal(signal.SIGHUP, hang_up)

    def _table(self) -> SiteTable:
        own = Manner(self._settings.profile, self._settings.decision_extension)
        made: dict[tuple[str, Manner], Site] = {}

        def site(tenant: str, manner: Manner) -> Site:
            if (tenant, manner) not in made:
                made[tenant, manner] = self._site(self._tenants[tenant], manner)
            return made[tenant, manner]

        served = {name: site(name, own) for name in self._tenants}
        shown = next(iter(served.values())) if len(served) == 1 else self._site(self._base, own)
        as_seen = {
            (client.name, tenant): site(tenant, _manner(client, own))
            for client in self._clients.by_issuer.values()
            for tenant in client.tenants
            if tenant in self._tenants
        }
        return SiteTable(served, shown, self._clients, as_seen)

    def _read_tenants(self) -> Mapping[str, Knowledge]:
        if self._sources is None:
            return {DEFAULT_TENANT: self._base}
        return load_tenants(self._base, self._sources, self._settings.tenants_dir, self._verify)

    def _read_clients(self) -> Clients:
        """The trusted clients. Who is taken out of the file is shut out, also the last one."""
        settings = self._settings
        if settings.clients_file is None:
            return Clients()
        from cds_service.trust.client_file import read_clients

        return read_clients(settings.clients_file, tenants=self._tenants, plain_http=settings.sandbox)

    def _verify(self, path: Path, knowledge: Knowledge) -> tuple[Finding, ...]:
        """The cases at the limits that an overlay moves."""
        if self._sources is None or not knowledge.tenant.limits:
            return ()
        return check_limits(path, knowledge, self._base, self._sources).findings

    def _site(self, knowledge: Knowledge, manner: Manner) -> Site:
        settings, tenant = self._settings, knowledge.tenant
        knowledge = silenced(knowledge) if settings.silent else knowledge
        own = [order for order in knowledge.orders.values() if order.own]
        if own:  # `ionwise check` has seen to the rest
            validate_orders(own, tenant.languages or settings.languages)
        absent = frozenset(settings.absent_sources) if tenant.absent_sources is None else tenant.absent_sources
        plan = apply_profile(knowledge.key_plan, PROFILES[manner.profile], absent)
        return Site(
            knowledge=knowledge,
            plan=plan,
            keys={hook: tuple(entry for entry in plan if hook in entry.hooks) for hook in CONTEXTS},
            advise=self._bind(knowledge, manner),
            languages=tenant.languages or settings.languages,
            absent_sources=absent,
        )


def _manner(client: Client, own: Manner) -> Manner:
    """How a client is answered: as it is said of it, else as the deployment's settings say."""
    told = own.decision_extension if client.decision_extension is None else client.decision_extension
    return Manner(client.profile or own.profile, told)
