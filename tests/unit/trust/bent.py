"""Good tokens bent in one place each, with the item of the checklist that each is about."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from cryptography.hazmat.primitives import serialization

from tests.unit.trust.signer import BASE, ISSUER, Signer, encode, rsa_key, sign

EC, RSA = Signer("ES384"), Signer("RS384", "rsa")
STRANGER = Signer("ES384", "key-1", number=5)
OTHER_CLIENT = Signer("ES384", "other-1", number=6, issuer="https://other.example")
WEAK = rsa_key(8, 1024)
URL = f"{BASE}/cds-services/ionwise-patient-view"


def hmac_with_public_key(form: str) -> str:
    """A token signed with the public key as if it were a shared secret."""
    public = RSA.key.public_key()
    formats = {
        "pem": (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        "der": (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "pkcs1": (serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
    }
    secret = public.public_bytes(*formats[form]) if form in formats else json.dumps(RSA.jwk()).encode()
    signed = f"{encode(json.dumps(RSA.header({'alg': 'HS256'})))}.{encode(json.dumps(RSA.claims()))}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def tampered(part: int, old: str, new: str) -> str:
    """A good token in which something was changed after it was signed."""
    parts = EC.token().split(".")
    text = base64.urlsafe_b64decode(parts[part] + "==").decode()
    assert old in text
    parts[part] = encode(text.replace(old, new))
    return ".".join(parts)


def unsigned(alg: str) -> str:
    """A token without a signature."""
    return f"{encode(json.dumps(EC.header({'alg': alg})))}.{encode(json.dumps(EC.claims()))}."


def now() -> float:
    """Of the service, too."""
    return time.time()


MANY_DIGITS = '{"typ": ' + "9" * 5000 + "}"
Bent = Callable[[], str]
HEADERS: Mapping[str, dict[str, Any]] = {
    "no kid": {"kid": None},
    "empty kid": {"kid": ""},
    "a kid that is no text": {"kid": 1},
    "no alg": {"alg": None},
    "an alg that is no text": {"alg": ["ES384"]},
    "no typ": {"typ": None},
    "another typ": {"typ": "JOSE"},
}
WRONG_VALUES: Mapping[str, list[Any]] = {
    "iss": [1, [ISSUER], ""],
    "aud": [1, [], [1], {}, [[URL]], ""],
    "jti": [1, "", {}],
    "tenant": [1, "", {}],
    "exp": ["9999999999", True, [], "soon", 10**400],
    "iat": ["1", {}, -(10**400)],
    "nbf": ["1", {}],
}
AUDIENCES: tuple[Any, ...] = (
    BASE,
    f"{BASE}/cds-services",
    f"{BASE}/cds-services/ionwise-order-sign",
    f"{URL}/feedback",
    f"{URL}-2",
    URL.replace("cds.example", "cds.test:8000"),
    URL.replace("cds.example", "cds.example:8443"),
    URL.replace("https", "http"),
    f"{URL}?x=1",
    URL.upper(),
    "https://[",
    [BASE, "https://other.example"],
    URL.replace("://", "://me@"),
    URL.replace("://", "://@"),
    f"{URL}#x",
    f"{URL}#",
    f" {URL}",
    URL.replace("cds.", "c\tds."),
    "sandman",
)
S_03: Mapping[str, Bent] = {f"S-03 {name}": partial(EC.token, header) for name, header in HEADERS.items()}
S_04: Mapping[str, Bent] = {
    **{f"S-04 no {name}": partial(EC.token, **{name: None}) for name in ("iss", "aud", "exp", "iat", "jti")},
    **{
        f"S-04 {name} {value!r}": partial(EC.token, **{name: value})
        for name, values in WRONG_VALUES.items()
        for value in values
    },
}
S_06: Mapping[str, Bent] = {
    f"S-06 {alg}": partial(unsigned, alg) for alg in ("none", "None", "NONE", "nOnE", "", "ES384")
}
S_07: Mapping[str, Bent] = {
    **{
        f"S-07 HMAC with the public key as {form}": partial(hmac_with_public_key, form)
        for form in ("pem", "der", "pkcs1", "jwk")
    },
    "S-07 HS384": lambda: sign(EC.claims(), b"s" * 64, EC.header({"alg": "HS384"})),
    "S-07 HS512": lambda: sign(EC.claims(), b"s" * 64, EC.header({"alg": "HS512"})),
}
S_09: Mapping[str, Bent] = {
    "S-09 EC key, alg of RSA": lambda: EC.token({"alg": "RS384"}),
    "S-09 RSA key, alg of EC": lambda: RSA.token({"alg": "ES384"}),
    "S-09 another curve": lambda: EC.token({"alg": "ES256"}),
    "S-09 the key is for RS384 only": lambda: sign(RSA.claims(), RSA.key, RSA.header({"alg": "RS256"})),
    "S-09 PS for RS": lambda: sign(RSA.claims(), RSA.key, RSA.header({"alg": "PS384"})),
    "S-09 EdDSA": lambda: EC.token({"alg": "EdDSA"}),
    "S-09 ES256K": lambda: EC.token({"alg": "ES256K"}),
    "S-09 RSA of 1024 bits": lambda: sign(EC.claims(), WEAK, EC.header({"alg": "RS256", "kid": "weak"})),
    "S-09 a key for encryption": lambda: Signer("ES384", "enc").token(),
}
S_10: Mapping[str, Bent] = {f"S-10 aud {audience!r}": partial(EC.token, aud=audience) for audience in AUDIENCES}
TIMES: Mapping[str, Bent] = {
    "S-12 long expired": lambda: EC.token(now=now() - 3600),
    "S-12 expired a little more than the skew ago": lambda: EC.token(iat=now() - 300, exp=now() - 62),
    "S-12 exp at minus infinity": lambda: EC.token(exp=-1e300),
    "S-13 iat in the future": lambda: EC.token(iat=now() + 65, exp=now() + 300),
    "S-13 a life of more than an hour": lambda: EC.token(iat=now(), exp=now() + 3605),
    "S-13 a life without end": lambda: EC.token(exp=1e300),
    "S-13 exp in milliseconds": lambda: EC.token(exp=int((now() + 300) * 1000)),
    "S-13 infinite": lambda: EC.token(exp=float("inf")),
    "S-13 not a number": lambda: EC.token(exp=float("nan")),
    "S-13 exp before iat": lambda: EC.token(iat=now() + 50, exp=now() + 20),
    "S-05 nbf in the future": lambda: EC.token(nbf=now() + 65),
}
S_15: Mapping[str, Bent] = {
    "S-15 unknown iss": lambda: EC.token(iss="https://unknown.example"),
    "S-15 iss with a slash more": lambda: EC.token(iss=ISSUER + "/"),
    "S-15 iss in capitals": lambda: EC.token(iss=ISSUER.upper()),
    "S-16 unknown tenant": lambda: EC.token(tenant="elsewhere"),
    "S-18 unknown jku": lambda: EC.token({"jku": "https://evil.example/jwks"}),
    "S-18 a jku that is no text": lambda: EC.token({"jku": 5}),
    "S-19 unknown kid": lambda: EC.token({"kid": "key-2"}),
    "S-19 kid in capitals": lambda: EC.token({"kid": "KEY-1"}),
}
S_20: Mapping[str, Bent] = {
    "S-20 a stranger's key under a known name": STRANGER.token,
    "S-20 another client's key": lambda: Signer("ES384", "other-1", number=6).token(),
    "S-20 another client's issuer": lambda: EC.token(iss=OTHER_CLIENT.issuer, aud=URL),
    "S-20 payload changed": lambda: tampered(1, '"jti"', '"jti":"x","jtj"'),
    "S-20 header changed": lambda: tampered(0, '"kid"', '"x":1,"kid"'),
    "S-20 signature of another token": lambda: ".".join([*EC.token().split(".")[:2], EC.token().split(".")[2]]),
    "S-20 signature cut": lambda: EC.token()[:-8],
    "S-20 signature longer": lambda: EC.token() + "AAAA",
    "S-20 signature of zeros": lambda: ".".join([*EC.token().split(".")[:2], encode(bytes(96))]),
    "S-21 its own key as jwk": lambda: STRANGER.token({"jwk": STRANGER.jwk()}),
    "S-21 its own key as x5c": lambda: STRANGER.token({"x5c": ["MIIB"]}),
    "S-21 its own key as x5u": lambda: STRANGER.token({"x5u": "https://evil.example/cert"}),
    "S-21 crit": lambda: EC.token({"crit": ["exp"], "exp": 1}),
    "S-21 empty crit": lambda: EC.token({"crit": []}),
    "S-21 b64 false": lambda: EC.token({"b64": False, "crit": ["b64"]}),
}
SHAPES: Mapping[str, Bent] = {
    "empty": lambda: "", "one part": lambda: "abc", "two parts": lambda: "a.b", "dots": lambda: "..",
    "five parts": lambda: EC.token() + ".x.y", "no base64": lambda: "!!!." + EC.token(),
    "a space": lambda: EC.token() + " x",
    "header is no object": lambda: f"{encode('[]')}.{encode('{}')}.{encode('x')}",
    "header is no JSON": lambda: f"{encode('{')}.{encode('{}')}.{encode('x')}",
    "payload is no object": lambda: sign([1], EC.key, EC.header()),
    "payload is no JSON": lambda: f"{encode(json.dumps(EC.header()))}.{encode('{')}.{encode('x')}",
    "deep": lambda: f"{encode('[' * 5000)}.{encode('{}')}.{encode('x')}",
    "deep payload": lambda: f"{encode(json.dumps(EC.header()))}.{encode('[' * 5000)}.{encode('x')}",
    "not UTF-8": lambda: f"{encode(json.dumps(EC.header()))}.{encode(bytes([255]))}.{encode('x')}",
    "huge": lambda: EC.token(note="x" * 20_000),
    "a number of many digits": lambda: f"{encode(MANY_DIGITS)}.{encode('{}')}.{encode('x')}",
    "the wrong half": lambda: EC.token().split(".", 1)[1],
}  # fmt: skip
BENT = {**S_03, **S_04, **S_06, **S_07, **S_09, **S_10, **TIMES, **S_15, **S_20, **SHAPES}
_REASONS: Mapping[str, str] = {
    r"S-03 (no|empty) kid": "kid",
    r"S-03 (no alg|an alg .*)|S-06 (?!ES384).*|S-07 .*|S-09 (EdDSA|ES256K)": "alg",
    r"S-03 (no|another) typ": "typ",
    r"S-04 (?!aud \[\]).*": "claims",
    r"S-04 aud \[\]|S-10 .*": "audience",
    r"S-09 (RSA of|a key for).*|S-19 .*|S-20 another client's .*": "key",
    r"S-09 .*": "key-kind",
    r"S-12 .*": "expired",
    r"S-13 iat .*": "issued-later",
    r"S-13 (a life|exp) .*": "lifetime",
    r"S-05 .*": "not-yet",
    r"S-15 .*": "issuer",
    r"S-16 .*": "tenant",
    r"S-18 .*": "jku",
    r"S-06 ES384|S-20 .*|S-21 its own .*": "signature",
    r"huge": "too-long",
    r"empty|a space": "no-bearer",
    r".*": "malformed",
}


def reason_of(name: str) -> str:
    """Why the log should say that it was refused."""
    return next(reason for pattern, reason in _REASONS.items() if re.fullmatch(pattern, name))
