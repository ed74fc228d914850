"""Who calls, as the routes see it. How that is found out is in auth.py, which a sandbox need not load."""

from __future__ import annotations

from typing import NamedTuple

from cds_service.trust.clients import Client
from cds_service.web.sites import Site


class Caller(NamedTuple):
    """Who calls. site: the tenant as this client sees it; None when the request may name it (sandbox)."""

    name: str
    client: Client | None = None
    site: Site | None = None


ANYBODY = Caller("sandbox")
