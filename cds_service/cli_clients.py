"""`ionwise clients`: who may call. Adds a trusted client, lists them, and tells why a token would be refused."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cds_service.errors import SettingsError

if TYPE_CHECKING:
    from cds_service.settings import Settings
    from cds_service.trust.clients import Client, Clients
    from cds_service.trust.key_ring import Fetch

commands = typer.Typer(no_args_is_help=True, help="The trusted clients: who may call, with which keys.")
File = Annotated[Path | None, typer.Option(help="The clients file. Default: IONWISE_CLIENTS_FILE.", dir_okay=False)]


@commands.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Our label for it, such as umc-test.")],
    issuer: Annotated[str, typer.Option(help="The iss of its tokens, letter by letter.")],
    key_set: Annotated[str | None, typer.Option(help="File with its JWK Set, relative to the clients file.")] = None,
    key_set_url: Annotated[list[str] | None, typer.Option(help="Where its JWK Set is (jku); repeatable.")] = None,
    audience: Annotated[list[str] | None, typer.Option(help="What it writes as aud instead; repeatable.")] = None,
    tenant: Annotated[list[str] | None, typer.Option(help="Tenant it may ask for; repeatable.")] = None,
    fhir_server: Annotated[list[str] | None, typer.Option(help="FHIR server that may be read; repeatable.")] = None,
    profile: Annotated[str | None, typer.Option(help="Its EHR: generic, epic, oracle or nl.")] = None,
    requests_per_minute: Annotated[int | None, typer.Option(help="How often it may call.")] = None,
    file: File = None,
) -> None:
    """Add a trusted client at the end of the file, if all is right; comments stay. Services follow at SIGHUP."""
    from cds_service.trust.client_entry import add_client

    members = {
        "name": name,
        "issuer": issuer,
        "key_set": key_set,
        "key_set_urls": key_set_url,
        "audiences": audience,
        "tenants": tenant,
        "profile": profile,
        "requests_per_minute": requests_per_minute,
        "fhir_servers": [{"base_url": url} for url in fhir_server or ()],
    }
    settings = _settings()
    path = _path(settings, file)
    add_client(path, members, plain_http=settings.sandbox)
    typer.echo(f"{name} is trusted from the next start or SIGHUP on ({path})")


@commands.command("list")
def list_clients(file: File = None) -> None:
    """List the trusted clients."""
    from rich.console import Console
    from rich.table import Table

    table = Table("client", "issuer", "keys", "tenants", "profile", "calls/min", "FHIR servers")
    for client in _read(_settings(), file).by_issuer.values():
        pinned = sum(map(len, client.pinned.keys.values()))
        table.add_row(
            client.name,
            client.issuer,
            "\n".join([*([f"{pinned} pinned"] if pinned else []), *client.key_urls]),
            ", ".join(client.tenants),
            client.profile or "-",
            str(client.requests_per_minute),
            "\n".join(server.base_url for server in client.fhir_servers) or "-",
        )
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@commands.command("test")
def try_client(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The client's name.")],
    jwt_file: Annotated[
        str | None, typer.Option("--token", help="File with a token to verify, or - for standard input.")
    ] = None,
    service: Annotated[str, typer.Option(help="Whom it is for: a service id, or discovery.")] = "ionwise-patient-view",
    file: File = None,
) -> None:
    """Read a client's keys, and tell exactly why a token would be refused. It is not used up."""
    settings = _settings()
    clients = _read(settings, file)
    client = clients.named(name)
    if client is None:
        raise typer.BadParameter(f"there is no client {name!r}", param_hint="NAME")
    sound = _show_keys(settings, client)
    for server in client.fhir_servers:
        typer.echo(f"FHIR server {server.base_url}: well formed; it was not called")
    if jwt_file is not None:
        text = sys.stdin.read() if jwt_file == "-" else _text(Path(jwt_file))
        sound = _show_verdict(settings, clients, name, text.strip(), service)
    if not sound:
        raise typer.Exit(1)


@commands.command("key-set")
def print_key_set(
    key: Annotated[Path, typer.Argument(metavar="KEY", help="Private key (PEM, P-384 or RSA).", dir_okay=False)],
    kid: Annotated[str, typer.Option(help="Key id to give it.")],
) -> None:
    """Print the JWK Set with the public half of a key, for who plays the client with `ionwise fire --key`."""
    from cds_service.ehr.credentials import read_key

    typer.echo(json.dumps(read_key(key, kid).key_set(), indent=1))


def _show_keys(settings: Settings, client: Client) -> bool:
    """Whether any key can be used."""
    from cds_service.trust.inspection import inspect_keys

    sources = asyncio.run(inspect_keys(client, _fetch(settings)))
    for source in sources:
        for line in source.lines():
            typer.echo(line)
    usable = any(source.found.keys for source in sources)
    if not usable:
        typer.echo("no key can be used: every token would be refused")
    return usable


def _show_verdict(settings: Settings, clients: Clients, name: str, token: str, service: str) -> bool:
    """Whether the token would be taken, if it was not used before."""
    from cds_service.trust.key_ring import KeyRing
    from cds_service.trust.reasons import RefusedTokenError
    from cds_service.trust.tokens import plain_address, verify_token

    if settings.public_url is None:
        raise SettingsError("IONWISE_PUBLIC_URL: missing -> set it: tokens are made out to it")
    path = "/cds-services" if service == "discovery" else f"/cds-services/{service}"
    now = datetime.now(UTC).timestamp()  # noqa: TID251 (a command line has a clock)
    endpoints = {plain_address(settings.public_url + path)}
    try:
        passport = asyncio.run(verify_token(token, clients, KeyRing(_fetch(settings)), endpoints, now))
    except RefusedTokenError as refused:
        typer.echo(f"refused ({refused.reason}): {refused}")
        return False
    if passport.client.name != name:
        typer.echo(f"refused (issuer): it is a token of {passport.client.name}")
        return False
    typer.echo(
        f"good, for tenant {passport.tenant}, {passport.expires_at - now:.0f} seconds more; used or not: not asked"
    )
    return True


def _fetch(settings: Settings) -> Fetch:
    from cds_service.trust.fetching import fetch_key_set

    return partial(fetch_key_set, sandbox=settings.sandbox)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{path} cannot be read ({type(error).__name__})", param_hint="--token") from None


def _settings() -> Settings:
    from cds_service.settings import read_settings

    return read_settings()


def _path(settings: Settings, file: Path | None) -> Path:
    path = file or settings.clients_file
    if path is None:
        raise SettingsError("IONWISE_CLIENTS_FILE: missing -> set it, or name the file with --file")
    return path


def _read(settings: Settings, file: Path | None) -> Clients:
    from cds_service.trust.client_file import read_clients

    return read_clients(_path(settings, file), plain_http=settings.sandbox)
