"""Who may call, as a client meets it: good tokens of all kinds, one use of each, discovery, feedback, CORS, limits."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from cds_service.service.envelope import CONTEXTS
from cds_service.web.log import TextLines
from tests.http.calls import request, url
from tests.http.client import JSON
from tests.http.conftest import Make
from tests.http.trusted import PATIENT_VIEW, bearer, production, signed
from tests.unit.trust.signer import BASE, ISSUER, Signer, entry

BODY = request()
FEEDBACK = f"{PATIENT_VIEW}/feedback"
REPORT = {"feedback": [{"card": "c1", "outcome": "overridden", "outcomeTimestamp": "2026-11-21T09:00:00Z"}]}
GET = "/cds-services"


def test_s_01_without_a_token_there_is_a_401_that_asks_for_one(make: Make) -> None:
    """S-01: no Authorization: 401 with WWW-Authenticate."""
    reply = make(sandbox=False).post(PATIENT_VIEW, BODY)
    assert (reply.status, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert reply.json["issue"][0]["code"] == "login"
    assert reply.headers["cache-control"] == "no-store"


def test_s_01_a_stranger_does_not_get_a_body_read(make: Make) -> None:
    """S-01: the answer comes before the body."""
    reply = make(sandbox=False).call("POST", PATIENT_VIEW, [b"x" * 1000] * 5, JSON)
    assert (reply.status, reply.pieces_read) == (401, 0)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_s_02_the_scheme_is_read_in_any_case(make: Make, scheme: str) -> None:
    """S-02: Authorization: Bearer, case-insensitive."""
    headers = JSON | {"Authorization": f"{scheme} {Signer().token()}"}
    assert make(sandbox=False).post(PATIENT_VIEW, BODY, headers).status == 200


@pytest.mark.parametrize("hook", CONTEXTS)
def test_s_02_every_service_and_its_feedback_ask_for_a_token(make: Make, hook: str) -> None:
    """S-02: on every call."""
    client = make(sandbox=False)
    assert client.post(url(hook), request(hook)).status == 401
    assert client.post(url(hook), request(hook), signed(url(hook))).status == 200
    assert client.post(f"{url(hook)}/feedback", REPORT).status == 401
    assert client.post(f"{url(hook)}/feedback", REPORT, signed(f"{url(hook)}/feedback")).status == 200


def test_s_02_feedback_takes_a_token_for_the_service_too(make: Make) -> None:
    """S-02, S-10: which address a feedback's aud is, clients read differently."""
    client = make(sandbox=False)
    assert client.post(FEEDBACK, REPORT, signed(PATIENT_VIEW)).status == 200
    assert client.post(FEEDBACK, REPORT, signed(url("order-sign"))).status == 401


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"])
def test_s_08_good_tokens_of_every_algorithm_are_taken(make: Make, tmp_path: Path, algorithm: str) -> None:
    """S-08: ES384 and RS384, and our others."""
    signer = Signer(algorithm)
    client = make(**production(tmp_path, entry(tmp_path, signer)))
    assert client.post(PATIENT_VIEW, BODY, signed(signer=signer)).status == 200


def test_s_08_a_client_may_be_held_to_some_algorithms(make: Make, tmp_path: Path) -> None:
    """S-08: the default is all of ours."""
    client = make(**production(tmp_path, entry(tmp_path, Signer("ES384"), algorithms=["RS384"])))
    assert client.post(PATIENT_VIEW, BODY, signed(signer=Signer("ES384"))).status == 401


def test_s_03_s_05_what_else_a_token_says_does_not_matter(make: Make) -> None:
    """S-03: typ in any case. S-05: sub and other claims; an nbf in the past, as Epic's."""
    token = Signer().token(
        {"typ": "jwt", "x5t": "abc", "custom": {"a": 1}},
        sub="client-1", nbf=time.time() - 300, azp=None, scope="x", nested={"a": [1]},
    )  # fmt: skip
    assert make(sandbox=False).post(PATIENT_VIEW, BODY, bearer(token)).status == 200


@pytest.mark.parametrize(
    "audience",
    [
        BASE + PATIENT_VIEW, f"{BASE}{PATIENT_VIEW}/", f"{BASE}:443{PATIENT_VIEW}", f"HTTPS://CDS.Example{PATIENT_VIEW}",
        ["https://other.example", BASE + PATIENT_VIEW], [BASE + PATIENT_VIEW],
    ],
)  # fmt: skip
def test_s_10_s_11_the_audience_is_the_address_that_is_called_as_configured(make: Make, audience: Any) -> None:
    """S-10: string or array, must hold the endpoint. S-11: as configured, not Host; slash and port are tolerated."""
    headers = bearer(Signer().token(aud=audience)) | {"Host": "10.0.0.5:8000"}
    assert make(sandbox=False).post(PATIENT_VIEW, BODY, headers).status == 200


def test_s_11_a_base_address_with_a_path_and_a_port_is_part_of_it(make: Make, tmp_path: Path) -> None:
    """S-11: behind a proxy the address that is seen from outside counts."""
    client = make(**production(tmp_path, public_url="https://gate.example:8443/ionwise/"))
    good = Signer().token(aud=f"https://gate.example:8443/ionwise{PATIENT_VIEW}")
    assert client.post(PATIENT_VIEW, BODY, bearer(good)).status == 200
    assert client.post(PATIENT_VIEW, BODY, bearer(Signer().token(aud="https://gate.example/ionwise"))).status == 401


def test_s_11_a_client_may_have_an_audience_of_its_own(make: Make, tmp_path: Path) -> None:
    """S-11: Epic's is typed by hand, Meld sends `sand_man`."""
    client = make(**production(tmp_path, entry(tmp_path, Signer(), audiences=["sand_man"])))
    assert client.post(PATIENT_VIEW, BODY, bearer(Signer().token(aud="sand_man"))).status == 200
    assert client.post(PATIENT_VIEW, BODY, bearer(Signer().token(aud="sandman"))).status == 401


@pytest.mark.parametrize(("since", "until"), [(-300, -40), (40, 300), (0, 900), (0, 3600), (-1800, 1800), (0.5, 299.5)])
def test_s_12_s_13_times_within_the_skew_and_lives_up_to_an_hour_are_taken(
    make: Make, since: float, until: float
) -> None:
    """S-12: exp in the past by less than a minute. S-13: iat a little ahead; 15 minutes (Epic) and up to an hour."""
    now = time.time()
    token = Signer().token(iat=now + since, exp=now + until)
    assert make(sandbox=False).post(PATIENT_VIEW, BODY, bearer(token)).status == 200


def test_s_14_a_token_is_good_once_also_after_a_restart_and_at_another_service(make: Make, tmp_path: Path) -> None:
    """S-14: keyed with iss and jti, survives restarts, shared by all nodes."""
    first, second = (make(**production(tmp_path)) for _ in range(2))
    headers = signed()
    assert [first.post(PATIENT_VIEW, BODY, headers).status for _ in range(2)] == [200, 401]
    assert second.post(PATIENT_VIEW, BODY, headers).status == 401
    assert second.post(PATIENT_VIEW, BODY, signed(jti="x" * 64)).status == 200
    assert first.post(PATIENT_VIEW, BODY, signed(jti="x" * 64)).status == 401


def test_s_14_one_jti_of_two_issuers_is_two_tokens(make: Make, tmp_path: Path) -> None:
    """S-14: keyed with iss."""
    other = Signer(issuer="https://other.example", number=3)
    client = make(
        **production(tmp_path, entry(tmp_path, Signer()), entry(tmp_path, other, name="b", issuer=other.issuer))
    )
    for signer in (Signer(), other):
        assert client.post(PATIENT_VIEW, BODY, signed(signer=signer, jti="same")).status == 200


def test_s_14_while_replay_cannot_be_ruled_out_nobody_gets_in(make: Make, tmp_path: Path) -> None:
    """S-14: the store is away: 503 with Retry-After, and healed without a restart."""
    settings = production(tmp_path)
    (tmp_path / "data").write_text("no folder", "utf-8")
    client = make(**settings)
    reply = client.post(PATIENT_VIEW, BODY, signed())
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert client.post(PATIENT_VIEW, BODY, JSON).status == 401
    (tmp_path / "data").unlink()
    assert client.post(PATIENT_VIEW, BODY, signed()).status == 200


def test_s_19_a_kid_may_hold_plus_slash_and_equals(make: Make, tmp_path: Path) -> None:
    """S-19: as Epic's do."""
    signer = Signer("RS384", "ab+c/dEF==")
    client = make(**production(tmp_path, entry(tmp_path, signer)))
    assert client.post(PATIENT_VIEW, BODY, signed(signer=signer)).status == 200


def test_s_21_keys_in_the_header_are_not_looked_at(make: Make) -> None:
    """S-21: a good token may carry them; they never serve to verify (see the refusals)."""
    token = Signer().token({"jwk": Signer(number=9).jwk(), "x5u": "https://evil.example", "x5c": ["AAAA"]})
    assert make(sandbox=False).post(PATIENT_VIEW, BODY, bearer(token)).status == 200


def test_s_22_a_certificate_that_a_proxy_saw_is_no_token(make: Make) -> None:
    """S-22: mutual TLS is the proxy's, in addition to the token: its headers open nothing."""
    headers = JSON | {"X-SSL-Client-Verify": "SUCCESS", "X-Forwarded-Client-Cert": "Subject=CN=ehr"}
    assert make(sandbox=False).post(PATIENT_VIEW, BODY, headers).status == 401


def test_s_23_tokens_are_in_no_log_line_and_no_table(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """S-23: never stored or logged; iss and jti may be."""
    client, good, bad = make(**production(tmp_path)), Signer().token(), Signer().token(exp=1, jti="seen-by-operator")
    with caplog.at_level(logging.DEBUG):
        for token in (good, good, bad):
            client.post(PATIENT_VIEW, BODY, bearer(token))
    kept = b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())
    written = "\n".join(TextLines().format(record) for record in caplog.records)
    for part in (*good.split("."), *bad.split(".")):
        assert part not in written
        assert part.encode() not in kept
    assert "seen-by-operator" in written
    assert ISSUER in written


def test_s_23_what_a_stranger_writes_stays_on_one_short_log_line(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    """S-23: iss may be logged; it forges no lines."""
    token = Signer().token(iss="x\nrefused reason=none \x1b[31m é" + "y" * 5000)
    make(sandbox=False).post(PATIENT_VIEW, BODY, bearer(token))
    (line,) = [TextLines().format(record) for record in caplog.records if record.name == "ionwise.trust"]
    assert line.isascii()
    assert "\n" not in line
    assert len(line) < 500


def test_s_25_behind_a_proxy_a_call_in_clear_is_refused(make: Make) -> None:
    """S-25: plain http is refused, whatever token came with it; health is asked on the inside."""
    client = make(sandbox=False, trusted_proxies="10.0.0.1")
    for path, body in ((PATIENT_VIEW, BODY), (FEEDBACK, REPORT)):
        reply = client.post(path, body, signed(path))
        assert (reply.status, reply.json["issue"][0]["code"]) == (403, "security")
    assert client.get("/ready").status == 200


def test_discovery_is_open_unless_it_is_protected(make: Make) -> None:
    assert make(sandbox=False).get(GET).status == 200
    protected = make(sandbox=False, protect_discovery=True)
    assert protected.get(GET).status == 401
    assert protected.call("OPTIONS", GET).status == 204


def test_s_10_a_protected_discovery_has_an_audience_of_its_own(make: Make) -> None:
    """S-02, S-10: `{base}/cds-services` for discovery."""
    protected = make(sandbox=False, protect_discovery=True)
    reply = protected.call("GET", GET, headers=signed(GET))
    assert (reply.status, reply.headers["cache-control"]) == (200, "private, max-age=3600")
    assert protected.call("GET", GET, headers=signed(PATIENT_VIEW)).status == 401
    assert protected.call("GET", GET, headers=signed(GET) | {"If-None-Match": reply.headers["etag"]}).status == 304


def test_a_preflight_needs_no_token_and_a_refusal_can_be_read_by_a_browser(make: Make) -> None:
    client = make(sandbox=False, cors_origins="https://ehr.example")
    origin = {"Origin": "https://ehr.example"}
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    assert client.call("OPTIONS", PATIENT_VIEW, headers=origin | wanted).status == 200
    refused = client.post(PATIENT_VIEW, BODY, JSON | origin)
    assert (refused.status, refused.headers["access-control-allow-origin"]) == (401, "https://ehr.example")
    assert client.post(PATIENT_VIEW, BODY, signed() | origin).status == 200


def test_too_many_calls_get_a_429_that_leaves_the_token_unspent(make: Make, tmp_path: Path) -> None:
    other = Signer(issuer="https://other.example", number=3)
    few = entry(tmp_path, Signer(), requests_per_minute=2)
    client = make(**production(tmp_path, few, entry(tmp_path, other, name="other", issuer=other.issuer)))
    assert [client.post(PATIENT_VIEW, BODY, signed()).status for _ in range(2)] == [200, 200]
    late = signed()
    reply = client.post(PATIENT_VIEW, BODY, late)
    assert (reply.status, reply.json["issue"][0]["code"]) == (429, "throttled")
    assert 0 < int(reply.headers["retry-after"]) <= 30
    assert client.post(PATIENT_VIEW, BODY, signed(signer=other)).status == 200
    assert make(**production(tmp_path)).post(PATIENT_VIEW, BODY, late).status == 200


def test_strangers_do_not_use_up_a_clients_calls(make: Make, tmp_path: Path) -> None:
    client = make(**production(tmp_path, entry(tmp_path, Signer(), requests_per_minute=1)))
    for _ in range(5):
        assert client.post(PATIENT_VIEW, BODY, bearer(Signer(number=8).token())).status == 401
    assert client.post(PATIENT_VIEW, BODY, signed()).status == 200


def test_a_token_that_is_repeated_does_not_use_up_its_clients_calls(make: Make, tmp_path: Path) -> None:
    client = make(**production(tmp_path, entry(tmp_path, Signer(), requests_per_minute=2)))
    seen = signed()
    assert client.post(PATIENT_VIEW, BODY, seen).status == 200
    assert [client.post(PATIENT_VIEW, BODY, seen).status for _ in range(5)] == [401] * 5
    assert client.post(PATIENT_VIEW, BODY, signed()).status == 200


def test_the_sandbox_asks_for_no_token_but_verifies_the_one_that_is_sent(make: Make, tmp_path: Path) -> None:
    client = make(**production(tmp_path, sandbox=True))
    assert client.post(PATIENT_VIEW, BODY).status == 200
    assert client.post(PATIENT_VIEW, BODY, signed()).status == 200
    assert client.post(PATIENT_VIEW, BODY, signed(exp=1)).status == 401


def test_a_sandbox_without_clients_looks_at_no_token(make: Make) -> None:
    assert make().post(PATIENT_VIEW, BODY, signed(exp=1)).status == 200


def test_the_refusals_are_counted_by_reason(make: Make) -> None:
    client = make(sandbox=False)
    for headers in (JSON, signed(exp=1), signed(exp=1)):
        client.post(PATIENT_VIEW, BODY, headers)
    assert client.app.state.gate.refused == {"no-token": 1, "expired": 2}
