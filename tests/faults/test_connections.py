"""Servers that cannot be reached, and servers that must not be: what is refused, and that nothing was sent to them."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cds_service.fhir.addresses import Address, Resolver, resolve_by_system
from cds_service.fhir.client import Access, FhirClients
from cds_service.fhir.failures import OutboundError
from cds_service.fhir.outbound import Room
from cds_service.fhir.queries import Query
from cds_service.fhir.servers import FhirServer
from tests.faults.ehr import TOKEN, Ehr, running
from tests.http.client import Reply

LOOPBACK = (ip_address("127.0.0.1"),)
PATIENT = Query("Patient/p-67")


def names(table: Mapping[str, Sequence[Address]]) -> Resolver:
    """A resolver that knows these names only; each list is told once in full, then from its end (as rebinding does)."""
    asked: list[str] = []

    async def resolve(host: str, _: int) -> Sequence[Address]:
        asked.append(host)
        if host not in table:
            raise OSError("not known")
        return table[host][-1:] if asked.count(host) > 1 else table[host][:1]

    return resolve


def access() -> Access:
    """A token for a while."""
    return Access(TOKEN, asyncio.get_running_loop().time() + 5, None, Room(10**6))


async def ask(server: FhirServer, *, sandbox: bool = True, resolve: Resolver | None = None) -> bytes:
    """One read of one server, by a client made for it."""
    clients = FhirClients(sandbox=sandbox, resolve=resolve or resolve_by_system)
    try:
        async with clients.of(server) as client:
            return (await client.ask(PATIENT, access()))[1]
    finally:
        await clients.aclose()


def failure(server: FhirServer, *, sandbox: bool = True, resolve: Resolver | None = None) -> str:
    """The name of what goes wrong."""
    with pytest.raises(OutboundError) as failed:
        asyncio.run(ask(server, sandbox=sandbox, resolve=resolve))
    return failed.value.failure.value


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for a host name, with its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, SHA256())
    )
    path = folder / f"{name}.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return path


def tls_server(pem: Path) -> ssl.SSLContext:
    """The server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def test_nobody_listens() -> None:
    async def free_port() -> int:
        async with Ehr() as gone:
            return gone.port

    assert failure(FhirServer(f"http://127.0.0.1:{asyncio.run(free_port())}/fhir")) == "connect"


def test_a_name_that_nobody_knows() -> None:
    assert failure(FhirServer("http://ehr.example/fhir"), resolve=names({})) == "dns"


def test_a_name_that_leads_nowhere() -> None:
    assert failure(FhirServer("http://ehr.example/fhir"), resolve=names({"ehr.example": ()})) == "dns"


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    async def play() -> tuple[str, int]:
        async with Ehr(tls=tls_server(certificate(tmp_path, "ehr.example"))) as ehr:
            server = FhirServer(f"https://ehr.example:{ehr.port}/fhir")
            with pytest.raises(OutboundError) as failed:
                await ask(server, resolve=names({"ehr.example": LOOPBACK}))
            return failed.value.failure.value, len(ehr.asked)

    assert asyncio.run(play()) == ("tls", 0)


@pytest.mark.parametrize(("name", "told"), [("ehr.example", "ok"), ("other.example", "tls")])
def test_a_certificate_of_the_server_s_own_authority_counts_for_the_name_only(
    name: str, told: str, tmp_path: Path
) -> None:
    async def play() -> str:
        pem = certificate(tmp_path, "ehr.example")
        async with Ehr(tls=tls_server(pem)) as ehr:
            server = FhirServer(f"https://{name}:{ehr.port}/fhir", ca_bundle=pem)
            try:
                await ask(server, resolve=names({name: LOOPBACK}))
            except OutboundError as failed:
                return failed.failure.value
            assert ehr.asked[0].headers["host"] == f"{name}:{ehr.port}"
            return "ok"

    assert asyncio.run(play()) == told


def test_a_certificate_file_that_is_not_there_is_a_failure_of_its_server(tmp_path: Path) -> None:
    assert failure(FhirServer("https://ehr.example/fhir", ca_bundle=tmp_path / "gone.pem")) == "tls"


def test_a_name_is_resolved_once_and_what_it_leads_to_later_does_not_matter() -> None:
    """DNS rebinding: a public address for the check, another one for the connection."""
    table = {"ehr.example": (ip_address("127.0.0.1"), ip_address("169.254.169.254"))}

    async def play() -> int:
        async with Ehr() as ehr:
            await ask(FhirServer(f"http://ehr.example:{ehr.port}/fhir"), resolve=names(table))
            return ehr.connections

    assert asyncio.run(play()) == 1


def test_one_bad_address_among_good_ones_refuses_them_all() -> None:
    async def both(_: str, __: int) -> Sequence[Address]:
        return ip_address("127.0.0.1"), ip_address("169.254.169.254")

    async def play() -> tuple[str, int]:
        async with Ehr() as canary:
            with pytest.raises(OutboundError) as failed:
                await ask(FhirServer(f"http://ehr.example:{canary.port}/fhir"), resolve=both)
            return failed.value.failure.value, canary.connections

    assert asyncio.run(play()) == ("refused-address", 0)


REFUSED = {
    "loopback, outside the sandbox": ("https://127.0.0.1:{port}/fhir", "refused-address"),
    "loopback by name": ("https://localhost:{port}/fhir", "refused-address"),
    "loopback as IPv6": ("https://[::1]:{port}/fhir", "refused-address"),
    "loopback mapped into IPv6": ("https://[::ffff:127.0.0.1]:{port}/fhir", "refused-address"),
    "loopback through NAT64": ("https://[64:ff9b::7f00:1]:{port}/fhir", "refused-address"),
    "loopback through 6to4": ("https://[2002:7f00:1::]:{port}/fhir", "refused-address"),
    "loopback in decimal": ("https://2130706433:{port}/fhir", "refused-address"),
    "loopback in octal": ("https://0177.0.0.1:{port}/fhir", "refused-url"),
    "loopback in hexadecimal": ("https://0x7f000001:{port}/fhir", "refused-address"),
    "loopback, short": ("https://127.1:{port}/fhir", "refused-address"),
    "any address": ("https://0.0.0.0:{port}/fhir", "refused-address"),
    "plain http": ("http://127.0.0.1:{port}/fhir", "refused-url"),
    "credentials in the address": ("https://user:secret@127.0.0.1:{port}/fhir", "refused-url"),
    "another scheme": ("ftp://127.0.0.1:{port}/fhir", "refused-url"),
    "no host": ("https:///fhir", "refused-url"),
}


@pytest.mark.parametrize(("address", "told"), REFUSED.values(), ids=REFUSED)
def test_outside_the_sandbox_no_request_leaves_for(address: str, told: str) -> None:
    """S-32, S-34: a canary listens where each address leads to."""

    async def play() -> tuple[str, int]:
        async with Ehr() as canary:
            with pytest.raises(OutboundError) as failed:
                await ask(FhirServer(address.format(port=canary.port)), sandbox=False)
            return failed.value.failure.value, canary.connections

    assert asyncio.run(play()) == (told, 0)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "224.0.0.1", "240.0.0.1", "fd00:ec2::254", "100.100.100.200", "10.1.2.3", "fd12::1"],
)
def test_in_the_sandbox_too_a_name_must_not_lead_to(address: str) -> None:
    resolve = names({"ehr.example": (ip_address(address),)})
    assert failure(FhirServer("http://ehr.example/fhir"), resolve=resolve) == "refused-address"


def test_this_machine_is_no_private_network_that_a_server_could_list() -> None:
    resolve = names({"ehr.example": (ip_address("127.8.8.8"),)})
    listed = FhirServer("https://ehr.example/fhir", private_networks=(ip_network("127.0.0.0/8"),))
    assert failure(listed, sandbox=False, resolve=resolve) == "refused-address"


@pytest.mark.parametrize("target", ["http://169.254.169.254/", "{canary}", "file:///etc/passwd", "//127.0.0.2/"])
def test_a_redirect_is_not_followed_and_no_token_goes_elsewhere(target: str) -> None:
    """S-33."""

    async def play() -> tuple[Reply, int]:
        async with Ehr() as canary:
            told = target.format(canary=canary.base)

            async def redirect(_: object, writer: asyncio.StreamWriter) -> None:
                writer.write(f"HTTP/1.1 302 Found\r\nLocation: {told}\r\nContent-Length: 0\r\n\r\n".encode())

            async with Ehr(redirect) as ehr, running() as service:
                return await service.call(ehr.base), canary.connections

    reply, reached = asyncio.run(play())
    assert (reply.status, reached) == (412, 0)
    assert "redirect" in reply.complaint


def test_a_server_s_cookies_are_not_kept() -> None:
    async def play() -> list[dict[str, str]]:
        async def answer(_: object, writer: asyncio.StreamWriter) -> None:
            body = b'{"resourceType":"Patient","id":"p-67"}'
            writer.write(b"HTTP/1.1 200 OK\r\nSet-Cookie: s=1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

        async with Ehr(answer) as ehr:
            clients = FhirClients(sandbox=True)
            async with clients.of(FhirServer(ehr.base)) as client:
                await client.ask(PATIENT, access())
                await client.ask(PATIENT, access())
            await clients.aclose()
            return [dict(asked.headers) for asked in ehr.asked]

    assert not any("cookie" in headers for headers in asyncio.run(play()))


def test_the_environment_names_no_proxy_for_us(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> tuple[int, int]:
        async with Ehr() as proxy, Ehr() as ehr:
            for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
                monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
            await ask(FhirServer(ehr.base))
            return proxy.connections, ehr.connections

    assert asyncio.run(play()) == (0, 1)


def test_the_proxy_of_a_server_is_used() -> None:
    async def play() -> tuple[int, str, str]:
        async with Ehr(path="http://ehr.example/fhir") as proxy:
            await ask(FhirServer("http://ehr.example/fhir", proxy=f"http://me:secret@127.0.0.1:{proxy.port}"))
            asked = proxy.asked[0]
            return proxy.connections, asked.path, asked.headers["proxy-authorization"]

    assert asyncio.run(play()) == (1, "Patient/p-67", "Basic bWU6c2VjcmV0")


def test_a_proxy_is_no_way_around_the_rules() -> None:
    async def play() -> tuple[str, int]:
        async with Ehr() as proxy:
            server = FhirServer("http://169.254.169.254/fhir", proxy=f"http://127.0.0.1:{proxy.port}")
            with pytest.raises(OutboundError) as failed:
                await ask(server)
            return failed.value.failure.value, proxy.connections

    assert asyncio.run(play()) == ("refused-address", 0)


def test_a_look_up_that_takes_its_time_does_not_keep_others_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name server answers only after another client was answered."""

    async def play() -> tuple[int, int]:
        others_answered = asyncio.Event()

        async def resolve(_: str, __: int) -> Sequence[Address]:
            await others_answered.wait()
            return LOOPBACK

        monkeypatch.setattr("cds_service.app.FhirClients", partial(FhirClients, resolve=resolve))
        async with Ehr() as ehr, running() as service:
            slow = asyncio.create_task(service.call(f"http://ehr.example:{ehr.port}/fhir"))
            await asyncio.sleep(0.05)
            live = await service.client.ask("GET", "/live", [b""], {})
            others_answered.set()
            return live.status, (await slow).status

    assert asyncio.run(play()) == (200, 200)
