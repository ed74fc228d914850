"""Which addresses may be called, in every form in which they can be written."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.fhir.addresses import METADATA, AddressRules, is_allowed, is_disguised, resolve_by_system

NONE = AddressRules()
ALL = AddressRules(loopback=True, networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
NEVER = (
    "0.1.2.3", "169.254.0.1", "169.254.169.254", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "::", "fe80::1", "ff02::1", "fd00:ec2::254", "fd20:ce::254", "fec0::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
    "2001:0:7f00:1::", "64:ff9b:1::7f00:1", "::7f00:1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "::ffff:0.0.0.0",
)  # fmt: skip
PRIVATE = (
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "fd12:3456::1",
    "::ffff:10.1.2.3",
    "64:ff9b::a01:203",
)
LOOPBACK = ("127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1")
PUBLIC = ("93.184.215.14", "2606:2800:21f::1", "::ffff:93.184.215.14", "64:ff9b::5db8:d70e")


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_are_never_called(address: str) -> None:
    assert not is_allowed(ip_address(address), ALL)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_has_to_be_listed(address: str) -> None:
    assert not is_allowed(ip_address(address), AddressRules(loopback=True))
    assert is_allowed(ip_address(address), ALL)


@pytest.mark.parametrize("address", LOOPBACK)
def test_this_machine_is_called_in_the_sandbox_only(address: str) -> None:
    assert not is_allowed(ip_address(address), AddressRules(networks=ALL.networks))
    assert is_allowed(ip_address(address), AddressRules(loopback=True))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    assert is_allowed(ip_address(address), NONE)


def test_a_network_is_that_network_only() -> None:
    rules = AddressRules(networks=(ip_network("10.20.0.0/16"),))
    assert is_allowed(ip_address("10.20.3.4"), rules)
    assert not is_allowed(ip_address("10.21.3.4"), rules)
    assert not is_allowed(ip_address("fd12::1"), rules)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_inside_ipv6_is_judged_as_itself(address: IPv4Address) -> None:
    for wrapped in (IPv6Address(f"::ffff:{address}"), IPv6Address(int(IPv6Address("64:ff9b::")) + int(address))):
        for rules in (NONE, ALL):
            assert is_allowed(wrapped, rules) == is_allowed(address, rules)


@given(st.ip_addresses())
def test_without_any_rule_only_what_is_public_is_called(address: IPv4Address | IPv6Address) -> None:
    if is_allowed(address, NONE):
        inner = address.ipv4_mapped if isinstance(address, IPv6Address) and address.ipv4_mapped else address
        assert inner.is_global or inner in ip_network("64:ff9b::/96")
        assert address not in METADATA


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.01", "1.2.3.4.5", "127.0.0.1."]
)
def test_an_address_in_disguise_is_seen(host: str) -> None:
    assert is_disguised(host)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "ehr.example", "ehr.example.", "3com.example", "a.1b", "::1", "0xab.example"]
)
def test_an_honest_host_is_not_taken_for_one(host: str) -> None:
    assert not is_disguised(host)


def test_the_system_tells_every_address_once() -> None:
    found = asyncio.run(resolve_by_system("127.0.0.1", 80))
    assert found == (ip_address("127.0.0.1"),)


def test_a_host_that_cannot_be_a_name_is_not_known() -> None:
    with pytest.raises(OSError, match=r"."):
        asyncio.run(resolve_by_system("a" * 300, 80))
