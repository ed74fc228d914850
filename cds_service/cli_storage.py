"""`ionwise db`, `ionwise rule` and `ionwise stats`: what an operator does with the database."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from cds_service.errors import IonwiseError, SettingsError
from cds_service.knowledge.tenant import DEFAULT_TENANT

if TYPE_CHECKING:
    from cds_service.storage.audit import Trail
    from cds_service.storage.database import Database
    from cds_service.storage.pseudonyms import Pseudonyms

Tenant = Annotated[str, typer.Option(help="Tenant whose data or rules are meant.")]
Reason = Annotated[str, typer.Option(help="Why: it is kept with the switch.")]
Author = Annotated[str | None, typer.Option(help="Who decided. Default: the user of this computer.")]

db = typer.Typer(no_args_is_help=True, help="The database: schema, retention, erasure.")
audit = typer.Typer(no_args_is_help=True, help="The audit trail: whether it is whole, and what it tells of a patient.")
rule = typer.Typer(no_args_is_help=True, help="Switch a rule off, silent or on in all running processes.")


@db.command()
def upgrade() -> None:
    """Bring the schema up to date. SQLite does so by itself when the service starts."""

    async def work(database: Database) -> None:
        await database.upgrade()

    _with_database(work, prepared=False)
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
        people = _people()
        keys = None if people is None else people.seal_keys()
        for table, count in (await delete_old(database, keep, _now(), keys)).items():
            typer.echo(f"{table}: {count} rows deleted")

    _with_database(work)


@db.command()
def erase(
    patient: Annotated[str, typer.Option(help="The patient's FHIR id, as the EHR sends it in `context.patientId`.")],
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Erase everything kept of one patient: cards, feedback and comments, under all keys of the key file."""
    from cds_service.storage.retention import erase_patient

    async def work(database: Database) -> None:
        people = _people(required=True)
        assert people is not None  # noqa: S101 (narrowing)
        erased = await erase_patient(database, people, tenant, patient, _trail(people), _now())
        typer.echo(f"erased: {erased.cards} rows of the ledger, {erased.feedback} feedback reports")
        typer.echo(f"emptied: {erased.audit} rows of the audit trail")
        if erased.out_of_reach:
            typer.echo(f"{erased.out_of_reach} rows of this tenant are under keys that the key file no longer holds")

    _with_database(work)


@audit.command()
def verify() -> None:
    """Check that no row of the audit trail was changed, removed or reordered. Ends with status 1 when one was."""
    from cds_service.storage.audit_check import AuditReport
    from cds_service.storage.audit_check import verify as check

    found: list[AuditReport] = []

    async def work(database: Database) -> None:
        people = _people(required=True)
        assert people is not None  # noqa: S101 (narrowing)
        found.append(await check(database, people.seal_keys()))

    _with_database(work)
    (report,) = found
    typer.echo(f"{report.rows} rows in {report.chains} chains, {report.emptied} emptied by an erasure")
    if report.unsealed:
        typer.echo(
            f"{report.unsealed} rows are under keys that the key file no longer holds: their place is certain only"
        )
    for problem in report.problems:
        typer.echo(problem)
    if report.problems:
        raise typer.Exit(1)


@audit.command()
def history(
    patient: Annotated[str, typer.Option(help="The patient's FHIR id, as the EHR sends it in `context.patientId`.")],
    tenant: Tenant = DEFAULT_TENANT,
) -> None:
    """Tell who was answered about a patient, when and with which cards: one JSON object per line, oldest first."""
    from cds_service.storage.audit_check import history as read

    async def work(database: Database) -> None:
        people = _people(required=True)
        assert people is not None  # noqa: S101 (narrowing)
        values = [pseudonym.value for pseudonym in people.patient(tenant, patient)]
        for said in await read(database, tenant, values):
            typer.echo(said)

    _with_database(work)


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
        today = _now().date()
        found = await figures.collect(database, today - timedelta(days=days - 1), today, tenant)
        typer.echo(figures.as_json(found) if as_json else figures.as_text(found))

    _with_database(work)


def _switch(rule_id: str, state: Any, tenant: str, reason: str, author: str | None) -> None:
    from cds_service.knowledge.load import load_knowledge
    from cds_service.settings import read_settings
    from cds_service.storage.switches import EVERY, Switch, set_switch

    async def work(database: Database) -> None:
        people = _people()
        switch = Switch(tenant, rule_id, state, author or getpass.getuser(), reason, _now())
        await set_switch(database, switch, None if people is None else _trail(people))

    if not reason.strip():
        raise typer.BadParameter("say why", param_hint="--reason")
    try:
        known = {found.id for found in load_knowledge(read_settings(sandbox=True).cards_dir, drafts=True).rules}
    except IonwiseError as error:
        _refuse(error)
    if rule_id != EVERY and rule_id not in known:
        raise typer.BadParameter(f"{rule_id!r} is no rule")
    _with_database(work)
    typer.echo(f"{rule_id} is {state} for tenant {tenant}; running processes follow within a minute")


def _people(*, required: bool = False) -> Pseudonyms | None:
    """The pseudonyms as configured; None when there is no key yet and none is required. SettingsError for a bad one."""
    from cds_service.settings import read_settings
    from cds_service.storage.pseudonyms import find_pseudonyms

    settings = read_settings(sandbox=True)
    try:
        return find_pseudonyms(settings.pseudonym_key_file, settings.data_dir, create=False)
    except SettingsError:
        if required or settings.pseudonym_key_file is not None:
            raise
        return None


def _trail(people: Pseudonyms) -> Trail:
    from cds_service.settings import release
    from cds_service.storage.audit import OPERATOR, Trail

    return Trail(OPERATOR, people.seal_keys(), release())


def _with_database(work: Callable[[Database], Awaitable[None]], *, prepared: bool = True) -> None:
    """Run some work on the configured database, and close it. A refusal or failure ends the command with status 2."""
    from cds_service.settings import read_settings
    from cds_service.storage.database import Database, locate

    async def run() -> None:
        settings = read_settings(sandbox=True)
        database = Database(locate(settings.database_url, settings.data_dir))
        try:
            if prepared:
                await database.prepare()
            await work(database)
        finally:
            await database.close()

    try:
        asyncio.run(run())
    except IonwiseError as error:
        _refuse(error)


def _refuse(error: IonwiseError) -> NoReturn:
    typer.echo(str(error), err=True)
    raise typer.Exit(2)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 (a command line has a clock)
