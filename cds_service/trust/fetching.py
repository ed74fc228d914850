"""Fetching one JWK Set: a name looked up once, every address of it judged, and a connection to just that address.

No redirects, no proxies from the environment, bounded in size and time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from cds_service.trust.clients import Networks
from cds_service.trust.keys import KeySetError

SECONDS = 3.0
MOST_BYTES = 256 * 1024
_GLOBAL_V6 = ip_network("2000::/3")
_HEADERS = {"accept": "application/jwk-set+json, application/json", "accept-encoding": "identity"}


async def fetch_key_set(url: str, networks: Networks) -> bytes:
    """The body at `url`, which is on the allow-list. networks: private ranges in which its host may be.

    Raises KeySetError for everything but a 200 of a moderate size in time.
    """
    try:
        async with asyncio.timeout(SECONDS):
            address = httpx.URL(url)
            return await _read_from_any(address, await _resolve(address, networks))
    except TimeoutError:
        raise KeySetError(f"no answer within {SECONDS:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise KeySetError(f"the connection failed ({type(error).__name__})") from None


def is_admitted(address: IPv4Address | IPv6Address, networks: Networks) -> bool:
    """Whether we may connect to an address: a public one, or one in the ranges that the operator named."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if any(address in network for network in networks):
        return True
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_V6 or address.sixtofour is not None):
        return False
    return address.is_global and not address.is_multicast


async def _resolve(url: httpx.URL, networks: Networks) -> tuple[str, ...]:
    """The addresses to connect to. All that the name leads to must be admitted: else its owner chooses among them."""
    port = url.port or (443 if url.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    addresses = [ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(is_admitted(address, networks) for address in addresses):
        raise KeySetError("its address is private or special, and not in key_set_networks")
    return tuple(dict.fromkeys(map(str, addresses)))


async def _read_from_any(url: httpx.URL, checked: tuple[str, ...]) -> bytes:
    """The body from the first address that takes the connection."""
    for address in checked[:-1]:
        with contextlib.suppress(httpx.ConnectError):
            return await _read(url, address)
    return await _read(url, checked[-1])


async def _read(url: httpx.URL, checked: str) -> bytes:
    verify: ssl.SSLContext | bool = False
    if url.scheme == "https":
        verify = await asyncio.to_thread(_authorities)
    name = {"Host": url.netloc.decode("ascii"), **_HEADERS}
    async with (
        httpx.AsyncClient(verify=verify, trust_env=False, follow_redirects=False, timeout=SECONDS) as client,
        client.stream(
            "GET", url.copy_with(host=checked), headers=name, extensions={"sni_hostname": url.host}
        ) as response,
    ):
        if response.status_code != httpx.codes.OK:
            raise KeySetError(f"it answered with status {response.status_code}")
        if response.headers.get("content-encoding", "identity") != "identity":
            raise KeySetError("it answered compressed, which was not asked for")
        body = bytearray()
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > MOST_BYTES:
                raise KeySetError(f"it is larger than {MOST_BYTES} bytes")
        return bytes(body)


@lru_cache(maxsize=1)
def _authorities() -> ssl.SSLContext:
    """Read once, and not in the event loop: it takes tens of milliseconds. SSL_CERT_FILE names other ones."""
    return httpx.create_ssl_context()
