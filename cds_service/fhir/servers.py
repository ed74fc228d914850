"""FHIR servers that a client lets us read: how they may be reached, and which addresses are theirs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import httpx
import msgspec

from cds_service.fhir.failures import Failure, OutboundError

# What readers of an address disagree about: blanks, control characters, backslashes, dots and slashes in disguise.
_AMBIGUOUS = re.compile(
    r"^[^?]*(?:[\s\x00-\x1f\x7f\\]|%(?:25)*(?:2e|2f|5c|00)|/\.\.?(?:[/?#;]|%(?:25)*3b|$))", re.IGNORECASE
)


class FhirServer(msgspec.Struct, frozen=True):
    """One allow-listed FHIR server of one client.

    base_url            without trailing slash; requests go to this scheme, host, port and below this path only
    private_networks    private address ranges in which its address may lie; none: public addresses only
    ca_bundle           PEM file with the authorities to trust instead of the system's
    client_certificate  PEM file shown in mutual TLS, with client_key when the key is not in the same file
    proxy               http(s) address of the proxy through which it is reached
    """

    base_url: str
    private_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    ca_bundle: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    proxy: str | None = None


def read_base(text: str) -> httpx.URL:
    """A base address in its one spelling: host in lower case, no default port, no trailing slash.

    Raises OutboundError for anything else than scheme, host, port and path.
    """
    url = _read(text)
    if url.query or url.fragment or "?" in text or "#" in text:
        raise OutboundError(Failure.REFUSED_URL)
    return url.copy_with(path=url.path.rstrip("/") or "/")


def choose_server(named: str, servers: Iterable[FhirServer]) -> FhirServer:
    """The allow-listed server that a request names. Raises OutboundError when it is none of them."""
    base = read_base(named)
    for server in servers:
        if read_base(server.base_url) == base:
            return server
    raise OutboundError(Failure.REFUSED_SERVER)


def next_page(link: str, page: str, base: httpx.URL) -> httpx.URL:
    """The address of the next page, told absolutely or relatively to `page`.

    Raises OutboundError when it leads off the server's scheme, host and port, or outside its base path.
    """
    try:
        url = _read(str(httpx.URL(page).join(link))) if not _AMBIGUOUS.search(link) else None
    except (httpx.InvalidURL, ValueError, OutboundError):
        url = None
    if url is None or (url.scheme, url.host, url.port) != (base.scheme, base.host, base.port):
        raise OutboundError(Failure.ELSEWHERE)
    root = base.path.rstrip("/")
    if url.path not in (root, f"{root}/") and not url.path.startswith(f"{root}/"):
        raise OutboundError(Failure.ELSEWHERE)
    return url.copy_with(fragment=None)


def _read(text: str) -> httpx.URL:
    if _AMBIGUOUS.search(text):
        raise OutboundError(Failure.REFUSED_URL)
    try:
        url = httpx.URL(text)
        host = url.host  # read when asked for, and then found to be no name
    except (httpx.InvalidURL, ValueError):
        raise OutboundError(Failure.REFUSED_URL) from None
    credentials = "@" in text.partition("://")[2].partition("/")[0]
    if url.scheme not in ("http", "https") or not host or credentials or (url.port or 1) > 65535:
        raise OutboundError(Failure.REFUSED_URL)
    return url
