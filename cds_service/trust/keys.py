"""What a key of a client is, and which signatures are taken. Loads no cryptography: a sandbox does without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

RSA_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
CURVES: Mapping[str, str] = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
ALGORITHMS = frozenset((*RSA_ALGORITHMS, *CURVES.values()))


class Key(msgspec.Struct, frozen=True):
    """One public key. algorithms: those for which it may be used. public: as PyJWT takes it."""

    kid: str
    algorithms: frozenset[str]
    public: Any


class KeySet(msgspec.Struct, frozen=True):
    """The usable keys by `kid` (several may share one), and for each other key why it is left out."""

    keys: Mapping[str, tuple[Key, ...]] = {}
    left_out: tuple[str, ...] = ()


class KeySetError(Exception):
    """A JWK Set cannot be fetched, or is none; the message says why and quotes nothing of it."""
