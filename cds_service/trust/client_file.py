"""The clients file: its shape, and every mistake in it with line and remedy (docs/connect-a-client.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from cds_service.errors import Finding, KnowledgeError, SettingsError
from cds_service.fhir.addresses import is_listable
from cds_service.fhir.profiles import PROFILES
from cds_service.fhir.servers import FhirServer
from cds_service.knowledge.file_model import FileModel, Id, Sentence, read_model
from cds_service.knowledge.tenant import DEFAULT_TENANT
from cds_service.knowledge.yaml_strict import Document, parse_yaml
from cds_service.trust.clients import REQUESTS_PER_MINUTE, Client, Clients
from cds_service.trust.key_set import read_key_set
from cds_service.trust.keys import ALGORITHMS, KeySet, KeySetError

GUIDE = "docs/connect-a-client.md"
CHECK = "clients"
VARIABLE = "IONWISE_CLIENTS_FILE"


def _address(value: str) -> str:
    try:
        parts = urlsplit(value)
        sound = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        sound, parts = False, urlsplit("")
    if not sound or not value.isascii() or any(character.isspace() for character in value):
        raise ValueError("must be an address such as https://ehr.example/fhir")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise ValueError("must hold no user, no password and no fragment")
    return value


def _base(value: str) -> str:
    if urlsplit(_address(value)).query:
        raise ValueError("must hold no query")
    return value.rstrip("/")


def _network(value: str) -> str:
    try:
        network = ip_network(value)
    except ValueError:
        raise ValueError("must be an address range such as 10.20.0.0/16") from None
    if not is_listable(network):
        raise ValueError("must not reach into link-local, metadata, loopback, multicast or reserved addresses")
    return value


Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
Word = Annotated[str, Field(pattern=r"^\S+$", max_length=500)]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


def _profile(value: str) -> str:
    if value not in PROFILES:
        raise ValueError(f"must be one of {', '.join(PROFILES)}")
    return value


class FhirServerEntry(FileModel):
    """A FHIR server of the client. Paths of files are relative to the clients file."""

    base_url: Annotated[str, AfterValidator(_base)]
    private_networks: tuple[Network, ...] = ()
    ca_bundle: Sentence | None = None
    client_certificate: Sentence | None = None
    client_key: Sentence | None = None
    proxy: Address | None = None


class ClientEntry(FileModel):
    """A client as written; clients.py says what the members mean."""

    name: Id
    issuer: Word
    key_set: Sentence | None = None
    key_set_urls: tuple[Address, ...] = ()
    key_set_networks: tuple[Network, ...] = ()
    audiences: tuple[Word, ...] = ()
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] | None = None
    tenants: Annotated[tuple[Id, ...], Field(min_length=1)] = (DEFAULT_TENANT,)
    tenant_claims: dict[str, Id] = {}
    profile: Annotated[str, AfterValidator(_profile)] | None = None
    requests_per_minute: Annotated[int, Field(ge=1)] = REQUESTS_PER_MINUTE
    decision_extension: bool | None = None
    fhir_servers: tuple[FhirServerEntry, ...] = ()


class ClientsFile(FileModel):
    """The whole file."""

    clients: tuple[ClientEntry, ...]


def read_clients(path: Path, *, tenants: Collection[str] | None = None, plain_http: bool = False) -> Clients:
    """The clients of a file, their pinned keys read.

    tenants: those that are served, None for any. plain_http: whether addresses may begin with http (sandbox).
    Raises SettingsError with every mistake, each with file, line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{VARIABLE}: {path} cannot be read ({type(error).__name__}) -> name a YAML file of clients, see {GUIDE}"
        ) from None
    return parse_clients(text, path, tenants=tenants, plain_http=plain_http)


def parse_clients(
    text: str, path: Path, *, tenants: Collection[str] | None = None, plain_http: bool = False
) -> Clients:
    """The same for a text that stands, or would stand, in the file at `path`."""
    try:
        document = parse_yaml(text, path.as_posix())
        file, findings = read_model(document, ClientsFile, guide=GUIDE)
    except KnowledgeError as refused:
        raise SettingsError(str(refused)) from None
    found: dict[str, Client] = {}
    if file is not None:
        reader = _Reader(document, path.parent, tenants, plain_http)
        found = {entry.issuer: reader.client(place, entry) for place, entry in enumerate(file.clients)}
        reader.refuse_doubles(file.clients)
        findings = reader.findings
    if findings:
        raise SettingsError("\n".join(str(finding) for finding in sorted(findings)))
    return Clients(found)


class _Reader:
    """Turns entries into clients and collects what only the file system or another entry shows to be wrong."""

    def __init__(self, document: Document, folder: Path, tenants: Collection[str] | None, plain_http: bool) -> None:
        self.findings: list[Finding] = []
        self._document = document
        self._folder = folder
        self._tenants = tenants
        self._plain_http = plain_http

    def client(self, place: int, entry: ClientEntry) -> Client:
        """One client."""

        def wrong(problem: str, remedy: str, *inside: str | int) -> None:
            self.findings.append(self._document.finding(("clients", place, *inside), problem, remedy, CHECK))

        self._check(entry, wrong)
        return Client(
            name=entry.name,
            issuer=entry.issuer,
            pinned=self._keys(entry, wrong),
            key_urls=entry.key_set_urls,
            key_networks=_networks(entry.key_set_networks),
            audiences=frozenset(entry.audiences),
            algorithms=ALGORITHMS if entry.algorithms is None else frozenset(entry.algorithms),
            tenants=entry.tenants,
            tenant_claims=entry.tenant_claims,
            profile=entry.profile,
            decision_extension=entry.decision_extension,
            requests_per_minute=entry.requests_per_minute,
            fhir_servers=tuple(self._server(n, server, wrong) for n, server in enumerate(entry.fhir_servers)),
        )

    def _check(self, entry: ClientEntry, wrong: Callable[..., None]) -> None:
        if entry.key_set is None and not entry.key_set_urls:
            wrong("the client has no keys", "name a key_set, key_set_urls or both")
        for number, url in enumerate(entry.key_set_urls):
            self._want_https(url, wrong, "key_set_urls", number)
        named = {*entry.tenants, *entry.tenant_claims.values()}
        if self._tenants is not None and (unknown := sorted(named - set(self._tenants))):
            known = ", ".join(sorted(self._tenants))
            wrong(f"tenant {', '.join(unknown)} is not served", f"name one of {known}", "tenants")
        if outside := sorted(set(entry.tenant_claims.values()) - set(entry.tenants)):
            wrong(f"{', '.join(outside)} is not among tenants", "list it under tenants too", "tenant_claims")

    def _keys(self, entry: ClientEntry, wrong: Callable[..., None]) -> KeySet:
        if entry.key_set is None:
            return KeySet()
        try:
            found = read_key_set((self._folder / entry.key_set).read_bytes())
        except OSError as error:
            wrong(f"{entry.key_set} cannot be read ({type(error).__name__})", "put the JWK Set there", "key_set")
            return KeySet()
        except KeySetError as error:
            wrong(f"{entry.key_set} {error}", "ask the client for its public JWK Set", "key_set")
            return KeySet()
        if not found.keys:
            why = "; ".join(found.left_out) or "the set is empty"
            wrong(f"no key in {entry.key_set} can be used: {why}", "ask the client for its public JWK Set", "key_set")
        return found

    def _server(self, number: int, entry: FhirServerEntry, wrong: Callable[..., None]) -> FhirServer:
        self._want_https(entry.base_url, wrong, "fhir_servers", number, "base_url")

        def file(member: str) -> Path | None:
            written: str | None = getattr(entry, member)
            if written is None:
                return None
            if not (self._folder / written).is_file():
                wrong(f"{written} is no file", "name the PEM file", "fhir_servers", number, member)
            return self._folder / written

        return FhirServer(
            base_url=entry.base_url,
            private_networks=_networks(entry.private_networks),
            ca_bundle=file("ca_bundle"),
            client_certificate=file("client_certificate"),
            client_key=file("client_key"),
            proxy=entry.proxy,
        )

    def _want_https(self, url: str, wrong: Callable[..., None], *inside: str | int) -> None:
        if not self._plain_http and not url.startswith("https:"):
            wrong("the address begins with http:", "use https; http is for the sandbox", *inside)

    def refuse_doubles(self, entries: tuple[ClientEntry, ...]) -> None:
        """Names and issuers tell clients apart."""
        for member in ("name", "issuer"):
            seen: set[str] = set()
            for place, entry in enumerate(entries):
                value = getattr(entry, member)
                if value in seen:
                    inside = ("clients", place, member)
                    problem = f"another client has this {member} too"
                    self.findings.append(self._document.finding(inside, problem, "keep one of them", CHECK))
                seen.add(value)


def _networks(written: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(one) for one in written)
