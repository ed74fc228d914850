"""Which internet addresses may be called: judged after the name was resolved, on every address it leads to."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import msgspec

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]
"""From host and port to addresses. Raises OSError when the name is not known."""

# Where clouds hand out credentials to whoever asks; most are refused for other reasons too, but not all.
METADATA = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # nearly all
        "fd00:ec2::254",  # Amazon
        "fd00:ec2::23",  # Amazon, for pods
        "fd00:42::42",  # Scaleway
        "fd20:ce::254",  # Google
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
# Other addresses that carry an IPv4 address inside, where a check of what is inside could be fooled; site-local.
_NEVER = tuple(
    ip_network(text)
    for text in ("0.0.0.0/8", "2002::/16", "2001::/32", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96", "fec0::/10")
)
# Of no use in a list of private ranges: refused whatever it says, this machine outside the sandbox too.
_UNLISTABLE = (
    *_NEVER,
    _NAT64,
    *map(ip_network, ("127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::ffff:0:0/96", "fe80::/10", "ff00::/8")),
)
_NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)\.?\Z")


class AddressRules(msgspec.Struct, frozen=True):
    """What may be called besides public addresses: this very machine, and these private networks."""

    loopback: bool = False
    networks: tuple[Network, ...] = ()


def is_allowed(address: Address, rules: AddressRules) -> bool:
    """Whether an address may be called.

    Never: link-local, cloud metadata, multicast, unspecified, reserved, 6to4, Teredo. An address that stands for an
    IPv4 address (mapped, NAT64) is judged as that one.
    """
    plain = _plain(address)
    if plain.is_loopback:
        return rules.loopback
    if plain in METADATA or any(plain in network for network in _NEVER if network.version == plain.version):
        return False
    if plain.is_link_local or plain.is_multicast or plain.is_unspecified or plain.is_reserved:
        return False
    if plain.is_global:
        return True
    return any(plain in network for network in rules.networks if network.version == plain.version)


def is_listable(network: Network) -> bool:
    """Whether a range may stand in a list of private networks: none that reaches into what is refused anyway, as
    link-local addresses, this machine and the whole internet do."""
    if network.num_addresses == 1 and network.network_address in METADATA:
        return False
    return not any(network.overlaps(never) for never in _UNLISTABLE if never.version == network.version)


def is_disguised(host: str) -> bool:
    """Whether a host is an IPv4 address in a form that readers disagree about: decimal, octal, hexadecimal, short."""
    if not _NUMBER.match(host.rpartition(".")[2] or host.rstrip(".").rpartition(".")[2]):
        return False
    try:
        IPv4Address(host)
    except ValueError:
        return True
    return False


async def resolve_by_system(host: str, port: int) -> tuple[Address, ...]:
    """Every address of a host, each once, as the system's resolver knows it; does not block the event loop."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("no host name") from error
    return tuple(dict.fromkeys(ip_address(str(place[0]).partition("%")[0]) for *_, place in found))


def _plain(address: Address) -> Address:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
