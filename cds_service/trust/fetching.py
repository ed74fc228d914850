"""Fetching one JWK Set by the rules of all requests of ours (fhir/outbound): judged addresses, no redirects, bounds."""

from __future__ import annotations

import asyncio

import httpx

from cds_service.fhir.addresses import AddressRules
from cds_service.fhir.failures import Failure, OutboundError
from cds_service.fhir.outbound import Room, open_client, read_body, system_tls
from cds_service.trust.clients import Networks
from cds_service.trust.keys import KeySetError

SECONDS = 3.0
MOST_BYTES = 256 * 1024
_HEADERS = {"Accept": "application/jwk-set+json, application/json"}


async def fetch_key_set(url: str, networks: Networks, *, sandbox: bool = False) -> bytes:
    """The body at `url`, which is on the allow-list. networks: private ranges in which its host may be. sandbox:
    whether plain http and this machine may be called.

    Raises KeySetError for everything but a 200 of a moderate size in time.
    """
    rules = AddressRules(loopback=sandbox, networks=tuple(networks))
    try:
        async with asyncio.timeout(SECONDS):
            tls = await asyncio.to_thread(system_tls)
            async with (
                open_client(rules, plain_http=sandbox, tls=tls) as client,
                client.stream("GET", url, headers=_HEADERS) as response,
            ):
                if response.status_code != httpx.codes.OK:
                    raise KeySetError(f"it answered with status {response.status_code}")
                return await read_body(response, Room(MOST_BYTES))
    except TimeoutError:
        raise KeySetError(f"no answer within {SECONDS:g} seconds") from None
    except OutboundError as error:
        raise KeySetError(_told(error.failure)) from None
    except (httpx.InvalidURL, ValueError):  # a host that is no name in any language is found only now
        raise KeySetError("it is no address") from None


def _told(failure: Failure) -> str:
    """What an operator reads: the name of the failure, and what to do where that is ours to say."""
    if failure is Failure.REFUSED_ADDRESS:
        return f"{failure}: it is private and not in key_set_networks, or an address that is never called"
    if failure is Failure.TOO_LARGE:
        return f"{failure}: more than {MOST_BYTES} bytes"
    return failure.value
