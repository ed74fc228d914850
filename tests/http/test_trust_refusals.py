"""Every bad token gets the same 401, and tells nobody why; the operator's log has the reason. The tokens are real ones,
bent in one place each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.trust.clients import Client as Trusted
from cds_service.trust.clients import Clients
from cds_service.trust.key_ring import KeyRing
from cds_service.trust.key_set import read_key_set
from cds_service.trust.reasons import RefusedTokenError
from cds_service.trust.tokens import Passport, verify_token
from cds_service.web.log import TextLines
from tests.http.calls import request
from tests.http.client import JSON, Client, Reply
from tests.http.conftest import Make
from tests.http.trusted import PATIENT_VIEW, bearer, production
from tests.unit.trust.bent import BENT, EC, OTHER_CLIENT, RSA, URL, WEAK, now, reason_of
from tests.unit.trust.signer import ISSUER, Signer, entry, public_jwk, sign

BODY = request()


@pytest.fixture
def service(make: Make, tmp_path: Path) -> Client:
    """A service that trusts two clients; the set of the first also holds keys that must not be used."""
    weak, other_use = public_jwk(WEAK, kid="weak"), Signer("ES384", "enc").jwk(use="enc")
    first = entry(tmp_path, EC, RSA)
    (tmp_path / "ehr.jwks.json").write_text(json.dumps({"keys": [EC.jwk(), RSA.jwk(), weak, other_use]}), "utf-8")
    other = entry(tmp_path, OTHER_CLIENT, name="other", issuer=OTHER_CLIENT.issuer)
    return make(**production(tmp_path, first, other))


def call(service: Client, headers: Mapping[str, str]) -> Reply:
    """A good call with these headers."""
    return service.post(PATIENT_VIEW, BODY, headers)


def face(reply: Reply) -> tuple[int, Mapping[str, str], bytes]:
    """All that a caller sees."""
    return reply.status, reply.headers, reply.body


def test_there_are_enough_of_them() -> None:
    assert len(BENT) >= 100


def test_a_token_that_is_not_bent_is_taken(service: Client) -> None:
    assert call(service, bearer(EC.token())).status == 200
    assert call(service, bearer(RSA.token())).status == 200


@pytest.mark.parametrize("name", BENT)
def test_a_bent_token_gets_the_one_401_and_the_log_has_its_reason(
    service: Client, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """S-24 for each of S-03 to S-21: the same status, headers and body as a call without a token (S-01)."""
    token = BENT[name]()
    with caplog.at_level("INFO", "ionwise.trust"):
        reply = call(service, bearer(token))
    assert face(reply) == face(call(service, JSON))
    assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
    (line,) = [TextLines().format(record) for record in caplog.records if record.name == "ionwise.trust"][:1]
    assert f" reason={reason_of(name)} " in line
    parts = [part for part in token.split(".") if len(part) > 20]
    assert not any(part in line for part in parts)  # S-23


def test_a_token_that_was_used_gets_the_same_401(service: Client) -> None:
    """S-14, S-24: also of another kind of failure nothing is to be seen."""
    headers = bearer(EC.token())
    assert call(service, headers).status == 200
    assert face(call(service, headers)) == face(call(service, JSON))


@pytest.mark.parametrize("sent", ["", "Bearer", "Bearer ", "Basic eDp5", "Token x", "Bearer a b", "bearer\tx"])
def test_s_02_another_authorization_gets_the_same_401(service: Client, sent: str) -> None:
    """S-02: Authorization is Bearer and one token."""
    assert face(call(service, JSON | {"Authorization": sent})) == face(call(service, JSON))


def test_a_service_that_does_not_know_its_clients_reason_never_says_so(service: Client) -> None:
    """S-24: nothing of the reasons is in the answer."""
    body = call(service, bearer(EC.token(exp=1))).body.decode()
    assert not any(word in body for word in ("expired", "signature", "issuer", "audience", "replay", "exp", "kid"))


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(SCALARS, lambda one: st.lists(one, max_size=3) | st.dictionaries(st.text(), one, max_size=3))
HEADER = ["alg", "kid", "typ", "jku", "crit", "b64"]
CLAIMS = ["iss", "aud", "exp", "iat", "nbf", "jti", "tenant"]


@pytest.fixture(scope="module")
def verified() -> Callable[[str], Passport]:
    """Verifies a token as the service does, without the service."""
    clients = Clients({ISSUER: Trusted("ehr", ISSUER, read_key_set(EC.key_set()))})
    return lambda token: asyncio.run(verify_token(token, clients, KeyRing(), {URL}, now()))


@given(st.sampled_from(HEADER + CLAIMS), VALUES)
def test_whatever_stands_in_a_member_it_is_a_refusal_or_a_passport(
    verified: Callable[[str], Passport], member: str, value: Any
) -> None:
    """S-03, S-04: no value of any member is an error of ours."""
    header = EC.header() | ({member: value} if member in HEADER else {})
    claims = EC.claims() | ({member: value} if member in CLAIMS else {})
    try:
        passport = verified(sign(claims, EC.key, header))
    except RefusedTokenError:
        return
    assert passport.client.name == "ehr"
    assert passport.expires_at < now() + 3600 + 180
