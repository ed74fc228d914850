"""Fetching a JWK Set: one bounded answer from an address that was judged, or a reason."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from ipaddress import ip_network
from pathlib import Path

import pytest

from cds_service.trust import fetching
from cds_service.trust.fetching import MOST_BYTES, fetch_key_set
from cds_service.trust.keys import KeySetError
from tests.unit.trust.canary import Canary, certificate, listening, ok

pytestmark = pytest.mark.anyio
SET = b'{"keys":[]}'


def url(canary: Canary, host: str = "127.0.0.1", scheme: str = "http") -> str:
    """Where it listens."""
    return f"{scheme}://{host}:{canary.port}/jwks?v=1"


async def fetch(address: str) -> bytes:
    """The set there, from this machine and without TLS if need be."""
    return await fetch_key_set(address, (), sandbox=True)


async def test_a_set_is_read_and_the_host_is_named() -> None:
    async with listening(Canary(ok(SET))) as canary:
        assert await fetch(url(canary, "localhost")) == SET
    head = canary.requests[0].lower()
    assert head.startswith(b"get /jwks?v=1 http/1.1")
    assert b"host: localhost:%d" % canary.port in head


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"])
async def test_s_18_this_machine_is_never_asked_outside_the_sandbox(host: str) -> None:
    """S-18: no loopback, however it is written and whatever is listed."""
    networks = (ip_network("127.0.0.0/8"), ip_network("::/0"))
    async with listening(Canary(ok(SET))) as canary:
        with pytest.raises(KeySetError, match="refused-address"):
            await fetch_key_set(url(canary, host, "https"), networks)
    assert canary.connections == 0


@pytest.mark.parametrize("told", ["10.1.2.3", "169.254.169.254", "fe80::1", "fd00:ec2::254", "224.0.0.1"])
async def test_s_18_a_name_must_not_lead_to_a_private_or_special_address(
    told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-18: also when another address of the name is good, and in the sandbox too."""
    loop = asyncio.get_running_loop()

    async def both(host: str, port: int, **_: object) -> list[object]:
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.1", told)]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    async with listening(Canary(ok(SET))) as canary:
        with pytest.raises(KeySetError, match="refused-address"):
            await fetch(url(canary, "two.example"))
    assert canary.connections == 0


@pytest.mark.parametrize("address", ["https://xn--a/jwks", "https://[::1/", "https://ehr.example:x/"])
async def test_an_address_that_is_none_is_a_reason(address: str) -> None:
    with pytest.raises(KeySetError, match="no address"):
        await fetch_key_set(address, ())


async def test_s_18_a_set_is_not_fetched_in_clear_outside_the_sandbox() -> None:
    async with listening(Canary(ok(SET))) as canary:
        with pytest.raises(KeySetError, match="refused-url"):
            await fetch_key_set(url(canary), (ip_network("127.0.0.0/8"),))
    assert canary.connections == 0


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ((b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/x\r\ncontent-length: 0\r\n\r\n",), "status 302"),
        ((b"HTTP/1.1 500 Oops\r\ncontent-length: 0\r\n\r\n",), "status 500"),
        ((ok(b"x" * (MOST_BYTES + 1)),), "too-large"),
        ((b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65536] * 64), "too-large"),
        ((ok(gzip.compress(b"x" * 10_000_000), b"content-encoding: gzip"),), "too-large"),
        ((ok(b"x", b"content-encoding: br"),), "encoding"),
        ((b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",), "closed"),
        ((b"no http at all\r\n\r\n",), "closed"),
        ((), "closed"),
    ],
)
async def test_s_18_anything_but_a_moderate_200_is_a_reason(answers: tuple[bytes, ...], why: str) -> None:
    """S-18: no redirects, a limit of size."""
    async with listening(Canary(*answers)) as canary:
        with pytest.raises(KeySetError, match=why):
            await fetch(url(canary))
    assert len(canary.requests) == 1


@pytest.mark.parametrize("answers", [(ok(SET),), tuple(bytes([byte]) for byte in ok(SET))])
async def test_s_18_a_slow_answer_is_not_waited_for(
    answers: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-18: a limit of time, for the whole and not per piece."""
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    async with listening(Canary(*answers, delay=30 if len(answers) == 1 else 0.05)) as canary:
        with pytest.raises(KeySetError, match="seconds"):
            await fetch(url(canary))


async def test_a_server_that_is_not_there_is_a_reason() -> None:
    async with listening(Canary()) as canary:
        pass
    with pytest.raises(KeySetError, match="connect"):
        await fetch(url(canary))


async def test_a_host_with_an_address_that_is_dead_is_reached_at_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()

    async def both(host: str, port: int, **_: object) -> list[object]:
        return [(0, 0, 0, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1", "127.0.0.1")]

    monkeypatch.setattr(loop, "getaddrinfo", both)
    async with listening(Canary(ok(SET))) as canary:
        assert await fetch(url(canary, "two.example")) == SET
    assert len(canary.requests) == 1


async def test_a_fetch_leaves_the_event_loop_free() -> None:
    beats = 0
    async with listening(Canary(ok(SET), delay=0.2)) as canary:
        waiting = asyncio.ensure_future(fetch(url(canary)))
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
        monkeypatch.setattr(fetching, "system_tls", lambda trusting=trusting: trusting)
        async with listening(Canary(ok(SET)), server) as canary:
            fetched = fetch(url(canary, "localhost", "https"))
            if name == "localhost":
                assert await fetched == SET
            else:
                with pytest.raises(KeySetError, match="tls"):
                    await fetched


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate(tmp_path, "localhost"))
    async with listening(Canary(ok(SET)), server) as canary:
        with pytest.raises(KeySetError, match="tls"):
            await fetch(url(canary, "localhost", "https"))
    assert canary.requests == []
