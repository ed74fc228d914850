"""Who the EHR is: the signed token on its hook calls, and its way to a token for a FHIR server."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt

from cds_service.ehr.wire import Wire, check_address
from cds_service.errors import EhrError

LIFE_SECONDS = 300
ALGORITHMS = ("ES384", "RS384")  # what CDS Hooks and SMART recommend
CURVE = "secp384r1"
LEAST_RSA_BITS = 2048
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_OAUTH_ERROR = re.compile(r"[a-z_]{1,40}")

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of P-384 or RSA and the name under which the other side knows it."""

    kid: str
    algorithm: str
    secret: Any = field(repr=False)

    def sign(self, claims: dict[str, Any], now: datetime, jku: str | None = None) -> str:
        """A token that lives five minutes and is used once."""
        issued = int(now.astimezone(UTC).timestamp())
        whole = {"iat": issued, "exp": issued + LIFE_SECONDS, "jti": str(uuid4())} | claims
        headers = {"kid": self.kid, "typ": "JWT"} | ({"jku": jku} if jku else {})
        return jwt.encode(whole, self.secret, algorithm=self.algorithm, headers=headers)

    def key_set(self) -> dict[str, Any]:
        """The JWK Set with its public half, as the other side wants it."""
        public = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.secret.public_key(), as_dict=True)
        named = {"kid": self.kid, "alg": self.algorithm, "use": "sig"}
        return {"keys": [{name: public[name] for name in public if name != "key_ops"} | named]}


def read_key(path: Path, kid: str) -> SigningKey:
    """The key in a PEM file without a passphrase. Raises EhrError that says what is wrong with it."""
    try:
        pem = path.read_bytes()
    except OSError:
        raise EhrError(f"{path.name}: cannot be read -> name a PEM file with a private key") from None
    for algorithm in ALGORITHMS:
        try:
            secret = jwt.get_algorithm_by_name(algorithm).prepare_key(pem)
        except (jwt.InvalidKeyError, ValueError, TypeError):
            continue
        if not hasattr(secret, "private_numbers"):
            break
        curve, bits = getattr(secret, "curve", None), getattr(secret, "key_size", 0)
        if (curve is not None and curve.name == CURVE) or (curve is None and bits >= LEAST_RSA_BITS):
            return SigningKey(kid, algorithm, secret)
        break
    raise EhrError(
        f"{path.name}: no usable private key -> a PEM file without passphrase, P-384 or RSA of {LEAST_RSA_BITS} bits"
    )


@dataclass(frozen=True, slots=True)
class Signature:
    """How hook calls are signed. issuer: our `iss`; jku: where our public keys are; tenant: which of our customers."""

    key: SigningKey
    issuer: str
    jku: str | None = None
    tenant: str | None = None

    def token(self, audience: str, now: datetime) -> str:
        """The token for one call of one address."""
        claims = {"iss": self.issuer, "aud": audience} | ({"tenant": self.tenant} if self.tenant else {})
        return self.key.sign(claims, now, self.jku)


@dataclass(frozen=True, slots=True)
class Access:
    """A token for a FHIR server, and what its giver said of it. `subject` is our client id there."""

    token: str = field(repr=False)
    expires_in: int = LIFE_SECONDS
    scope: str = ""
    subject: str = ""

    def authorization(self, patient_id: str) -> dict[str, Any]:
        """The member `fhirAuthorization` of a request. Raises EhrError when the standard's members are not known."""
        if not self.scope or not self.subject:
            raise EhrError(
                "fhirAuthorization: scope and subject are required -> give --scope and --client-id with the token"
            )
        return {
            "access_token": self.token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": self.scope,
            "subject": self.subject,
        } | ({"patient": patient_id} if "patient/" in self.scope else {})


def read_token(path: Path, client_id: str = "", scope: str = "") -> Access:
    """A bearer token from a file. Raises EhrError when there is none in it."""
    try:
        token = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        token = ""
    if not token or not token.isascii() or len(token.split()) != 1:
        raise EhrError(f"{path.name}: holds no token -> put the access token alone into the file")
    return Access(token, scope=scope, subject=client_id)


def request_access(wire: Wire, base: str, client_id: str, key: SigningKey, scope: str, now: datetime) -> Access:
    """A token by SMART backend services: client credentials with a signed assertion. Raises EhrError at any refusal."""
    found = wire.get("smart configuration", f"{base}/.well-known/smart-configuration", accept="application/json")
    endpoint = found.body.get("token_endpoint") if isinstance(found.body, dict) else None
    if found.status != 200 or not isinstance(endpoint, str):
        raise EhrError(
            f"smart configuration: the server names no token_endpoint ({found.status}) -> give --token-file instead"
        )
    check_address("token endpoint", endpoint, with_token=True)
    form = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": _ASSERTION,
        "client_assertion": key.sign({"iss": client_id, "sub": client_id, "aud": endpoint}, now),
    }
    reply = wire.post("token", endpoint, form)
    granted = reply.body if isinstance(reply.body, dict) else {}
    if reply.status != 200 or not isinstance(granted.get("access_token"), str):
        said = str(granted.get("error", ""))
        reason = said if _OAUTH_ERROR.fullmatch(said) else "no token in the answer"
        raise EhrError(
            f"token: the server refused ({reply.status}, {reason}) -> check client id, key id, scope and registration"
        )
    life = granted.get("expires_in")
    return Access(
        granted["access_token"],
        life if isinstance(life, int) and not isinstance(life, bool) else LIFE_SECONDS,
        str(granted.get("scope") or scope),
        client_id,
    )
