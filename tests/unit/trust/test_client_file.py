"""The clients file: what may stand in it, and every mistake with file, line and remedy."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from cds_service.errors import SettingsError
from cds_service.fhir.servers import FhirServer
from cds_service.trust.client_file import read_clients
from cds_service.trust.keys import ALGORITHMS
from tests.unit.trust.signer import ISSUER, Signer

FULL = """
clients:
- name: umc
  issuer: https://ehr.example/fhir
  key_set: umc.jwks.json
  key_set_urls: [https://ehr.example/jwks, "https://ehr.example/jwks?org=1"]
  key_set_networks: [10.20.0.0/16, "fd00:1::/32"]
  audiences: [sand_man]
  algorithms: [ES384]
  tenants: [north, south]
  tenant_claims: {"urn:oid:1.2": south}
  profile: epic
  requests_per_minute: 600
  decision_extension: false
  fhir_servers:
  - base_url: https://ehr.example/fhir/
    private_networks: [10.20.0.0/16]
    ca_bundle: ca.pem
    client_certificate: own.pem
    client_key: own.key
    proxy: http://proxy.example:3128
- name: small
  issuer: small-1
  key_set: umc.jwks.json
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that the clients name."""
    (tmp_path / "umc.jwks.json").write_bytes(Signer().key_set())
    (tmp_path / "empty.json").write_bytes(b'{"keys": []}')
    (tmp_path / "no.json").write_bytes(b"-----BEGIN PUBLIC KEY-----")
    (tmp_path / "private.json").write_bytes(Signer().key_set(d="c2VjcmV0"))
    for name in ("ca.pem", "own.pem", "own.key"):
        (tmp_path / name).write_text("PEM", "utf-8")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    """The file with this text."""
    path = folder / "clients.yaml"
    path.write_text(text.lstrip("\n"), "utf-8")
    return path


def test_all_that_a_client_may_say(folder: Path) -> None:
    clients = read_clients(write(folder, FULL), tenants=["north", "south", "default"])
    umc, small = clients.named("umc"), clients.by_issuer["small-1"]
    assert umc is not None
    assert (umc.issuer, umc.profile, umc.requests_per_minute, umc.decision_extension) == (ISSUER, "epic", 600, False)
    assert list(umc.pinned.keys) == ["key-1"]
    assert umc.key_urls == ("https://ehr.example/jwks", "https://ehr.example/jwks?org=1")
    assert umc.key_networks == (ip_network("10.20.0.0/16"), ip_network("fd00:1::/32"))
    assert umc.audiences == {"sand_man"}
    assert umc.algorithms == {"ES384"}
    assert umc.fhir_servers == (
        FhirServer(
            base_url="https://ehr.example/fhir",
            private_networks=(ip_network("10.20.0.0/16"),),
            ca_bundle=folder / "ca.pem",
            client_certificate=folder / "own.pem",
            client_key=folder / "own.key",
            proxy="http://proxy.example:3128",
        ),
    )
    assert (small.tenants, small.algorithms, small.profile, small.fhir_servers) == (("default",), ALGORITHMS, None, ())


def test_s_16_which_tenant_a_claim_means(folder: Path) -> None:
    """S-16: a name of ours, or what the client calls it; without one only when there is one."""
    clients = read_clients(write(folder, FULL))
    umc, small = clients.by_issuer[ISSUER], clients.by_issuer["small-1"]
    assert [umc.tenant(claim) for claim in ("north", "urn:oid:1.2", "west", None)] == ["north", "south", None, None]
    assert [small.tenant(claim) for claim in ("default", "north", None)] == ["default", None, "default"]
    assert clients.named("nobody") is None


SMALL = "clients:\n- name: a\n  issuer: x\n  key_set: umc.jwks.json\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("", 1, "is empty or not a mapping -> see docs/connect-a-client.md"),
        ("clients: [", 2, "[yaml]"),
        ("clients: []\nclients: []", 2, "duplicate key"),
        ("client: []", 1, "unknown member 'client' -> did you mean 'clients'?"),
        ("clients:\n- name: a\n  issuer: x", 2, "the client has no keys -> name a key_set, key_set_urls or both"),
        ("clients:\n- issuer: x\n  key_set: umc.jwks.json", 2, "clients.0.name is missing"),
        (SMALL + "  isuer: y", 5, "unknown member 'clients.0.isuer' -> did you mean 'issuer'?"),
        (SMALL + "  requests_per_minute: 0", 5, "greater than or equal to 1"),
        (SMALL + "  requests_per_minute: '5'", 5, "valid integer"),
        (SMALL + "  profile: meditech", 5, "must be one of generic, epic, oracle, nl"),
        (SMALL + "  algorithms: [none]", 5, "input should be 'RS256'"),
        (SMALL + "  algorithms: [HS256]", 5, "input should be 'RS256'"),
        (SMALL + "  tenants: [west]", 5, "tenant west is not served -> name one of default, north"),
        (SMALL + "  tenant_claims: {x: north}", 5, "north is not among tenants"),
        (SMALL + "  key_set_urls: [http://ehr.example/jwks]", 5, "begins with http: -> use https"),
        (SMALL + "  key_set_urls: [ehr.example]", 5, "must be an address such as"),
        (SMALL + "  key_set_urls: ['https://u:geheim@ehr.example']", 5, "no user, no password"),
        (SMALL + "  key_set_urls: ['https://ehr.example/a b']", 5, "must be an address such as"),
        (SMALL + "  key_set_urls: ['https://[']", 5, "must be an address such as"),
        (SMALL + "  key_set_networks: [10.0.0.1/8]", 5, "must be an address range"),
        *(
            (SMALL + f"  key_set_networks: ['{network}']", 5, "must not reach into link-local, metadata, loopback")
            for network in (
                "169.254.0.0/16",
                "169.254.169.254/32",
                "127.0.0.0/8",
                "0.0.0.0/0",
                "::/0",
                "::1/128",
                "fe80::/64",
                "224.0.0.0/4",
                "fd00:ec2::254/128",
                "168.63.129.16/32",
                "::ffff:10.0.0.0/104",
                "64:ff9b::/96",
            )
        ),
        (
            SMALL + "  fhir_servers:\n  - base_url: https://e.example\n    private_networks: [169.254.0.0/16]",
            7,
            "must not reach into link-local",
        ),
        (SMALL + "  fhir_servers:\n  - base_url: http://ehr.example", 6, "begins with http: -> use https"),
        (SMALL + "  fhir_servers:\n  - base_url: https://ehr.example/?x=1", 6, "must hold no query"),
        (SMALL + "  fhir_servers:\n  - base_url: https://e.example\n    ca_bundle: gone.pem", 7, "gone.pem is no file"),
        (SMALL.replace("umc.jwks", "gone"), 4, "gone.json cannot be read (FileNotFoundError) -> put the JWK Set there"),
        (SMALL.replace("umc.jwks", "no"), 4, "no.json is no JSON -> ask the client for its public JWK Set"),
        (SMALL.replace("umc.jwks", "empty"), 4, "no key in empty.json can be used: the set is empty"),
        (SMALL.replace("umc.jwks", "private"), 4, "key 1: holds a private or shared secret"),
        (SMALL + "- name: a\n  issuer: y\n  key_set: umc.jwks.json", 5, "another client has this name too"),
        (SMALL + "- name: b\n  issuer: x\n  key_set: umc.jwks.json", 6, "another client has this issuer too"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_remedy(folder: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        read_clients(write(folder, text), tenants=["default", "north"])
    told = str(refused.value).splitlines()
    assert any(f"clients.yaml:{line}: " in one and message in one and " -> " in one for one in told), told
    assert "geheim" not in str(refused.value)


def test_all_mistakes_are_told_at_once(folder: Path) -> None:
    text = SMALL + "  tenants: [west]\n- name: b\n  issuer: y\n  key_set: gone.json\n"
    with pytest.raises(SettingsError) as refused:
        read_clients(write(folder, text), tenants=["default"])
    assert len(str(refused.value).splitlines()) == 2


def test_the_sandbox_allows_plain_http(folder: Path) -> None:
    path = write(folder, SMALL + "  key_set_urls: [http://127.0.0.1:8080/jwks]")
    assert read_clients(path, plain_http=True).by_issuer["x"].key_urls == ("http://127.0.0.1:8080/jwks",)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"IONWISE_CLIENTS_FILE: .* cannot be read \(FileNotFoundError\)"):
        read_clients(tmp_path / "gone.yaml")
