"""A FHIR server that a client lets us read, and how it may be reached."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

import msgspec


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
