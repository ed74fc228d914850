"""Why a token is refused. The caller never learns it; the log has the code, `ionwise clients test` the explanation."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, str] = {
    "no-token": "the call has no Authorization header -> send `Authorization: Bearer <token>` with every call",
    "no-bearer": "Authorization does not say Bearer and one token -> send `Authorization: Bearer <token>`",
    "too-long": "the token is longer than any real one -> leave out certificates and other claims",
    "malformed": "this is no JWT of three parts in base64url with JSON objects in the first two, or the header has "
    "crit or b64 -> see RFC 7515",
    "typ": "the header's typ is not JWT -> set it",
    "alg": "the algorithm is none, symmetric, or not among this client's -> sign with ES384 or RS384",
    "kid": "the header has no kid -> name the key of the JWK Set",
    "crit": "the header has crit: extensions are not supported -> leave it out",
    "claims": "iss, aud, exp, iat or jti is missing, or one of them, nbf or tenant has the wrong type -> send all five",
    "issuer": "no client has this iss -> compare it letter by letter with `issuer` in the clients file",
    "jku": "the header's jku is not among this client's key_set_urls -> add it there, letter by letter",
    "audience": "aud does not hold the address that is called -> compare it with IONWISE_PUBLIC_URL and the path, or "
    "list it under `audiences`",
    "expired": "exp is in the past -> make a new token for every call; compare the clocks",
    "not-yet": "nbf is in the future -> compare the clocks",
    "issued-later": "iat is in the future -> compare the clocks",
    "lifetime": "the token lives longer than an hour, or ends before it begins -> five minutes are enough",
    "tenant": "the tenant claim names no tenant of this client, or is missing and there are several -> compare it with "
    "`tenants` and `tenant_claims` in the clients file",
    "key": "no key has this kid, or its JWK Set cannot be fetched -> `ionwise clients test` tells which keys there are",
    "key-kind": "the key of this kid is not for this algorithm -> compare kty, crv and alg of the key with the header",
    "signature": "the signature does not fit: another key, or a token that was changed -> compare the keys",
    "replayed": "this jti was used before -> make a new token, with a new jti, for every call",
}
"""Code -> what is wrong and what to do."""


class RefusedTokenError(Exception):
    """A token was refused. `reason`: a code of REASONS; client: our label of who claims to call, "" when unknown;
    issuer, jti: as in the token, not to be believed."""

    def __init__(self, reason: str, client: str = "", issuer: str = "", jti: str = "") -> None:
        self.reason = reason
        self.client = client
        self.issuer = issuer
        self.jti = jti
        super().__init__(REASONS[reason])
