"""The other side of trust: a client with a key pair that signs tokens, good ones and bad ones."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

BASE = "https://cds.example"
ISSUER = "https://ehr.example/fhir"
CURVES: Mapping[str, type[ec.EllipticCurve]] = {"ES256": ec.SECP256R1, "ES384": ec.SECP384R1, "ES512": ec.SECP521R1}
Members = dict[str, Any]


@cache
def rsa_key(number: int = 0, bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key; another number is another key."""
    return rsa.generate_private_key(65537, bits)


@cache
def ec_key(algorithm: str, number: int = 0) -> ec.EllipticCurvePrivateKey:
    """An EC key for an algorithm."""
    return ec.generate_private_key(CURVES[algorithm]())


class Signer:
    """A client. `number`: which of several key pairs it has."""

    def __init__(self, algorithm: str = "ES384", kid: str = "key-1", number: int = 0, issuer: str = ISSUER) -> None:
        self.algorithm = algorithm
        self.kid = kid
        self.issuer = issuer
        self.key: Any = ec_key(algorithm, number) if algorithm in CURVES else rsa_key(number)

    def jwk(self, **members: Any) -> Members:
        """The public key as JWK; `members` replace, None removes."""
        return public_jwk(self.key, **({"kid": self.kid, "use": "sig", "alg": self.algorithm} | members))

    def key_set(self, **members: Any) -> bytes:
        """The JWK Set."""
        return json.dumps({"keys": [self.jwk(**members)]}).encode()

    def token(self, header: Members | None = None, now: float | None = None, **claims: Any) -> str:
        """A token for a patient-view call; header members and claims replace, None removes."""
        return sign(self.claims(now, **claims), self.key, self.header(header))

    def header(self, members: Members | None = None) -> Members:
        """What the header says."""
        return _without_none({"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | (members or {}))

    def claims(self, now: float | None = None, **claims: Any) -> Members:
        """What the payload says."""
        at = int(time.time() if now is None else now)
        said = {
            "iss": self.issuer, "aud": f"{BASE}/cds-services/ionwise-patient-view", "iat": at, "exp": at + 300,
            "jti": uuid.uuid4().hex,
        }  # fmt: skip
        return _without_none(said | claims)


def public_jwk(key: Any, **members: Any) -> Members:
    """A private key's public half as JWK."""
    algorithm = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    jwk: Members = algorithm.to_jwk(key.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    return _without_none(jwk | members)


def sign(claims: Any, key: Any, header: Members) -> str:
    """Put a token together by hand, so that the header may say anything; signed as its `alg` says."""
    signed = f"{encode(json.dumps(header))}.{encode(json.dumps(claims))}"
    algorithm = str(header.get("alg"))
    signer = jwt.PyJWS().get_algorithm_by_name(algorithm if algorithm in jwt.PyJWS().get_algorithms() else "ES384")
    try:
        signature = signer.sign(signed.encode(), key)
    except (AttributeError, TypeError):  # an algorithm that this key cannot do
        signature = b"none"
    return f"{signed}.{encode(signature)}"


def encode(part: str | bytes) -> str:
    """base64url without padding."""
    raw = part.encode() if isinstance(part, str) else part
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def write_clients(folder: Path, *entries: Mapping[str, Any]) -> Path:
    """A clients file (JSON is YAML)."""
    path = folder / "clients.yaml"
    path.write_text(json.dumps({"clients": list(entries)}), "utf-8")
    return path


def entry(folder: Path, *signers: Signer, **members: Any) -> Members:
    """An entry whose pinned keys are those of the signers."""
    file = f"{members.get('name', 'ehr')}.jwks.json"
    (folder / file).write_text(json.dumps({"keys": [signer.jwk() for signer in signers]}), "utf-8")
    return _without_none({"name": "ehr", "issuer": ISSUER, "key_set": file} | members)


def _without_none(members: Members) -> Members:
    return {name: value for name, value in members.items() if value is not None}
