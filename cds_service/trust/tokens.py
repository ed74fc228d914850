"""Verifying a client's token: a JWT as CDS Hooks wants it, checked completely, the signature last.

PyJWT takes the token apart and checks the signature; what a token must say is decided here. Everything that costs no
key is checked first, so that a stranger's token never makes us fetch one.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec

from cds_service.trust.clients import Client, Clients
from cds_service.trust.key_ring import KeyRing
from cds_service.trust.keys import ALGORITHMS
from cds_service.trust.reasons import RefusedTokenError

SKEW_SECONDS = 60
LONGEST_LIFE_SECONDS = 3600
MOST_CHARACTERS = 16_384
_PORTS = {"http": 80, "https": 443}
_JWS = jwt.PyJWS(algorithms=sorted(ALGORITHMS))
_LATEST = sys.float_info.max  # JSON has larger whole numbers, with which nobody can calculate
_UNVERIFIED: Any = {"verify_signature": False}


class Passport(msgspec.Struct, frozen=True):
    """What a verified token says. expires_at: when it is refused anyway, in seconds since the epoch."""

    client: Client
    tenant: str
    jti: str
    expires_at: float


class _Token(msgspec.Struct, frozen=True):
    """A token taken apart, nothing of it proven. signed: what the signature is about."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes


def plain_address(url: str) -> str:
    """An address without what makes no difference: trailing slashes, the default port, the case of the host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url
    if "@" in parts.netloc or "#" in url or any(sign.isspace() for sign in url):
        return url  # no address of ours is written so
    if ":" in host:
        host = f"[{host}]"
    if port is not None and port != _PORTS.get(parts.scheme):
        host = f"{host}:{port}"
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}{query}"


async def verify_token(token: str, clients: Clients, keys: KeyRing, endpoints: Collection[str], now: float) -> Passport:
    """Who signed this token, and for which tenant.

    endpoints: the plain addresses of which `aud` must hold one. now: seconds since the epoch. Raises RefusedTokenError.
    Whether the token was used before is not asked.
    """
    parsed = _take_apart(token)
    header, claims = parsed.header, parsed.claims
    issuer, jti = claims.get("iss"), claims.get("jti")
    client = clients.by_issuer.get(issuer) if isinstance(issuer, str) else None
    try:
        _check_header(header)
        if not _has_claims(claims):
            raise RefusedTokenError("claims")
        if client is None:
            raise RefusedTokenError("issuer")
        tenant = _check_claims(claims, client, endpoints, now)
        await _check_signature(parsed, client, keys, now)
    except RefusedTokenError as refused:
        told = [value if isinstance(value, str) else "" for value in (issuer, jti)]
        raise RefusedTokenError(refused.reason, client.name if client else "", *told) from None
    return Passport(client, tenant, claims["jti"], claims["exp"] + SKEW_SECONDS)


def _take_apart(token: str) -> _Token:
    if len(token) > MOST_CHARACTERS:
        raise RefusedTokenError("too-long")
    try:
        found = _JWS.decode_complete(token, options=_UNVERIFIED)
        claims = msgspec.json.decode(found["payload"])
    except (jwt.PyJWTError, msgspec.DecodeError, ValueError, RecursionError):
        raise RefusedTokenError("malformed") from None
    if not isinstance(claims, dict):
        raise RefusedTokenError("malformed")
    return _Token(found["header"], claims, token.rpartition(".")[0].encode(), found["signature"])


def _check_header(header: Mapping[str, Any]) -> None:
    """The header must say how it is signed, by which key, and that nothing in it is critical. It brings no keys:
    `jwk`, `x5u` and `x5c` are never looked at."""
    if str(header.get("typ")).upper() != "JWT":
        raise RefusedTokenError("typ")
    if not isinstance(header.get("alg"), str) or header["alg"] not in ALGORITHMS:
        raise RefusedTokenError("alg")
    if not isinstance(header.get("kid"), str) or not header["kid"]:
        raise RefusedTokenError("kid")
    if "crit" in header:
        raise RefusedTokenError("crit")


def _has_claims(claims: Mapping[str, Any]) -> bool:
    """Whether all that is required is there, and of the right type."""
    times = [claims.get("exp"), claims.get("iat"), *([claims["nbf"]] if "nbf" in claims else [])]
    words = [claims.get("iss"), claims.get("jti"), *([claims["tenant"]] if "tenant" in claims else [])]
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    return all(_is_time(one) for one in times) and all(isinstance(one, str) and one for one in (*words, *listed))


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LATEST


def _check_claims(claims: Mapping[str, Any], client: Client, endpoints: Collection[str], now: float) -> str:
    """The tenant, when address, times and tenant are in order."""
    named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if not any(one in endpoints or one in client.audiences or plain_address(one) in endpoints for one in named):
        raise RefusedTokenError("audience")
    if claims["exp"] <= now - SKEW_SECONDS:
        raise RefusedTokenError("expired")
    if claims["iat"] > now + SKEW_SECONDS:
        raise RefusedTokenError("issued-later")
    if claims.get("nbf", now) > now + SKEW_SECONDS:
        raise RefusedTokenError("not-yet")
    if not 0 < claims["exp"] - claims["iat"] <= LONGEST_LIFE_SECONDS:
        raise RefusedTokenError("lifetime")
    tenant = client.tenant(claims.get("tenant"))
    if tenant is None:
        raise RefusedTokenError("tenant")
    return tenant


async def _check_signature(token: _Token, client: Client, keys: KeyRing, now: float) -> None:
    algorithm, key_url = token.header["alg"], token.header.get("jku")
    if algorithm not in client.algorithms:
        raise RefusedTokenError("alg")
    if key_url is not None and key_url not in client.key_urls:
        raise RefusedTokenError("jku")
    found = await keys.find(client, key_url, token.header["kid"], now)
    if not found:
        raise RefusedTokenError("key")
    fitting = [key for key in found if algorithm in key.algorithms]
    if not fitting:
        raise RefusedTokenError("key-kind")
    checker = _JWS.get_algorithm_by_name(algorithm)
    if not any(checker.verify(token.signed, key.public, token.signature) for key in fitting):
        raise RefusedTokenError("signature")
