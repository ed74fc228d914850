"""Who calls: a call's token verified, spent and counted against the client's allowance, before its body is read."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from starlette.types import Scope

from cds_service.errors import RequestError, StorageError
from cds_service.trust.allowance import Allowance
from cds_service.trust.key_ring import KeyRing
from cds_service.trust.reasons import RefusedTokenError
from cds_service.trust.tokens import Passport, plain_address, verify_token
from cds_service.web.caller import ANYBODY, Caller
from cds_service.web.sites import Sites

log = logging.getLogger("ionwise.trust")
Spend = Callable[[str, str, float, float], Awaitable[bool]]
"""From issuer, jti, expiry and now to whether the token is new; StorageError when that cannot be told."""
_WANTED = "Authorization: send Bearer and a token that a trusted client signed for this call"
_LONGEST_LOGGED = 200


class Gate:
    """Lets callers in. `refused` counts the refusals by reason, and `throttled` those over their allowance.

    base_url: where clients reach the service. spend: None when nothing is kept. optional: a call without a token is
    anybody's (sandbox). https_only: refuse a call that did not reach the proxy by https.
    """

    def __init__(
        self,
        sites: Sites,
        keys: KeyRing,
        clock: Callable[[], datetime],
        base_url: str,
        *,
        spend: Spend | None = None,
        optional: bool = False,
        https_only: bool = False,
    ) -> None:
        self._sites = sites
        self._keys = keys
        self._clock = clock
        self._base_url = base_url
        self._spend = spend
        self._optional = optional
        self._https_only = https_only
        self._allowance = Allowance()
        self.refused: Counter[str] = Counter()

    def endpoints(self, *paths: str) -> frozenset[str]:
        """The addresses of which the token of a call to one of these paths must name one."""
        return frozenset(plain_address(self._base_url + path) for path in paths)

    async def admit(self, scope: Scope, headers: Mapping[bytes, bytes], endpoints: frozenset[str]) -> Caller:
        """Who calls.

        Raises RequestError: 401, the same whatever is wrong; 403 for plain http; 429 when the client calls too often,
        before its token is spent; 503 when nobody can tell whether the token was used before.
        """
        if self._https_only and scope["scheme"] != "https":
            raise RequestError(403, "security", "this service is called by https only; replace what was sent in clear")
        sent = headers.get(b"authorization")
        if sent is None and self._optional:
            return ANYBODY
        now = self._clock().timestamp()
        try:
            passport = await verify_token(_bearer(sent), self._sites.table.clients, self._keys, endpoints, now)
            return await self._let_in(passport, now)
        except RefusedTokenError as refused:
            self._note(refused)
            raise RequestError(401, "login", _WANTED) from None

    async def _let_in(self, passport: Passport, now: float) -> Caller:
        client = passport.client
        site = self._sites.table.as_seen.get((client.name, passport.tenant))
        if site is None:  # an overlay went since the clients file was read
            raise RefusedTokenError("tenant", client.name, client.issuer, passport.jti)
        wait = self._allowance.take(client, now)
        if wait:
            self.refused["throttled"] += 1
            log.warning("throttled", extra={"client": client.name})
            raise RequestError(429, "throttled", "too many calls; send this one again later", retry_after=wait)
        if self._spend is not None and not await self._is_new(self._spend, passport, now):
            self._allowance.give_back(client)
            raise RefusedTokenError("replayed", client.name, client.issuer, passport.jti)
        return Caller(client.name, client, site)

    async def _is_new(self, spend: Spend, passport: Passport, now: float) -> bool:
        try:
            return await spend(passport.client.issuer, passport.jti, passport.expires_at, now)
        except StorageError as error:
            self.refused["unavailable"] += 1
            raise RequestError(
                503,
                "transient",
                "it cannot be told now whether this token was used before; call again later with a new one",
                retry_after=error.retry_after,
            ) from None

    def _note(self, refused: RefusedTokenError) -> None:
        """For the operator: a code, and what of the token may be written down."""
        self.refused[refused.reason] += 1
        told = {"reason": refused.reason, "client": refused.client or "-"}
        stranger = {"issuer": _printable(refused.issuer), "jti": _printable(refused.jti)}
        log.warning("refused", extra=told | stranger)


def _bearer(sent: bytes | None) -> str:
    if sent is None:
        raise RefusedTokenError("no-token")
    scheme, _, token = sent.decode("latin-1").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or " " in token:
        raise RefusedTokenError("no-bearer")
    return token


def _printable(text: str) -> str:
    """What a stranger wrote, on one line and not too long."""
    return ascii(text[:_LONGEST_LOGGED])
