"""Keys and tokens: what is signed, and that nothing of it is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cds_service.ehr.credentials import Access, Signature, read_key, read_token
from cds_service.errors import EhrError

NOW = datetime.now(UTC)
PRIVATE = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def keys() -> dict[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]:
    return {
        "ES384": ec.generate_private_key(ec.SECP384R1()),
        "RS384": rsa.generate_private_key(65537, 2048),
        "P-256": ec.generate_private_key(ec.SECP256R1()),
        "RSA-1024": rsa.generate_private_key(65537, 1024),  # noqa: S505 (made to be refused)
    }


Keys = dict[str, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_a_call_is_signed_as_the_standard_asks(tmp_path: Path, keys: Keys, algorithm: str) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(keys[algorithm].private_bytes(*PRIVATE))
    signature = Signature(read_key(file, "kid-1"), "https://ehr.example", "https://ehr.example/jwks.json", "ward-7")
    token = signature.token("https://cds.example/cds-services/a", NOW)
    header = jwt.get_unverified_header(token)
    assert header == {"alg": algorithm, "kid": "kid-1", "typ": "JWT", "jku": "https://ehr.example/jwks.json"}
    public = keys[algorithm].public_key()
    claims = jwt.decode(
        token, public, [algorithm], {"verify_exp": False}, audience="https://cds.example/cds-services/a"
    )
    assert (claims["iss"], claims["tenant"], claims["exp"] - claims["iat"]) == ("https://ehr.example", "ward-7", 300)
    assert (
        claims["jti"]
        != jwt.decode(signature.token("x", NOW), public, [algorithm], {"verify_exp": False}, audience="x")["jti"]
    )


@pytest.mark.parametrize("algorithm", ["ES384", "RS384"])
def test_the_key_set_verifies_what_was_signed_and_holds_no_secret(tmp_path: Path, keys: Keys, algorithm: str) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(keys[algorithm].private_bytes(*PRIVATE))
    key = read_key(file, "kid-1")
    (public,) = key.key_set()["keys"]
    assert (public["kid"], public["alg"], public["use"]) == ("kid-1", algorithm, "sig")
    assert not public.keys() & {"d", "p", "q", "dp", "dq", "qi"}
    token = Signature(key, "https://ehr.example").token("https://cds.example", NOW)
    jwt.decode(token, jwt.PyJWK(public), [algorithm], {"verify_exp": False}, audience="https://cds.example")


@pytest.mark.parametrize("name", ["P-256", "RSA-1024", "public", "nonsense", "missing"])
def test_a_file_without_a_usable_key_is_refused(tmp_path: Path, keys: Keys, name: str) -> None:
    file = tmp_path / "key.pem"
    if name in keys:
        file.write_bytes(keys[name].private_bytes(*PRIVATE))
    elif name == "public":
        public = keys["ES384"].public_key()
        file.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    elif name == "nonsense":
        file.write_text("no key", "utf-8")
    with pytest.raises(EhrError, match=r"key\.pem: .*-> "):
        read_key(file, "kid-1")


def test_no_secret_is_in_what_is_printed_of_an_object(tmp_path: Path, keys: Keys) -> None:
    file = tmp_path / "token"
    file.write_text("very-secret\n", "utf-8")
    access = read_token(file, "client", "user/*.read")
    assert access.token == "very-secret"
    assert "very-secret" not in repr(access)
    pem = tmp_path / "key.pem"
    pem.write_bytes(keys["ES384"].private_bytes(*PRIVATE))
    assert "Private" not in repr(read_key(pem, "k"))


@pytest.mark.parametrize("content", ["", "two words", "caf\u00e9"])
def test_a_file_without_one_token_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content, "utf-8")
    with pytest.raises(EhrError, match="token: holds no token"):
        read_token(file)


def test_a_token_is_passed_on_only_with_what_the_standard_requires() -> None:
    with pytest.raises(EhrError, match="scope and subject are required -> give --scope and --client-id"):
        Access("t").authorization("p")
    whole = {"access_token": "t", "token_type": "Bearer", "expires_in": 300, "scope": "user/*.rs", "subject": "c"}
    assert Access("t", 300, "user/*.rs", "c").authorization("p") == whole
    assert Access("t", 300, "patient/*.rs", "c").authorization("p")["patient"] == "p"
