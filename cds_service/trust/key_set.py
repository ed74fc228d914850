"""A JWK Set, parsed once: which key answers to a `kid`, and which signatures it may verify."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from jwt import PyJWK, PyJWTError

from cds_service.trust.keys import CURVES, RSA_ALGORITHMS, Key, KeySet, KeySetError

SHORTEST_RSA, LONGEST_RSA = 2048, 8192  # bits; a longer one would only cost time
_PRIVATE = ("d", "k")


def read_key_set(raw: bytes) -> KeySet:
    """Read a JWK Set. Keys for other purposes or of other kinds are left out; KeySetError when it is no set at all."""
    try:
        members = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise KeySetError("is no JSON") from None
    listed = members.get("keys") if isinstance(members, dict) else None
    if not isinstance(listed, list):
        raise KeySetError('is no JWK Set, which is written {"keys": [...]}')
    keys: dict[str, tuple[Key, ...]] = {}
    left_out: list[str] = []
    for place, jwk in enumerate(listed, 1):
        problem = _problem(jwk)
        key = None
        if problem is None:
            key, problem = _parse(jwk)
        if key is None:
            left_out.append(f"key {place}: {problem}")
        else:
            keys[key.kid] = (*keys.get(key.kid, ()), key)
    return KeySet(keys, tuple(left_out))


def _problem(jwk: Any) -> str | None:
    """Why a member of the set is no key for signatures of a client; None when it may be one."""
    if not isinstance(jwk, dict):
        return "is no object"
    if not isinstance(jwk.get("kid"), str) or not jwk["kid"]:
        return "has no kid"
    if any(name in jwk for name in _PRIVATE):
        return "holds a private or shared secret; publish the public key only, and replace this one"
    if jwk.get("use", "sig") != "sig":
        return "its use is not sig"
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        return "its key_ops do not hold verify"
    return None


def _parse(jwk: Mapping[str, Any]) -> tuple[Key | None, str]:
    fitting = _fitting(jwk)
    named = jwk.get("alg")
    allowed = fitting if named is None else tuple(name for name in fitting if name == named)
    if not allowed:
        return None, "its kty, crv and alg do not go together, or are none of ours"
    try:
        public = PyJWK(dict(jwk), algorithm=allowed[0]).key
    except (PyJWTError, ValueError, TypeError, OverflowError):
        return None, "its numbers are no key"
    if jwk["kty"] == "RSA" and not SHORTEST_RSA <= public.key_size <= LONGEST_RSA:
        return None, f"RSA of {public.key_size} bits; {SHORTEST_RSA} to {LONGEST_RSA} are taken"
    return Key(jwk["kid"], frozenset(allowed), public), ""


def _fitting(jwk: Mapping[str, Any]) -> tuple[str, ...]:
    kind, curve = jwk.get("kty"), jwk.get("crv")
    if kind == "RSA":
        return RSA_ALGORITHMS
    if kind == "EC" and isinstance(curve, str) and curve in CURVES:
        return (CURVES[curve],)
    return ()
