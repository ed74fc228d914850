"""What makes no difference between two addresses, and what does; the borders of the times, to the second."""

from __future__ import annotations

import pytest

from cds_service.trust.clients import Client, Clients
from cds_service.trust.key_ring import KeyRing
from cds_service.trust.key_set import read_key_set
from cds_service.trust.reasons import RefusedTokenError
from cds_service.trust.tokens import LONGEST_LIFE_SECONDS, SKEW_SECONDS, plain_address, verify_token
from tests.unit.trust.signer import BASE, ISSUER, Signer

NOW = 1_790_000_000
URL = f"{BASE}/cds-services/ionwise-patient-view"
SIGNER = Signer("ES256")
CLIENTS = Clients({ISSUER: Client("ehr", ISSUER, read_key_set(SIGNER.key_set()))})


async def verdict(**claims: object) -> str:
    """Why a token with these claims is refused at NOW; "" when it is taken."""
    try:
        await verify_token(SIGNER.token(None, NOW, **claims), CLIENTS, KeyRing(), {URL}, NOW)
    except RefusedTokenError as refused:
        return refused.reason
    return ""


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("https://a.example", "https://a.example"),
        ("https://a.example/", "https://a.example"),
        ("HTTPS://A.Example:443/x//", "https://a.example/x"),
        ("http://a.example:80/x", "http://a.example/x"),
        ("https://a.example:80/x", "https://a.example:80/x"),
        ("https://a.example:8443/X", "https://a.example:8443/X"),
        ("https://[2001:DB8::1]:443/x", "https://[2001:db8::1]/x"),
        ("https://a.example/x?y=1", "https://a.example/x?y=1"),
        ("https://a.example:port/x", "https://a.example:port/x"),
    ],
)
def test_s_11_case_of_the_host_default_port_and_last_slash_make_no_difference(written: str, plain: str) -> None:
    """S-11: and the case of the path, another port and a query do."""
    assert plain_address(written) == plain


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iat": NOW - 300, "exp": NOW - SKEW_SECONDS}, "expired"),
        ({"iat": NOW - 300, "exp": NOW - SKEW_SECONDS + 1}, ""),
        ({"iat": NOW + SKEW_SECONDS + 1}, "issued-later"),
        ({"iat": NOW + SKEW_SECONDS}, ""),
        ({"nbf": NOW + SKEW_SECONDS + 1}, "not-yet"),
        ({"nbf": NOW + SKEW_SECONDS}, ""),
        ({"exp": NOW + LONGEST_LIFE_SECONDS + 1}, "lifetime"),
        ({"exp": NOW + LONGEST_LIFE_SECONDS}, ""),
        ({"iat": NOW + 10, "exp": NOW + 10}, "lifetime"),
    ],
)
async def test_s_12_s_13_the_borders_of_the_times(claims: dict[str, int], reason: str) -> None:
    """S-12, S-13: a minute of skew, an hour of life."""
    assert await verdict(**claims) == reason
