"""Fetching a JWK Set: one bounded answer from an address that was judged, or a reason."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from cds_service.trust import fetching
from cds_service.trust.fetching import MOST_BYTES, fetch_key_set, is_admitted
from cds_service.trust.keys import KeySetError
from tests.unit.trust.canary import Canary, certificate, listening, ok

pytestmark = pytest.mark.anyio
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
SET = b'{"keys":[]}'


def url(canary: Canary, host: str = "127.0.0.1", scheme: str = "http") -> str:
    """Where it listens."""
    return f"{scheme}://{host}:{canary.port}/jwks?v=1"


async def test_a_set_is_read_and_the_host_is_named() -> None:
    async with listening(Canary(ok(SET))) as canary:
        assert await fetch_key_set(url(canary, "localhost"), LOOPBACK) == SET
    head = canary.requests[0].lower()
    assert head.startswith(b"get /jwks?v=1 http/1.1")
    assert b"host: localhost:%d" % canary.port in head
    assert b"accept-encoding: identity" in head


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_s_18_a_private_address_that_is_not_allowed_gets_no_connection(host: str) -> None:
    """S-18: no private addresses."""
    async with listening(Canary(ok(SET))) as canary:
        with pytest.raises(KeySetError, match="private"):
            await fetch_key_set(url(canary, host), (ip_network("10.0.0.0/8"),))
    assert canary.requests == []


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ((b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/x\r\ncontent-length: 0\r\n\r\n",), "status 302"),
        ((b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",), "status 500"),
        ((ok(b"x" * (MOST_BYTES + 1)),), "larger than"),
        ((b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 64), "larger than"),
        ((ok(gzip.compress(b"x" * 10_000_000), b"content-encoding: gzip"),), "compressed"),
        ((b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",), "RemoteProtocolError"),
        ((b"no http at all\r\n\r\n",), "RemoteProtocolError"),
        ((), "RemoteProtocolError"),
    ],
)
async def test_s_18_anything_but_a_moderate_200_is_a_reason(answers: tuple[bytes, ...], why: str) -> None:
    """S-18: no redirects, a limit of size."""
    async with listening(Canary(*answers)) as canary:
        with pytest.raises(KeySetError, match=why):
            await fetch_key_set(url(canary), LOOPBACK)
    assert len(canary.requests) == 1


@pytest.mark.parametrize("answers", [(ok(SET),), tuple(bytes([byte]) for byte in ok(SET))])
async def test_s_18_a_slow_answer_is_not_waited_for(
    answers: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-18: a limit of time, for the whole and not per piece."""
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    async with listening(Canary(*answers, delay=30 if len(answers) == 1 else 0.05)) as canary:
        with pytest.raises(KeySetError, match="seconds"):
            await fetch_key_set(url(canary), LOOPBACK)


async def test_a_server_that_is_not_there_is_a_reason() -> None:
    async with listening(Canary()) as canary:
        pass
    with pytest.raises(KeySetError, match="ConnectError"):
        await fetch_key_set(url(canary), LOOPBACK)


async def test_a_host_with_an_address_that_is_dead_is_reached_at_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()

    async def both(host: str, port: int, **_: object) -> list[object]:
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1", "127.0.0.1")]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    async with listening(Canary(ok(SET))) as canary:
        assert await fetch_key_set(url(canary, "two.example"), LOOPBACK) == SET
        with pytest.raises(KeySetError, match="private"):
            await fetch_key_set(url(canary, "two.example"), (ip_network("127.0.0.1/32"),))
    assert len(canary.requests) == 1


async def test_a_fetch_leaves_the_event_loop_free() -> None:
    beats = 0
    async with listening(Canary(ok(SET), delay=0.2)) as canary:
        waiting = asyncio.ensure_future(fetch_key_set(url(canary), LOOPBACK))
        while not waiting.done():
            await asyncio.sleep(0.005)
            beats += 1
    assert beats > 10


async def test_tls_is_checked_against_the_name_not_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("localhost", "127.0.0.1"):
        pem = certificate(tmp_path, name)
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        server.load_cert_chain(pem)
        trusting = ssl.create_default_context(cafile=pem)
        monkeypatch.setattr(fetching, "_authorities", lambda trusting=trusting: trusting)
        async with listening(Canary(ok(SET)), server) as canary:
            fetched = fetch_key_set(url(canary, "localhost", "https"), LOOPBACK)
            if name == "localhost":
                assert await fetched == SET
            else:
                with pytest.raises(KeySetError, match="ConnectError"):
                    await fetched


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate(tmp_path, "localhost"))
    async with listening(Canary(ok(SET)), server) as canary:
        with pytest.raises(KeySetError, match="ConnectError"):
            await fetch_key_set(url(canary, "localhost", "https"), LOOPBACK)
    assert canary.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1", "::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254",
        "ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::7f00:1", "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1",
    ],
)  # fmt: skip
def test_s_18_special_addresses_are_not_admitted(address: str) -> None:
    """S-18: no private, link-local or metadata addresses, however they are written."""
    assert not is_admitted(ip_address(address), ())


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_public_addresses_are_admitted(address: str) -> None:
    assert is_admitted(ip_address(address), ())


def test_a_range_that_the_operator_named_is_admitted() -> None:
    networks = (ip_network("10.20.0.0/16"),)
    assert is_admitted(ip_address("10.20.1.1"), networks)
    assert is_admitted(ip_address("::ffff:10.20.1.1"), networks)
    assert not is_admitted(ip_address("10.21.1.1"), networks)
