"""The clients that are trusted: who they are, with which keys they sign, for whom they may ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

import msgspec

from cds_service.fhir.servers import FhirServer
from cds_service.knowledge.tenant import DEFAULT_TENANT
from cds_service.trust.keys import ALGORITHMS, KeySet

Networks = Sequence[IPv4Network | IPv6Network]
REQUESTS_PER_MINUTE = 3000


class Client(msgspec.Struct, frozen=True):
    """One trusted client.

    name            our label for it: in the ledger, the statistics and the log
    issuer          the `iss` of its tokens, letter by letter
    pinned          the keys from a file of ours
    key_urls        where its JWK Sets may be fetched; a `jku` must be one of these, letter by letter
    key_networks    private address ranges in which these may lie; none: public addresses only
    audiences       what it may write as `aud` instead of the address that it calls
    algorithms      with which it may sign
    tenants         tenants of ours for which it may ask
    tenant_claims   what its `tenant` claim says -> the tenant, where it does not use our name
    profile         how its EHR differs (fhir/profiles.py); None: as the deployment's settings say, and so
    decision_extension  whether its answers say what could not be judged
    requests_per_minute also how many may come at once
    fhir_servers    FHIR servers that it lets us read
    """

    name: str
    issuer: str
    pinned: KeySet = KeySet()
    key_urls: tuple[str, ...] = ()
    key_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    audiences: frozenset[str] = frozenset()
    algorithms: frozenset[str] = ALGORITHMS
    tenants: tuple[str, ...] = (DEFAULT_TENANT,)
    tenant_claims: Mapping[str, str] = {}
    profile: str | None = None
    decision_extension: bool | None = None
    requests_per_minute: int = REQUESTS_PER_MINUTE
    fhir_servers: tuple[FhirServer, ...] = ()

    def tenant(self, claim: str | None) -> str | None:
        """The tenant that a token asks for; None when it names another one, or names none and there are several."""
        if claim is None:
            return self.tenants[0] if len(self.tenants) == 1 else None
        return self.tenant_claims.get(claim) or (claim if claim in self.tenants else None)


class Clients(msgspec.Struct, frozen=True):
    """All trusted clients, by the issuer of their tokens."""

    by_issuer: Mapping[str, Client] = {}

    def named(self, name: str) -> Client | None:
        """The client with this label."""
        return next((client for client in self.by_issuer.values() if client.name == name), None)
