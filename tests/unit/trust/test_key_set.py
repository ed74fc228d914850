"""A JWK Set becomes keys: each for the algorithms that its kind allows, the unfit ones left out with the reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from cds_service.trust.key_set import read_key_set
from cds_service.trust.keys import RSA_ALGORITHMS, KeySetError
from tests.unit.trust.signer import Signer, public_jwk, rsa_key


def read(*keys: Any) -> Any:
    """The set of these keys."""
    return read_key_set(json.dumps({"keys": list(keys)}).encode())


def test_s_09_a_key_serves_the_algorithms_of_its_kind() -> None:
    """S-09: alg is consistent with kty and crv."""
    for algorithm in ("ES256", "ES384", "ES512"):
        (key,) = read(Signer(algorithm).jwk(alg=None)).keys["key-1"]
        assert key.algorithms == {algorithm}
    (key,) = read(Signer("RS384").jwk(alg=None)).keys["key-1"]
    assert key.algorithms == set(RSA_ALGORITHMS)


def test_s_09_the_alg_of_a_key_narrows_it() -> None:
    """S-09: alg is consistent with the JWK's alg."""
    (key,) = read(Signer("RS384").jwk(alg="RS384")).keys["key-1"]
    assert key.algorithms == {"RS384"}


@pytest.mark.parametrize(
    ("jwk", "why"),
    [
        (public_jwk(rsa_key(7, 1024), kid="k"), "RSA of 1024 bits"),
        (Signer("RS384").jwk(use="enc"), "its use is not sig"),
        (Signer("RS384").jwk(key_ops=["encrypt"]), "key_ops"),
        (Signer("RS384").jwk(key_ops="verify"), "key_ops"),
        (Signer("RS384").jwk(alg="ES384"), "do not go together"),
        (Signer("RS384").jwk(alg="RSA-OAEP"), "do not go together"),
        (Signer("ES384").jwk(alg="ES256"), "do not go together"),
        (Signer("ES384").jwk(crv="P-256", alg=None), "its numbers are no key"),
        (Signer("ES384").jwk(x="AAAA"), "its numbers are no key"),
        (Signer("ES384").jwk(x=None), "its numbers are no key"),
        (Signer("RS384").jwk(n=5), "its numbers are no key"),
        (Signer("ES384").jwk(kid=None), "has no kid"),
        (Signer("ES384").jwk(kid=5), "has no kid"),
        (Signer("ES384").jwk(d="c2VjcmV0"), "secret"),
        ({"kty": "oct", "kid": "k", "k": "c2VjcmV0"}, "secret"),
        ({"kty": "oct", "kid": "k"}, "do not go together"),
        ({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": "AAAA"}, "do not go together"),
        (public_jwk(ec.generate_private_key(ec.SECP256K1()), kid="k"), "do not go together"),
        ("key", "is no object"),
        (None, "is no object"),
    ],
)
def test_s_09_a_key_that_is_unfit_is_left_out_and_the_others_are_taken(jwk: Any, why: str) -> None:
    """S-09: RSA below 2048 bits, another use, another kind; no error of one key costs the others."""
    found = read(jwk, Signer("ES384", kid="good").jwk())
    assert list(found.keys) == ["good"]
    (problem,) = found.left_out
    assert problem.startswith("key 1: ")
    assert why in problem


def test_s_19_several_keys_with_and_without_alg_and_use_and_one_kid_for_two() -> None:
    """S-19: sets hold several keys; kid may contain + / =."""
    kid = "ab+c/d=="
    found = read(
        Signer("ES384", kid).jwk(alg=None, use=None),
        Signer("RS384", kid).jwk(),
        Signer("ES256", "other").jwk(use=None),
    )
    assert [key.algorithms for key in found.keys[kid]] == [{"ES384"}, {"RS384"}]
    assert [key.algorithms for key in found.keys["other"]] == [{"ES256"}]


@pytest.mark.parametrize("raw", [b"", b"<html>", b"[]", b"{}", b'{"keys": {}}', b"[" * 100_000, b"\xff"])
def test_what_is_no_set_is_refused(raw: bytes) -> None:
    with pytest.raises(KeySetError):
        read_key_set(raw)
