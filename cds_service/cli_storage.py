"""`ionwise db`, `ionwise rule` and `ionwise stats`: what an operator does with the database."""

from __future__ import annotations

import getpass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cds_service.cli_database import (
    Author,
    Reason,
    Tenant,
    configured_people,
    now,
    operator_trail,
    people_if_any,
    say_nothing_known,
    with_database,
)
from cds_service.knowledge.tenant import DEFAULT_TENANT

if TYPE_CHECKING:
    from cds_service.storage.database import Database

db = typer.Typer(no_args_is_help=True, help="The database: schema, retention, erasure.")
rule = typer.Typer(no_args_is_help=True, help="Switch a rule off, silent or on in all running processes.")


@db.command()
def upgrade() -> None:
    """Bring the schema up to date. SQLite does so by itself when the service starts."""

    async def work(database: Database) -> None:
        await database.upgrade()

    with_database(work, prepared=False)
    typer.echo("the schema is up to date")


@db.command()
def prune() -> None:
    """Delete what is older than the settings allow. Run it every day."""
    from cds_service.settings import read_settings
    from cds_service.storage.retention import Retention
    from cds_service.storage.retention import prune as delete_old

    async def work(database: Database) -> None:
        settings = read_settings(sandbox=True)
        keep = Retention(
            settings.keep_ledger_days,
            settings.keep_comment_days,
            settings.keep_counter_days,
            settings.keep_audit_days,
        )
        people = people_if_any()
        keys = None if people is None else people.seal_keys()
        for table, count in (await delete_old(database, keep, now(), keys)).items():
            typer.echo(f"{table}: {count} rows deleted")

    with_database(work)


@db.command()
def erase(
    patient: Annotated[str, typer.Option(help="The patient's FHIR id, as the EHR sends it in `context.patientId`.")],
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Erase everything kept of one patient: cards, feedback and comments, under all keys of the key file."""
    from cds_service.storage.retention import erase_patient

    async def work(database: Database) -> None:
        people = configured_people()
        erased = await erase_patient(database, people, tenant, patient, operator_trail(people), now())
        typer.echo(f"erased: {erased.cards} rows of the ledger, {erased.feedback} feedback reports")
        typer.echo(f"emptied: {erased.audit} rows of the audit trail")
        if not (erased.cards or erased.feedback or erased.audit):
            say_nothing_known(tenant)
        if erased.out_of_reach:
            typer.echo(f"{erased.out_of_reach} rows of this tenant are under keys that the key file no longer holds")

    with_database(work)


@rule.command()
def off(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="A rule, or * for all.")],
    reason: Reason,
    tenant: Tenant = DEFAULT_TENANT,
    author: Author = None,
) -> None:
    """Stop a rule: it is not evaluated any more."""
    _switch(rule_id, "off", tenant, reason, author)


@rule.command()
def silent(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="A rule, or * for all.")],
    reason: Reason,
    tenant: Tenant = DEFAULT_TENANT,
    author: Author = None,
) -> None:
    """Keep a rule evaluated and recorded, but show nothing of it."""
    _switch(rule_id, "silent", tenant, reason, author)


@rule.command()
def on(
    rule_id: Annotated[str, typer.Argument(metavar="RULE", help="A rule, or * for all.")],
    reason: Reason,
    tenant: Tenant = DEFAULT_TENANT,
    author: Author = None,
) -> None:
    """Take a switch back. A switch for every rule or every tenant (*) stays in force."""
    _switch(rule_id, "on", tenant, reason, author)


def stats(
    days: Annotated[int, typer.Option(min=1, help="How many days, today included.")] = 30,
    tenant: Annotated[str | None, typer.Option(help="Only this tenant.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Tell what the rules did, what clinicians answered and what the EHR sent."""
    from cds_service.storage import stats as figures

    async def work(database: Database) -> None:
        today = now().date()
        found = await figures.collect(database, today - timedelta(days=days - 1), today, tenant)
        typer.echo(figures.as_json(found) if as_json else figures.as_text(found))

    with_database(work)


def _switch(rule_id: str, state: Any, tenant: str, reason: str, author: str | None) -> None:
    from cds_service.knowledge.load import load_knowledge
    from cds_service.settings import read_settings
    from cds_service.storage.switches import EVERY, Switch, set_switch

    async def work(database: Database) -> None:
        people = people_if_any()
        switch = Switch(tenant, rule_id, state, author or getpass.getuser(), reason, now())
        await set_switch(database, switch, None if people is None else operator_trail(people))

    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    settings = read_settings(sandbox=True)
    if tenant != EVERY:
        _refuse_nobody(tenant, settings.tenants_dir)
    known = {found.id for found in load_knowledge(settings.cards_dir, drafts=True).rules}
    if rule_id != EVERY and rule_id not in known:
        raise typer.BadParameter(f"{rule_id!r} is no rule")
    with_database(work)
    typer.echo(f"{rule_id} is {state} for tenant {tenant}; running processes follow within a minute")


def _refuse_nobody(tenant: str, tenants_dir: Path | None) -> None:
    """A switch for a tenant that is not served would look as if it worked."""
    from cds_service.errors import KnowledgeError
    from cds_service.knowledge.tenants import tenant_names

    try:
        served = frozenset() if tenants_dir is None else tenant_names(tenants_dir)
    except KnowledgeError:  # a broken overlay must not keep a rule from being switched off
        return
    if served and tenant not in served:
        raise typer.BadParameter(f"{tenant!r} is none of {', '.join(sorted(served))}", param_hint="--tenant")
